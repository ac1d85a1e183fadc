"""Code decides by the class and the data of an error, never by the words of its sentence.

A sentence is for people: it is reworded without a thought, and holds words of strangers. What an error says is followed
through the syntax trees: its texts (`detail`, `str(error)`, `strerror` …), the variables that they are assigned to, and
the output of programs. A test of such a text (`in`, `==`, `startswith`, a regular expression …) is a decision.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from scripts.source import PACKAGES, read_modules, show

# The one table of each wire whose servers or programs send prose where a code would be needed.
TABLES = {
    "beseda/telegram/refusals.py": "the Bot API documents no codes for refusals: descriptions are all there is",
    "beseda/http/faults.py": "model servers agree on statuses; local ones and routers send a sentence without a code",
    "beseda/db/failure.py": "SQLite names a broken constraint, PgBouncer a refused parameter in words alone",
    "beseda/audio/_command.py": "ffmpeg ends with 1 whatever happened, and prints why",
    "beseda/audio/ffmpeg.py": "ffmpeg prints what a file holds",
    "beseda/images/gfpgan_docker.py": "docker prints why a container did not start",
}
BAR = 0
_OF_BODIES = {"beseda/http/faults.py"}  # it reads what no error holds yet

_TEXTS = {"description", "message", "msg", "strerror", "args"}  # of an error
_ALWAYS = {"detail", "stderr"}  # texts whatever they belong to
_TESTS = {"startswith", "endswith", "partition", "rpartition", "find", "rfind", "index", "rindex", "count"}
_TESTS |= {"removeprefix", "removesuffix"}
_PATTERNS = {"search", "match", "fullmatch", "findall", "finditer"}
_WRITING = {"say", "format_message"}
_CAUSES = {"orig", "__cause__", "__context__"}
_MADE_OF = (ast.Subscript, ast.FormattedValue, ast.JoinedStr, ast.BoolOp, ast.BinOp, ast.IfExp, ast.NamedExpr)
_COMPARISONS = (ast.In, ast.NotIn, ast.Eq, ast.NotEq)


@pytest.fixture(scope="module")
def decisions() -> dict[str, list[tuple[int, str]]]:
    """The decisions of each module."""
    return {str(module.path): list(list_decisions(module.tree)) for module in read_modules(*PACKAGES)}


def test_no_decision_reads_the_words_of_an_error(decisions: dict[str, list[tuple[int, str]]]) -> None:
    places = [
        f"{path}:{line} {text}" for path, found in decisions.items() if path not in TABLES for line, text in found
    ]
    print(f"\ndecisions by words of an error: {len(places)} (bar {BAR}); tables of wires: {len(TABLES)}")
    assert len(places) <= BAR, show(places)


def test_every_table_of_words_reads_some(decisions: dict[str, list[tuple[int, str]]]) -> None:
    assert [path for path in TABLES if path not in _OF_BODIES and not decisions[path]] == []


def test_decisions_are_found() -> None:
    assert [text for _, text in list_decisions(ast.parse(_EXAMPLES))] == [
        "'gone' in error.detail",
        "said.startswith('404')",
        "str(error) == 'x'",
        "re.search('a', error.args[0])",
        "_FULL.search(completed.stderr)",
        "'lost' in words",
        "error.strerror.partition(' (')",
        "f'{error}'.endswith('!')",
    ]


def list_decisions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the source of each test of an error's words."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            flow = _Flow(function)
            for node in _own(function):
                if flow.decides(node):
                    yield node.lineno, ast.unparse(node)


class _Flow:
    """The names of a function that hold errors, and those that hold their words."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._errors = set(_list_errors(function))
        self._words: set[str] = set()
        assigned = [node for node in _own(function) if isinstance(node, ast.Assign | ast.NamedExpr)]
        for node in assigned + assigned:  # twice, for words that are assigned on in another order
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if self._is_word(node.value):
                self._words |= {
                    name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
                }

    def decides(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Compare):
            compared = any(isinstance(operator, _COMPARISONS) for operator in node.ops)
            return compared and any(self._is_word(side) for side in (node.left, *node.comparators))
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr in _TESTS:
            return self._is_word(node.func.value)
        return node.func.attr in _PATTERNS and any(self._is_word(argument) for argument in node.args)

    def _is_word(self, node: ast.AST) -> bool:
        """Return whether an expression is the text of an error or is made of one."""
        if isinstance(node, ast.Name):
            return node.id in self._words
        if isinstance(node, ast.Attribute):
            return node.attr in _ALWAYS or (node.attr in _TEXTS and self._is_error(node.value))
        if isinstance(node, ast.Call):
            return self._is_written(node)
        if isinstance(node, ast.FormattedValue) and self._is_error(node.value):
            return True
        return isinstance(node, _MADE_OF) and any(map(self._is_word, ast.iter_child_nodes(node)))

    def _is_written(self, call: ast.Call) -> bool:
        """Return whether a call writes an error as text, or makes another text of one."""
        if any(map(self._is_word, call.args)):
            return True
        if isinstance(call.func, ast.Attribute):
            owner, name = call.func.value, call.func.attr
            return (name in _WRITING and self._is_error(owner)) or (name != "get" and self._is_word(owner))
        return ast.unparse(call.func) in {"str", "repr"} and any(map(self._is_error, call.args))

    def _is_error(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr in _CAUSES
        return isinstance(node, ast.Name) and node.id in self._errors


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes of a function in the order of its source, without those of functions inside it."""
    waiting: list[ast.AST] = list(reversed(list(ast.iter_child_nodes(function))))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.expr | ast.stmt):
            yield node
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _list_errors(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, ast.arg) and node.annotation is not None:
            if re.search("Error|Exception", ast.unparse(node.annotation)):
                yield node.arg
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr in _CAUSES:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


_EXAMPLES = """
def decide(error: OSError, completed):
    if "gone" in error.detail: return
    said = error.description.lower()
    if said.startswith("404"): return
    if str(error) == "x" or re.search("a", error.args[0]): return
    if _FULL.search(completed.stderr): return
    try:
        work()
    except ValueError as fault:
        words = f"{fault}".split()
        if "lost" in words: return
    reason = error.strerror.partition(" (")[0]
    if f"{error}".endswith("!"): return
    if error.errno == 2 or error.code == "gone" or isinstance(error, KeyError): return
    log.warning("failed: %s", error.detail)
"""
