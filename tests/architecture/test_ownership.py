"""Rules of work on shared things: whose row an upsert may change, and what a loop that serves many may wait for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.source import Module, call_name, read_modules, show

FunctionNode = ast.AsyncFunctionDef | ast.FunctionDef

# Columns whose values are given by the thing itself, so that an equal key is the same thing: never drawn by a process.
# Turns are checked for their conversation when they are opened, before anything hangs on their number.
NATURAL_KEYS = {
    ("beseda/engine/conversations/repository.py", ("id",)): "people have Telegram's numbers",
    ("beseda/engine/conversations/repository.py", ("bot", "chat_id", "thread_id")): "a place",
    ("beseda/engine/turns/repository.py", ("turn_id", "attempt", "number")): "a part of a turn that was opened",
    ("beseda/engine/turns/repository.py", ("turn_id", "attempt")): "the call of a turn that was opened",
    ("beseda/features/broadcasts/subscriptions.py", ("bot", "user_id")): "a person and a bot",
    ("beseda/engine/usage/repository.py", ("id",)): "a budget's name",
    ("beseda/engine/conversations/summary_repository.py", ("conversation_id",)): "a conversation",
    ("beseda/ephemeral/sql_state.py", ("key",)): "a name",
    ("beseda/engine/shards/repository.py", ("bot", "name")): "a process",
    ("beseda/features/leads/queries.py", ("bot", "status", "stage")): "a counter",
}

# Loops that serve many, by the functions that they consist of, and what these may await.
LOOPS = {
    "beseda/engine/shards/leases.py": {
        "_live": {"_attempt", "_wait"},
        "_beat": {"beat"},
        "_hand_over": {"sleep", "_beat", "_ring"},
        "_settle": set(),
        "_ring": {"publish"},
    },
    "beseda/engine/jobs/executor.py": {"start_next": {"claim"}, "beat": {"renew", "free_dead"}},
}


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules("beseda")


def test_upserts_name_the_owner_of_the_row_they_may_change(ours: list[Module]) -> None:
    free = [
        f"{module.path}:{call.lineno} {keys}"
        for module in ours
        for call, keys in _upserts(module)
        if not any(item.arg == "where" for item in call.keywords) and (str(module.path), keys) not in NATURAL_KEYS
    ]
    assert not free, show(free)


def test_natural_keys_are_used(ours: list[Module]) -> None:
    used = {(str(module.path), keys) for module in ours for _, keys in _upserts(module)}
    assert NATURAL_KEYS.keys() - used == set()


def test_shared_loops_await_no_other_work(ours: list[Module]) -> None:
    trees = {str(module.path): module.tree for module in ours}
    wrong = []
    for path, functions in LOOPS.items():
        found = {node.name: node for node in ast.walk(trees[path]) if isinstance(node, FunctionNode)}
        for name, allowed in functions.items():
            others = [call for call in _awaited(found[name]) if call.split(".")[-1] not in allowed]
            wrong += [f"{Path(path).name} {name} awaits {call}" for call in others]
    assert not wrong, show(wrong)


def _upserts(module: Module) -> Iterator[tuple[ast.Call, tuple[str, ...]]]:
    lists = {
        target.id: node.value
        for node in module.nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in module.calls():
        if call_name(call).split(".")[-1] != "on_conflict_do_update":
            continue
        keys = next(item.value for item in call.keywords if item.arg == "index_elements")
        if isinstance(keys, ast.Call):  # list(keys)
            [keys] = keys.args
        if isinstance(keys, ast.Name):
            keys = lists[keys.id]
        assert isinstance(keys, ast.List | ast.Tuple)
        yield call, tuple(str(item.value) for item in keys.elts if isinstance(item, ast.Constant))


def _awaited(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            yield call_name(node.value)
