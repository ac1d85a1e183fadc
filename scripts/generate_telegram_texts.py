"""Write tests/samples/telegram/texts.json.gz: texts, and what Telegram's own library (tdjson) makes of them.

The texts begin and end with a letter and hold no links, mentions or commands, so that nothing is trimmed or found in
them: what TDLib returns for the parse mode or the list of entities is what a sent message has.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import tdjson

TARGET = Path(__file__).parents[1] / "tests" / "samples" / "telegram" / "texts.json.gz"
SEED = 20261130
COUNT = 10_000
WORDS = (
    "один",
    "two",
    "😀",
    "é",
    "слово",
    "x",
    "ё",
    "👨\u200d👩\u200d👧",
    "\n",
    "\t",
    "a\rb",
    "½",
    "日本",
    "\u202eq",
    "&amp;",
)
PLAIN = ("Bold", "Italic", "Underline", "Strikethrough", "Spoiler", "Code", "Pre", "BlockQuote", "ExpandableBlockQuote")
TAGS = ("b", "i", "u", "s", "tg-spoiler", "code", "pre", "blockquote", "strong", "em", "del", "ins", "h1", "a")
MARKS = ("*", "_", "__", "~", "||", "`", "```", "\\", ">", "[", "](http://a.b)", "\n>", ".")
MODES = {
    "HTML": {"@type": "textParseModeHTML"},
    "MarkdownV2": {"@type": "textParseModeMarkdown", "version": 2},
    "Markdown": {"@type": "textParseModeMarkdown", "version": 1},
}


def execute(request: dict[str, Any]) -> dict[str, Any]:
    """Call TDLib's synchronous interface."""
    answer: dict[str, Any] = json.loads(tdjson.td_execute(json.dumps(request).encode()) or b"{}")
    return answer


def make_words(dice: random.Random) -> list[str]:
    """A few words between two letters."""
    return ["я", *(dice.choice(WORDS) for _ in range(dice.randint(1, 6))), "z"]


def make_html(dice: random.Random) -> str:
    """Words with tags that are nested, crossing, unknown or left open."""
    words = make_words(dice)
    for _ in range(dice.randint(1, 3)):
        tag = dice.choice(TAGS)
        start, end = sorted(dice.sample(range(1, len(words)), 2)) if len(words) > 2 else (1, 1)
        words.insert(start, f'<{tag} href="http://a.b/">' if tag == "a" else f"<{tag}>")
        if dice.random() < 0.9:
            words.insert(end + 1, f"</{tag}>")
    return " ".join(words)


def make_markdown(dice: random.Random) -> str:
    """Words with marks in pairs, or alone."""
    words = make_words(dice)
    for _ in range(dice.randint(1, 3)):
        mark = dice.choice(MARKS)
        place = dice.randint(1, len(words) - 2)
        words[place] = f"{mark}{words[place]}{mark if dice.random() < 0.8 else ''}"
    return " ".join(words)


def make_entities(dice: random.Random, text: str) -> list[dict[str, Any]]:
    """A list of entities of which some cross, some are empty and a few out of the text or within a character."""
    units = len(text.encode("utf-16-le")) // 2
    entities = []
    for _ in range(dice.randint(1, 6)):
        kind: dict[str, Any] = {"@type": f"textEntityType{dice.choice(PLAIN)}"}
        if dice.random() < 0.15:
            url = dice.choice(("http://a.b/", "tg://resolve?domain=x", "not a url", "a.b"))
            kind = {"@type": "textEntityTypeTextUrl", "url": url}
        offset = dice.randint(-1 if dice.random() < 0.02 else 0, units + (1 if dice.random() < 0.02 else -1))
        length = dice.randint(0, max(0, min(6, units - offset)))
        entities.append({"@type": "textEntity", "offset": offset, "length": length, "type": kind})
    return entities


def judge(row: dict[str, Any]) -> list[Any] | str:
    """The text and its entities (type, offset, length, link or language) as TDLib returns them, or its refusal."""
    if "mode" in row:
        answer = execute({"@type": "parseTextEntities", "text": row["text"], "parse_mode": MODES[row["mode"]]})
    else:
        text = {"@type": "formattedText", "text": row["text"], "entities": row["entities"]}
        answer = execute({"@type": "parseMarkdown", "text": text})
    if answer["@type"] == "error":
        return str(answer["message"])
    return [answer["text"], [show(entity) for entity in answer["entities"]]]


def show(entity: dict[str, Any]) -> list[Any]:
    """An entity of TDLib in short."""
    kind = entity["type"]
    name = kind["@type"].removeprefix("textEntityType")
    return [name, entity["offset"], entity["length"], *(kind[name] for name in ("url", "language") if name in kind)]


def make_rows() -> list[dict[str, Any]]:
    """The inputs, the same ones whenever this runs."""
    dice = random.Random(SEED)
    rows: list[dict[str, Any]] = []
    while len(rows) < COUNT:
        if len(rows) % 2:
            mode = dice.choice(tuple(MODES))
            rows.append({"text": make_html(dice) if mode == "HTML" else make_markdown(dice), "mode": mode})
        else:
            text = " ".join(make_words(dice))
            rows.append({"text": text, "entities": make_entities(dice, text)})
    return rows


def main() -> None:
    """Write the file anew."""
    execute({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})
    lines = [json.dumps({**row, "expected": judge(row)}, ensure_ascii=False) for row in make_rows()]
    with gzip.GzipFile(TARGET, "wb", compresslevel=9, mtime=0) as file:
        file.write("\n".join(lines).encode())


if __name__ == "__main__":
    main()
