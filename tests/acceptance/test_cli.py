"""The command line from outside: it comes at once, and every failure is one line and an exit code."""

import re
import socket
import sys
from pathlib import Path

import pytest
import typer

from beseda import __version__
from beseda.cli.app import app
from tests.acceptance.program import PROGRAM, Program, measure

TOKEN = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFake"
AWAY = "127.0.0.1:1"  # nobody listens on port 1
COMMANDS = [
    [name, *([child] if child else [])]
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]  # it is a group
    for child in getattr(command, "commands", {"": None})
]


async def test_help_comes_within_half_a_second(beseda: Program) -> None:
    taken = [await measure(beseda("--help")) for _ in range(3)]
    print(f"beseda --help: {min(taken):.3f} CPU seconds")
    shown = await beseda("--help")
    assert (shown.code, shown.err) == (0, "")
    assert all(f"  {command[0]}  " in shown.out for command in COMMANDS)
    assert min(taken) < 0.5


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_help(command: list[str], beseda: Program) -> None:
    shown = await beseda(*command, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"Usage: beseda {' '.join(command)} ")


async def test_module_and_command_are_the_same(beseda: Program) -> None:
    module = (sys.executable, "-m", "beseda")
    assert await beseda("--help") == await beseda("--help", program=module)
    assert (await beseda("--version", program=module)).out == f"beseda {__version__}\n"
    failed = await beseda("nonsense", program=module)
    assert (failed.code, failed.complaint) == (2, "beseda: No such command 'nonsense'; see `beseda --help`")


async def test_group_without_a_command_lists_its_commands(beseda: Program) -> None:
    shown = await beseda("db")
    assert (shown.code, shown.err) == (2, "")
    assert "upgrade" in shown.out


WRONG = {
    "option": (["run", "--prt", "1"], {}, ["--prt", "--port", "beseda run --help"]),
    "argument": (["bots", "new"], {}, ["name", "beseda bots new --help"]),
    "port-word": (["run", "--port", "web"], {}, ["--port", "integer"]),
    "port-number": (["run", "--port", "99999"], {}, ["--port", "99999", "0 to 65535"]),
    "port-variable": (["run"], {"BESEDA_PORT": "web"}, ["BESEDA_PORT", "0 to 65535"]),
    "host": (["run", "--host", "192.0.2.1", "--no-sandbox"], {"BOT_TOKEN": TOKEN}, ["192.0.2.1", "8090", "--port"]),
    "host-of-sandbox": (["run", "--host", "0.0.0.0"], {}, ["0.0.0.0", "this machine only", "--no-sandbox"]),
    "bot": (["run", "--bot", "asistant"], {}, ["'asistant'", "the bots are assistant"]),
    "no-token": (["run", "--no-sandbox"], {}, ["'assistant'", "ASSISTANT_BOT_TOKEN", "BOT_TOKEN", "@BotFather"]),
    "no-token-bot": (["bot"], {}, ["ASSISTANT_BOT_TOKEN", "beseda run --sandbox"]),
    "token-form": (["run"], {"BOT_TOKEN": "secret-words"}, ["BOT_TOKEN", "@BotFather"]),
    "endpoint": (["run", "--port", "0"], {"BESEDA_MODEL": "opnrouter:x"}, ["opnrouter", "did you mean openrouter"]),
    "endpoint-flag": (["ask", "hi", "--model", "opnai:x"], {}, ["opnai", "did you mean openai"]),
    "no-key": (["ask", "hi", "--model", "groq"], {}, ["GROQ_API_KEY", "https://", "BESEDA_MODEL=demo"]),
    "database": (["run"], {"DATABASE_URL": "nonsense"}, ["DATABASE_URL", "postgresql://"]),
    "setting": (["bots", "list"], {"BESEDA_PROT": "1"}, ["BESEDA_PROT", "BESEDA_PORT"]),
    "config": (["doctor", "--config", "other.yaml"], {}, ["other.yaml", "no such file"]),
    "sandbox-token": (["sandbox", "--token", "x=y"], {}, ["NAME=TOKEN"]),
    "webhook": (
        ["run"],
        {"BOT_TOKEN": TOKEN, "BESEDA_PUBLIC_URL": "https://bots.example.org"},
        ["BESEDA_WEBHOOK_SECRET"],
    ),
}
FAILED = {
    "database-away": (["db", "check"], {"DATABASE_URL": f"postgresql://u:p@{AWAY}/x"}, ["database", "DATABASE_URL"]),
    "database-away-run": (["run", "--port", "0"], {"DATABASE_URL": f"postgresql://u:p@{AWAY}/x"}, ["DATABASE_URL"]),
    "redis-away": (["run", "--port", "0"], {"REDIS_URL": f"redis://{AWAY}"}, ["Redis", "REDIS_URL"]),
}


@pytest.mark.parametrize(("arguments", "environ", "words"), WRONG.values(), ids=WRONG)
async def test_wrong_use_is_one_line_and_2(
    arguments: list[str], environ: dict[str, str], words: list[str], beseda: Program
) -> None:
    failed = await beseda.with_environ(**environ)(*arguments)
    assert [word for word in words if word not in failed.complaint] == [], failed.complaint
    assert (failed.code, failed.out) == (2, "")
    assert "secret-words" not in failed.err


@pytest.mark.parametrize(("arguments", "environ", "words"), FAILED.values(), ids=FAILED)
async def test_failure_is_one_line_and_1(
    arguments: list[str], environ: dict[str, str], words: list[str], beseda: Program
) -> None:
    failed = await beseda.with_environ(**environ)(*arguments)
    assert [word for word in words if word not in failed.complaint] == [], failed.complaint
    assert failed.code == 1


FILES = {
    "unknown-key": (b"web: {prt: 1}", ["web.prt", "web.port"]),
    "bad-value": (b"web: {port: high}", ["web.port", "'high'"]),
    "not-yaml": (b"web: {port", ["line", "not YAML"]),
    "not-text": (b"\xff\xfe\x00", ["cannot be read", "UTF-8"]),
    "secret": (b"telegram: {token: '1:abc'}", ["telegram.token", "secret", ".env"]),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES)
async def test_wrong_config_file_is_named_with_its_line(content: bytes, words: list[str], beseda: Program) -> None:
    (beseda.folder / "config.yaml").write_bytes(content)
    failed = await beseda("run")
    assert [word for word in ["config.yaml", *words] if word not in failed.complaint] == [], failed.complaint
    assert failed.code == 2


async def test_every_problem_has_its_own_line(beseda: Program) -> None:
    (beseda.folder / "config.yaml").write_text("web: {prt: 1, port: high}")
    failed = await beseda("run")
    assert [line.split(": ")[:2] for line in failed.err.splitlines()] == [["beseda", "config.yaml"]] * 2


async def test_environment_file_that_is_no_text_is_named(beseda: Program) -> None:
    (beseda.folder / ".env").write_bytes(b"BESEDA_LANG=\xff")
    failed = await beseda("bots", "list")
    assert (failed.code, failed.complaint) == (2, "beseda: .env is not UTF-8 text: byte 13 makes no sense")


async def test_full_disk_and_closed_streams_are_no_traceback(beseda: Program) -> None:
    shell = ("/bin/sh", "-c", '"$0" bots list >/dev/full', PROGRAM)
    failed = await beseda(program=shell)
    assert (failed.code, failed.complaint) == (1, "beseda: No space left on device")
    assert (await beseda(program=("/bin/sh", "-c", '"$0" bots list >&-', PROGRAM))).err == ""
    silent = await beseda(program=("/bin/sh", "-c", '"$0" ask <&-', PROGRAM))
    assert (silent.code, "there is no question" in silent.complaint) == (2, True)


async def test_taken_port_is_named(beseda: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("run", "sandbox"):
            failed = await beseda(command, "--port", port)
            assert failed.code == 2
            assert re.search(rf"port {port} .*in use.*--port", failed.complaint)


async def test_two_bots_with_one_token_are_both_named(beseda: Program) -> None:
    await beseda("bots", "new", "sales", "--replace")
    both = beseda.with_environ(ASSISTANT_BOT_TOKEN=TOKEN, SALES_BOT_TOKEN=TOKEN)
    failed = await both("run")
    assert failed.code == 2
    assert all(name in failed.complaint for name in ("'assistant'", "'sales'", "SALES_BOT_TOKEN"))
    assert TOKEN not in failed.err


@pytest.mark.parametrize("command", [["run"], ["sandbox"], ["worker"], ["doctor"]], ids=" ".join)
async def test_storage_that_cannot_be_written_is_named(command: list[str], beseda: Program) -> None:
    (beseda.folder / "data").write_text("a file")
    failed = await beseda(*command)
    assert failed.code != 0
    assert "STORAGE_DIR: data cannot be used (it is a file)" in failed.out + failed.err
    assert "Traceback" not in failed.err


async def test_database_is_made_and_checked(beseda: Program) -> None:
    before = await beseda("db", "check")
    assert (before.code, before.out) == (1, "")
    assert "beseda db upgrade" in before.err
    assert (await beseda("db", "upgrade")).code == 0
    assert await beseda("db", "check") == await beseda("db", "upgrade")
    (beseda.folder / "data" / "beseda.db").write_bytes(b"no database at all" * 1000)
    broken = await beseda("db", "upgrade")
    assert broken.code == 2
    assert "beseda.db" in broken.complaint


async def test_terminal_that_knows_few_letters_is_no_obstacle(beseda: Program) -> None:
    checked = await beseda.with_environ(PYTHONIOENCODING="latin-1")("bots", "check")
    assert (checked.code, checked.err) == (0, "")
    assert "? assistant" in checked.out


HEAVY = {"aiogram", "fastapi", "starlette", "uvicorn", "alembic", "tdjson", "redis", "rich", "openai"}
LIGHT_COMMANDS = [["ask", "hi", "--max-tokens", "1"], ["models", "list"], ["bots", "list"], ["db", "check"]]
LOADED = """
import sys
from beseda.cli import main
try:
    main()
except SystemExit:
    print("LOADED", *{name.split(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("command", [["--help"], *LIGHT_COMMANDS], ids=" ".join)
async def test_command_loads_nothing_heavy(command: list[str], beseda: Program) -> None:
    ended = await beseda(*command, program=(sys.executable, "-c", LOADED))
    loaded = set(ended.out.partition("LOADED")[2].split())
    assert "typer" in loaded
    assert loaded & HEAVY == set()
    assert command != ["--help"] or not loaded & {"aiohttp", "pydantic", "sqlalchemy"}


async def test_doctor_does_without_a_web_server(beseda: Program) -> None:
    ended = await beseda("doctor", program=(sys.executable, "-c", LOADED))
    assert set(ended.out.partition("LOADED")[2].split()) & (HEAVY - {"redis"}) == set()


def test_program_is_the_one_of_this_checkout() -> None:
    assert Path(PROGRAM).is_file()
