"""Its own load: what cpusensor uses while nobody looks and while one does, beside its peers and beside the limit.

`python -m tests.bench.footprint` from the root of the repository, on Linux: 0 when every goal is met, 1 when one is
missed. `--write` puts the outcome into docs/PERFORMANCE.md.

All systems run at the same time, so that what disturbs the machine disturbs them all; together they hardly use it. The
limit is a process that reads the counters and commits a row every 5 s and does nothing else.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TypeAlias
from urllib.request import Request, urlopen

from tests.bench.footprint_systems import (
    BARE,
    BLOCK,
    HOUR_S,
    IMPORTS,
    OURS,
    PYTHON_AND_GO,
    SADC_SYSTEM,
    SPARING,
    STEP_S,
    SYSTEMS,
    Running,
    Spent,
    System,
    disk,
    memory_mib,
    spent,
    threads,
)
from tests.bench.peers import MissingError
from tests.bench.report import Bar, Verdict, as_items, machine, plot, say, table, write_section

SETTLE_S = 30.0
"""From the last start to the first window, and from the viewer's coming to the second."""

BETWEEN_TICKS_S = 2.5
"""So long after a grid point every tick is over."""

LIMIT, VIEWER, DISK_MIB, SPARING_DISK_MIB = 1.5, 1.2, 7.0, 2.0
"""The goals: of the limit's CPU time, of its own without a viewer, and MiB an hour to the disk."""

MIB = 2**20

HEADERS = {"Accept-Encoding": "gzip"}
"""As a browser asks."""

HEADER = (
    *("system", "CPU s/h, idle", "CPU s/h, a viewer", "PSS MiB", "threads", "wakeups/s"),
    *("wakeups/s, a viewer", "MiB/h written", "MiB/h to the disk", "remark"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a system used between two looks at it."""

    seconds: float
    before: Spent
    after: Spent

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU an hour."""
        return self._an_hour(self.before.cpu_s, self.after.cpu_s)

    @property
    def wakeups(self) -> float:
        """Times a second that a thread was woken."""
        return (self.after.switches - self.before.switches) / self.seconds

    @property
    def written_mib(self) -> float:
        """MiB an hour that it gave to the file system."""
        return self._an_hour(self.before.written, self.after.written) / MIB

    @property
    def disk_mib(self) -> float | None:
        """MiB an hour that reached its disk; None if it has no disk of its own."""
        if self.before.to_disk is None or self.after.to_disk is None:
            return None
        return self._an_hour(self.before.to_disk, self.after.to_disk) / MIB

    def _an_hour(self, before: float, after: float) -> float:
        return (after - before) * HOUR_S / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One system in both windows."""

    idle: Window
    viewer: Window | None
    """None of a system that has nothing to look at."""
    whole: Window
    """From the beginning of the first to the end of the last."""
    opening_s: float
    """CPU seconds that the viewer's coming took, before its window."""
    pss_mib: float
    threads: int


Footprints: TypeAlias = dict[System, Footprint]


def start_all(stack: ExitStack, folder: Path) -> tuple[dict[System, Running], dict[System, str]]:
    """The systems that run now, and of the others why they do not."""
    running: dict[System, Running] = {}
    missing: dict[System, str] = {}
    for number, system in enumerate(SYSTEMS):
        place = folder / str(number)
        stack.enter_context(disk(place))
        try:
            running[system] = stack.enter_context(system.start(place))
        except MissingError as error:
            missing[system] = str(error)
        say(f"{system.name}: {missing.get(system, 'runs')}")
    os.sync()  # what their starts left to be written belongs to no window
    return running, missing


def measure(running: dict[System, Running], seconds: int) -> Footprints:
    """Both windows of all systems at once."""
    wait_for_grid(SETTLE_S)
    looks = [look(running)]
    say(f"{seconds} s without a viewer")
    wait_for_grid(seconds)
    looks.append(look(running))
    pss = {system: memory_mib(one) for system, one in running.items()}
    for one in running.values():
        Thread(target=watch, args=(one,), daemon=True).start()
    wait_for_grid(SETTLE_S)
    looks.append(look(running))
    say(f"{seconds} s with a viewer")
    wait_for_grid(seconds)
    looks.append(look(running))
    return {system: footprint(system, one, looks, pss[system]) for system, one in running.items()}


Look: TypeAlias = tuple[float, dict[System, Spent]]


def look(running: dict[System, Running]) -> Look:
    """When it was, and what each has used by then."""
    return time.monotonic(), {system: spent(one) for system, one in running.items()}


def footprint(system: System, running: Running, looks: Sequence[Look], pss_mib: float) -> Footprint:
    """What the four looks say of one system."""

    def window(first: int, last: int) -> Window:
        (began, before), (ended, after) = looks[first], looks[last]
        return Window(seconds=ended - began, before=before[system], after=after[system])

    idle, between = window(0, 1), window(1, 2)
    return Footprint(
        idle=idle,
        viewer=window(2, 3) if running.page or running.poll else None,
        whole=window(0, 3),
        opening_s=(between.cpu_s - idle.cpu_s) * between.seconds / HOUR_S,
        pss_mib=pss_mib,
        threads=threads(running),
    )


def wait_for_grid(seconds: float) -> None:
    """Wait for so long and then until no tick is near."""
    time.sleep(max(0.0, seconds - STEP_S))
    time.sleep((BETWEEN_TICKS_S - time.time()) % STEP_S)


def watch(running: Running) -> None:
    """Do what the page of a system does, until it ends."""
    try:
        if running.stream:
            fetch(running.page)
            with urlopen(Request(running.stream, headers=HEADERS)) as stream:
                while stream.readline():
                    pass
        while running.poll:
            fetch(running.poll)
            time.sleep(STEP_S)
    except OSError:
        pass  # It was ended, and the viewer with it.


def fetch(url: str) -> None:
    """Read an answer whole."""
    with urlopen(Request(url, headers=HEADERS)) as answer:
        answer.read()


def judge(footprints: Footprints) -> list[Verdict]:
    """Each goal against what was measured."""
    ours = footprints[OURS]
    idle = ours.idle.cpu_s
    peers = [footprints[system].idle.cpu_s for system in PYTHON_AND_GO if system in footprints]
    sadc = footprints[SADC_SYSTEM].idle.cpu_s if SADC_SYSTEM in footprints else None
    with_viewer = ours.viewer.cpu_s if ours.viewer else None
    sparing = footprints[SPARING].whole.disk_mib if SPARING in footprints else None
    limit = footprints[BARE].idle.cpu_s
    return [
        at_most("idle, CPU s/h below every Python and Go peer", idle, min(peers, default=None)),
        at_most("idle, CPU s/h below sadc", idle, sadc),
        at_most(f"idle, CPU s/h at most {LIMIT} × the bare tick", idle, LIMIT * limit),
        at_most(f"with a viewer, CPU s/h at most {VIEWER} × idle", with_viewer, VIEWER * idle),
        at_most(f"at most {DISK_MIB:g} MiB an hour to the disk", ours.whole.disk_mib, DISK_MIB),
        at_most(f"at most {SPARING_DISK_MIB:g} with --commit-interval 60", sparing, SPARING_DISK_MIB),
    ]


def at_most(text: str, value: float | None, limit: float | None) -> Verdict:
    """Whether one figure stays at or below another."""
    if value is None or limit is None:
        return Verdict(text=text, is_met=None)
    return Verdict(text=f"{text}: {value:.2f} against {limit:.2f}", is_met=value <= limit)


def as_table(footprints: Footprints, missing: dict[System, str]) -> str:
    """Every system, those that do not run with what to do about it."""
    rows = [
        row(system, footprints[system]) if system in footprints else absent(system, missing[system])
        for system in SYSTEMS
    ]
    return table(HEADER, rows)


def row(system: System, found: Footprint) -> list[str]:
    """One system that was measured."""
    return [
        system.name,
        f"{found.idle.cpu_s:.2f}",
        figure(found.viewer.cpu_s if found.viewer else None, 2),
        f"{found.pss_mib:.1f}",
        f"{found.threads}",
        f"{found.idle.wakeups:.2f}",
        figure(found.viewer.wakeups if found.viewer else None, 2),
        f"{found.whole.written_mib:.1f}",
        figure(found.whole.disk_mib, 1),
        system.remark,
    ]


def absent(system: System, reason: str) -> list[str]:
    """One that could not be measured."""
    return [system.name, *["–"] * (len(HEADER) - 2), reason]


def figure(value: float | None, digits: int) -> str:
    """A dash for what is not known."""
    return "–" if value is None else f"{value:.{digits}f}"


def as_plot(
    title: str, footprints: Footprints, missing: dict[System, str], of: Callable[[Footprint], Window | None]
) -> str:
    """CPU time of all systems."""
    bars = [
        bar(system, of(footprints[system]) if system in footprints else None, missing.get(system, ""))
        for system in SYSTEMS
        if system is not IMPORTS
    ]
    return plot(title, "CPU seconds an hour", [one for one in bars if one.value is not None or one.text])


def bar(system: System, window: Window | None, reason: str) -> Bar:
    """CPU time of one system."""
    value = None if window is None else window.cpu_s
    return Bar(label=system.name, value=value, text=reason, is_ours=system in {OURS, SPARING})


def notes(footprints: Footprints, seconds: int) -> str:
    """What a reader of the table must know."""
    opening_ms = 1000 * footprints[OURS].opening_s
    return f"""Windows of {seconds} s, the same ones for all systems, each of which looks at the CPU every {STEP_S} s.
CPU time is the kernel's, in nanoseconds, of all threads of all processes of a system (clock_getcpuclockid(3)).
A viewer of cpusensor fetches the page once, before the window, and then holds the stream; this opening took
{opening_ms:.0f} ms of CPU. A viewer of another polls what its page polls, every {STEP_S} s. Wakeups are the times that
a thread gave up the CPU by itself. Bytes are those from the beginning of the first window to the end of the second:
written is what the processes gave to the file system (`write_bytes`, proc(5)), to the disk what an ext4 disk of the
system's own took, with blocks of {BLOCK // 1024} KiB; a dash there means that this needs root and a loop device.
A file that changes also costs whole blocks of the journal, every 5 s: how much that makes, the bare tick shows."""


def run(arguments: argparse.Namespace) -> int:
    """Start all, measure, judge, tell; the exit status."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        running, missing = start_all(stack, Path(folder))
        footprints = measure(running, arguments.seconds)
    verdicts = judge(footprints)
    text = "\n\n".join(
        [
            f"{machine()}.",
            as_table(footprints, missing),
            notes(footprints, arguments.seconds),
            as_items(verdicts),
        ]
    )
    say(f"\n{text}")
    if arguments.write:
        plots = {
            "footprint-idle.svg": as_plot("Nobody looks", footprints, missing, lambda found: found.idle),
            "footprint-viewer.svg": as_plot("One viewer", footprints, missing, lambda found: found.viewer),
        }
        write_section("footprint", text, plots)
    return 1 if any(verdict.is_met is False for verdict in verdicts) else 0


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.footprint", description="Its own load.")
    parser.add_argument(
        "--seconds", type=int, default=240, help="of each of the two windows, best whole minutes (default: 240)"
    )
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/PERFORMANCE.md")
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
