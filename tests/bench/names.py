"""Is it true who used the CPU? Known programs for a minute, each beside the account that the kernel keeps of it alone.

`python -m tests.bench.names` from the root of the repository, on Linux, best as root and with Docker: 0 when every goal
is met, 1 when one is missed. `--markdown FILE` writes the outcome there, for docs/ACCURACY.md.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cpusensor.kernel.groups import Hierarchy, find_hierarchy
from cpusensor.model.blame import Blame, Share
from cpusensor.model.records import Span
from cpusensor.store.opening import open_history
from tests.bench.names_loads import Load, commands, container, program
from tests.bench.report import Verdict, as_items, machine, say, table
from tests.service import Service
from tests.waiting import get_json, wait_for_samples, wait_until_clock

NAME_GOAL, SUM_GOAL, UNATTRIBUTED_GOAL = 2.0, 0.5, 3.0
"""Percent: of each name, of the sum of all, and of the busy time that no name explains."""

STEP_S = 5

CPUS = "0.5"
"""What the container may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One name: seconds that the service told, and those of the kernel's account."""

    name: str
    told_s: float | None
    """None of one that others pushed out of the ten that are kept of a minute: it is in `other`."""
    true_s: float

    @property
    def off(self) -> float | None:
        """Percent."""
        if self.told_s is None:
            return None
        return 100 * abs(self.told_s - self.true_s) / self.true_s if self.true_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The kernel's accounts at one instant, in microseconds."""

    processes: list[int]
    groups: list[int | None]
    machine: int | None
    """Of all that ran; None where there is no such account."""


def look(loads: Sequence[Load], hierarchy: Hierarchy | None) -> Look:
    """All of them, one right after the other."""
    is_exact = hierarchy is not None and hierarchy.is_root_exact
    root = hierarchy.mount_point / hierarchy.file if hierarchy and is_exact else None
    return Look(
        processes=[load.process_us() for load in loads],
        groups=[load.group_us() for load in loads],
        machine=int(root.read_text()) // 1000 if root else None,
    )


async def told(database: Path, span: Span) -> Blame:
    """What the service has kept of the span."""
    async with open_history(database, time.time()) as history:
        found = await history.culprits.over(span)
    if found is None:
        raise RuntimeError(f"{database}: keeps no names of {span}")
    return found.blame


def compare(loads: Sequence[Load], blame: Blame, before: Look, after: Look) -> list[Row]:
    """Each name beside its account."""
    rows = []
    for number, load in enumerate(loads):
        own_s = seconds(one for one in blame.processes if one.pid == load.pid)
        true_s = (after.processes[number] - before.processes[number]) / 1e6
        rows.append(Row(name=f"process of {load.name}", told_s=own_s, true_s=true_s))
        begin, end = before.groups[number], after.groups[number]
        if load.unit is None or begin is None or end is None:
            continue
        unit_s = seconds(one for one in blame.units if one.name.startswith(load.unit))
        rows.append(Row(name=f"unit of {load.name}", told_s=unit_s, true_s=(end - begin) / 1e6))
        children_s = (end - begin) / 1e6 - true_s
        if children_s > true_s:
            exited_s = None if unit_s is None or own_s is None else unit_s - own_s
            rows.append(Row(name=f"exited children of {load.name}", told_s=exited_s, true_s=children_s))
    return rows


def seconds(shares: Iterable[Share]) -> float | None:
    """What they used; None for none."""
    used = [share.cpu_us for share in shares]
    return sum(used) / 1e6 if used else None


def whole(blame: Blame) -> list[Row]:
    """Names and remainders against what was recorded, in both views."""
    units = sum(one.cpu_us for one in blame.units) + blame.other_us_by_unit + blame.unattributed_us_by_unit
    processes = sum(one.cpu_us for one in blame.processes) + blame.other_us_by_process + blame.exited_us
    return [
        Row(name="all units and remainders", told_s=units / 1e6, true_s=_sum(blame, blame.excess_us_by_unit)),
        Row(
            name="all processes and remainders",
            told_s=(processes + blame.unattributed_us_by_process) / 1e6,
            true_s=_sum(blame, blame.excess_us_by_process),
        ),
    ]


def _sum(blame: Blame, excess_us: int) -> float:
    return (blame.busy_us + excess_us) / 1e6


def charged(blame: Blame, before: Look, after: Look) -> Row | None:
    """All that was charged to anybody, beside the root's own account; None where there is none."""
    if before.machine is None or after.machine is None:
        return None
    named = sum(one.cpu_us for one in blame.processes) + blame.other_us_by_process + blame.exited_us
    return Row(name="all that was charged", told_s=named / 1e6, true_s=(after.machine - before.machine) / 1e6)


def judge(rows: Sequence[Row], sums: Sequence[Row], blame: Blame) -> list[Verdict]:
    """Each goal against what was measured."""
    worst, worst_sum = max(rows, key=lambda row: row.off or 0.0), max(row.off or 0.0 for row in sums)
    left = max(blame.unattributed_us_by_unit, blame.unattributed_us_by_process)
    share = 100 * left / blame.busy_us
    return [
        Verdict(
            is_met=(worst.off or 0.0) <= NAME_GOAL,
            text=f"each name within {NAME_GOAL} %: {worst.off or 0.0:.2f}, {worst.name}",
        ),
        Verdict(is_met=worst_sum <= SUM_GOAL, text=f"the sum within {SUM_GOAL} %: {worst_sum:.2f}"),
        Verdict(is_met=share <= UNATTRIBUTED_GOAL, text=f"unattributed at most {UNATTRIBUTED_GOAL} %: {share:.2f}"),
    ]


def measure(
    service: Service, loads: Sequence[Load], hierarchy: Hierarchy | None, seconds: int
) -> tuple[Span, Look, Look]:
    """The span, on whole minutes, and the accounts at both of its ends."""
    begin = (int(time.time()) // 60 + 1) * 60
    wait_for_samples(service, 1)
    wait_until_clock(begin)
    before = look(loads, hierarchy)
    say(f"{seconds} s, until {time.strftime('%H:%M:%S', time.gmtime(begin + seconds))} UTC")
    wait_until_clock(begin + seconds)
    after = look(loads, hierarchy)
    # The minute is closed and stored by then.
    wait_until_clock(begin + seconds + STEP_S + 1)
    return Span(from_time=begin, to_time=begin + seconds), before, after


def run(arguments: argparse.Namespace) -> int:
    """Start all, measure, judge, tell; the exit status."""
    hierarchy = find_hierarchy()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        loads = [stack.enter_context(program(name, hierarchy, *command)) for name, command in commands().items()]
        limited = stack.enter_context(container(f"container, --cpus {CPUS}", hierarchy, CPUS))
        loads += [limited] if limited else []
        with Service(Path(folder), interval_s=STEP_S) as service:
            span, before, after = measure(service, loads, hierarchy, arguments.seconds)
            sight = get_json(service, "api/now")["who"]["sight"]
        blame = asyncio.run(told(Path(folder) / "cpusensor.db", span))
    rows, sums = compare(loads, blame, before, after), whole(blame)
    all_charged = charged(blame, before, after)
    verdicts = judge(rows, [*sums, *([all_charged] if all_charged else [])], blame)
    shown = [*rows, *sums, *([all_charged] if all_charged else [])]
    text = "\n\n".join([f"{machine()}; sight: {sight}; {arguments.seconds} s.", as_table(shown), as_items(verdicts)])
    say(f"\n{text}")
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    return 0 if all(verdict.is_met for verdict in verdicts) else 1


def as_table(rows: Sequence[Row]) -> str:
    """A row for each name and for each sum."""
    cells = [[row.name, figure(row.told_s), figure(row.true_s), figure(row.off)] for row in rows]
    return table(["CPU seconds", "told", "the kernel's account", "off by %"], cells)


def figure(value: float | None) -> str:
    """A dash for what is in `other`."""
    return "–" if value is None else f"{value:.2f}"


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.names", description="Is it true who used the CPU?")
    parser.add_argument("--seconds", type=int, default=60, help="whole minutes (default: 60)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the result there, for docs/ACCURACY.md")
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
