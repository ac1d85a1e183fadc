"""Pages as a reader follows them: their commands run in a new folder, in order, with servers of this machine."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from beseda.audio.ffmpeg import find_ffmpeg
from beseda.core.subprocesses import run
from botapi_sandbox import SandboxSettings, serve_sandbox
from scripts.source import ROOT
from tests.docs.reader import Reader, read_blocks
from tests.parts.gigachat_server import GIGA_KEY, GigaChatServer
from tests.parts.living_bot import TOKEN, account
from tests.parts.model_server import ModelServer
from tests.parts.photo_samples import degrade, draw_scene
from tests.parts.postgres import PostgresServer, find_free_port
from tests.parts.recordings import speak
from tests.parts.redis import RedisServer
from tests.parts.speech_server import SpeechServer

# Commands that cannot run here, by page, and the reason. Everything else on a page is followed.
NOT_RUN: dict[str, Mapping[str, str]] = {
    "README.md": {
        "git clone": "the address is known to the reader",
        "botapi-sandbox": "the page that it leads to has the bot",
        "make test": "run by .ci/run",
        "make check": "run by .ci/run",
    },
    "docs/start/README.md": {
        "git clone": "the address is known to the reader",
        "uv build": "run by tests/acceptance/test_wheel.py",
        "uvx": "run by tests/acceptance/test_wheel.py",
    },
    "docs/durability.md": {
        "make bench": "minutes; the same runs are tests/acceptance/test_kill.py, test_lost_answers.py"
    },
    "docs/how-to/backup.md": {"beseda restore FILE": "run by tests/acceptance/test_backup.py with two lists"},
    "docs/how-to/botapi-sandbox.md": {
        "botapi-sandbox --run": "serves as long as the bot; tests/acceptance/test_botapi_sandbox.py runs one"
    },
    "docs/how-to/broadcasts.md": {
        'curl -H "$AUTH" -X POST $API/1/pause': "the broadcast to one person is over by then",
        "curl -H \"$AUTH\" -H 'Content-Type: application/json' -X POST $API/1/resume": "nobody is left unsettled",
    },
    "docs/how-to/databases.md": {"sudo": "makes a role in the system's PostgreSQL; the test brings its own"},
    "docs/how-to/docker.md": {"docker": "needs a Docker engine; tests/docs/test_deploy.py reads the files"},
    "docs/how-to/local-model.md": {
        "llama-server": "a program of another project",
        "python -m llama_cpp": "a program of another project",
        "ollama": "a program of another project",
        "vllm": "a program of another project",
        "pip install": "packages of 200 MB; tests have them",
        "beseda models fetch": "run by tests/acceptance/test_models_fetch.py",
    },
    "docs/how-to/photos.md": {
        "docker": "needs a Docker engine",
    },
    "docs/how-to/systemd.md": {
        **dict.fromkeys(("git clone", "make -C", "install", "cp -r", "cp /opt"), "writes to /opt and /etc as root"),
        **dict.fromkeys(
            ("systemctl", "journalctl", "beseda-cli"), "needs systemd; tests/docs/test_deploy.py reads the units"
        ),
    },
    "docs/start/tutorial.md": {"git clone": "the address is known to the reader"},
    "docs/how-to/upgrade.md": {"beseda restore": "run by tests/acceptance/test_upgrade.py with an old database"},
    "CONTRIBUTING.md": {"make": "run by .ci/run, minutes to hours"},
}
NOT_RUN |= {
    f"{name}.ru.md": NOT_RUN[f"{name}.md"]
    for name in ("README", "docs/start/README", "docs/start/tutorial", "docs/how-to/docker")
}

# A key, token or address of the reader in place of a page's sample.
KEYS = {
    "123456789:AAF…": TOKEN,
    "hf_…": "hf_key-of-a-reader",
    "OPENROUTER_API_KEY=sk-or-v1-…": "OPENROUTER_API_KEY=sk-or-v1-key-of-a-reader",
    "GIGA_CLIENT_BASIC=…": f"GIGA_CLIENT_BASIC={GIGA_KEY}",
}


@dataclass(frozen=True, slots=True)
class World:
    """The outside services of a reader, on this machine."""

    model: ModelServer
    environ: Mapping[str, str]
    values: Mapping[str, str]


@pytest.fixture
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    names = ("assistant", "llama", "hf_demo", "media")
    accounts = [account(name, TOKEN if name == "assistant" else f"{TOKEN}-{name}") for name in names]
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(serve_sandbox(SandboxSettings(tuple(accounts), folder)))
        model = await stack.enter_async_context(ModelServer())
        giga = await stack.enter_async_context(GigaChatServer())
        speech = await stack.enter_async_context(SpeechServer())
        urls = dict.fromkeys(("OPENROUTER", "OPENAI", "GROQ", "HF", "DEEPSEEK"), model.base_url)
        environ = {f"{name}_BASE_URL": url for name, url in urls.items()}
        environ |= {f"{name}_API_KEY": "key-of-a-reader" for name in ("OPENAI", "GROQ")}
        environ |= {"HF_TOKEN": "hf_key-of-a-reader", "GIGA_CLIENT_BASIC": GIGA_KEY, "GIGA_AUTH_URL": giga.auth_url}
        environ |= {"GIGA_API_BASE_URL": giga.base_url, "ASR_BASE_URL": speech.base_url}
        environ |= {"TELEGRAM_API_URL": sandbox.base_url, "LLAMA_SERVER_URL": model.base_url}
        yield World(model, environ, KEYS)


@pytest.fixture
def reader(tmp_path: Path, world: World) -> Reader:
    made = Reader(tmp_path, world.values, world.environ)
    made.prepare()
    return made


# What a page presumes to be in the folder, and how a reader's own values replace its samples.
FILES: Mapping[str, tuple[str, ...]] = {
    "README.md": ("meeting.mp3", "photo.jpg"),
    "README.ru.md": ("meeting.mp3", "photo.jpg"),
    "docs/how-to/terminal.md": ("prompt.txt", "old.md", "new.md", ".git"),
    "docs/how-to/transcripts.md": ("meeting.mp4", "interview.mp3"),
    "docs/how-to/photos.md": ("old.jpg",),
}
SAMPLES: Mapping[str, Mapping[str, str]] = {
    "docs/how-to/botapi-sandbox.md": {"botapi-sandbox --token": "botapi-sandbox --port 0 --token"},
    "docs/sandbox.md": {"botapi-sandbox --token": "botapi-sandbox --port 0 --token"},
    "docs/how-to/backup.md": {"/var/backups/": "", "2026-11-30": "$(date +%F)", "/tmp/rehearsal": "rehearsal"},
    "docs/how-to/gigachat.md": {
        "/etc/beseda/russian_trusted_root_ca.pem": str(ssl.get_default_verify_paths().cafile),
    },
}
# What a page presumes to have been done.
BEFORE: Mapping[str, str] = {"docs/how-to/backup.md": "beseda db upgrade\n"}
# The model of pages on which the first of all keys would be another one.
MODELS: Mapping[str, str] = {
    "docs/start/README.md": "demo",
    "docs/start/tutorial.md": "demo",
    "docs/how-to/llama.md": "llamacpp",
}
SERVED_TOGETHER = (
    "docs/how-to/webhook-events.md",
    "docs/how-to/api.md",
    "docs/how-to/analytics.md",
    "docs/how-to/reports.md",
    "docs/how-to/meetings.md",
    "docs/how-to/broadcasts.md",
)
WITH_SERVERS = ("docs/how-to/databases.md", "docs/how-to/replicas.md", "docs/how-to/worker.md")


def list_commands(page: str) -> list[str]:
    """Return the commands of a page that are to be run here."""
    commands = [
        line for block in read_blocks(page) if block.kind == "sh" and not block.is_settings for line in block.commands
    ]
    return [line for line in commands if not line.startswith(tuple(NOT_RUN.get(page, ())))]


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if list_commands(path.relative_to(ROOT).as_posix())
)
ALONE = [page for page in PAGES if page not in (*SERVED_TOGETHER, *WITH_SERVERS)]


async def make_file(path: Path) -> None:
    """Make a file of the kind that its name says."""
    if path.suffix == ".jpg":
        await asyncio.to_thread(path.write_bytes, degrade(draw_scene(1, (320, 240)), 5, 70))
    elif path.suffix in {".mp3", ".mp4"}:
        spoken = await speak(path.with_suffix(".wav"))
        await run([find_ffmpeg(), "-v", "error", "-i", str(spoken), str(path)], timeout=60)
    elif path.name == ".git":
        await run(["git", "init", "-q", str(path.parent)], timeout=30)
    else:
        await asyncio.to_thread(path.write_text, "What is new?\n")


# Pages that are followed by each `make test`; the others are slow.
QUICK = ("docs/start/README.md", "docs/recipes/add-a-bot.md")


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=() if page in QUICK else pytest.mark.slow) for page in ALONE]
)
async def test_page_works_in_order(page: str, reader: Reader) -> None:
    for name in FILES.get(page, ()):
        await make_file(reader.folder / name)
    # A Russian page is followed with the values of the English one.
    english = page.replace(".ru.md", ".md")
    environ = {"BESEDA_MODEL": MODELS[english]} if english in MODELS else {}
    follower = replace(
        reader,
        values={**reader.values, **SAMPLES.get(english, {})},
        environ={**reader.environ, **environ},
        left_out=tuple(NOT_RUN.get(page, ())),
    )
    await follower.follow(page, before=BEFORE.get(page, ""))


# The bots run in the sandbox before the pages of the API are followed, and a person writes to them.
STARTED = """
beseda run --bot sales --bot assistant --port {port} >run.log 2>&1 &
trap 'kill %1 && wait %1' EXIT
until [ -f run.log ] && grep -q 'is up' run.log; do sleep 0.1; done
say() {{
    command curl --silent --fail -H 'Content-Type: application/json' -d "{{\\"text\\": \\"$2\\"}}" \\
        "http://127.0.0.1:{port}/sandbox/api/dialogs/$1_bot:7000000001/messages"
}}
wait_until() {{ until "${{@:2}}" | grep -q "$1"; do sleep 0.2; done; }}
say assistant Привет
"""
BECOME_A_LEAD = """say sales 'Мы вручную разбираем почту'
wait_until 7000000001 curl -H "$AUTH" "$API/leads?status=active"
"""
FREE_TIME = """TIME=$(curl -H "$AUTH" "$API/meetings/slots?bot=sales&days=7" | grep -oE '2[0-9T:-]+Z' | head -1)
"""


@pytest.mark.slow
async def test_pages_of_the_api_work_in_order(reader: Reader) -> None:
    port = find_free_port()
    (reader.folder / ".env").write_text("BESEDA_EVENTS_SECRET=secret-of-a-reader-of-pages\n")
    booking = "curl -H \"$AUTH\" -H 'Content-Type: application/json' $API/meetings -d"
    start = 'curl -H "$AUTH" -X POST $API/1/start'
    report = 'curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8090/api/v1/analytics/reports/'
    # Numbers and times of this installation: the pages ask to take them from the answers before.
    values = {
        f"{report}7\n": f"wait_until ready {report}1\n",
        "reports/7/download": "reports/1/download",
        booking: FREE_TIME + booking,
        '"lead_id": 12': '"lead_id": 1',
        "2026-11-24T11:00:00Z": "'$TIME'",
        "meetings/7": "meetings/1",
        "KEY=$(beseda keys create broadcasts": BECOME_A_LEAD + "KEY=$(beseda keys create broadcasts",
        start: f'{start}\nwait_until waits.:true curl -H "$AUTH" $API/1',
        ":8090": f":{port}",
        "https://crm.example.org/beseda": f"http://127.0.0.1:{port}/none",
    }
    environ = {"BESEDA_MODEL": "demo", "BESEDA_WEBHOOKS_ALLOW_PRIVATE": "on", "ADMIN_IDS": "7000000001"}
    left_out = tuple(start for page in SERVED_TOGETHER for start in NOT_RUN.get(page, ()))
    follower = replace(reader, values=values, environ=environ, left_out=left_out)
    await follower.follow(*SERVED_TOGETHER, before=STARTED.format(port=port))
    assert (reader.folder / "leads.xlsx").read_bytes().startswith(b"PK")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_SERVERS)
async def test_page_about_servers_works_in_order(
    page: str, reader: Reader, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    database = postgres.create_database()
    values = {
        "postgresql://beseda:PASSWORD@127.0.0.1/beseda": database,
        "postgresql://beseda:PASSWORD@db.example.org/beseda": database,
        "redis://127.0.0.1:6379": redis.url.removesuffix("/0"),
        "redis://redis.example.org:6379": redis.url.removesuffix("/0"),
    }
    environ = {**reader.environ, "BESEDA_MODEL": "demo", "BOT_TOKEN": TOKEN}
    follower = replace(reader, values=values, environ=environ, left_out=tuple(NOT_RUN.get(page, ())))
    try:
        await follower.follow(page)
    finally:
        redis.stop()


def test_every_command_that_is_left_out_is_on_its_page() -> None:
    for page, reasons in NOT_RUN.items():
        text = [line for block in read_blocks(page) for line in block.commands]
        assert [start for start in reasons if not any(line.startswith(start) for line in text)] == [], page


@pytest.mark.parametrize("page", [page for page in ALONE if page.startswith("docs/recipes/add")])
def test_recipe_runs_the_tests_that_it_writes(page: str) -> None:
    tests = [block.file for block in read_blocks(page) if block.file.startswith("test_")]
    assert tests
    assert [name for name in tests if f"python -m pytest {name}" not in list_commands(page)] == []
    assert f"({Path(page).name})" in (ROOT / "docs/recipes/README.md").read_text("utf-8")
