"""VictoriaMetrics and Prometheus with the history of a file in them, and how each is asked for what cpusensor answers.

Both hold one series, `cpu_ratio`: what cpusensor itself says of each sample, at its time. What they stored is kept
beside the file, in FILE.peers, since loading takes minutes, and copied from there each time.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.bench.history_client import Client
from tests.bench.peers import process, wait_for
from tests.bench.report import say
from tests.bench.stream_servers import free_port

STEP_S = 5
BLOCK_S = 486 * 3600
"""Twenty days and six hours: up to this Prometheus itself joins its blocks, in powers of three of two hours."""

SLICE_S = 5000 * STEP_S
"""What cpusensor answers at once."""

WRITTEN_S = 10.0
"""After so long VictoriaMetrics has files of what was in its memory; it is ended quickly."""

SERIES = "cpu_ratio"

PROMETHEUS_CONF = "global: {scrape_interval: 1h}\n"
"""It watches nothing: its store holds what is asked for and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Some of the series, in order."""

    times: Sequence[int]
    """UTC seconds."""
    ratios: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The elements of an answer, as cpusensor chose them."""

    start: int
    """The time of the first; each covers the step before its time."""
    step: int
    length: int

    @property
    def end(self) -> int:
        """The time of the last."""
        return self.start + self.step * (self.length - 1)


Take = Callable[[Samples], None]


class Peer(Protocol):
    """One of the two. The questions are paths; a question that takes several requests has several."""

    name: str
    package: str
    """Of Debian; the program has the same name."""
    remark: str
    remembers: bool
    """Whether it keeps answers."""

    def serve(self, store: Path, folder: Path) -> AbstractContextManager[tuple[str, int]]:
        """Run it on its store: its address and its process."""

    def load(self, store: Path, folder: Path) -> AbstractContextManager[Take]:
        """What puts samples into a store, one block after another."""

    def samples(self, grid: Grid) -> str:
        """The value of each sample."""

    def mean(self, grid: Grid) -> str:
        """The mean of each element."""

    def summaries(self, grid: Grid) -> Sequence[str]:
        """Mean, least and greatest of each element."""

    def export(self, grid: Grid) -> str:
        """Every sample with its time, as a file if it makes one."""

    def afresh(self, path: str) -> str:
        """The same question, not to be answered from what it remembers."""


def _range(query: str, grid: Grid) -> str:
    asked = {"query": query, "start": grid.start, "end": grid.end, "step": grid.step}
    return f"/api/v1/query_range?{urlencode(asked)}"


class VictoriaMetrics:
    """As Debian ships it; one request computes mean, least and greatest in one pass."""

    name = "VictoriaMetrics"
    package = "victoria-metrics"
    remark = "one request for mean, min and max (`aggr_over_time`), its cache of answers used for the same again alone"
    remembers = True

    @contextmanager
    def serve(self, store: Path, folder: Path) -> Iterator[tuple[str, int]]:
        """Run it, to keep everything."""
        site = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        options = (f"-storageDataPath={store}", f"-httpListenAddr={site}", "-retentionPeriod=100y")
        with process(folder, "victoria-metrics", *options) as pid:
            wait_for(f"http://{site}/health")
            yield f"http://{site}", pid

    @contextmanager
    def load(self, store: Path, folder: Path) -> Iterator[Take]:
        """By its import; it writes the rest when it is ended."""
        with self.serve(store, folder) as (site, _):

            def take(samples: Samples) -> None:
                stamps = [1000 * at for at in samples.times]
                line = {"metric": {"__name__": SERIES}, "values": samples.ratios, "timestamps": stamps}
                with urlopen(Request(f"{site}/api/v1/import", data=json.dumps(line).encode(), method="POST")) as answer:
                    answer.read()

            yield take
            for order in ("force_flush", "force_merge"):
                with urlopen(f"{site}/internal/{order}") as answer:
                    answer.read()
            time.sleep(WRITTEN_S)

    def samples(self, grid: Grid) -> str:
        """The value of each sample."""
        return _range(SERIES, grid)

    def mean(self, grid: Grid) -> str:
        """The mean of each element."""
        return _range(f"avg_over_time({SERIES}[{grid.step}s])", grid)

    def summaries(self, grid: Grid) -> Sequence[str]:
        """Mean, least and greatest of each element."""
        functions = '("avg_over_time","min_over_time","max_over_time")'
        return [_range(f"aggr_over_time({functions},{SERIES}[{grid.step}s])", grid)]

    def export(self, grid: Grid) -> str:
        """A CSV file."""
        asked = {"match[]": SERIES, "start": grid.start, "end": grid.end, "format": "__timestamp__:unix_s,__value__"}
        return f"/api/v1/export/csv?{urlencode(asked)}"

    def afresh(self, path: str) -> str:
        """Not from its cache of rollups."""
        return f"{path}&nocache=1"


class Prometheus:
    """As Debian ships it, with the blocks that it would have made itself."""

    name = "Prometheus"
    package = "prometheus"
    remark = "three requests, one after another; it has no CSV: the samples as JSON"
    remembers = False

    @contextmanager
    def serve(self, store: Path, folder: Path) -> Iterator[tuple[str, int]]:
        """Run it, to keep everything."""
        site = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        conf = folder / "prometheus.yml"
        conf.write_text(PROMETHEUS_CONF)
        options = (f"--config.file={conf}", f"--web.listen-address={site}")
        kept = (f"--storage.tsdb.path={store}", "--storage.tsdb.retention.time=100y")
        with process(folder, "prometheus", *options, *kept) as pid:
            wait_for(f"http://{site}/-/ready")
            yield f"http://{site}", pid

    @contextmanager
    def load(self, store: Path, folder: Path) -> Iterator[Take]:
        """By promtool, a block at a time: of a longer file it reads every line again for each block."""
        text = folder / "block.txt"
        blocks = ("promtool", "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={BLOCK_S // 3600}h")

        def take(samples: Samples) -> None:
            pairs = zip(samples.ratios, samples.times, strict=True)
            lines = [f"{SERIES} {ratio} {at}\n" for ratio, at in pairs]
            text.write_text(f"# TYPE {SERIES} gauge\n{''.join(lines)}# EOF\n")
            subprocess.run((*blocks, text, store), check=True, capture_output=True)

        yield take
        text.unlink(missing_ok=True)

    def samples(self, grid: Grid) -> str:
        """The value of each sample."""
        return _range(SERIES, grid)

    def mean(self, grid: Grid) -> str:
        """The mean of each element."""
        return self._over("avg", grid)

    def summaries(self, grid: Grid) -> Sequence[str]:
        """Mean, least and greatest of each element."""
        return [self._over(name, grid) for name in ("avg", "min", "max")]

    def export(self, grid: Grid) -> str:
        """The samples of a span at one instant."""
        covered = f"{grid.step * grid.length - 1}s999ms"
        return f"/api/v1/query?{urlencode({'query': f'{SERIES}[{covered}]', 'time': grid.end})}"

    def afresh(self, path: str) -> str:
        """It remembers nothing."""
        return path

    def _over(self, name: str, grid: Grid) -> str:
        # Its ranges are closed at both ends: a whole step would hold the last sample of the element before.
        return _range(f"{name}_over_time({SERIES}[{grid.step - 1}s999ms])", grid)


PEERS: Sequence[Peer] = (VictoriaMetrics(), Prometheus())


def blocks(client: Client, first: int, newest: int) -> Iterator[Samples]:
    """All samples in [first, newest] as cpusensor answers them, in the blocks of Prometheus."""
    for begin in range(first // BLOCK_S * BLOCK_S, newest + 1, BLOCK_S):
        times: list[int] = []
        ratios: list[float] = []
        # (from, to] of cpusensor against [begin, begin + BLOCK_S) of a block.
        to_time = min(begin + BLOCK_S - STEP_S, newest)
        for since in range(max(begin, first) - STEP_S, to_time, SLICE_S):
            asked = {"from": since, "to": min(since + SLICE_S, to_time), "step": STEP_S}
            found = client.fetch(f"/api/history?{urlencode(asked)}").json
            for number, percent in enumerate(found["cpu"]):
                if percent is not None:
                    times.append(found["start"] + STEP_S * number)
                    ratios.append(round(percent / 100, 4))
        if times:
            yield Samples(times=times, ratios=ratios)


def store_of(file: Path, peer: Peer) -> Path:
    """Where what a peer holds of a file is kept."""
    return file.with_name(f"{file.name}.peers") / peer.name.lower()


def is_loaded(file: Path, peer: Peer) -> bool:
    """Whether it holds this very file."""
    mark = _mark(file, peer)
    return mark.exists() and mark.read_text().rpartition(" ")[0] == _identity(file)


def loaded_samples(file: Path, peer: Peer) -> int:
    """How many it was given."""
    return int(_mark(file, peer).read_text().rpartition(" ")[2])


def all_samples(first: int, newest: int) -> str:
    """What either is asked for the number of samples that it has in [first, newest]."""
    query = f"count_over_time({SERIES}[{newest - first + STEP_S}s])"
    return f"/api/v1/query?{urlencode({'query': query, 'time': newest})}"


def load(file: Path, peers: Sequence[Peer], samples: Iterator[Samples], folder: Path) -> None:
    """Put all samples into the stores of these peers, saying how far it is."""
    began, loaded = time.monotonic(), 0
    spent = dict.fromkeys((peer.name for peer in peers), 0.0)
    with ExitStack() as stack:
        takes = {}
        for peer in peers:
            store = store_of(file, peer)
            shutil.rmtree(store, ignore_errors=True)
            store.mkdir(parents=True)
            takes[peer.name] = stack.enter_context(peer.load(store, folder))
        for block in samples:
            for name, take in takes.items():
                before = time.monotonic()
                take(block)
                spent[name] += time.monotonic() - before
            loaded += len(block.times)
            day = time.strftime("%Y-%m-%d", time.gmtime(block.times[-1]))
            took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in spent.items())
            say(f"  until {day}: {loaded:,} samples after {time.monotonic() - began:.0f} s ({took})")
    for peer in peers:
        _mark(file, peer).write_text(f"{_identity(file)} {loaded}")


def missing(peer: Peer) -> str:
    """How to install it; empty if it is there."""
    return "" if shutil.which(peer.package) else f"apt-get install {peer.package}"


def _mark(file: Path, peer: Peer) -> Path:
    return store_of(file, peer).with_suffix(".loaded")


def _identity(file: Path) -> str:
    found = file.stat()
    return f"{found.st_size} {found.st_mtime_ns}"
