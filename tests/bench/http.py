"""How fast the last hour is answered, and how soon the first page comes after a start.

`python -m tests.bench.http`: 0 when every goal is met, 1 when one is missed, 2 without wrk. Beside the service stand a
bare aiohttp handler that has the same bytes in memory, which nothing written with aiohttp can pass, and its peers.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from tests.bench.bare import fetch
from tests.bench.hour import fill_hour
from tests.bench.peers import PEERS, MissingError, PeerStart
from tests.bench.report import Bar, Verdict, as_items, machine, plot, say, table, write_section
from tests.service import ROOT, Service

OURS, BARE = "cpusensor", "bare aiohttp handler"
CONNECTIONS = (1, 8)
ENCODINGS = ("gzip", "identity")
SHARE_GOAL = 0.9
"""Of the bare handler's requests a second."""

STARTS = 7
START_GOAL_S = 1.0
IMPORTS = "import aiohttp, aiohttp_jinja2, psutil, aiosqlite"

REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("\\nRESULT %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""
"""What wrk runs when it has finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One that answers with an hour."""

    name: str
    urls: dict[str, str]
    """By what the client accepts: `gzip` or `identity`."""
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast answers came."""

    requests_s: float
    p50_ms: float
    p99_ms: float
    errors: int


Key = tuple[str, str, int]
"""A target's name, what is accepted, how many connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was measured."""

    targets: Sequence[Target]
    missing: dict[str, str]
    """By name, how to install what is not there."""
    sizes: dict[tuple[str, str], int]
    """Bytes of an answer, by the target's name and what is accepted."""
    paces: dict[Key, list[Pace]]
    """One of each round."""
    starts_s: list[float]
    imports_s: list[float]

    def pace(self, key: Key) -> Pace:
        """The median of the rounds, each figure by itself; errors added up."""
        rounds = self.paces[key]
        return Pace(
            requests_s=median(one.requests_s for one in rounds),
            p50_ms=median(one.p50_ms for one in rounds),
            p99_ms=median(one.p99_ms for one in rounds),
            errors=sum(one.errors for one in rounds),
        )

    def share(self, encoding: str, connections: int) -> float:
        """Our requests a second by the bare handler's, the median of the rounds."""
        ours, bare = (self.paces[name, encoding, connections] for name in (OURS, BARE))
        return median(one.requests_s / limit.requests_s for one, limit in zip(ours, bare, strict=True))


def same_url(name: str, url: str, remark: str) -> Target:
    """One that looks at what the client accepts."""
    return Target(name=name, urls=dict.fromkeys(ENCODINGS, url), remark=remark)


@contextmanager
def bare(url: str) -> Iterator[Target]:
    """The bare handler with the answer of the URL."""
    command = [sys.executable, "-m", "tests.bench.bare", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            site = process.stdout.readline().strip() if process.stdout else ""
            if not site:
                raise RuntimeError("the bare handler did not start")
            urls = {"gzip": f"{site}gzip", "identity": f"{site}plain"}
            yield Target(name=BARE, urls=urls, remark="the same bytes, from memory")
        finally:
            process.kill()


def start_peer(stack: ExitStack, name: str, start: PeerStart, folder: Path) -> Target:
    """One of the peers, until the stack is closed. Raises MissingError."""
    peer = stack.enter_context(start(folder))
    return same_url(name, peer.hour, peer.remark)


def press(target: Target, encoding: str, connections: int, *, seconds: int, script: Path) -> Pace:
    """Ask as fast as answers come."""
    load = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), "-H", f"Accept-Encoding: {encoding}"]
    command = ["wrk", *load, target.urls[encoding]]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10 * seconds + 60).stdout
    requests_s, p50_ms, p99_ms, errors = output.partition("RESULT ")[2].split()
    return Pace(requests_s=float(requests_s), p50_ms=float(p50_ms), p99_ms=float(p99_ms), errors=int(errors))


def measure_paces(targets: Sequence[Target], rounds: int, press_one: Callable[..., Pace]) -> dict[Key, list[Pace]]:
    """Every target in turn, again and again, so that what disturbs the machine disturbs all of them."""
    keys = [(target.name, encoding, c) for encoding in ENCODINGS for c in CONNECTIONS for target in targets]
    by_name = {target.name: target for target in targets}
    paces: dict[Key, list[Pace]] = {key: [] for key in keys}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for name, encoding, connections in keys:
            pace = press_one(by_name[name], encoding, connections)
            paces[name, encoding, connections].append(pace)
            say(f"  {name}, {encoding}, c={connections}: {pace.requests_s:,.0f}/s, p99 {pace.p99_ms:.2f} ms")
    return paces


def time_start(folder: Path) -> float:
    """Seconds from the start of the process until its page has come."""
    service = Service(folder, interval_s=5)
    began = time.monotonic()
    service.start()
    try:
        with urlopen(service.url) as page:
            page.read()
        return time.monotonic() - began
    finally:
        service.terminate()


def time_imports() -> float:
    """Seconds until a Python has imported what the service stands on."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.monotonic() - began


def measure(rounds: int, seconds: int) -> Outcome:
    """Start everything, measure it, end it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        fill_hour(folder / "cpusensor.db")
        say("starts")
        starts = [(time_start(folder), time_imports()) for _ in range(STARTS)]
        service = stack.enter_context(Service(folder, interval_s=5))
        hour = f"{service.url}api/history?range=1h"
        peers, missing = [], {}
        for name, start in PEERS:
            try:
                peers.append(start_peer(stack, name, start, folder / name))
            except MissingError as error:
                missing[name] = str(error)
        targets = [same_url(OURS, hour, "720 samples of 5 s"), stack.enter_context(bare(hour)), *peers]
        script = folder / "report.lua"
        script.write_text(REPORT)
        return Outcome(
            targets=targets,
            missing=missing,
            sizes={(one.name, each): len(fetch(one.urls[each], each)[0]) for one in targets for each in ENCODINGS},
            paces=measure_paces(targets, rounds, partial(press, seconds=seconds, script=script)),
            starts_s=[ours for ours, _ in starts],
            imports_s=[imports for _, imports in starts],
        )


def judge(outcome: Outcome) -> list[Verdict]:
    """Each goal."""
    start_s = median(outcome.starts_s)
    verdicts = [judge_share(outcome, encoding, c) for encoding in ENCODINGS for c in CONNECTIONS]
    if "netdata" not in outcome.missing:
        verdicts += [judge_netdata(outcome, encoding) for encoding in ENCODINGS]
    text = f"the first page has come {start_s:.2f} s after the start (goal: at most {START_GOAL_S:g} s)"
    return [*verdicts, Verdict(is_met=start_s <= START_GOAL_S, text=text)]


def judge_share(outcome: Outcome, encoding: str, connections: int) -> Verdict:
    """Near enough to the limit?"""
    share = outcome.share(encoding, connections)
    text = f"{share:.2f} of the bare handler's requests/s, {encoding}, c={connections} (goal: at least {SHARE_GOAL:g})"
    return Verdict(is_met=share >= SHARE_GOAL, text=text)


def judge_netdata(outcome: Outcome, encoding: str) -> Verdict:
    """Ahead of netdata, unless nothing written with aiohttp could be?"""
    ours, limit, theirs = (outcome.pace((name, encoding, 1)).requests_s for name in (OURS, BARE, "netdata"))
    text = f"{ours:,.0f} requests/s beside netdata's {theirs:,.0f}, {encoding}, c=1"
    if limit < theirs:
        return Verdict(is_met=True, text=f"{text}; the bare handler's {limit:,.0f} are below it, so it is no goal")
    return Verdict(is_met=ours > theirs, text=f"{text} (goal: ahead)")


def pace_table(outcome: Outcome, encoding: str) -> str:
    """The answers that were accepted in this encoding."""
    figures = [text for c in CONNECTIONS for text in (f"c={c}: requests/s", "p50 ms", "p99 ms")]
    rows = [pace_row(outcome, target, encoding) for target in outcome.targets]
    rows += [[name, f"not measured: {advice}", *[""] * len(figures)] for name, advice in outcome.missing.items()]
    return table([f"Accept-Encoding: {encoding}", "bytes", *figures], rows)


def pace_row(outcome: Outcome, target: Target, encoding: str) -> list[str]:
    """One system."""
    cells = [target.name, f"{outcome.sizes[target.name, encoding]:,}"]
    for connections in CONNECTIONS:
        pace = outcome.pace((target.name, encoding, connections))
        errors = f" ({pace.errors} errors)" if pace.errors else ""
        cells += [f"{pace.requests_s:,.0f}{errors}", f"{pace.p50_ms:.2f}", f"{pace.p99_ms:.2f}"]
    return cells


def start_table(outcome: Outcome) -> str:
    """From nothing to a page."""
    rows = [
        ["`python server.py`, until its page has come", spread(outcome.starts_s)],
        [f'`python -c "{IMPORTS}"`', spread(outcome.imports_s)],
    ]
    return table(["Start", f"s, median of {STARTS} (lowest to highest)"], rows)


def spread(seconds: Sequence[float]) -> str:
    """The median and the extremes."""
    return f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def pace_plot(outcome: Outcome, connections: int) -> str:
    """Requests a second of the compressed answer."""
    bars = [
        Bar(
            label=target.name,
            value=outcome.pace((target.name, "gzip", connections)).requests_s,
            text=f"{outcome.pace((target.name, 'gzip', connections)).requests_s:,.0f}",
            is_ours=target.name == OURS,
        )
        for target in outcome.targets
    ]
    goal = SHARE_GOAL * outcome.pace((BARE, "gzip", connections)).requests_s
    bars += [Bar(label=name, value=None, text=advice) for name, advice in outcome.missing.items()]
    return plot(f"The last hour, gzip, c={connections}", "requests/s", bars, goal=goal, goal_text="0.9 × bare")


def describe(outcome: Outcome, rounds: int, seconds: int) -> str:
    """The section of the page."""
    remarks = [f"* {target.name}: {target.remark}." for target in outcome.targets]
    parts = [
        f"`GET /api/history?range=1h`, an hour of 8 CPUs, medians of {rounds} rounds of {seconds} s. {machine()}.",
        *(pace_table(outcome, encoding) for encoding in ENCODINGS),
        "\n".join(remarks),
        start_table(outcome),
        as_items(judge(outcome)),
    ]
    return "\n\n".join(parts)


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.http", description="How fast is the last hour there?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="for each target in a round")
    parser.add_argument("--write", action="store_true", help="put the result into docs/PERFORMANCE.md")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("http: wrk is not installed: apt-get install wrk", file=sys.stderr)
        return 2
    outcome = measure(arguments.rounds, arguments.seconds)
    text = describe(outcome, arguments.rounds, arguments.seconds)
    say(text)
    if arguments.write:
        write_section("http", text, {f"http-{c}.svg": pace_plot(outcome, c) for c in CONNECTIONS})
    return 0 if all(verdict.is_met for verdict in judge(outcome)) else 1


if __name__ == "__main__":
    sys.exit(main())
