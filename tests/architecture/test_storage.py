"""The protocols of storage: an interface stands where there are two implementations, and nowhere else."""

import ast
from pathlib import Path

import beseda

PACKAGE = Path(beseda.__file__).parent
EPHEMERAL = {"Bus", "Cache", "HistoryStore", "RateLimiter", "StateStore", "TokenBucket"}  # memory and Redis
DRIVERS = {"Backend"}  # SQLite and PostgreSQL


def find_protocols(paths: list[Path]) -> set[str]:
    assert paths
    return {
        node.name
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }


def test_six_stores_have_a_protocol() -> None:
    assert find_protocols([*PACKAGE.glob("ephemeral/**/*.py")]) == EPHEMERAL
    assert find_protocols([*PACKAGE.glob("db/**/*.py")]) == DRIVERS


def test_repositories_are_their_own_interface() -> None:
    names = ("repository.py", "*_repository.py", "queries.py", "tables.py")
    paths = [path for name in names for path in PACKAGE.rglob(name)]
    assert find_protocols(paths) == set()


def test_no_protocol_mirrors_that_of_a_store() -> None:
    methods = {
        node.name: {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
        for node in ast.walk(ast.parse((PACKAGE / "ephemeral/base.py").read_text()))
        if isinstance(node, ast.ClassDef) and node.name in EPHEMERAL
    }
    assert methods.keys() == EPHEMERAL
    elsewhere = [
        path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in {"ephemeral", "testing"}
    ]
    mirrors = [
        f"{path}: {node.name}"
        for path in elsewhere
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        and {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
        in methods.values()
    ]
    assert mirrors == []
