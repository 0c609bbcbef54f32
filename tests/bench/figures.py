"""Two readings of all instruments -> what each of them says, in percent."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from cpusensor.model.figures import TICKS_PER_SECOND, Ticks, add_up, percent
from cpusensor.model.records import Counters
from cpusensor.model.usage import measure
from tests.bench.instrument import Account, spent_ns

Mpstat: TypeAlias = "subprocess.Popen[str]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all instruments said at one instant."""

    at_ns: int
    """On the monotonic clock, as `took_ns`."""
    took_ns: int
    account: Account
    counters: Counters
    times: Any
    """psutil's, of all CPUs together, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What each says of one interval, in percent of all CPUs."""

    truth: float
    cpusensor: float
    psutil: float
    mpstat: float
    steal: float
    sum_ratio: float
    """All ticks that were counted, by those that fit into the time."""

    def error(self, tool: str) -> float:
        """How far a tool is off, in points, without the sign."""
        return abs(float(getattr(self, tool)) - self.truth)


def compare(readings: Sequence[Reading]) -> Figures:
    """What each says of the time between the first reading and the last."""
    first, last = readings[0], readings[-1]
    capacity_ns = (last.at_ns - first.at_ns) * len(last.counters.cpus)
    ticks = spent_ticks(readings)
    return Figures(
        truth=100 * spent_ns(first.account, last.account) / capacity_ns,
        cpusensor=percent(ticks.busy, ticks.all) or 0.0,
        psutil=psutil_percent(first.times, last.times),
        mpstat=mpstat_percent(first.times, last.times),
        steal=percent(ticks.steal, ticks.all) or 0.0,
        sum_ratio=ticks.all * 1e9 / (capacity_ns * TICKS_PER_SECOND),
    )


def spent_ticks(readings: Sequence[Reading]) -> Ticks:
    """What the product makes of each interval, added up as its minute is."""
    usages = []
    for before, after in pairwise(readings):
        room = TICKS_PER_SECOND * (after.at_ns - before.at_ns) / 1e9
        usages.append(measure(before.counters, after.counters, room))
    ticks = add_up([usage.ticks for usage in usages if usage is not None])
    if ticks is None:
        raise RuntimeError("the kernel's counters stand still")
    return ticks


def psutil_percent(before: Any, after: Any) -> float:  # noqa: ANN401 - psutil's tuple differs from system to system
    """As `psutil.cpu_percent`: all but idle and iowait is busy, and a field that fell counts as 0."""
    spent = _rises(before, after)
    busy = sum(spent.values()) - spent["idle"] - spent.get("iowait", 0.0)
    return round(100 * busy / sum(spent.values()), 1)


def mpstat_percent(before: Any, after: Any) -> float:  # noqa: ANN401 - psutil's tuple differs from system to system
    """As 100 − %idle of mpstat(1): all but idle is busy, iowait too."""
    spent = _rises(before, after)
    return round(100 - 100 * spent["idle"] / sum(spent.values()), 2)


def _rises(before: Any, after: Any) -> dict[str, float]:  # noqa: ANN401 - psutil's tuple differs from system to system
    """Seconds of each kind; guests are left out, they are inside user and nice."""
    kinds = [kind for kind in after._fields if not kind.startswith("guest")]
    return {kind: max(0.0, getattr(after, kind) - getattr(before, kind)) for kind in kinds}


def mpstat_version() -> str | None:
    """Of the sysstat that is installed, e.g. `12.6.1`; None without one."""
    if shutil.which("mpstat") is None:
        return None
    answer = subprocess.run(["mpstat", "-V"], capture_output=True, text=True, check=False)
    return answer.stdout.partition("version ")[2].split("\n")[0] or "of unknown version"


def start_mpstat(seconds: int, windows: int) -> Mpstat:
    """The one of sysstat, which takes the same windows if it is started at the first."""
    environment = {**os.environ, "LC_ALL": "C", "S_TIME_FORMAT": "ISO", "S_COLORS": "never"}
    return subprocess.Popen(["mpstat", str(seconds), str(windows)], stdout=subprocess.PIPE, text=True, env=environment)


def read_mpstat(mpstat: Mpstat) -> list[float]:
    """What it said of each window, and last of all of them together."""
    lines = mpstat.communicate()[0].splitlines()
    return [round(100 - float(line.split()[-1]), 2) for line in lines if " all " in line]
