"""The architecture: which floor may import which, and which module alone touches what."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeGuard

import pytest

PACKAGE = Path(__file__).parent.parent / "cpusensor"

FLOORS = [
    "logs",  # how anything is logged
    "model",  # what is true, as plain data and arithmetic
    "config",  # what the service is told
    "kernel",  # what the machine says
    "store",  # the history
    "outlets",  # what leaves the service
    "recording",  # from a reading to a sample that is stored and published
    "http",  # the service on the network
    "check healthcheck export __main__",  # commands
]
"""From the ground up. A floor is a package or a module; each imports only from those before it, and from itself."""

ONLY_IN = {
    "aiohttp": "http outlets.push",
    "aiohttp_jinja2": "http",
    "aiosqlite": "store.database",
    "argparse": "config.settings check export",
    "cramjam": "outlets.remote_write",
    "datetime": "kernel.zone logs model.times store.file outlets.sentences outlets.spreadsheet",
    "fcntl": "store.file",
    "google": "outlets.remote_write",
    "jinja2": "http.app",
    "json": "logs outlets.wire http.assets http.engine",
    "prometheus_client": "outlets.metrics",
    # The second asks for the processes of a system without /proc.
    "psutil": "kernel.counters kernel.processes_elsewhere",
    "signal": "http.serving",
    "sqlite3": "store check",
    "time": "kernel.clock",
    "tomllib": "config.file",
    "zoneinfo": "kernel.zone",
}
"""Modules of others, and the floors and modules that alone may know them."""

PURE = ("model", "config.values")
"""What may know nothing of the world but plain data."""

WORLDLY = frozenset({"asyncio", "logging", "os", "pathlib", "resource", "socket", "subprocess", "sys", "threading"})
"""What a pure module does without."""

PATHS_ALLOWED = {"config.values": {"os", "pathlib"}}
"""A setting may be a path, and what it leads to is looked at when it is read."""

ONLY_WHEN_NEEDED = {"cramjam", "difflib", "google", "prometheus_client", "tomllib", "ssl"}
"""What most runs do without, so that it is imported where it is used."""

OURS_WHEN_NEEDED = {"cpusensor.http.naming.reading_names"}
"""Likewise of our own: what somebody may turn off, and then does not pay for."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.parent != PACKAGE or path.stem != "__init__"
}
"""Each module by its name below cpusensor; a package is the module of its __init__.py."""


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


@cache
def nodes(module: str) -> list[ast.AST]:
    return list(ast.walk(tree_of(module)))


def imports(module: str) -> Iterator[tuple[str, int]]:
    """Dotted names that a module imports, with the column at which it does."""
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.col_offset) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from ((f"{node.module}.{alias.name}", node.col_offset) for alias in node.names)


def ours(module: str) -> set[str]:
    """The modules of cpusensor that a module imports: `from package import module` names one as well."""
    found = set()
    for name, _ in imports(module):
        parts = name.split(".")[1:] if name.startswith("cpusensor.") else []
        found |= {".".join(parts[: end + 1]) for end in range(len(parts))} & MODULES.keys()
    return found - {module, *(package for package in PACKAGES if module.startswith(f"{package}."))}


PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]


def floor_of(module: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if module.partition(".")[0] in floor.split())


def stands_in(module: str, places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places.split())


def roots(module: str) -> set[str]:
    """The packages that a module imports from."""
    return {name.partition(".")[0] for name, _ in imports(module)}


def is_path_of_the_machine(node: ast.AST) -> TypeGuard[ast.Constant]:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"/(proc|sys|etc)(/|$)", node.value) is not None
    )


def of_each(find: Callable[[str], set[Any]]) -> dict[str, set[Any]]:
    """What is found in the modules, but those in which nothing is."""
    return {module: found for module in MODULES if (found := find(module))}


def test_every_module_stands_on_a_floor() -> None:
    tops = {module.partition(".")[0] for module in MODULES}

    assert tops == {name for floor in FLOORS for name in floor.split()}


def test_imports_go_down_only() -> None:
    assert not of_each(lambda module: {name for name in ours(module) if floor_of(name) > floor_of(module)})


def test_no_floor_holds_a_circle() -> None:
    try:
        list(TopologicalSorter({module: ours(module) for module in MODULES}).static_order())
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")


def test_next_to_nothing_is_imported_inside_a_function() -> None:
    inside = of_each(lambda module: {name for name, column in imports(module) if column} - OURS_WHEN_NEEDED)

    assert {name.partition(".")[0] for names in inside.values() for name in names} <= ONLY_WHEN_NEEDED, inside


def test_what_one_place_alone_may_touch_is_touched_there_alone() -> None:
    assert not of_each(
        lambda module: {name for name in roots(module) & ONLY_IN.keys() if not stands_in(module, ONLY_IN[name])}
    )


def test_what_is_pure_does_without_the_world() -> None:
    worldly = of_each(lambda module: (roots(module) & WORLDLY) - PATHS_ALLOWED.get(module, set()))

    assert [module for module in worldly if stands_in(module, " ".join(PURE))] == [], worldly


def test_the_environment_is_read_by_the_settings_alone() -> None:
    attributes = of_each(lambda module: {node.attr for node in nodes(module) if isinstance(node, ast.Attribute)})
    reading = {module for module, names in attributes.items() if names & {"environ", "argv", "getenv"}}

    # The variable TZ is the system's own setting and none of the service.
    assert reading <= {"config.settings", "kernel.zone"}


def test_what_the_machine_says_is_read_by_the_kernel_s_floor_alone() -> None:
    texts = of_each(lambda module: {node.value for node in nodes(module) if is_path_of_the_machine(node)})

    assert [module for module in texts if not stands_in(module, "kernel")] == [], texts


def test_a_module_says_what_it_is_for() -> None:
    assert [module for module in MODULES if not ast.get_docstring(tree_of(module))] == []


def test_the_tests_mirror_the_floors() -> None:
    tests = Path(__file__).parent
    folders = {package: tests.joinpath(*package.split(".")) for package in PACKAGES}

    assert [package for package, folder in folders.items() if not any(folder.glob("test_*.py"))] == []
