"""`python -m tests.faults` injects every fault and writes docs/FAULTS.md; `make faults` runs it."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from tests.faults.catalogue import FAULTS, Fault
from tests.faults.harness import inject_here
from tests.faults.report import FILE, write
from tests.faults.run import run_all

JOBS = 3
"""Most faults wait for the clock most of the time."""


def main() -> int:
    """0 if every fault held, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions, as in `make test`; writes no table")
    parser.add_argument("-k", metavar="WORD", default="", help="only faults with this in their name; writes no table")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"faults at a time (default: {JOBS})")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.one:
        (one,) = (one for one in FAULTS if one.name == told.one)
        say(json.dumps(asdict(inject_here(one, quick=told.quick))))
        return 0
    chosen = [one for one in FAULTS if told.k in one.name and one.repetitions(quick=told.quick)]
    return run_and_tell(chosen, quick=told.quick, jobs=told.jobs, is_whole=not (told.quick or told.k))


def run_and_tell(chosen: Sequence[Fault], *, quick: bool, jobs: int, is_whole: bool) -> int:
    """A line for each fault as it ends; the table if all were run in full."""
    began, rows = time.monotonic(), []
    for row in run_all(chosen, quick=quick, jobs=jobs):
        rows.append(row)
        words = (f"[{len(rows)}/{len(chosen)}]", f"{row.took_s:5.1f} s", row.fault.id, row.fault.name.replace("_", " "))
        say(" ".join(words) + f" ×{row.repetitions}: {row.outcome.figure or '-'}: {row.outcome.verdict}")
    rows.sort(key=lambda row: FAULTS.index(row.fault))
    took_s = time.monotonic() - began
    if is_whole:
        write(rows, took_s)
        say(f"{FILE} is written")
    failed = sum(row.outcome.verdict.startswith("FAILED") for row in rows)
    say(f"{len(rows)} faults in {took_s:.0f} s, {failed} failed")
    return 1 if failed else 0


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
