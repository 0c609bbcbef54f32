"""The architecture: which floor may import which, and which module alone touches what."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

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


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def imports(module: str) -> Iterator[tuple[str, int]]:
    """Dotted names that a module imports, with the column at which it does."""
    for node in ast.walk(tree_of(module)):
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


def test_every_module_stands_on_a_floor() -> None:
    tops = {module.partition(".")[0] for module in MODULES}

    assert tops == {name for floor in FLOORS for name in floor.split()}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_only(module: str) -> None:
    assert [name for name in ours(module) if floor_of(name) > floor_of(module)] == []


def test_no_floor_holds_a_circle() -> None:
    try:
        list(TopologicalSorter({module: ours(module) for module in MODULES}).static_order())
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", MODULES)
def test_next_to_nothing_is_imported_inside_a_function(module: str) -> None:
    inside = {name for name, column in imports(module) if column} - OURS_WHEN_NEEDED

    assert {name.partition(".")[0] for name in inside} <= ONLY_WHEN_NEEDED


@pytest.mark.parametrize("module", MODULES)
def test_what_one_place_alone_may_touch_is_touched_there_alone(module: str) -> None:
    roots = {name.partition(".")[0] for name, _ in imports(module)}

    assert [name for name in roots if name in ONLY_IN and not stands_in(module, ONLY_IN[name])] == []


@pytest.mark.parametrize("module", [module for module in MODULES if stands_in(module, " ".join(PURE))])
def test_what_is_pure_does_without_the_world(module: str) -> None:
    roots = {name.partition(".")[0] for name, _ in imports(module)}

    assert roots & WORLDLY <= PATHS_ALLOWED.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_is_read_by_the_settings_alone(module: str) -> None:
    names = {node.attr for node in ast.walk(tree_of(module)) if isinstance(node, ast.Attribute)}

    # The variable TZ is the system's own setting and none of the service.
    assert module in {"config.settings", "kernel.zone"} or not names & {"environ", "argv", "getenv"}


@pytest.mark.parametrize("module", [module for module in MODULES if not stands_in(module, "kernel")])
def test_what_the_machine_says_is_read_by_the_kernel_s_floor_alone(module: str) -> None:
    texts = [node.value for node in ast.walk(tree_of(module)) if isinstance(node, ast.Constant)]

    assert [text for text in texts if isinstance(text, str) and re.match(r"/(proc|sys|etc)(/|$)", text)] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(tree_of(module))


def test_the_tests_mirror_the_floors() -> None:
    tests = Path(__file__).parent
    folders = {package: tests.joinpath(*package.split(".")) for package in PACKAGES}

    assert [package for package, folder in folders.items() if not any(folder.glob("test_*.py"))] == []
