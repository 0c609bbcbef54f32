"""The architecture: who may import whom, and which module alone touches what."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "cpusensor"

LAYERS = [
    {"records", "values", "answers", "connections"},  # plain data, texts of settings, bodies, and open connections
    {"options"},  # the table of settings
    {"configfile"},  # settings as a file
    {"clock", "settings", "assets", "logs"},  # time, configuration, the page's files, the log
    {"usage", "ranges", "dbfile"},  # counters -> use, questions -> grids; the database as files
    {"rollup", "gaps", "rows", "schema", "sanity"},  # pure: what samples add up to, and how they lie in tables
    {"wire", "salvage"},  # what leaves the service, and what is left of a broken database
    {"database"},  # the SQLite file
    {"kernel", "storage", "broadcast", "notify"},  # the edges: counters, history, open streams, the service manager
    {"background", "guard"},  # the loops; who may come in
    {"keys"},  # what the application keeps
    {"handlers"},  # HTTP
    {"app", "check", "healthcheck"},  # assembly; the commands that verify a database and ask the service how it is
]
"""From the bottom up; a module imports only from layers below its own."""

ONLY_IN = {
    "psutil": {"kernel"},
    "aiosqlite": {"database"},
    "sqlite3": {"database", "storage", "salvage", "check"},
    "time": {"clock"},
    "datetime": {"dbfile", "logs"},
    "argparse": {"settings", "check"},
    "aiohttp": {"handlers", "app", "keys", "guard"},
    "aiohttp_jinja2": {"handlers", "app"},
    "jinja2": {"app"},
    "fcntl": {"dbfile"},
    "signal": {"app"},
    "json": {"wire", "assets", "logs"},
    "tomllib": {"configfile"},
}
"""Modules of others, and who alone may know them."""

ONLY_WHEN_NEEDED = {"tomllib", "ssl"}
"""What most runs do without, so that it is imported where it is used."""

MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def imports(module: str) -> list[tuple[str, int]]:
    """Dotted names that a module imports, with the column at which it does."""
    found = []
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.col_offset) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names = [alias.name for alias in node.names] if node.module == "cpusensor" else [""]
            found += [(f"{node.module}.{name}".rstrip("."), node.col_offset) for name in names]
    return found


def layer_of(module: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if module in layer)


def test_every_module_has_its_layer() -> None:
    assert sorted(module for layer in LAYERS for module in layer) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_only(module: str) -> None:
    ours = [name.split(".")[1] for name, _ in imports(module) if name.startswith("cpusensor.")]
    upward = [name for name in ours if name in MODULES and layer_of(name) >= layer_of(module)]

    assert upward == []


@pytest.mark.parametrize("module", MODULES)
def test_next_to_nothing_is_imported_inside_a_function(module: str) -> None:
    assert {name for name, column in imports(module) if column} <= ONLY_WHEN_NEEDED


@pytest.mark.parametrize("module", MODULES)
def test_what_one_module_alone_may_touch_is_touched_there_alone(module: str) -> None:
    roots = {name.split(".")[0] for name, _ in imports(module)}

    assert [name for name in roots if name in ONLY_IN and module not in ONLY_IN[name]] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_is_read_by_the_settings_alone(module: str) -> None:
    reads = [
        node
        for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "argv", "getenv"}
    ]

    assert module == "settings" or reads == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse((PACKAGE / f"{module}.py").read_text()))
