"""Checks an owner's languages before they are used."""

from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from beseda.locales.catalogue import (
    BUNDLED,
    FALLBACK,
    TAG,
    BotTexts,
    CatalogueError,
    find_template,
    languages,
    read_texts,
    texts_of_bot,
)

_BOTS = "bots."  # texts of bots, which `check_bot` knows
_YAML = ("bot.", "funnel.")  # texts of bot.yaml and funnel.yaml
_MOST_NAMED = 5


def check_folder(folder: Path) -> list[str]:
    """Return the problems of the files in a folder, each with its file and key; a text that is missing is none."""
    return [problem for path in sorted(folder.glob("*.toml")) for problem in _check_file(path)]


def list_added() -> list[str]:
    """Return the languages that do not come with Beseda."""
    return [language for language in languages() if not read_texts(BUNDLED, language)]


def count_translated(language: str) -> tuple[int, int]:
    """Return how many of Beseda's texts there are in a language, and in English."""
    keys = read_texts(BUNDLED, FALLBACK)
    return sum(find_template(key, language) is not None for key in keys), len(keys)


def check_bot(bot: BotTexts) -> list[str]:
    """Return the problems of a bot's texts. Keys are checked if the bot has an English file."""
    english = read_texts(bot.folder, FALLBACK)
    problems = []
    for language in languages():
        for key, text in texts_of_bot(bot, language).items():
            place = f"{bot.table}: {language}: {key}"
            if key in english:
                problems += [f"{place}: {problem}" for problem in compare_fields(text, english[key])]
            elif english and not key.startswith(_YAML):
                problems.append(f"{place}: there is no such text in {bot.folder / FALLBACK}.toml")
    return problems[:_MOST_NAMED]


def _check_file(path: Path) -> list[str]:
    if not TAG.fullmatch(path.stem):
        return [f"{path}: is not named after a language; call it {path.stem.lower().replace('_', '-')}.toml"]
    try:
        texts = read_texts(path.parent.absolute(), path.stem)
    except CatalogueError as error:
        return [str(error)]
    english = read_texts(BUNDLED, FALLBACK)
    problems = []
    for key, text in texts.items():
        if key in english:
            problems += [f"{path}: {key}: {problem}" for problem in compare_fields(text, english[key])]
        elif not key.startswith(_BOTS):
            problems.append(f"{path}: {key}: there is no such text in {BUNDLED / FALLBACK}.toml")
    return problems[:_MOST_NAMED]


def compare_fields(text: str, english: str) -> Iterator[str]:
    """Yield the problems of a text's fields, such as `{time}`: it may have those of the English text only."""
    known = fields_of(english)
    try:
        found = fields_of(text)
    except ValueError as error:
        if known:  # a text without fields is shown as it is written
            yield f"{error}; write {{{{ and }}}} for braces"
        return
    names = {name for name, _ in known}
    for name, form in sorted(found - known):
        if form or name not in names:
            allowed = ", ".join(f"{{{one}{shape}}}" for one, shape in sorted(known)) or "no fields"
            yield f"there is no {{{name}{form}}}, there are {allowed}"


def fields_of(text: str) -> set[tuple[str, str]]:
    """Return the fields of a text with their form, like {("seconds", ":.1f")}. Raises ValueError for a lone brace."""
    return {
        (name, f"{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}")
        for _, name, form, conversion in Formatter().parse(text)
        if name is not None
    }
