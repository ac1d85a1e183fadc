"""Measure how many one-line faults the unit tests of the core modules notice: `make mutation`.

Each module of `scripts/mutation.toml` is mutated with the operators of cosmic-ray (a comparison turned, an operator
swapped, a number raised or lowered, `and` for `or`, a condition negated) and with two of our own (a call dropped, a
return of None). A sample of the mutants runs against the module's own tests in a copy of the tree. A mutant counts
as noticed when a test fails or when the tests take much longer than without it.

    make mutation                                  # a sample of every module
    make mutation ARGS="split --sample 0 --show"   # every mutant of one module, with the diffs of the survivors
"""

import argparse
import ast
import random
import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import TestOutcome

from scripts.source import ROOT

_SETTINGS = ROOT / "scripts" / "mutation.toml"
_COPIED = (
    "beseda",
    "bench",
    "botapi_sandbox",
    "config.example.yaml",
    "migrations",
    "pyproject.toml",
    "scripts",
    "tests",
)
_TURNED = re.compile(r"ReplaceComparisonOperator_(Is_IsNot|IsNot_Is|Eq_NotEq|NotEq_Eq|[LG]tE?_[LG]tE?)$")
_KINDS = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceBinaryOperator",
    "ReplaceComparisonOperator",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
)


class DropCall(Operator):  # type: ignore[misc] # cosmic-ray has no types
    """Replaces a statement that only calls something by one that does nothing."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the statements that are calls, docstrings and `super().__init__()` not among them."""
        is_call = (
            node.type == "atom_expr" and node.children[-1].type == "trailer" and node.children[-1].children[0] == "("
        )
        if is_call and node.parent.type in {"simple_stmt", "expr_stmt"} and node.parent.children[0] is node:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return an expression that does nothing."""
        del index
        return _parse("...", node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none: the base class asks for them."""
        return ()


class ReturnNone(Operator):  # type: ignore[misc]
    """Replaces the value of a `return` by None."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the returns of a value that is not None already."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() != "None":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the statement `return None`."""
        del index
        return _parse("return None", node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none: the base class asks for them."""
        return ()


def _parse(code: str, prefix: str) -> Any:
    # Parsed with its prefix, an indented statement would be an error and leave a blank line.
    node = parso.parse(code).children[0]  # type: ignore[no-untyped-call]
    node.get_first_leaf().prefix = prefix
    return node


@dataclass(frozen=True, slots=True)
class Target:
    """A module, its own tests, and the mutants that no input distinguishes from the module."""

    name: str
    path: str
    tests: tuple[str, ...]
    equivalent: dict[str, str]
    """Mutated line, stripped of blanks, to the reason why no input distinguishes it."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed copy of a module."""

    target: Target
    code: str
    before: str
    after: str
    line: int


def read_targets(names: list[str]) -> list[Target]:
    """Return the modules of the settings file; `names` picks some. Raises SystemExit for a name that is not there."""
    rows = tomllib.loads(_SETTINGS.read_text())["module"]
    targets = [Target(row["name"], row["path"], tuple(row["tests"]), row.get("equivalent", {})) for row in rows]
    if unknown := set(names) - {target.name for target in targets}:
        raise SystemExit(f"no such module: {', '.join(sorted(unknown))}")
    return [target for target in targets if not names or target.name in names]


def find_mutants(target: Target) -> list[Mutant]:
    """Return one mutant per kind and place of a module."""
    source = (ROOT / target.path).read_text()
    tree = get_ast(source)
    spans = _spans_without_behaviour(source)
    places: dict[tuple[str, Any], list[tuple[Operator, int]]] = {}
    for kind, operator in _operators():
        positions = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(positions):
            if not any(begin <= start < end for begin, end in spans):
                places.setdefault((kind, start), []).append((operator, occurrence))
    chosen = random.Random(target.name)
    mutants = []
    for choices in places.values():
        operator, occurrence = chosen.choice(choices)
        code = mutate_code(source, operator, occurrence)
        if code is not None and _is_python(code) and (mutant := _compare(target, source, code)) is not None:
            mutants.append(mutant)
    return mutants


def _operators() -> Iterator[tuple[str, Operator]]:
    for name in operator_names():
        operator = name.partition("/")[2]
        kind = next((kind for kind in _KINDS if operator.startswith(kind)), None)
        # An `is` turned into `<=` only raises TypeError: comparisons are turned within their own family.
        if kind is not None and (kind != "ReplaceComparisonOperator" or _TURNED.match(operator)):
            yield kind, get_operator(name)()
    yield "DropCall", DropCall()
    yield "ReturnNone", ReturnNone()


def _spans_without_behaviour(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the spans of annotations (`int | None` is no operation) and of decorators (`frozen`, `slots`)."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        parts = [
            getattr(node, "annotation", None),
            getattr(node, "returns", None),
            *getattr(node, "decorator_list", []),
        ]
        for part in parts:
            if isinstance(part, ast.expr):
                end = (part.end_lineno or part.lineno, part.end_col_offset or part.col_offset)
                spans.append(((part.lineno, part.col_offset), end))
    return spans


def _is_python(code: str) -> bool:
    """Return whether a mutant can run at all: the star of keyword-only parameters, for example, is no operator."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _compare(target: Target, source: str, code: str) -> Mutant | None:
    for number, (before, after) in enumerate(zip(source.splitlines(), code.splitlines(), strict=False), 1):
        if before != after:
            return Mutant(target, code, before.strip(), after.strip(), number)
    return None


def copy_tree() -> Path:
    """Copy what the tests need into a temporary folder, where modules may be changed."""
    folder = Path(tempfile.mkdtemp(prefix="beseda-mutation-"))
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


class Laboratory:
    """Copies of the tree, one for each mutant that is tested at the same time."""

    def __init__(self, size: int) -> None:
        self._folders = [copy_tree() for _ in range(size)]
        self._free: SimpleQueue[Path] = SimpleQueue()
        for folder in self._folders:
            self._free.put(folder)

    def measure(self, target: Target) -> float:
        """Return how long a module's tests take unchanged, in seconds. Raises SystemExit if they fail."""
        started = time.monotonic()
        if not self._pass(target, self._folders[0], timeout=600):
            raise SystemExit(f"the tests of {target.name} fail unchanged")
        return time.monotonic() - started

    def survives(self, mutant: Mutant, timeout: float) -> bool:
        """Run a module's tests against a mutant; True when they all pass in time."""
        folder = self._free.get()
        path = folder / mutant.target.path
        original = path.read_text()
        path.write_text(mutant.code)
        try:
            return self._pass(mutant.target, folder, timeout)
        finally:
            path.write_text(original)
            self._free.put(folder)

    def close(self) -> None:
        """Delete the copies."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _pass(self, target: Target, folder: Path, timeout: float) -> bool:
        tests = " ".join(target.tests)
        pytest = f"{sys.executable} -m pytest -x -q --no-header -o addopts= -p no:cacheprovider {tests}"
        outcome, _ = run_tests(f"env -C {folder} PYTHONPATH={folder} {pytest}", timeout)
        return bool(outcome is TestOutcome.SURVIVED)


def measure_target(target: Target, options: argparse.Namespace, laboratory: Laboratory) -> float:
    """Print the score of a module and, if asked, its survivors; return the score in percent."""
    mutants = find_mutants(target)
    random.Random(options.seed).shuffle(mutants)
    if options.sample:
        mutants = mutants[: options.sample]
    timeout = 10 + 5 * laboratory.measure(target)
    with ThreadPoolExecutor(options.workers) as pool:
        fates = list(pool.map(lambda mutant: laboratory.survives(mutant, timeout), mutants))
    survivors = [mutant for mutant, alive in zip(mutants, fates, strict=True) if alive]
    aside = [mutant for mutant in survivors if mutant.after in target.equivalent]
    judged = len(mutants) - len(aside)
    score = 100 * (len(mutants) - len(survivors)) / judged if judged else 100.0
    print(f"{target.name:12} {score:5.0f} %  {len(mutants)} mutants, {len(survivors)} survived, {len(aside)} set aside")
    if options.show:
        for mutant in survivors:
            if mutant not in aside:
                print(f"    {target.path}:{mutant.line}\n      - {mutant.before}\n      + {mutant.after}")
    return score


def main() -> None:
    """Print the score of each module and end with 1 if one is below the bar."""
    parser = argparse.ArgumentParser(description="Mutation score of the core modules")
    parser.add_argument("names", nargs="*", help="modules of scripts/mutation.toml (default: all)")
    parser.add_argument("--sample", type=int, default=20, help="mutants a module, 0 for all (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="decides which mutants are drawn (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="mutants tested at the same time (default: 2)")
    parser.add_argument("--bar", type=float, default=85.0, help="lowest score of a module in percent (default: 85)")
    parser.add_argument("--show", action="store_true", help="show the survivors")
    options = parser.parse_args()
    laboratory = Laboratory(options.workers)
    try:
        scores = [measure_target(target, options, laboratory) for target in read_targets(options.names)]
    finally:
        laboratory.close()
    if min(scores) < options.bar:
        raise SystemExit(f"at least one module is below {options.bar:.0f} %")


if __name__ == "__main__":
    main()
