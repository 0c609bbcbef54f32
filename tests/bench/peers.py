"""The systems that people would use instead, each started by hand in a folder of its own, with nothing left behind.

`netdata(folder)`, `prometheus(folder)` and `glances(folder)` are contexts: inside one a `Peer` runs, which says where
its page and its last hour are and which processes it consists of. Each raises MissingError, whose text says how to
install what is missing, before anything is started. They look at the CPU every 5 s, as cpusensor does.
"""

import getpass
import os
import shutil
import signal
import subprocess
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.bench.hour import CORES, SAMPLES, STEP_S, busy_shares
from tests.bench.stream_servers import CACHE, free_port, stop

GLANCES = "glances[web]==4.5.8"
START_TIMEOUT_S = 60.0

NETDATA_CONF = """[global]
run as user = {user}
[db]
update every = {step}
[directories]
config = {folder}/etc
lib = {folder}/lib
cache = {folder}/cache
log = {folder}/log
lock = {folder}/lock
[web]
bind to = 127.0.0.1:{port}
[registry]
enabled = no
[statsd]
enabled = no
"""

PROMETHEUS_CONF = """global: {{scrape_interval: {step}s, evaluation_interval: {step}s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
"""

BUSY = '100*(1-avg(rate(node_cpu_seconds_total{mode="idle"}[15s])))'
"""CPU use in percent, as most dashboards ask Prometheus for it."""


class MissingError(Exception):
    """A peer is not installed; the text says in a few words how to change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One that runs."""

    name: str
    pids: tuple[int, ...]
    """The processes that were started; children of theirs belong to it as well."""
    page: str
    """What a person opens to look at the CPU."""
    hour: str
    """Where it answers with the last hour of the CPU."""
    remark: str
    """What a reader of the figures must know about it, or nothing."""


PeerStart = Callable[[Path], AbstractContextManager[Peer]]


@contextmanager
def netdata(folder: Path) -> Iterator[Peer]:
    """Netdata as Debian ships it, all collectors on, telling nobody."""
    _need("netdata", "apt-get install netdata")
    port = free_port()
    for name in ("etc", "lib", "cache", "log", "lock"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "etc" / ".opt-out-from-anonymous-statistics").touch()
    conf = folder / "netdata.conf"
    conf.write_text(NETDATA_CONF.format(user=getpass.getuser(), step=STEP_S, folder=folder, port=port))
    site = f"http://127.0.0.1:{port}"
    asked = urlencode({"chart": "system.cpu", "after": -3600, "points": SAMPLES})
    hour = f"{site}/api/v1/data?{asked}"
    with process(folder, "netdata", "-D", "-c", conf) as pid:
        wait_for(hour)
        remark = f"{SAMPLES} rows of 10 columns, empty before its start"
        yield Peer(name="netdata", pids=(pid,), page=f"{site}/", hour=hour, remark=remark)


@contextmanager
def prometheus(folder: Path) -> Iterator[Peer]:
    """Prometheus and its node exporter, with two hours of CPU counters already in its store."""
    _need("prometheus", "apt-get install prometheus")
    _need("prometheus-node-exporter", "apt-get install prometheus-node-exporter")
    port, exporter = free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    conf, store = folder / "prometheus.yml", folder / "store"
    conf.write_text(PROMETHEUS_CONF.format(step=STEP_S, exporter=exporter))
    _backfill(folder, store)
    options = (f"--config.file={conf}", f"--storage.tsdb.path={store}", f"--web.listen-address=127.0.0.1:{port}")
    site, now = f"http://127.0.0.1:{port}", int(time.time())
    asked = urlencode({"query": BUSY, "start": now - 3600, "end": now, "step": STEP_S})
    shown = urlencode({"g0.expr": BUSY, "g0.tab": 0, "g0.range_input": "1h"})
    with ExitStack() as stack:
        listen = f"--web.listen-address=127.0.0.1:{exporter}"
        first = stack.enter_context(process(folder, "prometheus-node-exporter", listen))
        second = stack.enter_context(process(folder, "prometheus", *options))
        wait_for(f"{site}/-/ready")
        yield Peer(
            name="Prometheus",
            pids=(second, first),
            page=f"{site}/graph?{shown}",
            hour=f"{site}/api/v1/query_range?{asked}",
            remark="one series, computed from the counters of 8 cores",
        )


@contextmanager
def glances(folder: Path) -> Iterator[Peer]:
    """The web server of Glances."""
    program, port = _glances_program(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    site = f"http://127.0.0.1:{port}"
    options = ("-w", "--bind", "127.0.0.1", "--port", port, "--time", STEP_S, "--disable-autodiscover")
    with process(folder, program, *options) as pid:
        wait_for(f"{site}/api/4/cpu")
        remark = "what it has: it records only while somebody asks"
        yield Peer(name="Glances", pids=(pid,), page=f"{site}/", hour=f"{site}/api/4/cpu/history", remark=remark)


PEERS: Sequence[tuple[str, PeerStart]] = (("netdata", netdata), ("Prometheus", prometheus), ("Glances", glances))
"""All of them by name, for whoever measures beside each that is there."""


def _need(program: str, advice: str) -> None:
    if shutil.which(program) is None:
        raise MissingError(advice)


def _glances_program() -> Path:
    """The program in the peers' environment, which is made when it is first asked for. Raises MissingError."""
    program = CACHE / "bin" / "glances"
    if not program.exists():
        venv.create(CACHE, with_pip=True)
        install = (CACHE / "bin" / "python", "-m", "pip", "install", "--quiet", GLANCES)
        if subprocess.run(install, capture_output=True, check=False).returncode or not program.exists():
            raise MissingError(f"pip install '{GLANCES}'")
    return program


def _backfill(folder: Path, store: Path) -> None:
    """Give Prometheus two hours of counters of the same load that cpusensor's own hour was made of."""
    newest = int(time.time()) // STEP_S * STEP_S
    text = folder / "counters.txt"
    text.write_text("\n".join(_counters(newest)) + "\n# EOF\n")
    command = ("promtool", "tsdb", "create-blocks-from", "openmetrics", text, store)
    subprocess.run(command, check=True, capture_output=True)


def _counters(newest: int) -> Iterator[str]:
    """The idle counter of each core in the OpenMetrics text format, all times of a core together."""
    shares = busy_shares() * 2
    yield "# TYPE node_cpu_seconds counter"
    for core in range(CORES):
        idle = 0.0
        for number, at_once in enumerate(shares):
            idle += STEP_S * (1 - at_once[core])
            at = newest - (len(shares) - 1 - number) * STEP_S
            yield f'node_cpu_seconds_total{{cpu="{core}",instance="filled",job="node",mode="idle"}} {idle:.2f} {at}'


@contextmanager
def process(folder: Path, *command: object) -> Iterator[int]:
    """Runs it in a process group of its own, so that all that it started ends with it."""
    with (folder / "peer.log").open("a") as log:
        started = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield started.pid
    finally:
        stop(started)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)


def wait_for(url: str) -> None:
    """Return once the address answers with anything but an error. Raises TimeoutError."""
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
