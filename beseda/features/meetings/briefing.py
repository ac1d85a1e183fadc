"""Briefings for the owner before a meeting: written by a model, with facts quoted from the lead's own messages.

A briefing is written after the meeting is confirmed, so that it is available before the meeting.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beseda.core.chat import Conversation
from beseda.core.clock import Clock
from beseda.core.errors import EmptyAnswerError
from beseda.core.message import Message, Role
from beseda.engine.conversations.repository import ConversationRepository
from beseda.features.leads.model import Lead, SlotState
from beseda.features.leads.service import LeadService
from beseda.features.leads.update import view_for
from beseda.features.meetings.model import MeetingSummary
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.meetings.service import MeetingService
from beseda.llm.base import ChatModel, ModelRequest, hear_out
from beseda.llm.extraction_prompt import write_cue
from beseda.llm.quotation import one_line
from beseda.locales import Text

_WORDS, _TOKENS, _TEMPERATURE = 200, 300, 0.3
_MESSAGES, _LETTERS = 40, 12_000  # of the conversation, its end
_LINE, _VALUE = 4_096, 1_000  # letters of one message and of one field
_WORD = re.compile(r"\S+")
_RULES = Text("briefing.rules")
_MATERIAL = Text("briefing.material")
_BELOW = Text("briefing.below")
_SPEAKERS = {
    Role.USER: Text("briefing.speakers.user"),
    Role.ASSISTANT: Text("briefing.speakers.assistant"),
}
_NOTHING = Text("briefing.nothing")


@dataclass(frozen=True, slots=True)
class BriefingSources:
    """Sources of a briefing: the meeting, the lead and the conversation."""

    meetings: MeetingService
    store: MeetingRepository
    leads: LeadService
    conversations: ConversationRepository


class BriefingService:
    """Writes summaries of meetings that are ahead."""

    def __init__(self, sources: BriefingSources, clock: Clock) -> None:
        self._meetings = sources.meetings
        self._store = sources.store
        self._leads = sources.leads
        self._conversations = sources.conversations
        self._clock = clock

    async def brief(self, meeting_id: int, model: ChatModel, language: str) -> bool:
        """Write and store a meeting's summary, and notify the owner.

        Return False if the meeting is over or already has a summary. Raises NotFoundError if the meeting does not
        exist, RemoteError if the model fails.
        """
        meeting = await self._meetings.find(meeting_id)
        if not meeting.state.is_active or await self._store.find_summary(meeting_id) is not None:
            return False
        lead, person = await self._find_lead(meeting.lead_id), meeting.guest.user_id
        # Of a lead that several people share, the words of this one: the summary is part of what /mydata hands over.
        facts = list_facts(view_for(lead, person) if person else lead)
        talk = await self._read_talk(await self._store.find_chat(meeting.bot, person), language)
        text = await _ask(model, write_request(facts, talk, language, person))
        return await self._meetings.keep_summary(
            MeetingSummary(meeting.id, shorten(text), facts, model.name, self._clock.now())
        )

    async def _find_lead(self, lead_id: int) -> Lead:
        lead = await self._leads.find(lead_id)
        while lead.merged_into is not None:
            lead = await self._leads.find(lead.merged_into)
        return lead

    async def _read_talk(self, conversation: Conversation | None, language: str) -> str:
        said = await self._conversations.recent(conversation, _MESSAGES) if conversation is not None else []
        lines = [f"{_SPEAKERS[one.role].say(language)}: {one_line(one.content, _LINE)}" for one in said]
        return "\n".join(lines)[-_LETTERS:]


def list_facts(lead: Lead) -> list[Mapping[str, object]]:
    """Return the facts that a lead stated, each with its source message. Fields still to be asked are omitted."""
    return [
        {"name": slot.name, "value": slot.value, "message_id": slot.message_id, "quote": slot.quote}
        for slot in lead.slots.values()
        if slot.state is not SlotState.TO_ASK
    ]


def shorten(text: str) -> str:
    """Return the first two hundred words; a model does not count."""
    ends = [match.end() for match in _WORD.finditer(text)]
    return text if len(ends) <= _WORDS else f"{text[: ends[_WORDS - 1]]}…"


def write_request(facts: Sequence[Mapping[str, object]], talk: str, language: str, person: int) -> ModelRequest:
    """Return the request for a summary: the conversation and the facts as data.

    If there are facts, the model is instructed to refer to them, because they are shown below the summary.
    """
    fields = "\n".join(f"{fact['name']}: {one_line(str(fact['value']), _VALUE)}" for fact in facts)
    nothing = _NOTHING.say(language)
    material = _MATERIAL.say(language, fields=fields or nothing, talk=talk or nothing)
    rules = [_RULES.say(language), *([write_cue(_BELOW.say(language))] if facts else ())]
    messages = [Message(Role.SYSTEM, "\n".join(rules)), Message(Role.USER, material)]
    return ModelRequest(messages, _TEMPERATURE, _TOKENS, user=str(person))


async def _ask(model: ChatModel, request: ModelRequest) -> str:
    text = (await hear_out(model, request)).strip()
    if not text:
        raise EmptyAnswerError(f"{model.name} wrote no summary")
    return text
