"""What docs/SECURITY.md promises: that each rule has a test, and the rules that no other file tests."""

import ast
import hashlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.service import ROOT, Service
from tests.waiting import get_json, wait_for_samples

PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (S\d+) \| (.*) \|$", PAGE, re.MULTILINE))
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)`")

SECRETS = re.compile("token|secret|shown|cookie", re.IGNORECASE)
SQL = re.compile(r"\b(SELECT|INSERT|DELETE|UPDATE|PRAGMA|VACUUM)\b")
FROM_CONSTANTS = {
    *("table", "table.columns", "table.time", "columns", "name", "tier.name", "below", "below.name", "TIERS[0].name"),
    *("number", "step", "marks", "on_conflict", "pragma", "extreme"),
    *("condition", "end", "newest", "kept_from", "parts", "source", "sql", "sums", "numbered_parts", "tier.seconds"),
    *("TIERS[1].name", "TIERS[1].seconds", "table.name", "table.blob", "column", "blob", "schema", "inside", "times"),
    *("pages", "HEAD.size"),
    *("level.name", "level.packed", "level.packed_s", "TICKS.name", "TICKS.packed", "loose", "packed"),
}
"""Names in SQL whose text is that of a table or a column, a number of ours, or put together from such in the module."""

SPEAKING_SQL = sorted(
    f"{folder}/{path.name}" for folder in ("check", "store") for path in (ROOT / "cpusensor" / folder).glob("[!_]*.py")
)

LOCKS = ("requirements.lock", "requirements-push.lock", "requirements-dev.lock")

LISTENING_IN = """
import runpy, sys
sys.addaudithook(lambda event, args: event == "open" and print("opened", args[0], file=sys.stderr))
sys.argv[0] = "server.py"
runpy.run_path("server.py", run_name="__main__")
"""
"""server.py, with a line on stderr for each file that it opens."""

OF_THE_MACHINE = r"stat|loadavg|pressure/cpu|sys/kernel/(?:random/boot_id|osrelease|ns_last_pid)"
OF_ITSELF = r"self/\w+|{pid}/(?:stat|statm|status|io)"
OF_OTHERS = {"off": r"(?!)", "all": r"\d+/(?:stat|cgroup)"}
"""Names and units, and neither arguments nor paths."""


def functions_of(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the product, by its path in it."""
    product = ROOT / "cpusensor"
    return tuple(
        (str(path.relative_to(product)), ast.parse(path.read_text())) for path in sorted(product.rglob("*.py"))
    )


def test_every_rule_has_its_row() -> None:
    assert list(ROWS) == [f"S{number}" for number in range(1, 32)]


@pytest.mark.parametrize("rule", ROWS)
def test_every_rule_is_proved_by_tests_that_exist(rule: str) -> None:
    proofs = PROOF.findall(ROWS[rule])
    missing = [f"{file}::{name}" for file, name in proofs if name not in functions_of(ROOT / "tests" / file)]

    assert proofs
    assert missing == []


@pytest.mark.parametrize("top", OF_OTHERS)
def test_of_other_processes_it_opens_what_holds_their_names_and_no_more(tmp_path: Path, top: str) -> None:
    with Service(tmp_path, "--top", top, command=[sys.executable, "-c", LISTENING_IN]) as service:
        wait_for_samples(service, 2)
        get_json(service, "api/now")
        opened = set(re.findall("^opened /proc/(.*)$", service.log.read_text(), re.MULTILINE))
        allowed = f"{OF_THE_MACHINE}|{OF_ITSELF.format(pid=service.process.pid)}|{OF_OTHERS[top]}"

    assert "stat" in opened
    assert [path for path in opened if not re.fullmatch(allowed, path)] == []


def test_no_secret_is_compared_but_in_constant_time() -> None:
    guard = dict(modules())["http/guard.py"]
    compared = [
        ast.unparse(node)
        for node in ast.walk(guard)
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
    ]

    assert [text for text in compared if SECRETS.search(text)] == []
    assert "hmac.compare_digest" in ast.unparse(guard)


@pytest.mark.parametrize("module", SPEAKING_SQL)
def test_nothing_but_constants_is_put_into_sql(module: str) -> None:
    texts = [node for node in ast.walk(dict(modules())[module]) if isinstance(node, ast.JoinedStr)]
    names = {
        ast.unparse(part.value)
        for text in texts
        if SQL.search(ast.unparse(text))
        for part in text.values
        if isinstance(part, ast.FormattedValue)
    }

    assert {name for name in names if not name.isupper()} <= FROM_CONSTANTS


def test_nothing_rests_on_an_assertion_that_python_can_leave_out() -> None:
    asserting = [name for name, module in modules() if any(isinstance(node, ast.Assert) for node in ast.walk(module))]

    assert asserting == []
    for file in ("Dockerfile", "Makefile", "deploy/cpusensor.service"):
        assert not re.search(r"PYTHONOPTIMIZE|python\S* .*-O", (ROOT / file).read_text()), file


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_installed_is_pinned_by_version_and_hash(lock: str) -> None:
    requirements = re.split(r"\n(?=\S)", (ROOT / lock).read_text())

    loose = [
        one for one in requirements if not one.startswith("#") and not re.match(r"\S+==\S+.*\\\n +--hash=sha256:", one)
    ]

    assert requirements
    assert loose == []


@pytest.mark.parametrize(("file", "installs"), [("Dockerfile", 1), ("Makefile", 2)])
def test_pip_installs_nothing_without_its_hash(file: str, installs: int) -> None:
    commands = re.findall(r"pip\b.* install .*", (ROOT / file).read_text())

    assert len(commands) == installs
    assert all("--require-hashes" in command for command in commands)


def test_what_others_wrote_is_as_they_published_it() -> None:
    sums = list((ROOT / "web" / "static" / "vendor").glob("*/SHA256SUMS"))
    told = {
        file.parent / name: digest for file in sums for digest, name in re.findall(r"(\S+)  (\S+)", file.read_text())
    }
    scripts = set((ROOT / "web" / "static" / "vendor").rglob("*.js"))

    assert scripts
    assert scripts <= told.keys()
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in told} == told


def test_the_audit_fails_on_what_it_could_not_look_up() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "audit"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    audits = [line for line in done.stdout.splitlines() if "pip-audit" in line]

    assert [lock for lock in LOCKS if any(lock in line for line in audits)] == list(LOCKS)
    assert all("--strict" in line and "--require-hashes" in line for line in audits)
