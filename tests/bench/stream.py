"""A thousand watchers and ten thousand: cpusensor's event stream beside five other servers, and what it withstands.

`python -m tests.bench.stream` from the root of the repository, on Linux: 0 when every goal is met, 1 when one is
missed; `--write` puts the outcome into docs/PERFORMANCE.md. In a round each server runs once, under the same load, so
that what disturbs the machine disturbs them all. The server has one CPU for itself and the readers another.

All send the same: on each full second the text of cpusensor's own sample with that second in it. A delivery is late
by the time since that second. This is hard on cpusensor, which reads the counters and commits the sample before it
sends anything, while the others only send; the spread, from the first reader that got an event to each of them, leaves
that out. Its CPU time holds the sampling and the recording too. What the kernel keeps for a connection is in no column.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psutil

from tests.bench import stream_servers as servers
from tests.bench.report import Bar, machine, plot, say, table, write_section
from tests.bench.sse_client import Load, Outcome
from tests.bench.stream_peers.ticks import PLACE
from tests.bench.stream_proofs import PROOFS, Proof
from tests.bench.stream_servers import CLIENT_CPU, CPUS, OURS, SERVERS, MissingError, Running, Server
from tests.service import TIMEOUT_S

SPARE_DESCRIPTORS = 100
WARM_UP_S = 1.0
KEEPS_UP_MS = 500
"""A reader that is late by half the time between two events will soon be late by all of it."""

CPU_GOALS = ((servers.AIOHTTP_SSE, 0.3), (servers.NAIVE, 0.5), (servers.NGINX, 1.1), (servers.RAW, 1.75))
"""How many times another's CPU time cpusensor may take for a delivery."""

HEADER = ("server", "CPU s per 100,000", "p50 ms", "p99 ms", "max ms", "spread p99", "KiB a stream", "open after s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One server in one round."""

    cpu_s: float
    """For 100,000 deliveries."""
    kib: float
    """Of memory for each stream."""
    connect_s: float
    unconnected: int
    others: float
    """What everything else on the machine used, and what was stolen from it: percent of one CPU."""
    outcome: Outcome

    @property
    def p99(self) -> float:
        """Milliseconds since the second at which an event was due."""
        return self.outcome.since_due.p99 if self.outcome.since_due else float("inf")

    @property
    def keeps_up(self) -> bool:
        """Does everyone get everything while it is news?"""
        return self.p99 < KEEPS_UP_MS and not self.unconnected and not self.outcome.behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All rounds under one load."""

    readers: int
    seconds: int
    figures: dict[str, list[Figures]]
    """By the server's name."""
    missing: dict[str, str]
    """Why a server has none."""

    def of(self, server: Server, figure: Callable[[Figures], float]) -> float | None:
        """The median over the rounds; None of a server that was not measured."""
        rounds = self.figures.get(server.name)
        return median(map(figure, rounds)) if rounds else None

    def keeps_up(self, server: Server) -> bool:
        """In most rounds?"""
        rounds = self.figures[server.name]
        return 2 * sum(figures.keeps_up for figures in rounds) > len(rounds)

    def ratio(self, server: Server, other: Server, figure: Callable[[Figures], float]) -> float | None:
        """One's figure by the other's, each within its round; the median."""
        rounds = zip(*(self.figures.get(one.name, []) for one in (server, other)), strict=False)
        ratios = [figure(a) / figure(b) for a, b in rounds]
        return median(ratios) if ratios else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Something to reach, and how near it came."""

    text: str
    found: str
    is_met: bool | None
    """None if it could not be measured."""

    def __str__(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[self.is_met]
        return f"{verdict}: {self.text}: {self.found}"


def measure(server: Server, text: str, readers: int, seconds: int) -> Figures:
    """One server under the load. Raises MissingError."""
    with TemporaryDirectory() as folder, server.start(Path(folder), text) as running:
        warm_up(running)
        memory_kib = running.memory_kib()
        load = Load(running.url, readers)
        connect_s = load.connect()
        unconnected = readers - load.open
        load.run(WARM_UP_S + half_a_second_off())
        since, deliveries, cpu_s, other_s = time.time(), load.deliveries, running.cpu_s(), machine_s() - own_s(running)
        load.run(seconds)
        until, deliveries, cpu_s = time.time(), load.deliveries - deliveries, running.cpu_s() - cpu_s
        other_s = machine_s() - own_s(running) - other_s
        outcome = load.outcome(since, until, deliveries)
        memory_kib = running.memory_kib() - memory_kib
        load.close()
    if not deliveries:
        raise MissingError(f"nothing came; {unconnected:,} of {readers:,} had no stream")
    return Figures(
        cpu_s=cpu_s / deliveries * 100_000,
        kib=memory_kib / (readers - unconnected),
        connect_s=connect_s,
        unconnected=unconnected,
        others=100 * max(0.0, other_s) / (until - since),
        outcome=outcome,
    )


def machine_s() -> float:
    """Seconds of CPU that the machine was busy, or kept from being."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def own_s(running: Running) -> float:
    """Seconds of CPU of the server and the readers."""
    return running.cpu_s() + time.process_time()


def warm_up(running: Running) -> None:
    """One reader gets one event, so that what a server makes for its first counts for none."""
    first = Load(running.url, 1)
    first.connect()
    first.wait_until(lambda: first.deliveries > 1, TIMEOUT_S)
    first.close()


def half_a_second_off() -> float:
    """Seconds until the middle between two events."""
    return (1.5 - time.time() % 1) % 1


def compare(text: str, readers: int, rounds: int, seconds: int) -> Results:
    """All servers in turn, as often as there are rounds."""
    results = Results(readers=readers, seconds=seconds, figures={}, missing={})
    for number in range(1, rounds + 1):
        for server in SERVERS:
            if server.name in results.missing:
                continue
            try:
                figures = measure(server, text, readers, seconds)
            except MissingError as error:
                results.missing[server.name] = str(error)
                continue
            results.figures.setdefault(server.name, []).append(figures)
            say(f"{readers:6,} readers, round {number}: {server.name:22} {in_words(figures)}")
    return results


def in_words(figures: Figures) -> str:
    """One measurement on one line."""
    lacks = f", {figures.unconnected:,} without a stream" if figures.unconnected else ""
    lost = f"lost {figures.outcome.lost}, repeated {figures.outcome.repeated}, behind {figures.outcome.behind}"
    others = f"all else {figures.others:.0f} % of a CPU"
    return f"{figures.cpu_s:5.2f} s  p99 {figures.p99:7.1f} ms  {figures.kib:5.1f} KiB  {lost}{lacks}; {others}"


def sample_text() -> str:
    """What a sample of cpusensor on this machine looks like, with a place for the second."""
    with TemporaryDirectory() as folder, OURS.start(Path(folder), "") as running:
        warm_up(running)
        with urlopen(running.url.replace("/events", "/api/now")) as answer:
            text: str = answer.read().decode()
    return text.replace(str(json.loads(text)["time"]), PLACE)


def own_work(seconds: int) -> float:
    """Milliseconds of CPU a second that cpusensor uses while nobody watches."""
    with TemporaryDirectory() as folder, OURS.start(Path(folder), "") as running:
        warm_up(running)
        time.sleep(half_a_second_off())
        before = running.cpu_s()
        time.sleep(seconds)
        return (running.cpu_s() - before) / seconds * 1000


def as_table(results: Results) -> str:
    """Medians over the rounds; the longest delay of all of them."""
    header = (*HEADER, "keeps up", "lost / repeated")
    return table(header, [row(results, server, len(header)) for server in SERVERS])


def row(results: Results, server: Server, width: int) -> list[str]:
    """One server."""
    rounds = results.figures.get(server.name)
    if not rounds:
        return [server.name, results.missing.get(server.name, ""), *["–"] * (width - 2)]
    outcomes = [figures.outcome for figures in rounds]
    due = [outcome.since_due for outcome in outcomes if outcome.since_due]
    spreads = [outcome.since_first.p99 for outcome in outcomes if outcome.since_first]
    unconnected = max(figures.unconnected for figures in rounds)
    return [
        server.name,
        f"{median(figures.cpu_s for figures in rounds):.2f}",
        f"{median(delays.p50 for delays in due):,.0f}",
        f"{median(delays.p99 for delays in due):,.0f}",
        f"{max(delays.max for delays in due):,.0f}",
        f"{median(spreads):,.0f}",
        f"{round(median(figures.kib for figures in rounds), 1) + 0:.1f}",
        f"{unconnected:,} never" if unconnected else f"{median(figures.connect_s for figures in rounds):.1f}",
        "yes" if results.keeps_up(server) else "no",
        f"{sum(outcome.lost for outcome in outcomes)} / {sum(outcome.repeated for outcome in outcomes)}",
    ]


def judge_few(results: Results) -> list[Goal]:
    """What is asked for under the load that everyone bears."""
    return [
        *(ratio_goal(results, "CPU per delivery", other, lambda one: one.cpu_s, limit) for other, limit in CPU_GOALS),
        ratio_goal(results, "p99", servers.RAW, lambda one: one.p99, 2),
        ratio_goal(results, "memory of a stream", servers.NGINX, lambda one: one.kib, 1.25),
        unbroken(results),
    ]


def ratio_goal(results: Results, what: str, other: Server, figure: Callable[[Figures], float], limit: float) -> Goal:
    """At most so many times the other's."""
    ratio, floor = results.ratio(OURS, other, figure), results.ratio(servers.RAW, other, figure)
    text = f"{what} ≤ {limit:g} × {other.name}"
    if ratio is None:
        return Goal(text=text, found=results.missing.get(other.name, ""), is_met=None)
    is_met = ratio <= limit
    remark = "" if is_met or floor is None else f"; the C server, which does nothing but send, takes {floor:.2f}"
    return Goal(text=text, found=f"{ratio:.2f}{remark}", is_met=is_met)


def judge_many(results: Results) -> list[Goal]:
    """What is asked for under the load that not everyone bears."""
    goals = [unbroken(results)]
    for server, wanted in ((OURS, True), (servers.AIOHTTP_SSE, False), (servers.STARLETTE, False)):
        rounds = results.figures.get(server.name, [])
        text = f"{server.name} {'keeps up' if wanted else 'does not keep up'} with {results.readers:,}"
        found = ", ".join(f"p99 {figures.p99:,.0f} ms" for figures in rounds) or results.missing.get(server.name, "")
        is_met = results.keeps_up(server) == wanted if rounds else None
        goals.append(Goal(text=text, found=found, is_met=is_met))
    return goals


def unbroken(results: Results) -> Goal:
    """No stream of cpusensor's lacks an event, or has one twice."""
    outcomes = [figures.outcome for figures in results.figures[OURS.name]]
    lost, repeated = sum(one.lost for one in outcomes), sum(one.repeated for one in outcomes)
    text = f"nothing lost, nothing repeated with {results.readers:,} readers"
    return Goal(text=text, found=f"{lost} and {repeated}", is_met=not lost and not repeated)


def plot_of(results: Results, title: str, unit: str, figure: Callable[[Figures], float], goal: float | None) -> str:
    """One figure of all servers."""
    bars = [
        Bar(
            label=server.name,
            value=results.of(server, figure),
            text=results.missing.get(server.name, ""),
            is_ours=server is OURS,
        )
        for server in SERVERS
    ]
    return plot(f"{title}, {results.readers:,} readers", unit, bars, goal=goal, goal_text="keeps up")


def as_proof_table(proofs: Sequence[Proof]) -> str:
    """What was done to it and what came of it."""
    verdicts = {True: "met", False: "MISSED", None: "not measured"}
    rows = [[proof.name, proof.found, proof.goal, verdicts[proof.is_met]] for proof in proofs]
    return table(("cpusensor", "found", "goal", ""), rows)


def raise_file_limit(wanted: int) -> int:
    """Let this process and those that it starts open all that the system allows; how many readers fit."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    fit = min(wanted, most - SPARE_DESCRIPTORS)
    if fit < wanted:
        say(f"`ulimit -Hn` is {most:,}: {fit:,} readers in place of {wanted:,}")
    return fit


def run(arguments: argparse.Namespace) -> int:
    """All that was asked for; the exit status."""
    few, many = raise_file_limit(arguments.clients), raise_file_limit(arguments.many)
    os.sched_setaffinity(0, {CLIENT_CPU})
    text = sample_text()
    parts = [facts(text)]
    goals: list[Goal] = []
    plots: dict[str, str] = {}
    if arguments.rounds:
        results = compare(text, few, arguments.rounds, arguments.seconds)
        goals += judge_few(results)
        parts += [heading(results, arguments.rounds), as_table(results), own_work_in_words(results)]
        plots["stream-cpu.svg"] = plot_of(results, "CPU", "s per 100,000 deliveries", lambda one: one.cpu_s, None)
        plots["stream-p99.svg"] = plot_of(results, "p99 delay", "ms", lambda one: one.p99, None)
    if arguments.many_rounds:
        results = compare(text, many, arguments.many_rounds, arguments.seconds)
        goals += judge_many(results)
        parts += [heading(results, arguments.many_rounds), as_table(results), cpu_in_words(results)]
        plots["stream-p99-many.svg"] = plot_of(results, "p99 delay", "ms", lambda one: one.p99, KEEPS_UP_MS)
    proofs = [] if arguments.no_proofs else [proof() for proof in PROOFS]
    parts += ["\n".join(f"- {goal}" for goal in goals), as_proof_table(proofs) if proofs else ""]
    section = "\n\n".join(filter(None, parts))
    say(f"\n{section}")
    if arguments.write:
        write_section("stream", section, plots)
    verdicts = [goal.is_met for goal in goals] + [proof.is_met for proof in proofs]
    return 1 if False in verdicts else 0


def facts(text: str) -> str:
    """What the figures depend on."""
    pinned = "The server has one CPU, the readers another" if len(CPUS) > 1 else "Server and readers share the one CPU"
    return (
        f"{machine()}. {pinned}. On each full second all send the same {len(text)} bytes of data. p50, p99 and max are"
        " counted from that second, in which cpusensor first reads the counters and commits the sample while the others"
        " only send; the spread is counted from the first reader that got the event. Its CPU time includes recording."
    )


def heading(results: Results, rounds: int) -> str:
    """What a table is of."""
    figures = f"medians of {rounds} rounds" if rounds > 1 else "one round"
    others = [one.others for several in results.figures.values() for one in several]
    disturbed = f"all else took {median(others):.0f} % of a CPU, at most {max(others):.0f} %"
    return f"**{results.readers:,} readers**, {results.seconds} s, {figures}; meanwhile {disturbed}:"


def cpu_in_words(results: Results) -> str:
    """How cpusensor's CPU time stands to that of the others."""
    ratios = [(results.ratio(OURS, other, lambda one: one.cpu_s), other.name) for other, _ in CPU_GOALS]
    said = ", ".join(f"{ratio:.2f} × {name}" for ratio, name in ratios if ratio is not None)
    return f"CPU per delivery of cpusensor: {said}."


def own_work_in_words(results: Results) -> str:
    """How much of cpusensor's figure is not delivery."""
    own_ms = own_work(results.seconds)
    share = own_ms / 1000 / results.readers * 100_000
    return (
        f"Reading the counters and recording, {own_ms:.1f} ms of CPU a second, are {share:.2f} s of cpusensor's figure."
    )


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stream", description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=1000, help="readers in the first block (default: 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="of the first block; 0 leaves it out (default: 3)")
    parser.add_argument("--many", type=int, default=10_000, help="readers in the second block (default: 10000)")
    parser.add_argument("--many-rounds", type=int, default=3, help="of the second block; 0 leaves it out (default: 3)")
    parser.add_argument("--seconds", type=int, default=15, help="measured each time (default: 15)")
    parser.add_argument("--no-proofs", action="store_true", help="leave out restarts, stalled readers and the like")
    parser.add_argument("--write", action="store_true", help="write the result into docs/PERFORMANCE.md")
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
