"""Who used the CPU of the machine that `tests.bench.fill` makes up, as the service would have kept it.

Its rows follow from those of the samples, or of the minutes where single readings are no longer kept. It is a busy one:
services, containers that get another id each week, and builds whose every process is a new one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TypeAlias

from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.grid import bucket_end
from cpusensor.model.rollup import MINUTE
from cpusensor.recording.pace import BUSY_EVERY_S, BUSY_SHARE
from cpusensor.store.columns import Row
from cpusensor.store.levels import BLAME_COLUMNS, LEVELS, PACKED_COLUMNS, Level
from cpusensor.store.names import NAME_COLUMNS
from cpusensor.store.shares import OTHER, PROCESS, TOTALS, UNIT, Coded, Entry, pack, pack_rows
from cpusensor.store.statements import insert

Write: TypeAlias = Callable[[str, Sequence[Row]], None]

WEEK_S = 604_800

SERVICES = (
    *("postgresql", "nginx", "php-fpm", "redis", "prometheus", "grafana", "sshd", "cron", "systemd-journald", "dbus"),
    *("docker", "containerd", "rsyslog", "smbd", "plexmediaserver", "NetworkManager", "unattended-upgrades"),
    *("systemd-udevd", "fail2ban", "node-exporter"),
)
CONTAINERS = ("postgres", "node", "python", "java", "redis", "traefik", "gitea", "nextcloud", "mariadb", "caddy")
WORKERS = 2
"""Processes of each service and container."""

BUILD, COMPILERS = "user@1000.service", ("cc1plus", "ld", "make", "rustc")
BUILDING = 8
"""Processes of a build that one reading finds, each for the only time."""

BUILD_SHARE = 0.3
"""Of the readings that find a busy machine."""

KERNEL, EXITED, UNNAMED = 0.05, 0.03, 0.02
"""Shares of the busy time: of the threads of the kernel, of processes that ended, and of nobody."""


class Cast:
    """Units and processes as numbers, each with the share of the work that it does."""

    def __init__(self, rng: Random, write: Write) -> None:
        self._rng = rng
        self._write = write
        self._numbers: dict[str, int] = {}
        self._week = -1
        self._pid = 1000
        self._members: list[tuple[Entry, list[Entry]]] = []
        self._weights: list[float] = []

    def share(self, time: int, busy: int) -> tuple[Counter[Entry], int]:
        """Who used so many hundredths of a second before a time, and how many of them had ended."""
        if time // WEEK_S != self._week:
            self._begin_week(time)
        used: Counter[Entry] = Counter()
        kernel = int(busy * KERNEL)
        used[(self._number("/"),)] += kernel
        used[(self._number("kworker/u8:1"), self._number("/"), 31, self._week * WEEK_S)] += kernel
        left = int(busy * (1 - KERNEL - UNNAMED))
        if busy > TICKS_PER_SECOND and self._rng.random() < BUILD_SHARE:
            built = left // 2
            left -= built
            self._build(used, time, built)
        # As far apart as a few of many that have work at a time.
        drawn = [weight * self._rng.expovariate(1) ** 3 for weight in self._weights]
        whole = sum(drawn)
        for (unit, processes), part in zip(self._members, drawn, strict=True):
            if spent := int(left * part / whole):
                used[unit] += spent
                first = spent * 3 // 4
                used[processes[0]] += first
                used[processes[1]] += spent - first
        return used, int(busy * EXITED)

    def _begin_week(self, time: int) -> None:
        """The containers are made anew."""
        self._week = time // WEEK_S
        units = [(f"{name}.service", name) for name in SERVICES]
        units += [(f"docker-{self._rng.getrandbits(16):04x}… ({name})", name) for name in CONTAINERS]
        self._members = []
        for unit, name in units:
            number = self._number(unit)
            began = self._week * WEEK_S
            workers: list[Entry] = [(self._number(name[:15]), number, self._next_pid(), began) for _ in range(WORKERS)]
            self._members.append(((number,), workers))
        self._weights = [1 / (1 + place) for place in range(len(self._members))]

    def _build(self, used: Counter[Entry], time: int, busy: int) -> None:
        unit = self._number(BUILD)
        used[(unit,)] += busy
        for _ in range(BUILDING):
            compiler = self._number(self._rng.choice(COMPILERS))
            used[(compiler, unit, self._next_pid(), time - self._rng.randrange(1, 60))] += busy // BUILDING

    def _next_pid(self) -> int:
        self._pid = 1000 + (self._pid + self._rng.randrange(1, 40)) % (1 << 22)
        return self._pid

    def _number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._numbers) + 1
            self._write(insert("name", NAME_COLUMNS), [(number, text)])
        return number


class Kept:
    """The rows of one level: added up, cut, packed, and handed to the next level before they are cut."""

    def __init__(self, level: Level, write: Write, above: "Kept | None") -> None:
        self._level = level
        self._write = write
        self._above = above
        self._since = self._time = self._end = 0
        self._totals = [0] * TOTALS
        self._used: Counter[Entry] = Counter()
        self._rows: list[Coded] = []

    def add(self, since: int, time: int, totals: Iterable[int], used: Counter[Entry]) -> None:
        """Take what was used in (since, time]."""
        end = bucket_end(time, self._level.seconds)
        if end != self._end:
            self._close()
            self._since, self._end = since, end
        self._time = time
        self._totals = [sum(pair) for pair in zip(self._totals, totals, strict=True)]
        self._used.update(used)

    def finish(self) -> None:
        """Store what is over; what is not packed yet stays as it is."""
        if self._time == self._end:
            self._close()
        self._store_loose()
        if self._above:
            self._above.finish()

    def _close(self) -> None:
        """Keep the first names, and hand all of them on."""
        if not self._used:
            return
        self._keep(self._cut())
        if self._above:
            self._above.add(self._since, self._end, self._totals, self._used)
        self._totals, self._used = [0] * TOTALS, Counter()

    def _cut(self) -> Coded:
        totals, views = [*self._totals], []
        for place, width in enumerate((UNIT, PROCESS)):
            ranked = sorted((one for one in self._used.items() if len(one[0]) == width), key=lambda one: -one[1])
            views.append(ranked[: self._level.limit])
            totals[OTHER + place] += sum(spent for _, spent in ranked[self._level.limit :])
        return Coded(time=self._end, since=self._since, totals=tuple(totals), units=views[0], processes=views[1])

    def _keep(self, row: Coded) -> None:
        length = self._level.packed_s
        if length is not None and self._rows and bucket_end(self._rows[0].time, length) < bucket_end(row.time, length):
            end = bucket_end(self._rows[0].time, length)
            self._write(insert(self._level.packed, PACKED_COLUMNS), [(end, pack_rows(self._rows, end))])
            self._rows = []
        self._rows.append(row)
        if length is None:
            self._store_loose()

    def _store_loose(self) -> None:
        rows = [(row.time, row.since, pack(row)) for row in self._rows]
        self._write(insert(self._level.name, BLAME_COLUMNS), rows)
        self._rows = []


class Namer:
    """Passes rows on, and adds those of who used the CPU."""

    def __init__(self, write: Write, statements: tuple[str, str], *, since: int, ticks_since: int, seed: int) -> None:
        """`statements` are those that insert samples and minutes; single readings are kept since `ticks_since`."""
        self._write = write
        self._sample, self._minute = statements
        self._since, self._ticks_since = since, max(since, ticks_since)
        self._cast = Cast(Random(seed), write)  # noqa: S311 - to be repeated, not to be secret
        above: Kept | None = None
        self._levels: list[Kept] = []
        for level in reversed(LEVELS):
            above = Kept(level, write, above)
            self._levels.insert(0, above)
        self._read_at = since
        self._ticks = [0, 0]
        """Busy and all ticks since the last reading."""

    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Pass them on; what is of samples or minutes leads to names."""
        self._write(statement, rows)
        if statement == self._sample:
            for row in rows:
                if row[0] > self._ticks_since:
                    self._read(row)
        elif statement == self._minute:
            for row in rows:
                if self._since < row[0] <= self._ticks_since:
                    self._explain(self._levels[1], row[0] - MINUTE, row[0], _ticks_of(row))

    def finish(self) -> None:
        """Store the last rows."""
        self._levels[0].finish()

    def _read(self, sample: Row) -> None:
        """Read names when that is due, by the rule of the service."""
        time, (busy, every) = sample[0], _ticks_of(sample)
        self._ticks = [self._ticks[0] + busy, self._ticks[1] + every]
        is_busy = busy >= BUSY_SHARE * TICKS_PER_SECOND * BUSY_EVERY_S
        if time - self._read_at >= (BUSY_EVERY_S if is_busy else MINUTE):
            self._explain(self._levels[0], max(self._read_at, time - MINUTE), time, (self._ticks[0], self._ticks[1]))
            self._read_at, self._ticks = time, [0, 0]

    def _explain(self, kept: Kept, since: int, time: int, ticks: tuple[int, int]) -> None:
        used, exited = self._cast.share(time, ticks[0])
        kept.add(since, time, (*ticks, exited, 0, 0), used)


def _ticks_of(row: Row) -> tuple[int, int]:
    """Busy and all ticks of a sample or a minute, whose figures are its third column and those that follow."""
    user, system, irq, _, _, every = row[2:8]
    return user + system + (irq or 0), every
