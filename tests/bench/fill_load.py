"""What the CPUs of a made-up machine do, for `tests.bench.fill`: day and night, work, cron, bursts, one busy core.

A load is drawn by looking noise up: a byte of it is a place in a table of 256 quantiles, so that a column of samples is
one `map` that no Python code runs in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TypeAlias

from cpusensor.model.figures import TICKS_PER_SECOND

HOUR_S, DAY_S, WEEK_S = 3600, 86_400, 604_800

MONDAY = 345_600
"""The first one, 5 January 1970."""

CRON_S = 9000
"""Seconds after midnight at which the nightly work begins."""

RHYTHM = (5, 3, 2, 2, 2, 3, 6, 15, 45, 80, 95, 90, 55, 70, 95, 100, 90, 70, 50, 45, 45, 35, 20, 10)
"""How much people use the machine on a working day, in percent, by the hour."""

WEEKEND = 0.35
"""Of a working day."""

SPREAD = 0.6
"""How far the samples of a load lie around its mean: 1 would be as far as an idle CPU's do."""

PARTS = 1024
"""Shares of kinds of ticks are counted in so many parts, a shift by 10."""

Table: TypeAlias = Sequence[int]
"""256 values, from the lowest to the highest, each as likely as any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of load."""

    weights: tuple[float, float] = (0, 0)
    """How likely it is when nobody uses the machine, and when everybody does."""
    seconds: tuple[int, int]
    """How long it lasts, short ones being as likely as long ones."""
    percent: tuple[int, int]
    """How busy a CPU is on average."""
    is_single: bool = False
    """Whether it keeps one CPU alone busy."""
    system: int = 25
    """Percent of the busy time in the kernel."""
    iowait: float = 0.3
    """Percent of the rest, as `steal`."""
    steal: float = 0


IDLE = Kind(weights=(60, 12), seconds=(120, 1800), percent=(0, 3), system=35)
CRON = Kind(seconds=(600, 2400), percent=(50, 95), iowait=25)
BACKUP = Kind(seconds=(3600, 7200), percent=(15, 45), system=45, iowait=60)
KINDS = (
    IDLE,
    Kind(weights=(5, 45), seconds=(60, 1200), percent=(4, 35)),  # somebody works
    Kind(weights=(2, 12), seconds=(5, 60), percent=(30, 90)),  # a program starts
    Kind(weights=(1, 5), seconds=(60, 900), percent=(70, 100), system=15),  # a build
    Kind(weights=(0.1, 0.2), seconds=(HOUR_S, 5 * HOUR_S), percent=(88, 100), system=5),  # a film is encoded
    Kind(weights=(0.6, 0.8), seconds=(300, 4 * HOUR_S), percent=(97, 100), is_single=True, system=8),
    Kind(weights=(1, 1), seconds=(120, 1800), percent=(3, 15), system=50, iowait=55),  # much is copied
    Kind(weights=(0.5, 0.8), seconds=(600, 5400), percent=(10, 40), steal=25),  # the neighbours are loud
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A load that lasts for a while."""

    until: int
    percents: tuple[int, ...]
    """How busy each CPU is on average."""
    kind: Kind


class Load:
    """The machine's load over the years."""

    def __init__(self, rng: Random, cpus: int) -> None:
        self._rng = rng
        self._cpus = cpus
        self._profile: Profile | None = None

    def at(self, time: int) -> Profile:
        """What the CPUs do just after a time; these must come in order, but for a clock that was set."""
        if self._profile is None or self._profile.until <= time:
            self._profile = self._next(time)
        return self._profile

    def _next(self, time: int) -> Profile:
        rng, kind = self._rng, self._kind(time)
        shortest, longest = kind.seconds
        next_cron = time - (time - CRON_S) % DAY_S + DAY_S
        until = min(time + int(shortest * (longest / shortest) ** rng.random()), next_cron)
        floor = rng.choices(range(4), (6, 3, 1, 1), k=self._cpus)
        if kind.is_single:
            floor[rng.randrange(self._cpus)] = rng.randint(*kind.percent)
            return Profile(until=until, percents=tuple(floor), kind=kind)
        level = rng.randint(*kind.percent)
        percents = (min(100, max(at_least, round(level * rng.uniform(0.7, 1.3)))) for at_least in floor)
        return Profile(until=until, percents=tuple(percents), kind=kind)

    def _kind(self, time: int) -> Kind:
        weekday = (time - MONDAY) % WEEK_S // DAY_S
        # The last cron still runs after this time, whatever it began with.
        if 0 <= time % DAY_S - CRON_S < CRON.seconds[0]:
            return BACKUP if weekday == 6 else CRON
        use = RHYTHM[time % DAY_S // HOUR_S] / 100 * (WEEKEND if weekday >= 5 else 1)
        weights = [night + use * (day - night) for night, day in (kind.weights for kind in KINDS)]
        return self._rng.choices(KINDS, weights)[0]


@cache
def table(percent: float, whole: int) -> Table:
    """A share of `whole` with this mean: most samples lie below it and a few far above, or the reverse over 50 %."""
    if percent <= 0:
        return [0] * 256
    mean = min(percent / 100, 0.995)
    # The quantiles of Kumaraswamy's distribution with a = 1, which is Beta(1, b), and has the mean 1 / (1 + b).
    exponent = mean / (1 - mean)
    quantiles = (1 - (1 - (place + 0.5) / 256) ** exponent for place in range(256))
    return [round(whole * (mean + SPREAD * (quantile - mean))) for quantile in quantiles]


IRQ = table(1.5, PARTS)
"""Interrupts, of the busy time."""

JITTER_MS = [round((place - 127.5) / 60) for place in range(256)]
"""By how much the time between two readings is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The ticks of some CPUs, a column each."""

    cpus: Sequence[int]
    """Their numbers."""
    busy: Sequence[list[int]]
    all: Sequence[list[int]]


class Columns:
    """What is drawn for a row of samples, column by column."""

    def __init__(self, cpus: Sequence[int], interval: int) -> None:
        room = TICKS_PER_SECOND * interval
        self._room = room
        # A CPU counts a tick more or less now and then.
        self._all = [room - 1] * 24 + [room] * 208 + [room + 1] * 24
        self.cores = Cores(cpus=cpus, busy=[[] for _ in cpus], all=[[] for _ in cpus])
        self.system: list[int] = []
        """Parts of the busy time, as `irq`."""
        self.irq: list[int] = []
        self.iowait: list[int] = []
        """Parts of the rest, and `steal` of the rest of that."""
        self.steal: list[int] = []
        self.jitter_ms: list[int] = []
        self.noise = bytearray()
        """For whatever else is drawn."""

    def __len__(self) -> int:
        return len(self.noise)

    def extend(self, rng: Random, profile: Profile, count: int) -> None:
        """Draw so many more samples of a load."""

        def draw(from_table: Table) -> Iterator[int]:
            return map(from_table.__getitem__, rng.randbytes(count))

        cores = self.cores
        for cpu, busy, all_ticks in zip(cores.cpus, cores.busy, cores.all, strict=True):
            busy.extend(draw(table(profile.percents[cpu], self._room - 1)))
            all_ticks.extend(draw(self._all))
        self.system.extend(draw(table(profile.kind.system, PARTS)))
        self.irq.extend(draw(IRQ))
        self.iowait.extend(draw(table(profile.kind.iowait, PARTS)))
        self.steal.extend(draw(table(profile.kind.steal, PARTS)))
        self.jitter_ms.extend(draw(JITTER_MS))
        self.noise.extend(rng.randbytes(count))

    def stretch(self, factor: float) -> None:
        """Make each sample that was drawn cover so many times the interval."""
        for busy, all_ticks in zip(self.cores.busy, self.cores.all, strict=True):
            all_ticks[:] = [max(1, round(ticks * factor)) for ticks in all_ticks]
            busy[:] = [min(most, round(ticks * factor)) for ticks, most in zip(busy, all_ticks, strict=True)]
