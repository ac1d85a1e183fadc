"""The field's words: no class name stands twice, and docstrings are plain sentences.

The measure is the share of question words and verbs of speech in docstrings: httpx has 0.4 per 1,000 words,
procrastinate 0.7, pydantic-ai 1.1.
"""

import ast
import re
from collections import Counter, defaultdict

import pytest

from scripts.source import Package

_WORDS = re.compile(
    r"\b(what|where|who(?:ever|m|se)?|nobody|somebody|anybody|everybody|told|tells?|says?|said)\b", re.IGNORECASE
)
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BAR = 3.0  # per 1,000 words
# Folders that are still above it, and the figure that they may not exceed. A folder leaves the list for good.
_ABOVE: dict[str, float] = {}


@pytest.fixture(scope="module")
def package() -> Package:
    return Package()


def _measure(package: Package) -> dict[str, float]:
    """Return the number of these words per 1,000 words of docstrings, by folder."""
    words: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for module in package.modules.values():
        top, *folders = module.path.parts[:-1]
        folder = folders[0] if top == "beseda" and folders else top
        for node in module.nodes:
            text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
            words[folder] += len((text or "").split())
            hits[folder] += len(_WORDS.findall(text or ""))
    return {folder: 1000 * hits[folder] / words[folder] for folder in words if words[folder]}


def test_docstrings_are_plain_sentences(package: Package) -> None:
    figures = _measure(package)
    for folder, figure in sorted(figures.items()):
        print(f"docstring measure of {folder}: {figure:.1f} per 1,000 words")
    above = {folder: figure for folder, figure in figures.items() if figure > _ABOVE.get(folder, _BAR)}
    assert not above


def test_folders_below_the_bar_are_held_to_it(package: Package) -> None:
    figures = _measure(package)
    assert [folder for folder in _ABOVE if figures.get(folder, 0.0) <= _BAR] == []


def test_no_class_name_stands_twice(package: Package) -> None:
    places = defaultdict(list)
    for module in package.modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(module.path))
    twice = {name: paths for name, paths in places.items() if len(paths) > 1}
    print(f"class names that stand twice: {len(twice)} (bar 0)")
    assert not twice


@pytest.mark.parametrize(("text", "hits"), [("Return the id.", 0), ("Say what is told.", 3), ("Whoever asks", 1)])
def test_measure_counts_the_words(text: str, hits: int) -> None:
    assert len(_WORDS.findall(text)) == hits
