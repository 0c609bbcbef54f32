"""Real engines that machines push to, each a process of its own: a test can kill, stop, freeze and start them again.

They are Debian's VictoriaMetrics and Prometheus; `make engines` brings them, as root.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.proxy import free_port
from tests.service import TIMEOUT_S
from tests.waiting import wait_until

ADVICE = "`make engines` brings it, as root on Debian"

PROMETHEUS_CONF = "storage: {tsdb: {out_of_order_time_window: 30d}}\n"

Labels = tuple[tuple[str, str], ...]
"""In the order of their names, that of the metric as `__name__`."""
Points = dict[Labels, dict[int, float | None]]
"""Values by time in ms, by series; None where the series ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An engine as it is started, and where it takes samples."""

    name: str
    program: str
    flags: Callable[[Path, int], Sequence[str]]
    """Of one with its files in that folder, which listens on that port of 127.0.0.1."""
    write: str
    """The path of remote write."""
    ready: str
    """The path that answers once it takes samples."""

    @property
    def missing(self) -> str | None:
        """Why it cannot be started here; None if it can."""
        return None if shutil.which(self.program) else f"no {self.program}: {ADVICE}"


def _victoria(folder: Path, port: int) -> Sequence[str]:
    return (
        f"-storageDataPath={folder / 'victoria'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
        # What was sent twice is kept once.
        "-dedup.minScrapeInterval=1ms",
        # What has come can be asked for at once.
        "-search.latencyOffset=0s",
        # It would take six tenths of the machine's memory for its caches.
        "-memory.allowedBytes=256MB",
    )


def _prometheus(folder: Path, port: int) -> Sequence[str]:
    configuration = folder / "prometheus.yml"
    if not configuration.exists():
        configuration.write_text(PROMETHEUS_CONF)
    return (
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
    )


VICTORIA = Kind(
    name="VictoriaMetrics",
    program="victoria-metrics",
    flags=_victoria,
    write="api/v1/write",
    ready="health",
)
PROMETHEUS = Kind(
    name="Prometheus",
    program="prometheus",
    flags=_prometheus,
    write="api/v1/write",
    ready="-/ready",
)


class Engine:
    """One that runs inside the block; started again it keeps its files and its port."""

    def __init__(self, kind: Kind, folder: Path, *flags: str) -> None:
        self.kind = kind
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.write_url = f"{self.url}/{kind.write}"
        self.folder = folder
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and return once it takes samples. Raises TimeoutError."""
        command = [self.kind.program, *self.kind.flags(self.folder, self.port), *self._flags]
        with (self.folder / f"{self.kind.program}.log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._is_ready, f"{self.kind.name} does not start; see {log.name}")

    def stop(self) -> None:
        """End it as a service manager does."""
        self._end_with(signal.SIGTERM)

    def kill(self) -> None:
        """End it where it stands."""
        self._end_with(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    def ask(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - each looks into it as it likes
        """The answer of the PromQL API, as it stands under `data`. Raises ValueError with what it says instead."""
        try:
            with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters, doseq=True)}", timeout=TIMEOUT_S) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            with error:
                raise ValueError(error.read().decode(errors="replace")) from None

    def now(self, query: str, time: float) -> dict[Labels, float]:
        """What a query comes to at one time."""
        result = self.ask("query", query=query, time=time)["result"]
        return {labels_of(one["metric"]): float(one["value"][1]) for one in result}

    def points(self, selector: str, from_time: int, to_time: int) -> Points:
        """All that it has of these series in (from, to], as it was sent, but without where they end."""
        query = f"{selector}[{to_time - from_time}s]"
        result = self.ask("query", query=query, time=to_time)["result"]
        return {
            # VictoriaMetrics says NaN where a series ends, Prometheus nothing.
            labels_of(one["metric"]): {
                round(1000 * time): float(value) for time, value in one["values"] if value != "NaN"
            }
            for one in result
        }

    def exported(self, selector: str) -> Points:
        """All that it has of these series, and where they end: what only VictoriaMetrics tells."""
        points: Points = {}
        asked = urlencode({"match[]": selector, "reduce_mem_usage": 1})
        with urlopen(f"{self.url}/api/v1/export?{asked}", timeout=TIMEOUT_S) as answer:
            for line in map(json.loads, answer):
                known = points.setdefault(labels_of(line["metric"]), {})
                for time, value in zip(line["timestamps"], line["values"], strict=True):
                    known[time] = value
        return points

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.kind.name} ended at once; see {self.folder / self.kind.program}.log")
        with suppress(URLError, OSError), urlopen(f"{self.url}/{self.kind.ready}", timeout=TIMEOUT_S) as answer:
            return bool(answer.status == 200)
        return False

    def _end_with(self, how: signal.Signals) -> None:
        assert self._process is not None
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            os.kill(process.pid, how)
        process.wait(TIMEOUT_S)


def labels_of(metric: Mapping[str, str]) -> Labels:
    """The labels of a series in an answer."""
    return tuple(sorted(metric.items()))
