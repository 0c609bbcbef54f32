"""Sends requests to a real service over many connections, and looks at what became of it."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

import psutil

from tests.fuzz.requests import Conversation, converse
from tests.service import Service
from tests.waiting import get_json, wait_for_samples

CONNECTIONS = 64
PAUSE_S = 0.002
"""Between two parts, so that they come apart."""
SILENCE_S = 0.3
"""After which no further answer is waited for."""
EXPECTED = "Error handling request from "
"""What aiohttp logs about a request that it cannot make sense of."""
GROWN_MIB = 32
"""By how much the process may grow."""

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n")
"""How an answer begins; no body of ours holds a bare CR."""


@dataclass(slots=True)
class Tally:
    """What was sent, and what came."""

    requests: int = 0
    connections: int = 0
    refused: int = 0
    """Connections that could not be made."""
    answers: Counter[int] = field(default_factory=Counter)
    """By status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the service."""

    tally: Tally
    took_s: float
    samples: int
    """That were due meanwhile."""
    missing: int
    """Of them."""
    log: str
    """What it wrote meanwhile."""
    memory_mib: tuple[float, float]
    """Resident, before and after."""
    status: int
    """Of its end, after SIGTERM."""

    @property
    def classes(self) -> dict[str, int]:
        """How many answers of each class of statuses."""
        classes: Counter[str] = Counter()
        for status, count in self.tally.answers.items():
            classes[f"{status // 100}xx"] += count
        return dict(sorted(classes.items()))

    @property
    def errors(self) -> list[str]:
        """What it logged that no request may bring about."""
        lines = self.log.splitlines()
        return [line for line in lines if re.search(" ERROR | CRITICAL |Traceback", line) and EXPECTED not in line]

    @property
    def tracebacks(self) -> int:
        """How many it logged."""
        return self.log.count("Traceback")

    @property
    def violations(self) -> list[str]:
        """What must not be on any machine; on a busy one samples may be missing, too."""
        broken = {status: count for status, count in self.tally.answers.items() if status >= 500}
        before, after = self.memory_mib
        found = {
            f"answers of 5xx: {broken}": broken,
            f"the log tells of errors: {self.errors}": self.errors,
            f"{self.tally.refused} connections were refused": self.tally.refused,
            f"memory grew from {before:.0f} to {after:.0f} MiB": after - before > GROWN_MIB,
            f"it ended with {self.status}": self.status,
        }
        return [words for words, is_so in found.items() if is_so]


def fuzz(directory: Path, requests: int, seed: int, tell: Callable[[Tally], None] = lambda _: None) -> Outcome:
    """Send so many requests to a service of its own, which samples every second."""
    with Service(directory) as service:
        first = wait_for_samples(service, 0)
        process = psutil.Process(service.process.pid)
        before, logged, began = process.memory_info().rss, service.log.stat().st_size, monotonic()
        tally = asyncio.run(send(service.port, requests, Random(seed), tell))  # noqa: S311 - repeatable, not secret
        took_s = monotonic() - began
        after, last = process.memory_info().rss, wait_for_samples(service, 1)
        history = get_json(service, f"api/history?from={first}&to={last}&step=1")["cpu"]
        return Outcome(
            tally=tally,
            took_s=took_s,
            samples=len(history),
            missing=history.count(None),
            memory_mib=(before / 2**20, after / 2**20),
            status=service.terminate(),
            log=service.log.read_bytes()[logged:].decode(errors="replace"),
        )


async def send(port: int, requests: int, chance: Random, tell: Callable[[Tally], None]) -> Tally:
    """Send them over several connections at a time."""
    tally = Tally()

    async def talk_until_done() -> None:
        while tally.requests < requests:
            conversation = converse(chance)
            tally.requests += conversation.requests
            tally.connections += 1
            await talk(port, conversation, tally)
            tell(tally)

    async with asyncio.TaskGroup() as talks:
        for _ in range(CONNECTIONS):
            talks.create_task(talk_until_done())
    return tally


async def talk(port: int, conversation: Conversation, tally: Tally) -> None:
    """Say it, listen while something comes, and hang up."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        tally.refused += 1
        return
    heard = bytearray()
    try:
        for part in conversation.parts:
            writer.write(part)
            await asyncio.sleep(PAUSE_S)
        while conversation.is_heard and (chunk := await asyncio.wait_for(reader.read(2**16), SILENCE_S)):
            heard += chunk
    except (ConnectionError, TimeoutError):
        pass  # It hung up first, or waits for more.
    finally:
        writer.transport.abort()
    tally.answers.update(map(int, STATUS.findall(heard)))
