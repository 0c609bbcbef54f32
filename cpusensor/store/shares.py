"""Who used the CPU, as numbers that refer to names: one row, or many rows, <-> a blob. Pure.

CPU time is kept in 1/100 s, rounded down; what that takes from the names is added to the rest, so that nothing is lost.
"""

import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, TypeAlias

from cpusensor.model.blame import Blame
from cpusensor.store.columns import GarbledError
from cpusensor.store.leb128 import Numbers, from_bytes, to_bytes

TICK_US = 10_000
"""Microseconds of the unit in which CPU time is kept: that of the kernel's own counters, 1/100 s."""

Entry: TypeAlias = tuple[int, ...]
"""Numbers of one name: of a unit its name's; of a process those of name and unit, its pid and its start time."""

UNIT, PROCESS = 1, 4
"""How many numbers an entry has."""

NO_UNIT: Final = 0
"""Where the number of a process's unit stands: it is no process, but a figure of a unit that a limit held back."""

PERIODS, THROTTLED, WAITED = range(3)
"""These figures, where the pid of a process stands: two counts, and time in 1/100 s."""

TOTALS, OTHER = 5, 3
"""busy, all, exited, other by unit, other by process; and the place of the first of the last two."""

PACKING: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 16}]
"""An hour of ticks takes 20 ms to be packed; a sixth less than zlib makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A `Blame` with numbers for its names."""

    time: int
    since: int
    totals: tuple[int, ...]
    """TOTALS of them, in 1/100 s."""
    units: Sequence[tuple[Entry, int]]
    """Entries with their CPU time in 1/100 s, most first, as `processes`."""
    processes: Sequence[tuple[Entry, int]]
    throttles: Sequence[tuple[Entry, int]] = ()
    """Entries with NO_UNIT, each with its figure."""

    @property
    def entries(self) -> tuple[tuple[Entry, int], ...]:
        """All of them."""
        return (*self.units, *self.processes, *self.throttles)


def coded(blame: Blame, number_of: Callable[[str], int]) -> Coded:
    """The same with numbers; of what is kept of each name the first unit of CPU time is the least."""
    units = [((number_of(one.name),), one.cpu_us // TICK_US) for one in blame.units if one.cpu_us >= TICK_US]
    processes = [
        ((number_of(one.name), number_of(one.unit), one.pid or 0, one.started or 0), one.cpu_us // TICK_US)
        for one in blame.processes
        if one.cpu_us >= TICK_US
    ]
    by_unit = blame.other_us_by_unit + sum(one.cpu_us for one in blame.units)
    by_process = blame.other_us_by_process + sum(one.cpu_us for one in blame.processes)
    totals = (
        blame.busy_us // TICK_US,
        blame.all_us // TICK_US,
        blame.exited_us // TICK_US,
        by_unit // TICK_US - sum(cpu for _, cpu in units),
        by_process // TICK_US - sum(cpu for _, cpu in processes),
    )
    throttles = [
        ((number_of(one.unit), NO_UNIT, figure, 0), amount)
        for one in blame.throttles
        for figure, amount in enumerate((one.periods, one.throttled, one.throttled_us // TICK_US))
        if amount
    ]
    return Coded(
        time=blame.time, since=blame.since, totals=totals, units=units, processes=processes, throttles=throttles
    )


def is_throttle(entry: Entry) -> bool:
    """Whether it is a figure of a unit that a limit held back."""
    return len(entry) == PROCESS and entry[1] == NO_UNIT


def pack(one: Coded) -> bytes:
    """The totals and the entries of a row, without its times."""
    numbers = [*one.totals, len(one.units)]
    for entries in (one.units, [*one.processes, *one.throttles]):
        columns = zip(*((*entry, cpu) for entry, cpu in entries), strict=True)
        numbers += [number for column in columns for number in column]
    return to_bytes(numbers)


def unpack(time: int, since: int, blob: bytes) -> Coded:
    """What `pack` packed. Raises GarbledError."""
    try:
        numbers = from_bytes(blob)
    except TypeError as error:
        raise GarbledError("a row of names is no blob") from error
    if len(numbers) <= TOTALS:
        raise GarbledError("a row of names is too short")
    count, begin = numbers[TOTALS], TOTALS + 1
    end = begin + count * (UNIT + 1)
    if end > len(numbers) or (len(numbers) - end) % (PROCESS + 1):
        raise GarbledError("a row of names has not the length that it says")
    others = _entries(numbers[end:], PROCESS)
    return Coded(
        time=time,
        since=since,
        totals=tuple(numbers[:TOTALS]),
        units=_entries(numbers[begin:end], UNIT),
        processes=[one for one in others if not is_throttle(one[0])],
        throttles=[one for one in others if is_throttle(one[0])],
    )


def pack_rows(rows: Sequence[Coded], end: int) -> bytes:
    """Rows until `end`, in order, column by column and compressed."""
    columns: dict[Entry, list[tuple[int, int]]] = {}
    for index, row in enumerate(rows):
        for entry, cpu in row.entries:
            columns.setdefault(entry, []).append((index, cpu))
    entries = sorted(columns, key=lambda entry: (len(entry), entry))
    numbers = [len(rows), sum(len(entry) == UNIT for entry in entries), len(entries)]
    numbers += [end - row.time for row in rows]
    numbers += [row.time - row.since for row in rows]
    numbers += [row.totals[place] for place in range(TOTALS) for row in rows]
    numbers += [number for entry in entries for number in (*entry, len(columns[entry]))]
    for entry in entries:
        before = -1
        for index, _ in columns[entry]:
            numbers.append(index - before - 1)
            before = index
    numbers += [cpu for entry in entries for _, cpu in columns[entry]]
    return lzma.compress(to_bytes(numbers), format=lzma.FORMAT_RAW, filters=PACKING)


def unpack_rows(blob: bytes, end: int) -> list[Coded]:
    """What `pack_rows` packed. Raises GarbledError."""
    try:
        numbers = Numbers(from_bytes(lzma.decompress(blob, format=lzma.FORMAT_RAW, filters=PACKING)))
    except (lzma.LZMAError, TypeError) as error:
        raise GarbledError("a packed row of names cannot be unpacked") from error
    length, unit_count, entry_count = numbers.take(3)
    times = zip(*(numbers.take(length) for _ in range(2 + TOTALS)), strict=True)
    entries: list[tuple[Entry, int]] = []
    for place in range(entry_count):
        *entry, last = numbers.take((UNIT if place < unit_count else PROCESS) + 1)
        entries.append((tuple(entry), last))
    places = [list(accumulate((1 + gap for gap in numbers.take(count)), initial=-1))[1:] for _, count in entries]
    units: list[list[tuple[Entry, int]]] = [[] for _ in range(length)]
    processes: list[list[tuple[Entry, int]]] = [[] for _ in range(length)]
    throttles: list[list[tuple[Entry, int]]] = [[] for _ in range(length)]
    for (names, count), at in zip(entries, places, strict=True):
        if at and at[-1] >= length:
            raise GarbledError("a packed row of names has more rows than it says")
        rows = units if len(names) == UNIT else throttles if is_throttle(names) else processes
        for index, cpu in zip(at, numbers.take(count), strict=True):
            rows[index].append((names, cpu))
    return [
        Coded(
            time=end - back,
            since=end - back - lasts,
            totals=tuple(totals),
            units=_most_first(units[index]),
            processes=_most_first(processes[index]),
            throttles=throttles[index],
        )
        for index, (back, lasts, *totals) in enumerate(times)
    ]


def _entries(numbers: Sequence[int], width: int) -> list[tuple[Entry, int]]:
    """Entries with their CPU time, from one column after the other."""
    count = len(numbers) // (width + 1)
    columns = [numbers[place * count : (place + 1) * count] for place in range(width + 1)]
    return [(tuple(entry), cpu) for *entry, cpu in zip(*columns, strict=True)]


def _most_first(entries: list[tuple[Entry, int]]) -> list[tuple[Entry, int]]:
    return sorted(entries, key=lambda one: (-one[1], one[0]))
