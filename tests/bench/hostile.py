"""What 300 hostile connections cost: `python -m tests.bench.hostile`, about two and a half minutes.

The service as a process of its own is attacked from this machine and, as root with ip(8), from another address: a
network namespace. The same is done to aiohttp as it comes, with the same answers. Meanwhile good clients ask and wait.
Then the attackers fall silent with their connections open, as when their machine is cut off.
"""

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.attack import LARGE, SOCKETS
from tests.bench.report import machine, say, table
from tests.faults.victim import DOOR, by_time, history, missing
from tests.proxy import free_port, is_listening
from tests.service import ROOT, Service
from tests.waiting import wait_for_samples, wait_until

LOOPBACK = "127.0.0.1"
ATTACK_S, AFTER_S, GONE_S = 22, 15, 25
"""Longer than any deadline of a connection; within this time good clients are to be well served again; and so long the
hostile connections are watched afterwards."""

MALFORMED = 10_000
ASK_EVERY_S = 0.05
PATIENCE_S = 2.0
OK = 200

GOAL_MIB, GOAL_LOG_BYTES = 80, 1024
OTHERS, OURS = "198.51.100.2", "198.51.100.1"
"""Addresses for documentation (RFC 5737), so that they are nobody's."""

BEGIN, END = "<!-- hostile -->", "<!-- /hostile -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is attacked."""

    pid: int
    port: int
    log: Path

    @property
    def memory_mib(self) -> float:
        """Its own, and its share of what it shares (PSS, proc(5))."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) / 1024

    @property
    def descriptors(self) -> int:
        """How many it has open."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one good client saw."""

    at: float
    """When it had its answer or gave up, on the monotonic clock."""
    path: str
    took_ms: float
    is_good: bool


class GoodClient(threading.Thread):
    """Asks for the health and for the newest sample in turn, each time on a connection of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self._port = port
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(ASK_EVERY_S):
            for path in ("/healthz", "/api/now"):
                self.answers.append(self._ask(path))

    def _ask(self, path: str) -> Answer:
        began = time.monotonic()
        try:
            is_good = get(self._port, path)[0] == OK
        except (OSError, http.client.HTTPException):
            is_good = False
        ended = time.monotonic()
        return Answer(at=ended, path=path, took_ms=1000 * (ended - began), is_good=is_good)

    def end(self) -> None:
        """Return once it has its last answer."""
        self._ended.set()
        self.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attack did."""

    before_mib: float
    peak_mib: float
    connections: int
    """That were open, in the median."""
    gone_s: float | None
    """From the end of the attack until none of them was open; None if some are still."""
    answers: Sequence[Answer]
    """Of the good clients, while the attack lasted."""
    served_after_s: float
    """From the end of the attack to the last good client that was not answered in time."""
    log_bytes: int


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def attack(target: Target, host: str = LOOPBACK, prefix: Sequence[str] = ()) -> Outcome:
    """Have it attacked from where the prefix of the command leads."""
    memory, descriptors, log = target.memory_mib, target.descriptors, target.log.stat().st_size
    memories, opened = [memory], [descriptors]
    client = GoodClient(target.port)
    command = [*prefix, sys.executable, "-m", "tests.bench.attack", host, str(target.port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacker:
        try:
            assert attacker.stdout is not None
            client.start()
            began, is_open = time.monotonic(), attacker.stdout.readline() == "open\n"
            if not is_open:
                raise RuntimeError("the attack did not begin")
            while time.monotonic() < began + ATTACK_S:
                memories.append(target.memory_mib)
                opened.append(target.descriptors)
                time.sleep(0.2)
            attacker.send_signal(signal.SIGSTOP)
            ended = time.monotonic()
            gone_s = until_gone(target, descriptors)
            time.sleep(max(0.0, ended + AFTER_S - time.monotonic()))
            client.end()
        finally:
            attacker.kill()
    bad = [one.at for one in client.answers if not one.is_good and one.at > ended]
    return Outcome(
        before_mib=memory,
        peak_mib=max(memories),
        connections=round(median(opened)) - descriptors,
        gone_s=gone_s,
        answers=[one for one in client.answers if one.at <= ended],
        served_after_s=max(bad, default=ended) - ended,
        log_bytes=target.log.stat().st_size - log,
    )


def until_gone(target: Target, descriptors: int) -> float | None:
    """The seconds until it has no more of them open than before, but for a good client's; None if that lasts long."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < GONE_S:
        if target.descriptors <= descriptors + 1:
            return passed
        time.sleep(0.2)
    return None


def malformed(target: Target) -> tuple[int, int]:
    """Send what is no request; the answers that came, and bytes of log."""
    before = target.log.stat().st_size
    command = [sys.executable, "-m", "tests.bench.attack", LOOPBACK, str(target.port), "--malformed", str(MALFORMED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout), target.log.stat().st_size - before


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One thing that was attacked, and what is told of it."""

    name: str
    outcome: Outcome
    malformed: tuple[int, int] | None = None
    """The answers that came, and bytes of log."""
    samples: tuple[int, int] | None = None
    """Recorded and missing."""
    late_ms: tuple[float, float, float] | None = None
    """By how much the sampling woke late: p50, p99, most."""


def attack_service(folder: Path, name: str, host: str = LOOPBACK, prefix: Sequence[str] = ()) -> Run:
    """The service, which leaves its answers in the folder for others to give."""
    notes = folder / "lateness"
    with Service(folder, "--host", "0.0.0.0", command=DOOR, FAULT_LATENESS=str(notes)) as service:  # noqa: S104 - asked for
        wait_for_samples(service, 2)
        now = int(time.time())
        for name_of_body, path in (("now", "/api/now"), ("history", LARGE.format(start=now - 365 * 86_400, end=now))):
            (folder / name_of_body).write_bytes(get(service.port, path)[1])
        target = Target(pid=service.process.pid, port=service.port, log=service.log)
        outcome = attack(target, host, prefix)
        counted = malformed(target)
        wait_for_samples(service, 1)
        answer = history(service)
        samples = len(by_time(answer)), len(missing(answer))
        service.terminate()
    return Run(name=name, outcome=outcome, malformed=counted, samples=samples, late_ms=percentiles(notes))


def percentiles(notes: Path) -> tuple[float, float, float]:
    """p50, p99 and the most of the notes, one a line."""
    late = sorted(map(float, notes.read_text().split()))
    return late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]


def attack_stock(folder: Path) -> Run:
    """The same to aiohttp as it comes, with the service's answers; it records nothing."""
    port, log = free_port(), folder / "stock.log"
    command = [sys.executable, "-m", "tests.bench.stock", str(folder), "--port", str(port)]
    with log.open("w") as file, subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file) as process:
        try:
            wait_until(lambda: is_listening(port), "the proxy does not listen")
            target = Target(pid=process.pid, port=port, log=log)
            return Run(name="aiohttp as it comes", outcome=attack(target), malformed=malformed(target))
        finally:
            process.kill()


@contextmanager
def elsewhere() -> Iterator[Sequence[str]]:
    """A machine that is none: the prefix of a command that runs there. Raises OSError or CalledProcessError."""
    if shutil.which("ip") is None:
        raise FileNotFoundError("there is no ip(8)")
    name = f"cpusensor-{os.getpid()}"
    near, far = f"cpus{os.getpid() % 10**6}n", f"cpus{os.getpid() % 10**6}f"
    with ExitStack() as stack:
        ip("netns", "add", name)
        stack.callback(ip, "netns", "delete", name)
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("address", "add", f"{OURS}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-netns", name, "address", "add", f"{OTHERS}/30", "dev", far)
        ip("-netns", name, "link", "set", far, "up")
        yield ("ip", "netns", "exec", name)


def ip(*arguments: str) -> None:
    """Have the network changed. Raises CalledProcessError."""
    subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)


def figures(run: Run) -> list[str]:
    """A column of the table."""
    outcome = run.outcome
    recorded, lost = run.samples or (0, 0)
    return [
        f"{outcome.before_mib:.1f} → {outcome.peak_mib:.1f} MiB",
        f"{outcome.connections}",
        f"{sum(one.is_good for one in outcome.answers):,} of {len(outcome.answers):,}",
        *(delays(outcome.answers, path) for path in ("/healthz", "/api/now")),
        f"{outcome.served_after_s:.1f} s",
        f"> {GONE_S} s" if outcome.gone_s is None else f"{outcome.gone_s:.1f} s",
        f"{lost} of {recorded + lost}" if run.samples else "–",
        " / ".join(f"{late:.1f}" for late in run.late_ms) + " ms" if run.late_ms else "–",
        f"{outcome.log_bytes:,} B",
        f"{run.malformed[1]:,} B, {run.malformed[0]:,} answered" if run.malformed else "–",
    ]


ROWS = (
    "memory (PSS) before → most",
    "connections open, median",
    "good clients answered meanwhile",
    "`/healthz` p50 / p99",
    "`/api/now` p50 / p99",
    "good clients served again after",
    "hostile connections all ended after",
    "samples missing",
    "sampling late p50 / p99 / most",
    "log of the attack",
    f"log of {MALFORMED:,} malformed requests",
)


def delays(answers: Sequence[Answer], path: str) -> str:
    """p50 and p99 of the good answers."""
    took = sorted(one.took_ms for one in answers if one.path == path and one.is_good)
    return f"{took[len(took) // 2]:.1f} / {took[int(len(took) * 0.99)]:.1f} ms" if took else "none"


def verdicts(runs: Sequence[Run]) -> list[tuple[bool, str]]:
    """What was wanted of the service, and whether it is so."""
    peak = max(run.outcome.peak_mib for run in runs)
    lost = sum(run.samples[1] for run in runs if run.samples)
    again = max(run.outcome.served_after_s for run in runs)
    log = max(run.malformed[1] for run in runs if run.malformed)
    return [
        (peak <= GOAL_MIB, f"memory at most {peak:.1f} MiB (goal: {GOAL_MIB})"),
        (lost == 0, f"{lost} samples missing (goal: 0)"),
        (again <= AFTER_S, f"good clients served {again:.1f} s after the attack (goal: {AFTER_S})"),
        (
            log <= GOAL_LOG_BYTES,
            f"{log:,} bytes of log for {MALFORMED:,} malformed requests (goal: {GOAL_LOG_BYTES:,})",
        ),
    ]


def measure() -> tuple[list[Run], list[str]]:
    """All runs, the service's first; and what could not be measured, and why."""
    notes = []
    with TemporaryDirectory() as directory:
        folders = [Path(directory, name) for name in ("near", "far")]
        for folder in folders:
            folder.mkdir()
        say(f"{SOCKETS} hostile connections from this machine")
        runs = [attack_service(folders[0], "cpusensor, from this machine")]
        try:
            with elsewhere() as prefix:
                say(f"{SOCKETS} from another address")
                runs.append(attack_service(folders[1], "cpusensor, from another address", OURS, prefix))
        except (OSError, subprocess.CalledProcessError) as error:
            reason = str(getattr(error, "stderr", None) or error).strip()
            notes.append(f"Not measured from another address, which takes root and ip(8): {reason}")
        say(f"{SOCKETS} on aiohttp as it comes")
        runs.append(attack_stock(folders[0]))
    return runs, notes


def text_of(runs: Sequence[Run], notes: Sequence[str], found: Sequence[tuple[bool, str]]) -> str:
    """The table and the verdicts, in Markdown."""
    columns = [figures(run) for run in runs]
    rows = [[row, *(column[number] for column in columns)] for number, row in enumerate(ROWS)]
    marks = "\n".join(f"* {'met' if is_met else '**missed**'}: {text}" for is_met, text in found)
    shown = table([f"{SOCKETS} connections for {ATTACK_S} s", *(run.name for run in runs)], rows)
    return "\n\n".join([machine(), shown, marks, *notes])


def write(path: Path, text: str) -> None:
    """Into its place in the file, if that has one; else it becomes the file."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}" if begin else f"{text}\n", encoding="utf-8")


def main() -> int:
    """Print the table and the verdicts; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hostile", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help=f"write it between {BEGIN} and {END} of this file"
    )
    told = parser.parse_args()
    runs, notes = measure()
    found = verdicts([run for run in runs if run.samples])
    text = text_of(runs, notes, found)
    say(text)
    if told.markdown:
        write(told.markdown, text)
    return 0 if all(is_met for is_met, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
