"""A language that nobody speaks: English with accents, made from every text there is, in one file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from beseda.bots.catalog import Catalog
from beseda.engine.bot import BotProfile
from beseda.locales import BotTexts, Text
from beseda.locales.catalogue import BUNDLED, FALLBACK, read_texts

LANGUAGE = "eo"
# What a translator leaves as it is: fields, code, commands, addresses, names of people.
_FIXED = re.compile(r"(\{[^{}]*\}|```.*?```|`[^`]*`|https?://\S+|[/@]\w+)", re.DOTALL)
_ACCENTS = str.maketrans("aeiouAEIOU", "áéíóúÁÉÍÓÚ")


def translate(text: str) -> str:
    """Return an English text in the language."""
    pieces = _FIXED.split(text)
    return "".join(piece if number % 2 else piece.translate(_ACCENTS) for number, piece in enumerate(pieces))


def write_language(path: Path) -> None:
    """Write the file of the language."""
    lines = [f"{key} = {json.dumps(translate(text), ensure_ascii=False)}\n" for key, text in _english_texts()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")


def _english_texts() -> Iterator[tuple[str, str]]:
    yield from read_texts(BUNDLED, FALLBACK).items()
    catalog = Catalog([])
    for name in catalog.names():
        bot = BotTexts(catalog.folder(name))
        for key, text in read_texts(bot.folder, FALLBACK).items():
            yield f"{bot.table}.{key}", text
        for one in _texts_of(catalog.load(name)):
            yield f"{bot.table}.{one.key}", one.words[FALLBACK]


def _texts_of(profile: BotProfile) -> list[Text]:
    labels = [item.label for item in profile.menu if item.label]
    texts = [profile.title, profile.about, profile.greeting, *profile.examples, *profile.texts.values(), *labels]
    return [*texts, *profile.slot_titles.values(), *([profile.apology] if profile.apology else [])]
