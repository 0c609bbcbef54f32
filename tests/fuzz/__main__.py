"""`python -m tests.fuzz` sends 100,000 requests to a real service, most of them wrong; `make fuzz` runs it.

Then it asks what the description of the API allows and what it does not.
"""

import argparse
import sys
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from tests.fuzz.described import ask_as_described
from tests.fuzz.run import Outcome, Tally, fuzz
from tests.service import Service
from tests.waiting import wait_for_samples

REQUESTS = 100_000
EXAMPLES = 100


def main() -> int:
    """0 if nothing that must not be was seen, 1 if something was."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"how many (default: {REQUESTS})")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help=f"for each address (default: {EXAMPLES})")
    parser.add_argument("--seed", type=int, help="which ones (default: others every time)")
    told = parser.parse_args()
    seed = SystemRandom().randrange(2**32) if told.seed is None else told.seed
    say(f"{told.requests:,} requests with --seed {seed}")
    with TemporaryDirectory() as directory:
        outcome = fuzz(Path(directory), told.requests, seed, Progress(told.requests).tell)
    report(outcome)
    with TemporaryDirectory() as directory, Service(Path(directory)) as service:
        wait_for_samples(service, 1)
        status, said = ask_as_described(service, told.examples)
    say(f"described {said if status else f'{told.examples} requests for each address, all answered as described'}")
    return 1 if outcome.violations or outcome.missing or status else 0


class Progress:
    """A line for each tenth."""

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._tenths = 0

    def tell(self, tally: Tally) -> None:
        """Say how far it is, when a tenth is reached."""
        tenths = 10 * tally.requests // self._requests
        if tenths > self._tenths:
            self._tenths = tenths
            say(f"  {tally.requests:,} requests, {tally.answers.total():,} answers")


def report(outcome: Outcome) -> None:
    """Say what was seen."""
    tally, (before, after) = outcome.tally, outcome.memory_mib
    say(
        f"sent      {tally.requests:,} requests on {tally.connections:,} connections in {outcome.took_s:.1f} s:"
        f" {tally.requests / outcome.took_s:,.0f} a second"
    )
    say(f"answers   {', '.join(f'{count:,} of {name}' for name, count in outcome.classes.items())}")
    say(f"statuses  {', '.join(f'{status} × {count:,}' for status, count in sorted(tally.answers.items()))}")
    say(f"log       {len(outcome.log.encode()):,} bytes, {len(outcome.errors)} errors, {outcome.tracebacks} tracebacks")
    say(f"samples   {outcome.samples - outcome.missing} of {outcome.samples} recorded, {outcome.missing} missing")
    say(f"memory    {before:.1f} MiB before, {after:.1f} MiB after")
    say(f"violated  {'; '.join(outcome.violations) or 'nothing'}")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
