"""The service as a process that faults are injected into, and what is seen of it from outside."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.faults.harness import Lab
from tests.service import ROOT, TIMEOUT_S, Service

OK = 200
SERVER = (sys.executable, "server.py")
DOOR = (sys.executable, "-m", "tests.faults.door")
REFUSED_LENGTH = 400


@contextmanager
def victim(
    lab: Lab, directory: Path, *flags: str, command: Sequence[str] = SERVER, **environment: str
) -> Iterator[Service]:
    """A running service; its end must be clean, its log without a traceback, its database without a fault."""
    service = Service(directory, *flags, interval_s=1, command=command, **environment)
    with service:
        yield service
        began = time.monotonic()
        status = service.terminate()
        took = time.monotonic() - began
        lab.expect(that=status == 0, otherwise=f"ended with {status}")
        lab.expect(that=took < 2 or lab.is_quick, otherwise=f"took {took:.1f} s to end")
    log = service.log.read_text(errors="replace")
    lab.expect(that="Traceback" not in log, otherwise=f"a traceback is in the log: {log.strip().splitlines()[-1:]}")
    lab.expect_clean(service.database)


def plain_environment() -> dict[str, str]:
    """Ours without what would set up the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CPUSENSOR_")}


class Refused(NamedTuple):
    """How a start that was refused ended."""

    status: int
    lines: list[str]

    @property
    def is_one_line(self) -> bool:
        """Whether it said why in one line of its own."""
        return len(self.lines) == 1 and self.lines[0].startswith("cpusensor: ")


def start_refused(
    *flags: str | bytes, prefix: Sequence[str] = (), environment: dict[bytes, bytes] | None = None
) -> Refused:
    """Run the server with flags that it should refuse."""
    done = subprocess.run(
        [*prefix, *SERVER, "--port", "0", *flags],
        cwd=ROOT,
        env={os.fsencode(name): os.fsencode(value) for name, value in plain_environment().items()}
        | (environment or {}),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Refused(done.returncode, (done.stdout + done.stderr).decode(errors="replace").splitlines())


def expect_refused(lab: Lab, refused: Refused, status: int, said: str) -> None:
    """It must have ended with this status and one line that holds these words."""
    is_so = refused.status == status and refused.is_one_line and said in refused.lines[0]
    lab.expect(that=is_so, otherwise=f"start: status {refused.status}, {refused.lines[:3]}")


def ask(service: Service, path: str) -> tuple[int, str]:
    """Status and text of an answer, whatever the status."""
    try:
        with urllib.request.urlopen(service.url + path, timeout=TIMEOUT_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def state(service: Service) -> str:
    """What /healthz says."""
    return ask(service, "healthz")[1].strip()


def history(service: Service, query: str = "range=1h&step=1") -> Any:  # noqa: ANN401 - JSON
    """The answer of /api/history. Raises RuntimeError with what came instead."""
    status, text = ask(service, f"api/history?{query}")
    if status != OK:
        raise RuntimeError(f"/api/history answers {status}: {text[:200]}")
    return json.loads(text)


def by_time(answer: Any) -> dict[int, float]:  # noqa: ANN401 - JSON
    """CPU % by time, where something was recorded."""
    times = range(answer["start"], answer["to"] + 1, answer["step"])
    return {at: cpu for at, cpu in zip(times, answer["cpu"], strict=True) if cpu is not None}


def missing(answer: Any) -> list[int]:  # noqa: ANN401 - JSON
    """The empty slots between the first sample and the last."""
    recorded = by_time(answer)
    if not recorded:
        return []
    return [at for at in range(min(recorded), max(recorded), answer["step"]) if at not in recorded]


def expect_nothing_missing(lab: Lab, service: Service) -> int:
    """No slot between first and last sample is empty; how many samples there are.

    With few repetitions a slot may be, if the gap says that the machine overslept it.
    """
    answer = history(service)
    overslept = [gap for gap in answer["gaps"] if gap["cause"] == "stalled"] if lab.is_quick else []
    lost = [at for at in missing(answer) if not any(gap["from"] <= at <= gap["to"] for gap in overslept)]
    lab.expect(that=not lost, otherwise=f"{len(lost)} samples missing, gaps {answer['gaps'][:2]}")
    return len(by_time(answer))


class Listener(threading.Thread):
    """Reads the stream, and notes when each sample's id came, and what it tells of the state."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.arrivals: list[tuple[int, float]] = []
        self.states: list[str] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S + 100)
        self._connection.request("GET", "/events")
        self._response = self._connection.getresponse()
        self.start()

    def run(self) -> None:
        try:
            while line := self._response.readline():
                if line.startswith(b"id: "):
                    self.arrivals.append((int(line[4:]), time.time()))
                elif line == b"event: state\n":
                    self.states.append(json.loads(self._response.readline().removeprefix(b"data: "))["state"])
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return  # the service ended, or the listener was closed
        finally:
            self._response.close()
            self._connection.close()

    @property
    def ids(self) -> list[int]:
        """What came, in the order in which it came."""
        return [at for at, _ in self.arrivals]

    def skipped(self, interval: int = 1) -> int:
        """Slots between the first and the last id that never came."""
        return (self.ids[-1] - self.ids[0]) // interval + 1 - len(set(self.ids)) if self.ids else 0


class Pulse(threading.Thread):
    """Asks /healthz again and again; how long the answers took."""

    def __init__(self, service: Service, pause_s: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.took_ms: list[float] = []
        self.failures = 0
        self._service = service
        self._pause_s = pause_s
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(self._pause_s):
            began = time.perf_counter()
            try:
                ask(self._service, "healthz")
            except OSError:
                self.failures += 1
            else:
                self.took_ms.append(1000 * (time.perf_counter() - began))

    def figure(self) -> str:
        """End it; median and longest."""
        self._ended.set()
        self.join(TIMEOUT_S)
        if not self.took_ms:
            return "healthz never answered"
        return f"healthz median {median(self.took_ms):.1f} ms, max {max(self.took_ms):.0f} ms, n={len(self.took_ms)}"

    @property
    def median_ms(self) -> float:
        """Of all answers so far."""
        return median(self.took_ms) if self.took_ms else float("inf")
