"""What goes on beside the recording, and what it costs it: `python -m tests.bench.beside FILE`, about five minutes.

A service samples every second into a copy of FILE while nothing is asked, while a year is downloaded as a table, while
slow ranges are asked for without a pause, and from its start on a file of the second version, whose older rollups are
added up and whose samples are sealed. Beside each stands an event loop that does nothing, in the same run: what it
oversleeps is the machine's doing.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.report import Verdict, as_items, machine, say, table, write_section
from tests.faults.upgrade import make_older
from tests.service import ROOT, Service
from tests.waiting import get_json, wait_for_samples

WATCHED = (sys.executable, "-m", "tests.bench.watched")
COMMIT_GOAL_MS, PAUSE_GOAL_MS = 5.0, 50.0
SLOW_RANGE = "/api/history?from={from_time}&to={to_time}&series=modes,cores,load,pressure&points=5000"
SLOW = 4
"""Clients that ask for long ranges at a time."""
ASK_S = 0.25
"""Between two questions about the last hour."""
OLDER_YEARS = "0.2"
"""Of the history that is brought up to date."""
YEAR_S, DAY_S = 31_536_000, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How the recording fared while something went on, in milliseconds, ascending."""

    name: str
    seconds: float
    commits: list[float]
    late: list[float]
    pauses: list[float]
    """Of the service's event loop."""
    bare: list[float]
    """Of a loop that does nothing."""
    hours: list[float]
    """Until the last hour was answered."""
    samples: int
    missing: int
    remark: str


def at(values: Sequence[float], part: float) -> float:
    """That quantile of ascending values, by nearest rank; 0 of none."""
    return values[min(len(values) - 1, int(part * len(values)))] if values else 0.0


@contextmanager
def bare_loop(notes: Path) -> Iterator[None]:
    """An event loop that only naps, beside what is measured."""
    environment = {**os.environ, "WATCHED_NOTES": str(notes)}
    process = subprocess.Popen([*WATCHED, "--bare"], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def watch(file: Path, name: str, go_on: Callable[[Service], str], *, is_ready: bool = True) -> Fared:
    """Let a service record into `file` while `go_on` does its part, which says at its end what it did."""
    notes, bare = file.with_name("notes"), file.with_name("bare")
    service = Service(file.parent, command=WATCHED, WATCHED_NOTES=str(notes))
    with bare_loop(bare), service:
        if is_ready:
            wait_for_samples(service, 3)
        began = time.time()
        hours, ended = [], threading.Event()
        asking = threading.Thread(target=lambda: hours.extend(ask_for_hours(service.port, ended)))
        asking.start()
        remark = go_on(service)
        ended.set()
        asking.join()
        end = time.time()
        found = get_json(service, f"api/history?from={int(began) + 1}&to={int(end)}&step=1")["cpu"]
        service.terminate()
    fared = Fared(
        name=name,
        seconds=end - began,
        commits=noted(notes, "commit", began, end),
        late=noted(notes, "late", began, end),
        pauses=noted(notes, "pause", began, end),
        bare=noted(bare, "pause", began, end),
        hours=sorted(hours),
        samples=len(found),
        missing=found.count(None),
        remark=remark,
    )
    say(f"{name}: {', '.join(cells(fared)[1:])}; {remark}")
    return fared


def noted(path: Path, kind: str, began: float, end: float) -> list[float]:
    """What was noted of that kind in this time."""
    lines = (line.split() for line in path.read_text().splitlines())
    return sorted(float(ms) for what, when, ms in lines if what == kind and began <= float(when) <= end)


def ask_for_hours(port: int, ended: threading.Event) -> list[float]:
    """How long each answer about the last hour took."""
    connection, took = HTTPConnection("127.0.0.1", port, timeout=120), []
    while not ended.wait(ASK_S):
        began = time.perf_counter()
        connection.request("GET", "/api/history?range=1h")
        connection.getresponse().read()
        took.append(1000 * (time.perf_counter() - began))
    connection.close()
    return took


def nothing(seconds: float) -> Callable[[Service], str]:
    """For so long."""

    def go_on(_: Service) -> str:
        time.sleep(seconds)
        return "nothing else is asked"

    return go_on


def a_year_as_a_table(service: Service) -> str:
    """Every sample of the last year."""
    to_time = int(time.time())
    connection = HTTPConnection("127.0.0.1", service.port, timeout=120)
    connection.request("GET", f"/api/history?from={to_time - YEAR_S}&to={to_time}&step=5&format=csv")
    answer, size, told = connection.getresponse(), 0, time.monotonic()
    while part := answer.read(2**18):
        size += len(part)
        if time.monotonic() > told + 15:
            say(f"  {size / 2**20:.0f} MiB")
            told = time.monotonic()
    connection.close()
    return f"{size / 2**20:.0f} MiB"


def slow_ranges(seconds: float) -> Callable[[Service], str]:
    """Asked for so long by several clients at a time, each another range, with every series."""

    def go_on(service: Service) -> str:
        end, counts = time.monotonic() + seconds, [0] * SLOW

        def ask(client: int) -> None:
            connection = HTTPConnection("127.0.0.1", service.port, timeout=120)
            while time.monotonic() < end:
                counts[client] += 1
                to_time = int(time.time()) - 3600 * (SLOW * counts[client] + client)
                connection.request("GET", SLOW_RANGE.format(from_time=to_time - 30 * DAY_S, to_time=to_time))
                connection.getresponse().read()
            connection.close()

        clients = [threading.Thread(target=ask, args=(client,)) for client in range(SLOW)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return f"{sum(counts)} answers about a month with all series"

    return go_on


def an_upgrade(seconds: float) -> Callable[[Service], str]:
    """For so long, or until its older rollups are added up and its older samples sealed."""

    def go_on(service: Service) -> str:
        end = time.monotonic() + seconds
        while (left := to_do(service.database)) != (0, 0) and time.monotonic() < end:
            time.sleep(1)
        return f"{left[0]} tiers and {left[1]:,} samples were left to do after {seconds - end + time.monotonic():.0f} s"

    return go_on


def to_do(file: Path) -> tuple[int, int]:
    """Tiers that do not reach back to the first sample, and samples that are not sealed yet."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        (tiers,) = database.execute("SELECT count(*) FROM tier").fetchone()
        (samples,) = database.execute(
            "SELECT count(*) FROM sample WHERE time < ?", (time.time() - 32 * DAY_S,)
        ).fetchone()
    return tiers, samples


def measure(file: Path, seconds: float) -> list[Fared]:
    """All of it, on copies."""
    with TemporaryDirectory() as directory:
        ours = Path(directory) / "copy" / "cpusensor.db"
        ours.parent.mkdir()
        say(f"copying {file}")
        shutil.copyfile(file, ours)
        runs = [
            watch(ours, "nothing", nothing(seconds)),
            watch(ours, "a year as CSV, 5 s", a_year_as_a_table),
            watch(ours, f"{SLOW} clients, each a month after another", slow_ranges(seconds)),
        ]
        ours.unlink()
        older = Path(directory) / "older" / "cpusensor.db"
        older.parent.mkdir()
        say(f"making {OLDER_YEARS} years of the second version")
        make_older(older, OLDER_YEARS)
        return [
            *runs,
            watch(older, "an upgrade: rollups added up, hours sealed", an_upgrade(2 * seconds), is_ready=False),
        ]


HEADER = (
    "beside the recording",
    "commit p50 / p99 / most",
    "sampled late p99 / most",
    "loop paused p99 / most",
    "a bare loop p99 / most",
    "last hour p50 / p99",
    "samples missing",
)


def cells(fared: Fared) -> list[str]:
    """Its row, in milliseconds."""

    def shown(values: Sequence[float], *parts: float) -> str:
        return " / ".join(f"{at(values, part):.1f}" for part in parts)

    return [
        fared.name,
        shown(fared.commits, 0.5, 0.99, 1),
        shown(fared.late, 0.99, 1),
        shown(fared.pauses, 0.99, 1),
        shown(fared.bare, 0.99, 1),
        shown(fared.hours, 0.5, 0.99),
        f"{fared.missing} of {fared.samples}",
    ]


def judge(runs: Sequence[Fared]) -> list[Verdict]:
    """The goals."""
    idle, table_of_a_year, slow, upgrade = runs
    missing = sum(run.missing for run in runs)
    paused, bare = at(table_of_a_year.pauses, 1), at(table_of_a_year.bare, 1)
    ratio = at(slow.hours, 0.5) / max(0.001, at(idle.hours, 0.5))
    return [
        Verdict(is_met=missing == 0, text=f"{missing} samples missing (goal: 0)"),
        Verdict(
            is_met=(p99 := at(upgrade.commits, 0.99)) <= COMMIT_GOAL_MS,
            text=f"in an upgrade a commit takes {p99:.1f} ms at p99"
            f" (goal: {COMMIT_GOAL_MS:g}; at rest {at(idle.commits, 0.99):.1f})",
        ),
        Verdict(
            is_met=paused <= PAUSE_GOAL_MS,
            text=f"while a year is downloaded the loop pauses {paused:.0f} ms at most"
            f" (goal: {PAUSE_GOAL_MS:g}; a bare loop beside it: {bare:.0f})",
        ),
        Verdict(
            is_met=None, text=f"beside slow ranges the last hour takes {ratio:.1f} times as long as at rest (no goal)"
        ),
    ]


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.beside", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="a history, made by python -m tests.bench.fill")
    parser.add_argument("--seconds", type=float, default=60, help="of each part (default: 60)")
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/PERFORMANCE.md")
    arguments = parser.parse_args()
    runs = measure(arguments.file, arguments.seconds)
    verdicts = judge(runs)
    remarks = [f"{run.name}: {run.remark} in {run.seconds:.0f} s" for run in runs]
    text = "\n\n".join([machine(), table(HEADER, [cells(run) for run in runs]), as_items(verdicts), as_items(remarks)])
    say(f"\n{text}")
    if arguments.write:
        write_section("beside", text)
    return 1 if any(verdict.is_met is False for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
