"""How fast a history answers: `python -m tests.bench.history FILE`, beside VictoriaMetrics and Prometheus.

FILE is a history, as `python -m tests.bench.fill` makes one; it is only copied. The peers hold the same samples and are
asked the same questions in the same run, in turn. 0 when every goal is met, 1 when one is missed, 2 without a history.
`--write` puts the outcome into docs/PERFORMANCE.md.
"""

import argparse
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles
from tempfile import TemporaryDirectory

import psutil

from tests.bench import history_starts as starts
from tests.bench.footprint_systems import Running, memory_mib, spent
from tests.bench.history_client import Client
from tests.bench.history_names import Names, measure_names
from tests.bench.history_names import as_table as names_table
from tests.bench.history_names import judge as judge_names
from tests.bench.history_peers import (
    PEERS,
    STEP_S,
    Peer,
    all_samples,
    blocks,
    is_loaded,
    load,
    loaded_samples,
    missing,
    store_of,
)
from tests.bench.history_questions import (
    AGAIN,
    OURS,
    POINT,
    YEAR_S,
    Asked,
    Bench,
    Extent,
    Line,
    differences,
    extent_of,
)
from tests.bench.report import Verdict, as_items, dot_plot, machine, say, table, write_section
from tests.bench.stream import machine_s
from tests.service import Service

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was measured."""

    extent: Extent
    lines: Sequence[Line]
    systems: Sequence[str]
    missing: dict[str, str]
    """By name, how to install what is not there."""
    remarks: Sequence[str]
    memory_mib: dict[str, float]
    stored_mib: dict[str, float]
    disturbed: str
    ours: starts.Starts
    empty: starts.Starts
    names: Names | None
    """None of a history without names of a year ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the machine had done at one moment, in CPU seconds."""

    at: float
    busy: float
    own: float
    stolen: float


def look(systems: Sequence[Running]) -> Look:
    """Now."""
    own = time.process_time() + sum(spent(one).cpu_s for one in systems)
    return Look(at=time.monotonic(), busy=machine_s(), own=own, stolen=psutil.cpu_times().steal)


def disturbance(before: Look, after: Look) -> str:
    """What else went on meanwhile."""
    seconds = after.at - before.at
    others = max(0.0, after.busy - before.busy - (after.own - before.own))
    stolen = after.stolen - before.stolen
    return f"all else took {100 * others / seconds:.0f} % of a CPU, {100 * stolen / seconds:.0f} % of it stolen"


@contextmanager
def serving(peer: Peer, store: Path, folder: Path, encoding: str) -> Iterator[Asked]:
    """The peer on a copy of what it holds."""
    shutil.copytree(store, folder / "store")
    with peer.serve(folder / "store", folder) as (site, pid), closing(Client(site, pid, encoding)) as client:
        yield Asked(peer=peer, client=client, running=Running(pids=(pid,), folder=folder))


def copy(file: Path, folder: Path) -> Path:
    """The folder, with the history in it under the name that the service uses."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        source = file.with_name(file.name + suffix)
        if source.exists():
            shutil.copyfile(source, folder / f"cpusensor.db{suffix}")
    return folder


def load_missing(file: Path, client: Client, extent: Extent, folder: Path) -> dict[str, str]:
    """Fill the stores that do not hold this file yet; by name, how to install the peers that are not there."""
    absent = {peer.name: advice for peer in PEERS if (advice := missing(peer))}
    to_load = [peer for peer in PEERS if peer.name not in absent and not is_loaded(file, peer)]
    if to_load:
        say(f"loading {', '.join(peer.name for peer in to_load)}, to be kept in {file.name}.peers")
        load(file, to_load, blocks(client, extent.first, extent.newest), folder)
    return absent


def measure(file: Path, requests: int, cycles: int, encoding: str) -> Outcome:
    """Start everything, measure it, end it."""
    extent = extent_of(file)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say(f"copying {extent.size_mib:,.0f} MiB")
        service = Service(copy(file, folder / OURS), interval_s=STEP_S)
        with ExitStack() as stack:
            stack.enter_context(service)
            ours = stack.enter_context(closing(Client(service.url, service.process.pid, encoding)))
            absent = load_missing(file, ours, extent, folder)
            there = [peer for peer in PEERS if peer.name not in absent]
            asked = [
                stack.enter_context(serving(peer, store_of(file, peer), folder / f"{peer.name} runs", encoding))
                for peer in there
            ]
            agreed = [agreement(file, ours, one, extent) for one in asked]
            running = {OURS: Running(pids=(service.process.pid,), folder=folder / OURS)}
            running |= {one.peer.name: one.running for one in asked}
            before = look(list(running.values()))
            lines = Bench(ours, asked, extent, requests).measure()
            names = measure_names(ours, file, extent, requests)
            disturbed = disturbance(before, look(list(running.values())))
            memory = {name: memory_mib(one) for name, one in running.items()}
        (folder / "new").mkdir()
        timed = starts.time_starts(folder / OURS, folder / "new", cycles)
    stored = {peer.name: size_mib(store_of(file, peer)) for peer in there}
    return Outcome(
        extent=extent,
        lines=lines,
        systems=list(running),
        missing=absent,
        remarks=[*(f"{peer.name}: {peer.remark}." for peer in there), *agreed],
        memory_mib=memory,
        stored_mib={OURS: extent.size_mib, **stored},
        disturbed=disturbed,
        ours=timed[0],
        empty=timed[1],
        names=names,
    )


def agreement(file: Path, ours: Client, asked: Asked, extent: Extent) -> str:
    """That a peer has all samples and says the same of the newest day. Raises RuntimeError if it does not."""
    name, given = asked.peer.name, loaded_samples(file, asked.peer)
    found = asked.client.fetch(all_samples(extent.first, extent.newest)).json["data"]["result"]
    has = int(found[0]["value"][1]) if found else 0
    worst, lacking = differences(ours, asked, extent)
    if has != given or lacking or worst > POINT:
        said = f"differs by {worst:.2f} points, lacks or adds {lacking} elements of the newest day"
        raise RuntimeError(f"{name} has {has:,} samples of {given:,}, {said}")
    return f"{name} has all {has:,} samples and agrees on the newest day, mean, min and max, to {worst:.3f} points."


def size_mib(folder: Path) -> float:
    """All files in it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MIB


def p99(values: Sequence[float]) -> float:
    """Of some; the highest but for what lies between it and the next."""
    return quantiles(values, n=100, method="inclusive")[-1] if len(values) > 1 else values[0]


def as_table(outcome: Outcome) -> str:
    """Every question; for a peer also how long the mean alone takes."""
    peers = [name for name in outcome.systems if name != OURS]
    header = ["ms", "step, s", "elements", f"{OURS} p50", "p99"]
    header += [cell for name in peers for cell in (f"{name} p50", "p99", "mean alone p50")]
    return table(header, [row(line, peers) for line in outcome.lines])


def row(line: Line, peers: Sequence[str]) -> list[str]:
    """One question."""
    grid = line.grid
    shape = [f"{grid.step:,}", f"{grid.length:,}"] if grid else ["–", "–"]
    cells = [*pair(line.whole.get(OURS))]
    for name in peers:
        cells += [*pair(line.whole.get(name)), pair(line.mean.get(name))[0]]
    return [line.name, *shape, *cells]


def pair(values: Sequence[float] | None) -> tuple[str, str]:
    """Median and p99."""
    return (shown(quantiles(values, n=2)[0]), shown(p99(values))) if values else ("–", "–")


def shown(ms: float) -> str:
    """With as many digits as say something."""
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.1f}"


def cpu_table(outcome: Outcome) -> str:
    """What an answer costs, which a busy machine changes less than how long it takes."""
    rows = [
        [line.name, *(shown(mean(times)) if (times := line.cpu.get(name)) else "–" for name in outcome.systems)]
        for line in outcome.lines
    ]
    return table(["ms of the server's CPU for an answer, mean", *outcome.systems], rows)


def holdings(outcome: Outcome) -> str:
    """What each takes."""
    rows = []
    for name in outcome.systems:
        stored = outcome.stored_mib[name]
        each = stored * MIB / outcome.extent.samples
        rows.append([name, f"{outcome.memory_mib[name]:.1f}", f"{stored:,.0f}", f"{each:.1f}"])
    return table(["after the questions", "memory (PSS), MiB", "on disk, MiB", "bytes a sample"], rows)


def judge(outcome: Outcome) -> list[Verdict]:
    """Each goal against what was measured."""
    goals = [reached(line, line.goal_ms) for line in outcome.lines if line.goal_ms is not None]
    peers = [ahead(outcome, name) for name in outcome.systems if name != OURS]
    absent = [Verdict(text=f"ahead of {name}: {advice}", is_met=None) for name, advice in outcome.missing.items()]
    return [*goals, *judge_names(outcome.names), *peers, *absent, *starts.judge(outcome.ours, outcome.empty)]


def reached(line: Line, goal_ms: float) -> Verdict:
    """The median against its goal."""
    name = f"{line.name}, 304" if line.name == AGAIN else line.name
    found = line.p50(OURS)
    if found is None:
        return Verdict(text=f"{name}: {line.remark or 'not answered'}", is_met=None)
    return Verdict(text=f"{name}: {found:.1f} ms (goal: at most {goal_ms:g})", is_met=found <= goal_ms)


def ahead(outcome: Outcome, name: str) -> Verdict:
    """Below a peer on every line, and in memory."""
    behind, compared = [], 0
    figures = [(line.name, line.p50(OURS), line.p50(name)) for line in outcome.lines]
    figures.append(("memory", outcome.memory_mib[OURS], outcome.memory_mib[name]))
    for what, found, other in figures:
        if found is None or other is None:
            continue
        compared += 1
        if found >= other:
            behind.append(f"{what} ({found:.1f} against {other:.1f})")
    said = f"behind on {', '.join(behind)}" if behind else f"on all {compared}"
    return Verdict(text=f"ahead of {name} on every line and in memory: {said}", is_met=not behind)


def facts(outcome: Outcome, requests: int, encoding: str) -> str:
    """What the figures depend on."""
    extent = outcome.extent
    return (
        f"{machine()}. A history of {(extent.newest - extent.first) / YEAR_S:.1f} years of a sample each {STEP_S} s;"
        f" {requests} requests of each system for each question, in turn, each of another span, on one connection"
        f" each, until the last byte ({encoding}). Meanwhile {outcome.disturbed}."
    )


def describe(outcome: Outcome, requests: int, encoding: str) -> str:
    """The section of the page."""
    not_answered = [f"{line.name}: cpusensor: {line.remark}" for line in outcome.lines if line.remark]
    parts = [
        facts(outcome, requests, encoding),
        as_table(outcome),
        cpu_table(outcome),
        as_items([*outcome.remarks, *not_answered]),
        names_table(outcome.names) if outcome.names else "",
        holdings(outcome),
        starts.as_table(outcome.ours, outcome.empty),
        as_items(judge(outcome)),
    ]
    return "\n\n".join(part for part in parts if part)


def picture(outcome: Outcome) -> str:
    """Latency by span."""
    rows = {line.name: [line.p50(name) for name in outcome.systems] for line in outcome.lines if line.whole}
    return dot_plot("An answer, p50", "ms", outcome.systems, rows)


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.history", description="How fast does a history answer?"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a history, made by python -m tests.bench.fill")
    parser.add_argument("--requests", type=int, default=60, help="of each question (default: 60)")
    parser.add_argument("--cycles", type=int, default=5, help="starts of each kind (default: 5)")
    parser.add_argument("--encoding", choices=("gzip", "identity"), default="gzip", help="what the client accepts")
    parser.add_argument(
        "--write",
        nargs="?",
        const="history",
        metavar="SECTION",
        help="put the outcome into this section of docs/PERFORMANCE.md (default: history)",
    )
    arguments = parser.parse_args()
    try:
        outcome = measure(arguments.file, arguments.requests, arguments.cycles, arguments.encoding)
    except sqlite3.Error as error:
        print(f"history: {arguments.file}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    text = describe(outcome, arguments.requests, arguments.encoding)
    say(f"\n{text}")
    if arguments.write:
        write_section(arguments.write, text, {f"{arguments.write}.svg": picture(outcome)})
    return 1 if any(verdict.is_met is False for verdict in judge(outcome)) else 0


if __name__ == "__main__":
    sys.exit(main())
