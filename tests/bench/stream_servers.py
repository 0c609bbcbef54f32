"""The servers that are measured: how each is started, and what it uses.

Each listens on a port of 127.0.0.1 and sends `/events` one event a second, on the second, with the text of cpusensor's
own sample in it.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.service import ROOT, TIMEOUT_S, Service

PEERS = ROOT / "tests" / "bench" / "stream_peers"
CACHE = ROOT / ".venv" / "bench-peers"
"""Where what the peers are made of is installed."""

NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
LIMITS = ("--max-streams", "20000")
"""What cpusensor is started with; it admits fewer unless it is told."""

STOP_S = 3.0

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, CLIENT_CPU = CPUS[0], CPUS[-1]


class MissingError(Exception):
    """A server cannot be measured here; the text says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that listens."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU that it and its children have used, to the nanosecond (clock_getcpuclockid(3))."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self._pids())

    def memory_kib(self) -> int:
        """Memory of it and its children, what they share counted once (PSS, proc(5)), without the files they map.

        The share in a file, such as the interpreter, changes with every other process that maps it.
        """
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self._pids()]
        lines = [line.split() for text in rollups for line in text.splitlines()]
        return sum(int(size) for name, size, *_ in lines if name in {"Pss_Anon:", "Pss_Shmem:"})

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One that is measured."""

    name: str
    start: Callable[[Path, str], AbstractContextManager[Running]]
    """Runs it in a folder, sending this text; raises MissingError."""


@contextmanager
def on_cpu(cpu: int) -> Iterator[None]:
    """What is started inside stays on this CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def cpusensor(folder: Path, _text: str = "") -> Iterator[Running]:
    """The real service."""
    service = Service(folder, *LIMITS)
    with on_cpu(SERVER_CPU):
        service.start()
    try:
        yield Running(url=f"{service.url}events", pid=service.process.pid)
    finally:
        service.kill()


@contextmanager
def process(folder: Path, port: int, *command: str | Path) -> Iterator[Running]:
    """One that listens on the port once it is ready."""
    log = folder / "peer.log"
    with log.open("w") as output, on_cpu(SERVER_CPU):
        started = subprocess.Popen([*map(str, command)], cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_for(port, started, log)
        yield Running(url=f"http://127.0.0.1:{port}/events", pid=started.pid)
    finally:
        stop(started)


def stop(started: "subprocess.Popen[bytes]") -> None:
    """In good order if that is quick."""
    started.terminate()
    try:
        started.wait(STOP_S)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()


def wait_for(port: int, started: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once something listens on the port. Raises RuntimeError with the log if that does not come."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end and started.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{started.args!r} does not listen:\n{log.read_text()}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def raw(folder: Path, text: str) -> Iterator[Running]:
    """The one in C."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingError("no C compiler: apt-get install gcc")
    port, program = free_port(), folder / "raw"
    subprocess.run([compiler, "-O2", "-o", program, PEERS / "raw.c"], check=True)
    with process(folder, port, program, str(port), text) as running:
        yield running


@contextmanager
def nchan(folder: Path, text: str) -> Iterator[Running]:
    """Nginx with nchan, and a process beside it that hands it each event."""
    if shutil.which("nginx") is None or not NCHAN.exists():
        raise MissingError("not installed: apt-get install nginx libnginx-mod-nchan")
    port, config = free_port(), folder / "nginx.conf"
    filled = (PEERS / "nginx.conf").read_text()
    for place, value in (("PORT", str(port)), ("FOLDER", str(folder)), ("MODULE", str(NCHAN))):
        filled = filled.replace(place, value)
    config.write_text(filled)
    with process(folder, port, "nginx", "-p", folder, "-c", config) as running:
        publish = [sys.executable, "-m", "tests.bench.stream_peers.publish", str(port), text]
        with on_cpu(CLIENT_CPU):
            publisher = subprocess.Popen(publish, cwd=ROOT)
        try:
            yield running
        finally:
            stop(publisher)


def python_peer(module: str, *, with_requirements: bool) -> Callable[[Path, str], AbstractContextManager[Running]]:
    """How one of the small Python servers is started, in this environment or in the peers' own."""

    @contextmanager
    def start(folder: Path, text: str) -> Iterator[Running]:
        port = free_port()
        python = peers_python() if with_requirements else sys.executable
        with process(folder, port, python, "-m", f"tests.bench.stream_peers.{module}", str(port), text) as running:
            yield running

    return start


def peers_python() -> Path:
    """The interpreter of an environment for these peers alone, which is made when it is first asked for.

    Raises MissingError.
    """
    home = CACHE / "stream"
    python, installed = home / "bin" / "python", home / "installed.txt"
    requirements = (PEERS / "requirements.txt").read_text()
    if not installed.exists() or installed.read_text() != requirements:
        venv.create(home, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(PEERS / "requirements.txt")]
        answer = subprocess.run(install, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise MissingError(f"not installed: {answer.stderr.strip().splitlines()[-1]}")
        installed.write_text(requirements)
    return python


OURS = Server(name="cpusensor", start=cpusensor)
RAW = Server(name="raw C, epoll", start=raw)
NGINX = Server(name="nginx + nchan", start=nchan)
NAIVE = Server(name="aiohttp, a queue each", start=python_peer("naive", with_requirements=False))
AIOHTTP_SSE = Server(name="aiohttp-sse 3.0", start=python_peer("on_aiohttp_sse", with_requirements=True))
STARLETTE = Server(name="sse-starlette 3.7", start=python_peer("on_sse_starlette", with_requirements=True))

SERVERS: Sequence[Server] = (OURS, RAW, NGINX, NAIVE, AIOHTTP_SSE, STARLETTE)
