"""One engine under the samples of a fleet: it catches up after an outage, goes on, is looked at, and is weighed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from tests.bench.fleet_machines import OUTAGE_S, STEP_S, Standing
from tests.bench.fleet_page import Opening
from tests.engines import PROMETHEUS, VICTORIA, Engine, Kind
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import wait_for_samples, wait_until

ENGINES = (VICTORIA, PROMETHEUS)
REAL = 5
"""Services that push, and as many that do not."""

DIFFERENCE_WINDOWS = 3
"""So many windows long they are compared: they take little, and by chance more or less."""

HOUR_S = 3600

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is measured."""

    machines: int
    """Simulated ones."""
    window_s: int
    open_page: Callable[[str], Opening]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What went into the engine in some time, and what that took."""

    seconds: float
    samples: int
    """Of machines."""
    values: int
    """Of series."""
    engine_cpu_s: float
    push_cpu_s: float
    """Of all machines together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What the engine has on its disk."""

    series: int
    values: int
    data_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One engine."""

    kind: Kind
    machines: int
    outage: Window
    """An hour's outage, until every machine had caught up."""
    live: Window
    memory_mib: float
    page: Opening
    weight: Weight
    service_cpu_s: tuple[float, float] | None
    """Seconds of CPU an hour that a real service takes without push and with it; None where that was not measured."""


class Machines:
    """The process of the simulated machines."""

    def __init__(self, url: str, count: int) -> None:
        command = [sys.executable, "-m", "tests.bench.fleet_machines", url, str(count)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def follow(self) -> Iterator[Standing]:
        """How far they are, once a second. Raises RuntimeError if the process ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield Standing(**json.loads(line))
        raise RuntimeError("the simulated machines have ended")

    def end(self) -> Standing:
        """Have them send the rest; how far they got."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        *_, last = self._lines()
        self._process.wait(TIMEOUT_S)
        return last

    def _lines(self) -> list[Standing]:
        assert self._process.stdout is not None
        return [Standing(**json.loads(line)) for line in self._process.stdout]


def measure(kind: Kind, folder: Path, wanted: Wanted, show: Show) -> Measured:
    """Everything about one engine. Raises RuntimeError if it lacks a sample in the end."""
    with ExitStack() as stack:
        flags = ("--web.enable-admin-api",) if kind is PROMETHEUS else ()
        engine = stack.enter_context(Engine(kind, folder, *flags))
        show("starting the services")
        pushing, others = stack.enter_context(services(folder, engine))
        machines = Machines(engine.write_url, wanted.machines)
        following = machines.follow()
        outage = _catch_up(engine, following, wanted, show)
        live = _live(engine, following, wanted.window_s, show)
        show("the page")
        page = wanted.open_page(f"{pushing[0].url}fleet")
        memory_mib = _memory_mib(engine)
        end = machines.end()
        _expect_all(engine, end)
        service_cpu_s = None
        # It does not depend on the engine.
        if kind is VICTORIA:
            show("the difference that pushing makes")
            service_cpu_s = _compare(pushing, others, DIFFERENCE_WINDOWS * wanted.window_s)
        show("the weight")
        weight = _weigh(engine, end)
    return Measured(
        kind=kind,
        machines=wanted.machines,
        outage=outage,
        live=live,
        memory_mib=memory_mib,
        page=page,
        weight=weight,
        service_cpu_s=service_cpu_s,
    )


@contextmanager
def services(folder: Path, engine: Engine) -> Iterator[tuple[Sequence[Service], Sequence[Service]]]:
    """Real ones: five that push to the engine and show its fleet, and five that do not push."""
    push = ("--remote-write", engine.write_url)
    with ExitStack() as stack:
        found: list[Service] = []
        for number in range(2 * REAL):
            place = folder / f"real{number}"
            place.mkdir()
            # Without names, whose cost follows the machine's load and would hide the difference.
            flags = ("--name", place.name, "--top", "off", "--engine", engine.url, *(push if number < REAL else ()))
            found.append(Service(place, *flags, interval_s=STEP_S))
            found[-1].start()
            stack.callback(found[-1].terminate)
        for one in found:
            wait_for_samples(one, 1)
        yield found[:REAL], found[REAL:]


def _catch_up(engine: Engine, following: Iterator[Standing], wanted: Wanted, show: Show) -> Window:
    """Until every machine has caught up."""
    # They are made up before the first is sent.
    standing, cpu_s = next(following), _cpu_s(engine.pid)
    of = wanted.machines * OUTAGE_S // STEP_S
    while not standing.is_caught_up:
        standing = next(following)
        done = min(1.0, standing.samples / of)
        left = f", about {standing.seconds * (1 - done) / done:.0f} s left" if done else ""
        show(f"an hour's outage, {done:.0%} caught up{left}")
    return Window(
        seconds=standing.seconds,
        samples=standing.samples,
        values=standing.values,
        engine_cpu_s=_cpu_s(engine.pid) - cpu_s,
        push_cpu_s=standing.cpu_s,
    )


def _live(engine: Engine, following: Iterator[Standing], window_s: float, show: Show) -> Window:
    """Some time of machines that record and push."""
    before, cpu_s = next(following), _cpu_s(engine.pid)
    after = before
    while after.seconds < before.seconds + window_s:
        after = next(following)
        show(f"live, {before.seconds + window_s - after.seconds:.0f} s left")
    return Window(
        seconds=after.seconds - before.seconds,
        samples=after.samples - before.samples,
        values=after.values - before.values,
        engine_cpu_s=_cpu_s(engine.pid) - cpu_s,
        push_cpu_s=after.cpu_s - before.cpu_s,
    )


def _expect_all(engine: Engine, end: Standing) -> None:
    """Each sample that it took is there; so may be one whose answer came too late."""
    query = f'sum(count_over_time(cpusensor_cpu_ratio{{host=~"sim.*"}}[{2 * OUTAGE_S}s]))'
    deadline = time.monotonic() + TIMEOUT_S
    while (found := sum(engine.now(query, time.time() + 1).values())) < end.samples:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{engine.kind.name} took {end.samples} samples and has {found:.0f}: {end.problem}")
        time.sleep(1)


def _compare(pushing: Sequence[Service], others: Sequence[Service], seconds: float) -> tuple[float, float]:
    """Seconds of CPU an hour that one takes which does not push, and one which does."""
    before = [sum(_cpu_s(one.process.pid) for one in some) for some in (others, pushing)]
    began = time.monotonic()
    time.sleep(seconds)
    after = [sum(_cpu_s(one.process.pid) for one in some) for some in (others, pushing)]
    factor = HOUR_S / (time.monotonic() - began) / REAL
    return factor * (after[0] - before[0]), factor * (after[1] - before[1])


def _weigh(engine: Engine, end: Standing) -> Weight:
    """What it needs for all this, once it has packed it."""
    if engine.kind is VICTORIA:
        _get(f"{engine.url}/internal/force_flush")
        _get(f"{engine.url}/internal/force_merge")
        # With a thousand machines it is not through within two minutes: then what there is by then is weighed.
        with suppress(TimeoutError):
            wait_until(lambda: _parts(engine) <= 1, "the engine merges", timeout_s=60)
        engine.stop()
        store = engine.folder / "victoria"
        data, index = _bytes_in(store / "data"), _bytes_in(store / "indexdb")
    else:
        _get(f"{engine.url}/api/v1/admin/tsdb/snapshot", "POST")
        blocks = list((engine.folder / "prometheus" / "snapshots").glob("*/*"))
        data = sum(_bytes_in(block / "chunks") for block in blocks)
        index = sum((block / "index").stat().st_size for block in blocks)
    # Those of the five real ones too, which are few beside them.
    return Weight(series=end.values // end.samples, values=end.values, data_bytes=data, index_bytes=index)


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _parts(engine: Engine) -> int:
    """Files of samples that are not merged into one yet."""
    lines = _get(f"{engine.url}/metrics").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith('vm_parts{type="storage/'))


def _get(url: str, method: str = "GET") -> str:
    with urlopen(Request(url, method=method), timeout=TIMEOUT_S) as answer:
        text: str = answer.read().decode()
    return text


def _cpu_s(pid: int) -> float:
    """Seconds of CPU of a process, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def _memory_mib(engine: Engine) -> float:
    status = Path(f"/proc/{engine.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / 1024
