"""Write docs/reference and config.example.yaml from the code; `--check` only says whether they are current."""

import sys
from collections.abc import Callable, Iterable, Sequence
from inspect import cleandoc
from textwrap import wrap
from typing import Any, TypeVar, cast

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from beseda.api.app import api_app
from beseda.api.health import ReadinessChecks
from beseda.bots.calendar import CalendarEntry
from beseda.bots.catalog import BotFile, BudgetEntry
from beseda.cli.app import app
from beseda.config import Setting, Settings, list_settings
from beseda.core.errors import BesedaError
from beseda.core.services import Services
from beseda.http.endpoints import CHAT_ENDPOINTS, SPEECH_ENDPOINTS
from beseda.locales.errors import error_text
from beseda.web.dependencies import ApiLimits, BotList
from beseda.web.problems import find_status
from scripts.licences import PROGRAMS, list_licences
from scripts.source import ROOT

T = TypeVar("T")
NOTE = "<!-- Written by `make docs` from the code: change it there. -->"

_EVERYWHERE = {"400", "401", "403", "413", "415", "422", "429", "503"}


def draw_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def _show_default(name: str, row: Setting) -> str:
    return row.default or code(str(Settings.model_fields[name].default))


def _name_variables(row: Setting) -> str:
    special = [name for name in row.special if not name.endswith(row.pattern.partition(">")[2])]
    return ", ".join(code(name) for name in [*row.variables, *filter(None, [row.pattern]), *special])


def write_settings() -> str:
    sections: dict[str, list[list[str]]] = {}
    for name, row in list_settings().items():
        cells = [_name_variables(row), code(row.path), row.description, _show_default(name, row)]
        sections.setdefault(row.path.partition(".")[0], []).append(cells)
    head = ["variable", "in config.yaml", "meaning", "unset"]
    tables = "\n\n".join(f"## {section}\n\n{draw_table(head, rows)}" for section, rows in sections.items())
    text = """
        # Settings

        A command's flag takes precedence over an environment variable, that over `.env`, that over `config.yaml` (in
        the working folder, or named by `--config`), that over the default. In `config.yaml` a value may be `${VAR}` or
        `${VAR:default}`. Secrets (tokens, keys, passwords) live in the environment or `.env` only: `config.yaml`
        refers to them. Problems are reported at the start, a line each, and the program ends with exit code 2.
        """
    return f"{cleandoc(text)}\n\n{tables}"


def write_example() -> str:
    """Return config.example.yaml: every setting with its meaning, all commented out."""
    lines = [
        "# Copy to config.yaml and take the # away before what you change. Secrets go into .env: write ${NAME} here.",
        "# This file is written by `make docs` from the code.",
    ]
    section = ""
    for name, row in sorted(list_settings().items(), key=lambda item: item[1].path.partition(".")[0]):
        head, _, key = row.path.partition(".")
        if head != section:
            lines += ["", f"{head}:"]
            section = head
        value = row.example or row.default or str(Settings.model_fields[name].default)
        variables = _name_variables(row)
        about = f"{row.description} Unset: {_show_default(name, row)}. ({variables})".replace("`", "")
        lines += wrap(about, 116, initial_indent="  # ", subsequent_indent="  # ")
        lines += [f"  # {key}: {value}", ""]
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip()


def _walk_errors(kind: type[BesedaError], depth: int = 0) -> Iterable[tuple[type[BesedaError], int]]:
    yield kind, depth
    for child in kind.__subclasses__():
        yield from _walk_errors(child, depth + 1)


def write_errors() -> str:
    rows = (
        [
            "· " * depth + code(kind.__name__),
            str(int(find_status(kind))),
            "yes" if kind.retryable else "no",
            error_text(kind).say("ru"),
            error_text(kind).say("en"),
        ]
        for kind, depth in _walk_errors(BesedaError)
        if kind.__module__ == "beseda.core.errors"
    )
    text = """
        # Errors

        Every failure is one of these. The user reads the sentence in their language; the log gets the details, with
        secrets cut out. Where trying again helps, the message carries a button for it.
        """
    table = draw_table(["error", "HTTP status", "retry helps", "по-русски", "in English"], rows)
    return f"{cleandoc(text)}\n\n{table}"


def write_endpoints() -> str:
    models = draw_table(
        ["name", "service", "key", "address", "address by default", "model by default"],
        (
            [
                ", ".join(code(name) for name in (row.name, *row.aliases)),
                row.title,
                code(row.key_variable) + ("" if row.needs_key else " (optional)"),
                code(row.url_variable),
                row.base_url,
                code(row.chat.default_model) or "the first that the server lists",
            ]
            for row in CHAT_ENDPOINTS
        ),
    )
    speech = draw_table(
        ["name", "key", "address", "address by default", "model by default"],
        (
            [
                code(row.name),
                code(row.key_variable) + ("" if row.needs_key else " (optional)"),
                code(row.url_variable),
                row.base_url or "none: set it",
                code(row.speech.default_model) or "the server's own",
            ]
            for row in SPEECH_ENDPOINTS
        ),
    )
    keys = "\n".join(f"- {row.title}: {row.key_page}" for row in CHAT_ENDPOINTS if row.key_page)
    text = """
        # Endpoints

        `BESEDA_MODEL` names them as `endpoint:model`, or several with commas between: the next one steps in when one
        fails before its first word. Unset, the first row that has its key (or, for a server of one's own, its
        address) answers, then a server found on this machine's usual ports, then `demo`, which is no model.
        """
    return (
        f"{cleandoc(text)}\n\n{models}\n\nWhere a key comes from:\n\n{keys}\n\n"
        f"## Speech\n\n`BESEDA_SPEECH` is written the same way.\n\n{speech}"
    )


def write_commands() -> str:
    text = """
        # Commands

        `beseda` and `python -m beseda` are the same. A command that fails ends with a line on stderr and an exit code
        that is not 0; wrong settings end with 2.
        """
    root = typer.main.get_command(app)
    sections = [_show_command(command, path) for command, path in _walk_commands(root, "beseda")]
    return "\n\n".join([cleandoc(text), *sections])


def _walk_commands(command: Any, path: str) -> Iterable[tuple[Any, str]]:
    yield command, path
    children: dict[str, Any] = getattr(command, "commands", {})
    for name, child in children.items():
        if not child.hidden:
            yield from _walk_commands(child, f"{path} {name}")


def _name_parameter(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [str(parameter.name).upper()]
    return [*parameter.opts, *parameter.secondary_opts]


def _show_command(command: Any, path: str) -> str:
    about = cleandoc(command.help or "").strip()
    rows = [
        [", ".join(code(name) for name in _name_parameter(parameter)), parameter.help or ""]
        for parameter in command.params
    ]
    table = "\n\n" + draw_table(["", "meaning"], rows) if rows else ""
    return f"## `{path}`\n\n{about}{table}"


class _AbsentServices(Services):
    """Return a stand-in for services of the API: its routes are described here, and never called."""

    def get(self, kind: type[T]) -> T:
        try:
            return super().get(kind)
        except LookupError:
            return cast("T", _Absent())


class _Absent:
    def __getattr__(self, _: str) -> "_Absent":
        return self


def write_api() -> str:
    services = _AbsentServices()
    for service in (ApiLimits(), BotList(), ReadinessChecks({})):
        services.add(service)
    document = api_app(services).openapi()
    text = """
        # REST API

        The same, with every field, is at `/docs` of a running server and, for programs, at `/openapi.json`. How to use
        it: [The REST API](../how-to/api.md). Every route may answer 400, 401, 403, 422, 429 and 503 as well.
        """
    return "\n\n".join([cleandoc(text), *(_show_group(document, tag) for tag in document["tags"])])


def _show_group(document: dict[str, Any], tag: dict[str, str]) -> str:
    rows = [
        [
            code(f"{method.upper()} {path}"),
            operation["summary"],
            code(operation.get("x-scope", "")),
            ", ".join(code(item["name"]) for item in operation.get("parameters", ()) if item["in"] == "query"),
            ", ".join(sorted(set(operation["responses"]) - _EVERYWHERE)),
        ]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if tag["name"] in operation["tags"]
    ]
    table = draw_table(["request", "does", "scope", "parameters", "answers"], rows)
    return f"## {tag['name'].capitalize()}\n\n{tag['description']}\n\n{table}"


def write_bot_file() -> str:
    """Return the reference of bot.yaml, from the schema that reads it."""
    text = """
        # bot.yaml

        A bot is a folder with `bot.yaml` and `persona_prompt.md`. `title`, `about` and `greeting` are required; every
        other key has a default. A text is written in both languages: `{ru: …, en: …}`. An unknown key is an error;
        `beseda bots check` reads every folder and reports mistakes. How to make one:
        [Make a bot of your own](../how-to/own-bot.md).
        """
    parts = [
        "## Keys",
        _table_of_keys(BotFile, ""),
        "## `budgets`",
        "How they are counted: [Budgets](../how-to/budgets.md).",
        _table_of_keys(BudgetEntry, "budgets."),
        "## `calendar`",
        "How booking works: [Make appointments](../how-to/meetings.md).",
        _table_of_keys(CalendarEntry, "calendar."),
    ]
    return "\n\n".join([cleandoc(text), *parts])


def _table_of_keys(model: type[BaseModel], prefix: str) -> str:
    rows = [
        [
            f'<a id="{prefix}{name}"></a>{code(name)}',
            key.description or "",
            _show_key_default(key.default),
            code(str(key.examples[0])) if key.examples else "",
        ]
        for name, key in model.model_fields.items()
    ]
    return draw_table(["key", "meaning", "default", "example"], rows)


def _show_key_default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None or value == "" or isinstance(value, BaseModel):
        return "none"
    if isinstance(value, list | tuple):
        return code(f"[{', '.join(str(item) for item in value)}]")
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def write_licences() -> str:
    packages = ([f"[{row.package}]({row.home})", row.expression] for row in list_licences())
    text = """
        # Third-party licences

        Beseda itself is under the [MIT licence](../../LICENSE) and contains no code of other projects. It installs the
        packages below, in the versions of `requirements.lock`; each package carries the full text of its licence.

        ## Programs and data beside the packages
        """
    parts = [cleandoc(text), draw_table(["name", "licence", "source"], PROGRAMS), "## Packages"]
    return "\n\n".join([*parts, draw_table(["package", "licence"], packages)])


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": write_settings,
    "docs/reference/errors.md": write_errors,
    "docs/reference/endpoints.md": write_endpoints,
    "docs/reference/commands.md": write_commands,
    "docs/reference/bot-yaml.md": write_bot_file,
    "docs/reference/api.md": write_api,
    "docs/reference/licences.md": write_licences,
    "config.example.yaml": write_example,
}


def render(name: str) -> str:
    """Return a page as it ought to be."""
    note = f"{NOTE}\n\n" if name.endswith(".md") else ""
    return f"{note}{PAGES[name]()}\n"


def find_stale() -> list[str]:
    """Return the pages that are not as they ought to be."""
    return [name for name in PAGES if not (ROOT / name).is_file() or (ROOT / name).read_text("utf-8") != render(name)]


def main(arguments: Sequence[str]) -> int:
    stale = find_stale()
    if list(arguments) == ["--check"]:
        for name in stale:
            print(f"{name} is not what the code says; run 'make docs'.", file=sys.stderr)
        return bool(stale)
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(render(name), "utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
