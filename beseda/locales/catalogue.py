"""Finds texts by key and language in files `<language>.toml`, each read when its language is first used."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FALLBACK = "en"  # has every text, and stands in where another language lacks one
BUNDLED = Path(__file__).parent
_FIRST = ("ru", FALLBACK)  # the order in which prompts and files list the languages
TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # an IETF tag in small letters: de, pt-br
_LARGEST = 1024 * 1024  # bytes: ten times the largest language

_folders = [BUNDLED]  # the owner's first: languages of their own, and texts in place of ours


class CatalogueError(ValueError):
    """A file of texts cannot be read, or does not fit the English one."""


@dataclass(frozen=True, slots=True)
class BotTexts:
    """Texts of one bot: files in the folder `locales` of the bot.

    The files of Beseda's own folders may hold them as well, in the table `bots.<name>`: one file adds a language to
    Beseda and to all bots.
    """

    bot_folder: Path

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self.bot_folder / "locales"

    @property
    def table(self) -> str:
        """The table in the files of Beseda."""
        return f"bots.{self.bot_folder.name}"


def use_folder(folder: Path) -> None:
    """Take texts from an owner's folder, if it exists, before the bundled ones. A file is read once in a process."""
    folders = [folder.absolute(), BUNDLED] if folder.is_dir() else [BUNDLED]
    if folders != _folders:
        _folders[:] = folders
        languages.cache_clear()


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that there is a file for, Russian and English first."""
    found = {path.stem for folder in _folders for path in folder.glob("*.toml") if TAG.fullmatch(path.stem)}
    return (*_FIRST, *sorted(found.difference(_FIRST)))


def known_language(language: str) -> str:
    """Return `language`, or English if there are no texts in it."""
    return language if language in languages() else FALLBACK


def find_template(key: str, language: str, bot: BotTexts | None = None) -> str | None:
    """Return the text of `key`, of Beseda or of a bot, in `language`, or None."""
    if language not in languages():
        return None
    whole_key = f"{bot.table}.{key}" if bot else key
    for folder in _folders:
        if (found := read_texts(folder, language).get(whole_key)) is not None:
            return found
    return read_texts(bot.folder, language).get(key) if bot else None


def texts_of_bot(bot: BotTexts, language: str) -> dict[str, str]:
    """Return the texts of a bot in `language` by its keys: those of its folder, and those that an owner has added."""
    found = dict(read_texts(bot.folder, language))
    for folder in reversed(_folders):
        texts = read_texts(folder, language).items()
        found |= {key.removeprefix(f"{bot.table}."): text for key, text in texts if key.startswith(f"{bot.table}.")}
    return found


@cache
def read_texts(folder: Path, language: str) -> Mapping[str, str]:
    """Return the texts of a file by dotted key; empty if there is no such file. Raises CatalogueError."""
    import tomllib  # noqa: PLC0415 - takes 3 ms, which `beseda --help` need not spend

    path = folder / f"{language}.toml"
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            return dict(_flatten(tomllib.loads(content.decode()), ""))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error
    raise CatalogueError(f"{path} cannot be read: it is over 1 MB")


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, dict):
            yield from _flatten(value, f"{key}.")
        elif not isinstance(value, str):
            raise CatalogueError(f"{key} is not a text")
        else:
            yield key, value
