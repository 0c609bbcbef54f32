"""Runs each fault in a process of its own, in namespaces of its own: with it end its processes and its mounts."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from tests.faults.harness import Fault, Outcome
from tests.faults.mounts import ISOLATED
from tests.service import ROOT

TIMEOUT_S = 900
QUICK_TIMEOUT_S = 300
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    fault: Fault
    repetitions: int
    outcome: Outcome
    took_s: float


@cache
def isolation() -> tuple[str, ...]:
    """What to put before a command so that it runs in namespaces of its own; nothing where that is not allowed."""
    for prefix in (NAMESPACES, (*NAMESPACES, "--user", "--map-root-user")):
        try:
            if (
                subprocess.run([*prefix, "true"], capture_output=True, timeout=QUICK_TIMEOUT_S, check=False).returncode
                == 0
            ):
                return prefix
        except OSError:
            break
    return ()


def run(one: Fault, *, quick: bool) -> Row:
    """Run one fault in its process and read what it came to."""
    command = [*isolation(), sys.executable, "-m", "tests.faults", "--one", one.name, *(["--quick"] if quick else [])]
    began = time.monotonic()
    limit = QUICK_TIMEOUT_S if quick else TIMEOUT_S
    with _workspace() as environment:
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit, check=False
            )
            outcome = _outcome(done.stdout, done.stderr)
        except subprocess.TimeoutExpired:
            outcome = Outcome(figure="broke off", findings=[f"not done after {limit} s"])
    took_s = time.monotonic() - began
    return Row(fault=one, repetitions=one.repetitions(quick=quick), outcome=outcome, took_s=took_s)


@contextmanager
def _workspace() -> Iterator[dict[str, str]]:
    """An environment whose temporary files are gone afterwards, even those that a killed fault left immutable."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - one fault runs as another user, who must get through
        yield os.environ | {"TMPDIR": folder} | ({ISOLATED: "yes"} if isolation() else {})
        with suppress(OSError):
            subprocess.run(["chattr", "-R", "-i", folder], capture_output=True, check=False)


def _outcome(stdout: str, stderr: str) -> Outcome:
    try:
        told = json.loads(stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return Outcome(figure="broke off", findings=[f"no outcome; it said: {stderr[-300:]}"])
    return required(Outcome(**told))


def required(outcome: Outcome) -> Outcome:
    """Where everything must be run, what was not run has failed."""
    must_run = os.environ.get("CI") == "true" or os.geteuid() == 0
    if outcome.not_run and must_run:
        return Outcome(figure="", findings=[f"not run: {outcome.not_run}"])
    return outcome


def run_all(faults: Sequence[Fault], *, quick: bool, jobs: int) -> Iterator[Row]:
    """Rows as they come: first those that bear company, then, unless nothing is timed, the others one by one."""
    together = [one for one in faults if quick or not one.is_alone]
    with ThreadPoolExecutor(jobs) as pool:
        yield from (done.result() for done in as_completed(start(pool, together, quick=quick).values()))
    for one in faults:
        if one not in together:
            yield run(one, quick=quick)


def start(pool: ThreadPoolExecutor, faults: Sequence[Fault], *, quick: bool) -> "dict[str, Future[Row]]":
    """Begin with all of them; their rows by name."""
    return {one.name: pool.submit(run, one, quick=quick) for one in faults}
