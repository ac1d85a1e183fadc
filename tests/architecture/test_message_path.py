"""Rules of the path of a message: what is retried is counted, what is set outside is looked at again, and the like."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beseda import app_bots as launch
from beseda import app_tables as tables
from beseda.cli.settings import END_WITHIN
from scripts.source import Module, call_name, read_modules, show

# Columns of rows that are worked on until they are done, and the count that ends this.
_WORK = {"begun_at", "due_at", "finished_at", "lease_until"}
_COUNTED = {
    "deliveries": {"repeats"},
    "event_deliveries": {"attempts"},
    "jobs": {"attempt", "losses"},
    "updates": {"tries", "failures"},
}
_NOT_RETRIED = {
    "broadcasts": "a recipient is sent to once",
    "replicas": "a lease is renewed, and runs out",
    "reports": "a report is built by a job",
}
# Bounds on a sum, and the reason why no single chat, person or receiver can use one up.
_SHARED_BOUNDS = {
    "beseda/app.py": "a program for a recording has a time limit",
    "beseda/cli/repl/prompt.py": "one person at one terminal",
    "beseda/cli/transcribe.py": "one person at one terminal",
    "beseda/features/webhooks/http.py": "looking up a name has a time limit; receivers that fail rest",
    "beseda/engine/jobs/broker.py": "every call of the thread has a time limit",
    "beseda/images/process_pool.py": "jobs wait in the table, and each has a time limit",
    "beseda/images/gfpgan_docker.py": "jobs wait in the table, and each has a time limit",
    "beseda/features/minutes/asking.py": "of one document",
    "beseda/features/broadcasts/mailing.py": "of one broadcast",
    "beseda/engine/turns/parallel_answers.py": "of one answer",
    "beseda/features/transcription/service.py": "requests have a time limit",
    "beseda/telegram/sending.py": "a chat sends one message at a time, and every call has a time limit",
    "beseda/ephemeral/memory/bus.py": "of one subscriber; hints may be lost",
    "beseda/db/sqlite.py": "the path has readers of its own, and every read has a time limit",
}
# What is set at Telegram, and where it is looked at again.
_LOOKS = {
    "setWebhook": ("beseda/engine/webhook_watch.py", "getWebhookInfo"),
    "deleteWebhook": ("beseda/engine/polling.py", "deleteWebhook"),
    "setMyCommands": None,  # the menu: set again by every start, and nothing depends on it
}
_SETTING = re.compile(r"(set|delete)(Webhook|My[A-Z]\w+|Chat(MenuButton|Photo|Title))")
# Buttons that begin something new, so that there is no object to name.
_OBJECTLESS = {"catalogue:sample", "consent:no", "consent:revoke", "consent:yes", "meet:pick", "menu:", "reset_context"}


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules("beseda")


def test_retries_are_counted_in_the_database() -> None:
    worked_on = {table.name for table in tables.metadata.sorted_tables if _WORK & set(table.columns.keys())}
    assert worked_on == _COUNTED.keys() | _NOT_RETRIED.keys()
    for name, counts in _COUNTED.items():
        assert counts <= set(tables.metadata.tables[name].columns.keys()), name


def test_no_bound_on_a_sum_can_be_used_up_by_one_key(ours: list[Module]) -> None:
    bounds = {"Semaphore", "BoundedSemaphore", "Queue", "ThreadPoolExecutor", "ProcessPoolExecutor"}
    found = {
        str(module.path) for module in ours for call in module.calls() if call_name(call).rpartition(".")[2] in bounds
    }
    assert found == _SHARED_BOUNDS.keys()


def test_settings_at_telegram_are_checked_again(ours: list[Module]) -> None:
    texts = {
        node.value
        for module in ours
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SETTING.fullmatch(node.value)
    }
    assert texts == _LOOKS.keys()
    for method, look in _LOOKS.items():
        if look is not None:
            place, asked = look
            module = next(module for module in ours if str(module.path) == place)
            assert any(asked in ast.unparse(loop) for loop in _loops(module)), f"{method}: {place} has no loop"


def _loops(module: Module) -> Iterator[ast.AST]:
    """Yield the loops of a module, and the functions that they may call."""
    if any(isinstance(node, ast.While) for node in ast.walk(module.tree)):
        yield from (node for node in ast.walk(module.tree) if isinstance(node, ast.AsyncFunctionDef))


def test_button_names_the_object_that_it_acts_on(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{call.lineno} {ast.unparse(call.args[1])}"
        for module in ours
        for call in module.calls()
        if call_name(call).rpartition(".")[2] == "Button" and len(call.args) > 1
        if isinstance(call.args[1], ast.Constant) and call.args[1].value not in _OBJECTLESS
    ]
    assert not places, show(places)


def test_end_of_a_process_has_one_deadline(ours: list[Module]) -> None:
    steps = launch._GRACE + launch._TIDY + launch._LEAVE + launch._RECORDS
    assert steps < END_WITHIN < 10, "a bot has closed before the process ends, and `docker stop` waits ten seconds"
    serving = {
        str(module.path)
        for module in ours
        for call in module.calls()
        if call_name(call).rpartition(".")[2] == "serve_until_signal"
    }
    assert {"beseda/cli/api.py", "beseda/cli/run.py", "beseda/cli/sandbox.py", "beseda/cli/worker.py"} <= serving
    for file in (*Path("deploy").rglob("*.service"), *Path("deploy").rglob("*.conf")):
        for seconds in re.findall(r"TimeoutStopSec=(\d+)", file.read_text()):
            assert int(seconds) >= 30, file  # a worker takes up to 25
