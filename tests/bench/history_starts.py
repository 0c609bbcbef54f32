"""How soon after its start cpusensor records, with a history and without, after a clean end and after SIGKILL."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.bench.report import Verdict, say, table
from tests.service import TIMEOUT_S, Service

STEP_S = 5
OFF_GRID_S = 0.3
"""A start so soon after a grid point leaves the first slot nearly whole, so that its sample is recorded."""

GOAL_MS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start, in milliseconds from the process's."""

    listens_ms: float
    records_ms: float
    """Until the reading at which the first sample begins."""


@dataclass(slots=True, kw_only=True)
class Starts:
    """All starts on one file."""

    clean: list[Start] = field(default_factory=list)
    killed: list[Start] = field(default_factory=list)
    """After a SIGKILL."""


def time_starts(file_folder: Path, empty_folder: Path, cycles: int) -> tuple[Starts, Starts]:
    """Those on the history in the one folder, and on a new file in the other, in turn."""
    ours, empty = Starts(), Starts()
    for service in (Service(file_folder, interval_s=STEP_S), Service(empty_folder, interval_s=STEP_S)):
        time_start(service)
        service.terminate()
    for number in range(cycles):
        for folder, starts in ((file_folder, ours), (empty_folder, empty)):
            service = Service(folder, interval_s=STEP_S)
            starts.clean.append(time_start(service))
            service.kill()
            starts.killed.append(time_start(service))
            service.terminate()
        say(f"  starts, {number + 1} of {cycles}: {in_words(ours.clean[-1])}; empty: {in_words(empty.clean[-1])}")
    return ours, empty


def time_start(service: Service) -> Start:
    """Start it, and return once it has recorded."""
    time.sleep((OFF_GRID_S - time.time()) % STEP_S)
    began = time.time()
    service.start()
    listens = time.time()
    sample = next(sample for sample in newest_samples(service) if sample["time"] > began)
    # What the first sample does not cover is the start: so the grid has no part in it, unless the start takes more than
    # half an interval, after which the first slot has no sample and its whole length is counted.
    return Start(listens_ms=1000 * (listens - began), records_ms=1000 * (sample["time"] - sample["elapsed"] - began))


def newest_samples(service: Service) -> Iterator[dict[str, float]]:
    """The newest sample again and again. Raises TimeoutError."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        try:
            with urlopen(f"{service.url}api/now") as answer:
                yield json.load(answer)
        except HTTPError as error:
            error.close()  # Nothing is recorded yet.
        time.sleep(0.1)
    raise TimeoutError("nothing was recorded")


def in_words(start: Start) -> str:
    """For the one who waits."""
    return f"listens after {start.listens_ms:.0f} ms, records from {start.records_ms:.0f} ms"


def as_table(ours: Starts, empty: Starts) -> str:
    """Medians, with the extremes."""
    rows = [
        [name, *(spread([getattr(start, figure) for start in starts]) for starts in pair)]
        for name, figure, pair in (
            ("listens, after a clean end", "listens_ms", (ours.clean, empty.clean)),
            ("listens, after SIGKILL", "listens_ms", (ours.killed, empty.killed)),
            ("first reading, after a clean end", "records_ms", (ours.clean, empty.clean)),
            ("first reading, after SIGKILL", "records_ms", (ours.killed, empty.killed)),
        )
    ]
    return table(("a start, ms: median (lowest to highest)", "with the history", "with an empty file"), rows)


def judge(ours: Starts, empty: Starts) -> list[Verdict]:
    """With the history hardly later than without."""
    return [
        later(f"records {name}", records(with_history), records(without))
        for name, with_history, without in (
            ("after a clean end", ours.clean, empty.clean),
            ("after SIGKILL", ours.killed, empty.killed),
        )
    ]


def records(starts: list[Start]) -> float:
    """The median until it records."""
    return median(start.records_ms for start in starts)


def later(text: str, with_history: float, without: float) -> Verdict:
    """At most so much later."""
    found = with_history - without
    return Verdict(
        text=f"{text} {found:+.0f} ms later than without (goal: at most {GOAL_MS:g})", is_met=found <= GOAL_MS
    )


def spread(values: list[float]) -> str:
    """The median and the extremes."""
    return f"{median(values):.0f} ({min(values):.0f} to {max(values):.0f})"
