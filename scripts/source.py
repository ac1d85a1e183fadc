"""Our own code as syntax trees: what imports what, what a function is made of. Nothing here imports what it reads."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("beseda", "botapi_sandbox")
"""Our packages that are installed."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Function:
    """A function as written: `body` counts its lines without signature, docstring and blank lines."""

    name: str
    line: int
    body: int
    parameters: int
    annotations: tuple[str, ...]


class Module:
    """One file. `name` is dotted; a package's is that of its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(ROOT)
        parts = self.path.with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.text = path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree: walking it takes longer than parsing."""
        return tuple(ast.walk(self.tree))

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call."""
        yield from (node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def imports(self) -> tuple[tuple[str, int], ...]:
        """Every imported dotted name with its line: at the top, in functions, for type checking only, by name."""
        found: list[tuple[str, int]] = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                found += [(f"{base}.{alias.name}", node.lineno) for alias in node.names]
            elif isinstance(node, ast.Call) and call_name(node).endswith("import_module") and node.args:
                argument = node.args[0]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.append((argument.value, node.lineno))
        return tuple(found)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.path.with_suffix("").parts[: -node.level]
        return ".".join([*here, *([node.module] if node.module else [])])

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones too."""
        blank = {number for number, line in enumerate(self.text.splitlines(), 1) if not line.strip()}
        for node in self.nodes:
            if isinstance(node, FunctionNode):
                yield _measure(node, blank)


def _measure(node: FunctionNode, blank: set[int]) -> Function:
    statements = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    first = statements[0].lineno if statements else 0
    last = statements[-1].end_lineno or first if statements else -1
    body = sum(1 for number in range(first, last + 1) if number not in blank)
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = [item.arg for item in every]
    parameters = len(names) - (bool(names) and names[0] in {"self", "cls"})
    annotations = tuple(ast.unparse(item.annotation) for item in every if item.annotation)
    return Function(node.name, node.lineno, body, parameters, annotations)


def call_name(node: ast.Call) -> str:
    """Return the name of the called function as written: `asyncio.sleep`."""
    names, target = [], node.func
    while isinstance(target, ast.Attribute):
        names.append(target.attr)
        target = target.value
    if isinstance(target, ast.Name):  # nearly every call, and thirty times as quick as unparsing it
        return ".".join([target.id, *reversed(names)])
    return ast.unparse(node.func)


def show(places: Iterable[str]) -> str:
    """Return places a line each, as a test tells them."""
    return "\n" + "\n".join(places)


def read_modules(*folders: str) -> list[Module]:
    """Return every module under these folders of the repository, read and parsed once."""
    return [module for folder in folders for module in _read_folder(folder)]


@cache
def _read_folder(folder: str) -> list[Module]:
    return [Module(path) for path in sorted((ROOT / folder).rglob("*.py"))]


class Package:
    """The modules of our packages and the arrows between them."""

    def __init__(self, folders: Iterable[str] = PACKAGES) -> None:
        self.modules = {module.name: module for module in read_modules(*folders)}

    def resolve(self, name: str) -> str | None:
        """Return the module of ours that a dotted name lies in, or None for a name of somebody else."""
        while name and name not in self.modules:
            name = name.rpartition(".")[0]
        return name or None

    @cached_property
    def arrows(self) -> tuple[tuple[Module, str, int], ...]:
        """Every import of ours by ours: from which module, to which, in which line."""
        return tuple(
            (module, target, line)
            for module in self.modules.values()
            for name, line in module.imports
            if (target := self.resolve(name)) and target != module.name
        )

    def longest_chain(self, within: str = "beseda") -> list[str]:
        """Return the longest chain of imports among the modules of one folder. Raises ValueError on a cycle."""
        chains: dict[str, list[str]] = {}

        def follow(name: str, above: tuple[str, ...]) -> list[str]:
            if name in above:
                raise ValueError(" → ".join([*above[above.index(name) :], name]))
            if name not in chains:
                targets = [target for target in self._targets.get(name, ()) if is_inside(target)]
                below = [follow(target, (*above, name)) for target in targets]
                chains[name] = [name, *max(below, key=len, default=[])]
            return chains[name]

        def is_inside(name: str) -> bool:
            return name == within or name.startswith(f"{within}.")

        return max((follow(name, ()) for name in self.modules if is_inside(name)), key=len)

    @cached_property
    def _targets(self) -> dict[str, set[str]]:
        targets: dict[str, set[str]] = {}
        for module, target, _ in self.arrows:
            # A package's __init__ runs before its modules and may name them: that is one thing, not a circle.
            if not target.startswith(f"{module.name}."):
                targets.setdefault(module.name, set()).add(target)
        return targets
