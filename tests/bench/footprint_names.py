"""What it costs to know who used the CPU: with and without names, among idle processes, beside its peers.

`python -m tests.bench.footprint_names` from the root of the repository, on Linux: 0 when every goal is met, 1 when one
is missed. `--write` puts the outcome into docs/PERFORMANCE.md.

First cpusensor alone, with each `--top` at the same time, while nobody looks; then its peers, which would keep the
machine too busy for what is idle to show. Glances reads nothing unless somebody looks, so it has its viewer.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from tests.bench import peers
from tests.bench.footprint import SETTLE_S, Window, at_most, figure, look, wait_for_grid, watch
from tests.bench.footprint_systems import STEP_S, Running, System, as_running, cpusensor, glances, memory_mib
from tests.bench.peers import MissingError
from tests.bench.report import Verdict, as_items, machine, say, table, write_section
from tests.bench.stream_servers import stop

PROCESSES = {150: 0.35, 1000: 2.0}
"""How many idle processes there are, and by how many CPU seconds an hour names may make it dearer among them."""

PSS_GOAL_MIB, PEER_SHARE = 4.0, 5
"""So much more memory at most, and so many times less CPU time than each peer."""

IDLE = """
import os, signal, sys
for _ in range(int(sys.argv[1])):
    if not os.fork():
        signal.pause()
print(flush=True)
signal.pause()
"""


@contextmanager
def netdata(folder: Path) -> Iterator[Running]:
    """Netdata as it comes, with its plugin that reads every process."""
    with peers.netdata(folder) as peer:
        yield as_running(peer, folder, "")


@contextmanager
def atop(folder: Path) -> Iterator[Running]:
    """The recorder of atop, at our interval."""
    if shutil.which("atop") is None:
        raise MissingError("apt-get install atop")
    process = subprocess.Popen(["atop", "-w", folder / "atop.raw", str(STEP_S)], stdout=subprocess.DEVNULL)
    try:
        yield Running(pids=(process.pid,), folder=folder)
    finally:
        stop(process)


OFF, UNITS, ALL = (
    System(name=f"cpusensor --top {top}", start=cpusensor("--top", top)) for top in ("off", "units", "all")
)
GLANCES = System(name="Glances (Python), a viewer", start=glances)
NETDATA = System(name="netdata with apps.plugin (C)", start=netdata)
ATOP = System(name="atop 5 (C)", start=atop)

PEERS = (ATOP, NETDATA, GLANCES)
SYSTEMS = (OFF, UNITS, ALL, *PEERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one system used among so many processes."""

    cpu_s: float
    """Seconds of CPU an hour."""
    pss_mib: float


@contextmanager
def idle_processes(count: int) -> Iterator[None]:
    """So many sleep inside the block."""
    command = [sys.executable, "-c", IDLE, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def measure(systems: Sequence[System], count: int, seconds: int) -> tuple[dict[System, Cost], dict[System, str]]:
    """The costs of systems that run together among so many processes, and why those that are missing do not run."""
    running: dict[System, Running] = {}
    missing: dict[System, str] = {}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(idle_processes(count))
        for number, system in enumerate(systems):
            place = Path(folder) / str(number)
            place.mkdir()
            try:
                running[system] = stack.enter_context(system.start(place))
            except MissingError as error:
                missing[system] = str(error)
        if GLANCES in running:
            Thread(target=watch, args=(running[GLANCES],), daemon=True).start()
        wait_for_grid(SETTLE_S)
        began, before = look(running)
        say(f"{seconds} s among {count} idle processes")
        wait_for_grid(seconds)
        ended, after = look(running)
        windows = {
            system: Window(seconds=ended - began, before=before[system], after=after[system]) for system in running
        }
        costs = {
            system: Cost(cpu_s=window.cpu_s, pss_mib=memory_mib(running[system])) for system, window in windows.items()
        }
    return costs, missing


def judge(costs: dict[int, dict[System, Cost]]) -> list[Verdict]:
    """Each goal against what was measured."""
    verdicts = []
    for count, found in costs.items():
        among, more = f"among {count} processes", found[ALL].cpu_s - found[OFF].cpu_s
        verdicts.append(at_most(f"{among}, names cost so many CPU s/h", more, PROCESSES.get(count)))
        more_mib = found[ALL].pss_mib - found[OFF].pss_mib
        verdicts.append(at_most(f"{among}, MiB of memory for names", more_mib, PSS_GOAL_MIB))
        for peer in PEERS:
            limit = found[peer].cpu_s / PEER_SHARE if peer in found else None
            verdicts.append(at_most(f"{among}, CPU s/h at most a fifth of {peer.name}", found[ALL].cpu_s, limit))
    return verdicts


def as_table(costs: dict[int, dict[System, Cost]], missing: dict[System, str]) -> str:
    """A row for each system, a pair of columns for each number of processes."""
    header = ["system", *(f"{what}, {count} processes" for count in costs for what in ("CPU s/h", "PSS MiB")), "remark"]
    rows = []
    for system in SYSTEMS:
        cells = [found.get(system) for found in costs.values()]
        shown = [text for one in cells for text in _cells(one)]
        rows.append([system.name, *shown, missing.get(system, "")])
    return table(header, rows)


def _cells(cost: Cost | None) -> tuple[str, str]:
    return figure(cost.cpu_s if cost else None, 2), figure(cost.pss_mib if cost else None, 1)


def run(arguments: argparse.Namespace) -> int:
    """Measure among each number of processes, judge, tell; the exit status."""
    costs: dict[int, dict[System, Cost]] = {}
    missing: dict[System, str] = {}
    for count in arguments.processes:
        costs[count] = {}
        for systems in ((OFF, UNITS, ALL), PEERS):
            found, absent = measure(systems, count, arguments.seconds)
            costs[count] |= found
            missing |= absent
    verdicts = judge(costs)
    text = "\n\n".join(
        [f"{machine()}; windows of {arguments.seconds} s.", as_table(costs, missing), as_items(verdicts)]
    )
    say(f"\n{text}")
    if arguments.write:
        write_section("names", text)
    return 1 if any(verdict.is_met is False for verdict in verdicts) else 0


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.footprint_names", description="What names cost.")
    parser.add_argument("--seconds", type=int, default=300, help="of each window, whole minutes (default: 300)")
    parser.add_argument(
        "--processes", type=int, nargs="+", default=list(PROCESSES), help="idle ones (default: 150 1000)"
    )
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/PERFORMANCE.md")
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
