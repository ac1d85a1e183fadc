"""The shape of the package, measured. A figure may only fall until it reaches its bar: lower its bound with it.

The bars are what models of the field have: httpx 51 functions per 1,000 lines, procrastinate 50, pydantic-ai 37.
"""

from pathlib import Path

import pytest

from scripts.shape import Bags, count_comments, count_functions, list_folders, list_tiny_functions
from scripts.source import PACKAGES, Module, Package, read_modules, show

# Today's figure, which may not be exceeded, and the bar.
_FUNCTIONS = 70.5, 60  # per 1,000 lines
_TINY = 104, 0  # private functions of at most three lines that are called once
_CHAIN = 21, 14  # imports from the top of the package to its bottom
_LARGEST_BAG = 14, 15  # collaborators in one class

_COMMENTS = 2.5  # lines with a comment per 100 lines of code; the models of the field have 3 to 7

_FEW_FOLDERS = 3
# Features, by the noun in the names of their files. The sandbox, a package of its own, has webhooks of its own.
_NOUNS = (
    "analytics",
    "api_key",
    "broadcast",
    "budget",
    "lead",
    "meeting",
    "minutes",
    "personal_data",
    "report",
    "sales",
    "takeover",
    "transcription",
    "webhook",
)


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules(*PACKAGES)


@pytest.fixture(scope="module")
def package() -> Package:
    return Package()


def test_functions_are_whole(ours: list[Module]) -> None:
    figure = count_functions(ours)
    print(f"functions per 1,000 lines: {figure:.1f} (bound {_FUNCTIONS[0]}, bar {_FUNCTIONS[1]})")
    assert figure <= _FUNCTIONS[0]


def test_tiny_private_functions_are_inlined(ours: list[Module]) -> None:
    tiny = list_tiny_functions(ours)
    print(f"private functions of three lines or fewer called once: {len(tiny)} (bound {_TINY[0]}, bar {_TINY[1]})")
    assert len(tiny) <= _TINY[0], show(tiny)


def test_chain_of_imports_is_short(package: Package) -> None:
    chain = package.longest_chain()
    print(f"longest chain of imports: {len(chain) - 1} (bound {_CHAIN[0]}, bar {_CHAIN[1]})")
    assert len(chain) - 1 <= _CHAIN[0], show(chain)


def test_no_class_holds_many_collaborators(package: Package) -> None:
    sizes = Bags(package).sizes()
    print(f"largest bag of collaborators: {sizes[0][0]} (bound {_LARGEST_BAG[0]}, bar {_LARGEST_BAG[1]})")
    large = [f"{place}: {size}" for size, place in sizes if size > _LARGEST_BAG[1]]
    print(show(large))
    assert sizes[0][0] <= _LARGEST_BAG[0], show(large)


@pytest.mark.parametrize("noun", _NOUNS)
def test_feature_lies_in_few_folders(noun: str) -> None:
    folders = list_folders(read_modules("beseda"), noun)
    print(f"folders with files of {noun}: {len(folders)} (bar {_FEW_FOLDERS})")
    assert 0 < len(folders) <= _FEW_FOLDERS, show(folders)


def test_comments_stand_beside_the_code(ours: list[Module]) -> None:
    figure = count_comments(ours)
    print(f"lines with a comment per 100 lines of code: {figure:.1f} (bar {_COMMENTS})")
    assert figure >= _COMMENTS


class _Written(Module):
    """A module with a text of the test's own."""

    def __init__(self, text: str) -> None:
        self.path = Path("beseda/example.py")
        self.name = "beseda.example"
        self.text = text


@pytest.mark.parametrize(
    ("field", "held"),
    [
        ("store: Store", 1),
        ("store: Store | None = None", 1),
        ("find: Finder", 1),
        ("find: 'Callable[[], None]'", 1),
        ("other: Bag", 1),
        ("row: Row", 0),
        ("kind: Kind", 0),
        ("name: str", 0),
    ],
)
def test_measure_of_bags_exempts_values(field: str, held: int) -> None:
    package = Package([])
    text = f"""
Finder = Callable[[], None]
class Store(Protocol):
    async def find(self) -> None: ...
class Kind(StrEnum):
    A = "a"
@dataclass
class Row:
    name: str
@dataclass
class Bag:
    store: Store
@dataclass
class Example:
    {field}
"""
    package.modules = {"beseda.example": _Written(text)}
    sizes = {place.rpartition(" ")[2]: size for size, place in Bags(package).sizes()}
    assert sizes["Example"] == held
