"""Texts that people read stand in the catalogues: each key of the code in every language, with the same fields."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beseda.locales.catalogue import BUNDLED, FALLBACK, languages, read_texts
from beseda.locales.check import fields_of
from scripts.source import PACKAGES, ROOT, Module, call_name, read_modules, show

OURS = [BUNDLED, *sorted((ROOT / "beseda" / "bots").glob("*/locales"))]
# Dates, of which each language shows other parts.
ORDERED = {"formats.short_day"}
# Texts that are passed on with their fields.
FILLED_LATER = {"terminal.in_line"}
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# Modules with literals that are no texts for people, and why.
NO_TEXTS = {
    "beseda/features/broadcasts/_forms.py": "examples in the reference of the API",
    "beseda/features/bots/routes.py": "examples in the reference of the API",
    "beseda/bots/catalog.py": "examples in the reference of bot.yaml",
    "beseda/bots/real_estate/catalogue.py": "names of columns and units in a file of listings",
    "beseda/bots/real_estate/criteria.py": "patterns that read wishes of people",
    "beseda/bots/real_estate/housing.py": "patterns that find talk about housing",
    "beseda/bots/sales/wishes.py": "patterns that read wishes of people",
    "beseda/features/leads/amount.py": "number words that people write",
    "beseda/bots/literary/comparison.py": "folds ё before words are compared",
    "beseda/speech/phantoms.py": "sentences that speech recognition invents",
    "beseda/features/leads/evidence.py": "endings and abbreviations in quotations of people",
    "beseda/llm/_demo_patterns.py": "patterns by which the demo model reads a conversation",
    "beseda/llm/demo.py": "words by which the demo model shows something",
    "beseda/llm/guard.py": "words of a person who wants repetition",
    "botapi_sandbox/settings.py": "names of people and groups in the sandbox",
    "beseda/features/minutes/layout.py": "hesitations that are taken out of speech",
    "beseda/features/minutes/notes.py": "names that mean a nameless speaker",
    "beseda/features/minutes/source.py": "folds ё before quotations are compared",
}


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules(*PACKAGES)


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
        yield from keys_in_call(module, call)


def keys_in_call(module: Module, call: ast.Call) -> Iterator[tuple[Path, ast.expr]]:
    """Yield the key that a call names, if it makes a text."""
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


def constants_in(module: Module) -> dict[str, tuple[Path, str]]:
    """Return the texts that a module names, with their keys, like {"_BOOKED": (…, "meetings.booked")}."""
    found = {}
    for node in module.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            for folder, key in keys_in_call(module, node.value):
                if isinstance(key, ast.Constant):
                    found[node.targets[0].id] = (folder, str(key.value))
    return found


def shown_in(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls that fill in a text, `_BOOKED.say(language, …)` or `….say(_BOOKED, …)`, with its name."""
    for call in module.calls():
        is_open = any(keyword.arg is None for keyword in call.keywords)  # fields in a dictionary
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"say", "tell"} and call.args and not is_open:
            own = ast.unparse(call.func.value)
            yield call, own.rpartition(".")[2] if own.rpartition(".")[2].isupper() else ast.unparse(call.args[0])


def test_fields_of_a_text_are_filled_in(ours: list[Module]) -> None:
    """A text is shown with the fields that it has: a missing one would fail when a person is to read it."""
    catalogues = [module for module in ours if module.path.stem == "texts"]
    shared = {name: place for module in catalogues for name, place in constants_in(module).items()}
    lacking = []
    for module in ours:
        known = shared | constants_in(module)
        for call, name in shown_in(module):
            if place := known.get(name.rpartition(".")[2]):
                wanted = {field for field, _ in fields_of(read_texts(place[0], FALLBACK)[place[1]])}
                if place[1] not in FILLED_LATER and wanted - {keyword.arg for keyword in call.keywords}:
                    lacking.append(f"{module.path}:{call.lineno} {place[1]}")
    assert not lacking, show(lacking)


def has_letters(node: ast.AST) -> bool:
    """Return whether a literal text stands somewhere in a node."""
    constants = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
    return any(isinstance(value, str) and any(map(str.isalpha, value)) for value in constants)


def is_text(node: ast.AST) -> bool:
    """Return whether a node holds words for people: `Text(ru="…")`, `{"ru": "…"}`, `….reply("…")`, Cyrillic."""
    if isinstance(node, ast.Call) and call_name(node) == "Text":
        return any(has_letters(keyword.value) for keyword in node.keywords)
    if isinstance(node, ast.Call) and call_name(node).endswith((".reply", "Button")):
        return bool(node.args) and isinstance(node.args[0], ast.Constant | ast.JoinedStr) and has_letters(node.args[0])
    if isinstance(node, ast.Dict):
        keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
        return {"ru", "en"} <= keys and any(map(has_letters, node.values))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(CYRILLIC.search(node.value))


def documentation(module: Module) -> set[ast.AST]:
    """Return the docstrings of a module."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [node.body for node in module.nodes if isinstance(node, kinds)]
    return {body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)}


def texts_in(module: Module) -> list[str]:
    """Return the places of texts for people in a module."""
    known = documentation(module)
    return [
        f"{module.path}:{node.lineno}"
        for node in module.nodes
        if isinstance(node, ast.expr) and node not in known and is_text(node)
    ]


def test_texts_for_people_are_not_in_python(ours: list[Module]) -> None:
    found = [place for module in ours if str(module.path) not in NO_TEXTS for place in texts_in(module)]
    print(f"texts for people in Python: {len(found)} (bar 0)")
    assert not found, show(found)


def test_exceptions_are_needed(ours: list[Module]) -> None:
    modules = {str(module.path): module for module in ours}
    assert [path for path in NO_TEXTS if path not in modules or not texts_in(modules[path])] == []


def test_no_code_asks_for_a_language(ours: list[Module]) -> None:
    """A fork such as `"Б" if language == "ru" else "B"` is a text in Python, too."""
    places = [
        f"{module.path}:{node.lineno}"
        for module in ours
        for node in module.nodes
        if isinstance(node, ast.Compare)
        and "language" in ast.unparse(node)
        and any(isinstance(side, ast.Constant) and side.value in languages() for side in (node.left, *node.comparators))
    ]
    assert places == []
