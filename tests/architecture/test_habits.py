"""Small is measured, and a few habits that a reader of one file cannot see."""

import ast

import pytest

from scripts.source import PACKAGES, Function, Module, call_name, read_modules, show

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# Command functions of the command line take one parameter per option.
COMMAND = ("Option", "Argument")


@pytest.fixture(scope="module")
def ours() -> list[Module]:
    return read_modules(*PACKAGES)


@pytest.fixture(scope="module")
def tests() -> list[Module]:
    return read_modules("tests")


def test_modules_are_short(ours: list[Module]) -> None:
    assert [str(module.path) for module in ours if module.lines > 600] == []


def test_functions_are_short(ours: list[Module]) -> None:
    functions = [(function, module) for module in ours for function in module.functions()]
    long = [f"{module.path}:{function.line} {function.name}" for function, module in functions if function.body > 50]
    assert len(long) <= len(functions) / 100, long


def is_command(function: Function) -> bool:
    return any(text.endswith(COMMAND) or text.startswith("Annotated") for text in function.annotations)


def test_functions_take_few_parameters(ours: list[Module]) -> None:
    greedy = [
        f"{module.path}:{function.line} {function.name}"
        for module in ours
        for function in module.functions()
        if function.parameters > 5 and not is_command(function)
    ]
    assert not greedy, show(greedy)


def test_folders_are_not_deep(ours: list[Module]) -> None:
    assert [str(module.path) for module in ours if len(module.path.parent.parts) - 1 > 3] == []


def test_files_are_called_by_their_noun(ours: list[Module], tests: list[Module]) -> None:
    assert [str(module.path) for module in ours + tests if module.path.stem.strip("_") in FORBIDDEN_NAMES] == []


def test_transactions_end_in_the_database_layer_only(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{call.lineno}"
        for module in ours
        for call in module.calls()
        if call_name(call).split(".")[-1] == "commit" and not module.path.is_relative_to("beseda/db")
    ]
    assert not places, show(places)


def test_environment_is_read_by_the_settings_only(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{node.lineno}"
        for module in ours
        if not module.path.is_relative_to("beseda/config")
        and module.path.as_posix() != "botapi_sandbox/__main__.py"  # it passes the environment on to a command
        for node in module.nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}
    ]
    assert not places, show(places)
    assert [str(module.path) for module in ours if "os.environ" in {name for name, _ in module.imports}] == []


def test_only_the_command_line_prints(ours: list[Module]) -> None:
    places = [
        f"{module.path}:{call.lineno}"
        for module in ours
        for call in module.calls()
        if call_name(call) == "print"
        and not module.path.is_relative_to("beseda/cli")
        and module.path.as_posix() != "botapi_sandbox/__main__.py"
    ]
    assert not places, show(places)


def test_sessions_are_opened_by_the_module_that_knows_proxies(ours: list[Module]) -> None:
    openers = {"ClientSession", "aiohttp.request", "urlopen", "HTTPConnection", "HTTPSConnection", "UnixConnector"}
    places = [
        f"{module.path}:{call.lineno}"
        for module in ours
        for call in module.calls()
        if openers & {call_name(call), call_name(call).rpartition(".")[2]}
        and module.path.as_posix() not in {"beseda/http/client.py", "botapi_sandbox/sessions.py"}
    ]
    assert not places, show(places)
    assert [
        str(module.path)
        for module in ours
        if any(name.split(".")[:2] == ["http", "client"] for name, _ in module.imports)
    ] == []


def count_tests(modules: list[Module]) -> int:
    return sum(function.name.startswith("test_") for module in modules for function in module.functions())


def is_patch(call: ast.Call) -> bool:
    name = call_name(call)
    made = name.split(".")[-1] in {"Mock", "MagicMock", "AsyncMock", "create_autospec", "patch"}
    return made or name in {"monkeypatch.setattr", "monkeypatch.setitem", "monkeypatch.delattr", "patch.object"}


def test_hardly_anything_is_patched(tests: list[Module]) -> None:
    patches = [f"{module.path}:{call.lineno}" for module in tests for call in module.calls() if is_patch(call)]
    assert len(patches) <= max(1, count_tests(tests) * 5 / 100), patches


SLEEPS = {"asyncio.sleep", "time.sleep", "sleep"}


def bare_sleeps(node: ast.AST, *, in_loop: bool = False) -> list[int]:
    """Return the lines of sleeps that wait for nothing: not in a loop that asks for a condition, and not of 0 s."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue  # a slow server inside a test is no waiting test
        if isinstance(child, ast.Call) and call_name(child) in SLEEPS and not in_loop:
            is_zero = bool(child.args) and isinstance(child.args[0], ast.Constant) and child.args[0].value == 0
            found += [] if is_zero else [child.lineno]
        found += bare_sleeps(child, in_loop=in_loop or isinstance(child, ast.While))
    return found


def test_no_test_just_sleeps(tests: list[Module]) -> None:
    places = [
        f"{module.path}:{line}"
        for module in tests
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for line in bare_sleeps(node)
    ]
    assert not places, show(places)
