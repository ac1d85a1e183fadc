"""The formal protocol as a Word document."""

from io import BytesIO
from typing import Final

import docx
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt

from beseda.features.minutes.notes import Notes
from beseda.features.minutes.source import NumberedText
from beseda.features.minutes.wording import DECISIONS, NONE, TASKS, Wording
from beseda.locales import Text

_TITLE: Final = Text("documents.protocol.title")
_FIELDS = (
    ("", Text("documents.protocol.subject")),
    ("date", Text("documents.protocol.date")),
    ("venue", Text("documents.protocol.venue")),
)
_GROUP = Text("documents.protocol.group")
_CHAIR = Text("documents.protocol.chair")
_SECRETARY = Text("documents.protocol.secretary")
_MEMBERS = Text("documents.protocol.members")
_AGENDA = Text("documents.protocol.agenda")
_COURSE = Text("documents.protocol.course")
_HEARD = Text("documents.protocol.heard")
_RESOLVED = Text("documents.protocol.resolved")
_COLUMNS = (
    Text("documents.protocol.columns.number"),
    Text("documents.protocol.columns.task"),
    Text("documents.protocol.columns.owner"),
    Text("documents.protocol.columns.due"),
    Text("documents.protocol.columns.source"),
)
_SIGNATURES = Text("documents.protocol.signatures")


def write_protocol(notes: Notes, source: NumberedText, language: str) -> bytes:
    """Return the protocol as the content of a `.docx`."""
    wording = Wording(language)
    page = docx.Document()
    _set_style(page, notes.title or wording.say(_TITLE))
    _write_head(page, notes, source, wording)
    _write_group(page, notes, wording)
    _write_agenda(page, notes, wording)
    _write_course(page, notes, wording)
    _write_tasks(page, notes, wording)
    _write_signatures(page, notes, wording)
    content = BytesIO()
    page.save(content)
    return content.getvalue()


def _set_style(page: WordDocument, title: str) -> None:
    normal = page.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(12)
    for section in page.sections:
        section.left_margin, section.right_margin = Cm(3), Cm(1.5)
    page.core_properties.author, page.core_properties.title = "Beseda", title[:250]
    page.core_properties.comments = ""


def _write_head(page: WordDocument, notes: Notes, source: NumberedText, wording: Wording) -> None:
    for text in (wording.known(notes.facts.get("organisation", "")), wording.say(_TITLE)):
        paragraph = page.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.add_run(text).bold = True
    for name, label in _FIELDS:
        value = notes.facts.get(name, "") if name else notes.title
        _write_field(page, wording.say(label), wording.known(value))
    for line in wording.origin(source.transcript):
        page.add_paragraph(line)


def _write_group(page: WordDocument, notes: Notes, wording: Wording) -> None:
    page.add_heading(wording.say(_GROUP), 2)
    _write_field(page, wording.say(_CHAIR), wording.known(notes.facts.get("chair", "")))
    _write_field(page, wording.say(_SECRETARY), wording.known(notes.facts.get("secretary", "")))
    _write_field(page, wording.say(_MEMBERS), "")
    for line in wording.people(notes):
        page.add_paragraph(line, "List Bullet")


def _write_agenda(page: WordDocument, notes: Notes, wording: Wording) -> None:
    page.add_heading(wording.say(_AGENDA), 2)
    for number, topic in enumerate(notes.topics, 1):
        page.add_paragraph(f"{number}. {topic.title}")
    if not notes.topics:
        page.add_paragraph(wording.known(""))


def _write_course(page: WordDocument, notes: Notes, wording: Wording) -> None:
    """Write the discussion topic by topic. A decision is named under the topic during which it was taken."""
    page.add_heading(wording.say(_COURSE), 2)
    ends = [topic.passage.number for topic in notes.topics[1:]] + [None]
    begin = 0
    for number, (topic, end) in enumerate(zip(notes.topics, ends, strict=False), 1):
        label = wording.say(_HEARD, number=number, place=topic.passage.place(wording.language))
        _write_field(page, label, wording.known(topic.summary))
        for order, decision in enumerate(notes.decisions, 1):
            if begin <= decision.passage.number and (end is None or decision.passage.number < end):
                _write_field(page, wording.say(_RESOLVED, number=order), decision.text)
        begin = end or begin
    if not notes.topics:
        page.add_paragraph(wording.known(""))
    page.add_heading(wording.say(DECISIONS), 2)
    for number, decision in enumerate(notes.decisions, 1):
        page.add_paragraph(f"{number}. {decision.text.rstrip('.')}. {wording.votes(decision).capitalize()}.")
        page.add_paragraph(wording.quote(decision)).paragraph_format.left_indent = Cm(1)
    if not notes.decisions:
        page.add_paragraph(wording.say(NONE))


def _write_tasks(page: WordDocument, notes: Notes, wording: Wording) -> None:
    page.add_heading(wording.say(TASKS), 2)
    if not notes.tasks:
        page.add_paragraph(wording.say(NONE))
        return
    table = page.add_table(rows=1, cols=len(_COLUMNS))
    table.style = "Table Grid"
    for cell, label in zip(table.rows[0].cells, _COLUMNS, strict=True):
        cell.paragraphs[0].add_run(wording.say(label)).bold = True
    for number, task in enumerate(notes.tasks, 1):
        values = (str(number), task.text, wording.known(task.owner), wording.known(task.due), wording.quote(task))
        for cell, value in zip(table.add_row().cells, values, strict=True):
            cell.text = value


def _write_signatures(page: WordDocument, notes: Notes, wording: Wording) -> None:
    page.add_heading(wording.say(_SIGNATURES), 2)
    for label, name in ((_CHAIR, "chair"), (_SECRETARY, "secretary")):
        who = wording.known(notes.facts.get(name, ""))
        page.add_paragraph(f"{wording.say(label)}: ____________________ / {who} /")


def _write_field(page: WordDocument, label: str, value: str) -> None:
    paragraph = page.add_paragraph()
    paragraph.add_run(f"{label}: ").bold = True
    paragraph.add_run(value)
