"""Texts that people read stand in the catalogues: each key of the code in every language, with the same fields."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from beseda.locales.catalogue import BUNDLED, FALLBACK, languages, read_texts
from beseda.locales.check import fields_of
from scripts.source import ROOT, Module, call_name, read_modules, show

OURS = [BUNDLED, *sorted((ROOT / "beseda" / "bots").glob("*/locales"))]
# Dates, of which each language shows other parts.
ORDERED = {"formats.short_day"}
# Texts in Python that are left: only down.
LEFT = 60


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules("beseda")


def own_folder(module: Module) -> Path:
    """Return the folder of the catalogues that a module's own keys stand in: a bot's, or Beseda's."""
    parts = module.path.parts
    folder = ROOT.joinpath(*parts[:3], "locales")
    return folder if parts[1] == "bots" and folder.is_dir() else BUNDLED


def keys_in(module: Module) -> Iterator[tuple[Path, ast.expr]]:
    """Yield the keys that a module names: `Text("…")` of Beseda, `Text("…", TEXTS)` of its bot.

    A text that has its words with it, as those of `bot.yaml`, needs no catalogue.
    """
    for call in module.calls():
        if call_name(call) == "Text" and call.args and not call.keywords:
            yield BUNDLED if len(call.args) == 1 else own_folder(module), call.args[0]


Named = list[tuple[Module, Path, ast.expr]]


@pytest.fixture(scope="module")
def named(ours: list[Module]) -> Named:
    return [(module, folder, key) for module in ours for folder, key in keys_in(module)]


def find_keys(folder: Path, key: ast.expr) -> set[str]:
    """Return the keys of a catalogue that an expression stands for: one, or all that an f-string can be."""
    known = read_texts(folder, FALLBACK)
    if isinstance(key, ast.Constant):
        return {name for name in known if name == key.value}
    if isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
        return {name for name in known if name.startswith(str(key.values[0].value))}
    return set()


def test_every_key_in_the_code_is_in_the_catalogue(named: Named) -> None:
    unknown = [
        f"{module.path}:{key.lineno} {ast.unparse(key)}" for module, folder, key in named if not find_keys(folder, key)
    ]
    assert not unknown, show(unknown)


@pytest.mark.parametrize("folder", OURS, ids=lambda folder: folder.parent.name)
def test_every_text_of_the_catalogue_is_used(named: Named, folder: Path) -> None:
    used = {name for _, place, key in named if place == folder for name in find_keys(folder, key)}
    assert sorted(read_texts(folder, FALLBACK).keys() - used) == []


@pytest.mark.parametrize("folder", OURS, ids=lambda folder: folder.parent.name)
@pytest.mark.parametrize("language", [one for one in languages() if one != FALLBACK])
def test_languages_have_the_same_texts_with_the_same_fields(folder: Path, language: str) -> None:
    english, other = read_texts(folder, FALLBACK), read_texts(folder, language)
    assert sorted(english.keys() ^ other.keys()) == []
    unlike = [key for key, text in english.items() if fields_of(text) != fields_of(other[key])]
    assert [key for key in unlike if key not in ORDERED] == []


def is_text(call: ast.Call) -> bool:
    """Return whether a call holds words: a literal among the languages of a `Text`."""
    return call_name(call) == "Text" and any(
        isinstance(node, ast.Constant) for keyword in call.keywords for node in ast.walk(keyword.value)
    )


def test_texts_for_people_are_not_in_python(ours: list[Module]) -> None:
    places = [f"{module.path}:{call.lineno}" for module in ours for call in module.calls() if is_text(call)]
    print(f"texts for people in Python: {len(places)} (bar {LEFT})")
    assert len(places) <= LEFT, show(places)
