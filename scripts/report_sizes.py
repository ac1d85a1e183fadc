"""Say how big our modules and functions are: what is over a soft limit is named, hard limits are tests."""

from statistics import quantiles

from scripts.source import Function, Module, Package

SOFT_MODULE = 400
SOFT_BODY = 30


def main() -> None:
    package = Package()
    modules = [module for module in package.modules.values() if module.lines]
    functions = [(function, module) for module in modules for function in module.functions()]
    print(f"{len(modules)} modules, {sum(module.lines for module in modules)} lines, {len(functions)} functions")
    _describe("module lines", [module.lines for module in modules])
    _describe("function body lines", [function.body for function, _ in functions])
    print(f"longest chain of imports: {len(package.longest_chain()) - 1}")
    for module in sorted(modules, key=lambda item: -item.lines):
        if module.lines > SOFT_MODULE:
            print(f"over {SOFT_MODULE} lines: {module.path} ({module.lines})")
    for function, module in sorted(functions, key=_by_size):
        if function.body > SOFT_BODY:
            print(f"over {SOFT_BODY} lines: {module.path}:{function.line} {function.name} ({function.body})")


def _by_size(item: tuple[Function, Module]) -> int:
    return -item[0].body


def _describe(title: str, sizes: list[int]) -> None:
    if len(sizes) > 1:
        cuts = quantiles(sizes, n=10, method="inclusive")
        print(f"{title}: median {cuts[4]:.0f}, p90 {cuts[8]:.0f}, largest {max(sizes)}")


if __name__ == "__main__":
    main()
