"""What a fleet costs: a thousand machines that push to a real VictoriaMetrics and a real Prometheus on this machine.

`python -m tests.bench.fleet` from the root of the repository, on Linux with both engines (`make engines`) and Chromium;
about 9 min. `--machines` says how many; `--write` puts the outcome into docs/FLEET.md, with what follows by calculation
for ten and a hundred thousand. `--prove` instead kills the engines under push for ten minutes (`--outage` seconds),
kills the service once and stops it once, and compares what they have in the end with the database: 0 if nothing is
amiss, else 1; 11 min.

Engines, machines and browser share the CPUs of this machine. Most machines are simulated (fleet_machines.py), five are
real services, and five more that do not push run beside them for the difference.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from cpusensor.check.progress import Progress
from cpusensor.kernel.clock import SystemClock
from tests.bench.fleet_engine import ENGINES, Measured, Wanted, measure
from tests.bench.fleet_page import measure_page
from tests.bench.fleet_tables import calculated_table, judge, measured_table
from tests.bench.report import as_items, machine, say, write_section
from tests.engines import Kind
from tests.outage import prove
from tests.service import ROOT

PAGE = ROOT / "docs" / "FLEET.md"
OUTAGE_S = 600.0


def measure_all(wanted: Wanted, show: Callable[[str], None]) -> list[Measured]:
    """Both engines, one after the other."""
    found = []
    for number, kind in enumerate(ENGINES):
        with TemporaryDirectory(prefix="fleet-") as folder:
            head = f"{number + 1}/{len(ENGINES)} {kind.name}: "
            found.append(measure(kind, Path(folder), wanted, lambda text, head=head: show(head + text)))  # type: ignore[misc]
    return found


def prove_all(outage_s: float) -> int:
    """Kill each engine under push, both at once since it is mostly waiting; 0 if nothing is amiss."""

    def one(kind: Kind) -> bool:
        with TemporaryDirectory(prefix="fleet-") as folder:
            proof = prove(kind, Path(folder), outage_s, say=say)
        say(f"{kind.name}: {proof}")
        return proof.is_whole

    with ThreadPoolExecutor(len(ENGINES)) as pool:
        return 0 if all([*pool.map(one, ENGINES)]) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or prove; 2 if an engine is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__.partition("\n")[0])
    parser.add_argument("--machines", type=int, default=1000, help="simulated ones (default: 1000)")
    parser.add_argument(
        "--seconds", type=int, default=45, help="of the live window (default: 45); three such for the difference"
    )
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/FLEET.md")
    parser.add_argument("--prove", action="store_true", help="kill the engines under push and compare")
    parser.add_argument("--outage", type=float, default=OUTAGE_S, help="seconds, with --prove (default: 600)")
    told = parser.parse_args(arguments)
    missing = [kind.missing for kind in ENGINES if kind.missing]
    if missing:
        print("; ".join(missing), file=sys.stderr)
        return 2
    if told.prove:
        return prove_all(told.outage)
    progress = Progress(SystemClock(), sys.stderr)
    wanted = Wanted(machines=told.machines, window_s=told.seconds, open_page=measure_page)
    found = measure_all(wanted, progress.show)
    progress.clear()
    size = f"{machine()}. {told.machines:,} simulated machines, {told.seconds} s live."
    text = f"{size}\n\n{measured_table(found)}\n\n{as_items(judge(found))}\n\n{calculated_table(found)}"
    say(text)
    if told.write:
        write_section("fleet", text, file=PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
