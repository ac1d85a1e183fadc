"""Pages say what the code does: generated ones are current, written ones point to what exists."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import beseda
from beseda.config import Setting, list_settings, load_settings
from scripts.generate_reference import find_stale
from scripts.source import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def test_generated_pages_are_current() -> None:
    assert find_stale() == [], "run 'make docs'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


ANCHOR = re.compile(r"\]\(([^)#\s:]*)#([^)\s]+)\)")


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page: its headings as GitHub writes them, and those written as HTML."""
    text = page.read_text("utf-8")
    headings = [re.sub(r"[^\w\- ]", "", line.lower()) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    return {heading.replace(" ", "-") for heading in headings} | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_anchors_of_links_exist(page: Path) -> None:
    links = ANCHOR.findall(page.read_text("utf-8"))
    targets = [(page.parent / name if name else page, anchor) for name, anchor in links]
    missing = [
        f"{path.name}#{anchor}" for path, anchor in targets if path.is_file() and anchor not in list_anchors(path)
    ]
    assert missing == []


# Words of the house that a newcomer does not know, with what is written instead.
HOUSE_WORDS = {
    "recogniser": "speech-to-text service",
    "on record": "stored",
    "hot history": "recent messages",
    "stands above": "takes precedence over",
    "the clock asks": "scheduled jobs",
    " in line": "in the queue",
    "64 parts": "64 shards",
}
GUIDES = sorted(
    page for page in [*(ROOT / "docs/how-to").glob("*.md"), *(ROOT / "docs/start").glob("*.md"), ROOT / "README.md"]
)


@pytest.mark.parametrize("page", [*GUIDES, ROOT / ".env.example"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_guides_use_the_words_of_the_field(page: Path) -> None:
    text = " ".join(page.read_text("utf-8").lower().split())
    assert {word: instead for word, instead in HOUSE_WORDS.items() if word in text} == {}


def test_every_page_of_a_folder_is_in_its_index() -> None:
    for folder in ("how-to", "decisions"):
        index = (ROOT / "docs" / folder / "README.md").read_text("utf-8")
        names = {page.name for page in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
        assert {name for name in names if f"({name})" not in index} == set()


def test_glossary_of_contributors_holds_our_own_terms_only() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## House terms")[2].partition("\n## ")[0]
    terms = re.findall(r"^\| (?!term|---)(\w+) \|", section, re.MULTILINE)
    assert 0 < len(terms) <= 6, "the other terms are the field's, or stand in docs/glossary.md"


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_readme_names_the_verbs_of_ci(name: str) -> None:
    verbs = re.findall(r"^make (\w+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    readme = (ROOT / name).read_text("utf-8")
    assert verbs
    assert [verb for verb in verbs if f"make {verb}" not in readme] == []


def test_every_verb_that_pages_name_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {verb for page in PAGES for verb in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}
    assert named <= known


RUSSIAN = [page for page in PAGES if page.name.endswith(".ru.md")]


@pytest.mark.parametrize("page", RUSSIAN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_russian_page_has_the_shape_of_the_english_one(page: Path) -> None:
    english = page.with_name(page.name.replace(".ru.md", ".md"))
    shapes = [re.findall(r"^(#+ |\||```)", one.read_text("utf-8"), re.MULTILINE) for one in (page, english)]
    assert [kind for kind in shapes[0] if kind] == [kind for kind in shapes[1] if kind]


@pytest.mark.parametrize("page", RUSSIAN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_russian_page_has_the_commands_of_the_english_one(page: Path) -> None:
    english = page.with_name(page.name.replace(".ru.md", ".md"))
    assert list_commands(page) == list_commands(english)


def list_commands(page: Path) -> list[str]:
    """Return the commands and settings of a page, without comments and quoted words."""
    lines = re.findall(r"^(?:(?:beseda|make|uv|curl) |[A-Z_]+=).*$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r'\s+#.*|"[^"]*"', "", line) for line in lines]


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_first_commands_come_first(name: str) -> None:
    code = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)[0]
    assert re.fullmatch(r"git clone \S+ && cd \S+\nmake run\n", code)


@pytest.mark.parametrize("row", list_settings().values(), ids=lambda row: row.path)
def test_every_variable_is_in_the_example_environment(row: Setting) -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    names = [*row.variables, *filter(None, [row.pattern])]
    assert not names or any(re.search(rf"\b{name}\b|{name}", text) for name in names)


def test_example_environment_sets_only_known_variables() -> None:
    lines = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    environ = {name: value for name, value in lines if value}
    settings = load_settings(None, {}, environ | {"BESEDA_WEBHOOK_SECRET": "s"})
    assert settings.base_urls.keys() == {"llamacpp", "vllm", "ollama", "gigachat", "asr"}
    assert settings.port == 8090


def test_example_file_as_it_is_changes_nothing() -> None:
    assert load_settings(ROOT / "config.example.yaml", {}, {}) == load_settings(None, {}, {})


def test_example_file_with_everything_taken_in_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    opened = re.sub(r"^  # ([a-z_]+: )", r"  \1", text, flags=re.MULTILINE)
    (tmp_path / "config.yaml").write_text(opened, "utf-8")
    names = re.findall(r"\$\{(\w+)\}", yaml.safe_dump(yaml.safe_load(opened)))
    settings = load_settings(
        tmp_path / "config.yaml", {}, {name: "1:x" if name.endswith("TOKEN") else "word" * 4 for name in names}
    )
    assert settings.bots == ("assistant",)
    assert settings.webhook_secret


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    newest = re.search(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == beseda.__version__ == project["version"]
    assert project["name"] == "beseda-platform"  # "beseda" has another owner on PyPI


def test_changelog_has_each_kind_of_change_once_a_version() -> None:
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    versions = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    for version in versions:
        kinds = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert kinds == [kind for kind in order if kind in kinds]


COMMENT_BEHIND = re.compile(r"^(?:# )?(?:export )?[A-Z][A-Z0-9_]*=\S*[^\S\n]+#", re.MULTILINE)


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".env.example"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_comments_of_settings_stand_on_their_own_lines(page: Path) -> None:
    # systemd's EnvironmentFile and Docker's --env-file keep what stands behind a value as a part of it.
    assert COMMENT_BEHIND.findall(page.read_text("utf-8")) == []


QUESTION_WORDS = re.compile(
    r"\b(what|where|who(?:ever|m|se)?|nobody|somebody|anybody|everybody|told|tells?|says?|said)\b", re.IGNORECASE
)
PROSE = [*GUIDES, *(ROOT / "docs/recipes").glob("*.md"), ROOT / "docs/README.md", ROOT / "docs/layout.md"]


@pytest.mark.parametrize(
    "page",
    [page for page in PROSE if not page.name.endswith(".ru.md")],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_prose_of_guides_is_plain(page: Path) -> None:
    text = re.sub(r"^```.*?^```|^>.*?$|`[^`]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    words, hits = len(text.split()), len(QUESTION_WORDS.findall(text))
    print(f"{page.name}: {1000 * hits / words:.1f} per 1,000 words")
    # Relative clauses with "who" are ordinary English in prose: the bar is above that of docstrings.
    assert hits <= max(2, 0.015 * words), "nouns for clauses with 'what', verbs of data flow for 'tell' and 'say'"
