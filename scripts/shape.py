"""Measures of the package's shape: how finely it is cut, how much hangs together, how far a feature is spread."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePath

from scripts.source import FunctionNode, Module, Package, call_name

# Classes that hold values: their subclasses are rows, settings, DTOs and errors.
_VALUES = {"Enum", "StrEnum", "IntEnum", "IntFlag", "Flag", "NamedTuple", "TypedDict", "BaseModel", "BaseException"}
_VALUES |= {"Exception", "OSError", "ValueError", "TypeError", "str", "int", "dict", "tuple", "list"}
_NAME = re.compile(r"\w+")
_PRIVATE = re.compile(r"\b_[a-z]\w*")
_TINY = 3  # lines
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_DIRECTIVE = re.compile(r"#\s*(noqa|type:|pragma|ruff|!)")


def count_functions(modules: list[Module]) -> float:
    """Return the number of functions per 1,000 lines."""
    return 1000 * sum(1 for module in modules for _ in module.functions()) / sum(module.lines for module in modules)


def list_tiny_functions(modules: list[Module]) -> list[str]:
    """Return the private functions of at most three lines that are called once, as `path:line name`.

    A callback, a row of a table of functions and a decorated function are not called by name: they cannot be inlined.
    """
    uses = Counter(name for module in modules for name in _PRIVATE.findall(module.text))
    called = {call_name(call).rpartition(".")[2] for module in modules for call in module.calls()}
    return [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules
        for node in module.nodes
        if isinstance(node, FunctionNode) and _is_tiny(node) and uses[node.name] <= 2
        if node.name in called and not node.decorator_list
    ]


def _is_tiny(node: FunctionNode) -> bool:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    return node.name.startswith("_") and not node.name.startswith("__") and lines <= _TINY


def list_folders(modules: list[Module], noun: str) -> list[str]:
    """Return the folders that hold files of a feature by name; a folder within one of them is the same place."""
    places = {module.path.parent for module in modules if noun in str(PurePath(*module.path.parts[1:]))}
    return sorted(str(place) for place in places if not places & set(place.parents))


def count_comments(modules: list[Module]) -> float:
    """Return the lines with a comment per 100 lines of code. Directives such as `noqa` are no comments."""
    comments = code = 0
    for module in modules:
        documented = set[int]()
        for node in ast.walk(module.tree):
            if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                text = node.body[0]
                documented.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
        found = {
            token.start[0]: token.line.strip().startswith("#")
            for token in tokenize.generate_tokens(io.StringIO(module.text).readline)
            if token.type == tokenize.COMMENT and not _DIRECTIVE.match(token.string)
        }
        comments += len(found)
        lines = enumerate(module.text.splitlines(), 1)
        code += sum(1 for number, line in lines if line.strip() and number not in documented and not found.get(number))
    return 100 * comments / code


class Bags:
    """Classes by the number of collaborators that they hold: services, stores, clients, functions that are called.

    A class is a collaborator unless it holds values: an enumeration, an error, a model of pydantic, or a dataclass
    that neither waits for anything nor holds a collaborator itself.
    """

    def __init__(self, package: Package) -> None:
        self._classes = {
            node.name: (module, node)
            for module in package.modules.values()
            for node in module.tree.body
            if isinstance(node, ast.ClassDef)
        }
        self._callables = {
            target.id
            for module in package.modules.values()
            for node in module.tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Callable[")
            for target in node.targets
            if isinstance(target, ast.Name)
        } | {"Callable"}

    @cached_property
    def collaborators(self) -> set[str]:
        """Names of the classes that do work."""
        found = {name for name, (_, node) in self._classes.items() if not self._holds_values(node)}
        while True:
            rest = [name for name in self._classes if name not in found and not self._is_value(name)]
            more = {name for name in rest if found & self._types(name)}
            if not more:
                return found
            found |= more

    def sizes(self) -> list[tuple[int, str]]:
        """Return the number of collaborators and the place of each class, largest first."""
        sizes = [
            (len(self._list_held(node)), f"{module.path}:{node.lineno} {node.name}")
            for module, node in self._classes.values()
        ]
        return sorted(sizes, reverse=True)

    def _holds_values(self, node: ast.ClassDef) -> bool:
        waits = any(isinstance(item, ast.AsyncFunctionDef) for item in node.body)
        return self._is_value(node.name) or (_is_dataclass(node) and not waits)

    def _is_value(self, name: str) -> bool:
        if name not in self._classes:
            return name in _VALUES or name.endswith("Error")
        return any(self._is_value(ast.unparse(base).rpartition(".")[2]) for base in self._classes[name][1].bases)

    def _types(self, name: str) -> set[str]:
        return {word for text in _list_fields(self._classes[name][1]).values() for word in _NAME.findall(text)}

    def _list_held(self, node: ast.ClassDef) -> set[str]:
        wanted = self.collaborators | self._callables
        return {name for name, text in _list_fields(node).items() if wanted & set(_NAME.findall(text))}


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(item) for item in node.decorator_list)


def _list_fields(node: ast.ClassDef) -> dict[str, str]:
    """Return the fields of a class with their types as written: declared, taken or built by `__init__`."""
    fields = {
        item.target.id: ast.unparse(item.annotation)
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            fields |= dict(_list_assigned(item))
    return fields


def _list_assigned(init: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    every = [*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs]
    types = {item.arg: ast.unparse(item.annotation) for item in every if item.annotation}
    for node in ast.walk(init):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            yield node.target.attr, ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            value = node.value
            if isinstance(value, ast.Name) and value.id in types:
                yield node.targets[0].attr, types[value.id]
            elif isinstance(value, ast.Call):
                yield node.targets[0].attr, ast.unparse(value.func)
