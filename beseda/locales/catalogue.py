"""Reads the files of texts, `<language>.toml`, when a language is first used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FALLBACK = "en"  # has every text; shown where another language lacks one
_FIRST = ("ru", FALLBACK)  # the order in which prompts and files list them
BUNDLED = Path(__file__).parent
_LARGEST = 1024 * 1024  # bytes: twenty times the largest language


class CatalogueError(ValueError):
    """A file of texts that cannot be read."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Texts of one bot: the files in `folder`. In Beseda's own files they stand in the table `prefix`.

    A language that a person adds as one file can so hold the texts of bots as well.
    """

    folder: Path
    prefix: str


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that there is a file for, Russian and English first."""
    found = {path.stem for path in BUNDLED.glob("*.toml")}
    return (*_FIRST, *sorted(found.difference(_FIRST)))


def find_template(key: str, language: str, catalogue: Catalogue | None = None) -> str | None:
    """Return the text of `key` in `language`, or None. With a `catalogue`, `key` is one of its keys."""
    if language not in languages():
        return None
    if catalogue is None:
        return read_texts(BUNDLED, language).get(key)
    found = read_texts(BUNDLED, language).get(f"{catalogue.prefix}.{key}")
    return read_texts(catalogue.folder, language).get(key) if found is None else found


@cache
def read_texts(folder: Path, language: str) -> Mapping[str, str]:
    """Return the texts of a file by dotted key; none where there is no such file. Raises CatalogueError."""
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
