"""Who used the CPU, as numbers that refer to names: one row, or many rows, <-> a blob. Pure.

CPU time is kept in 1/100 s, rounded down; what that takes from the names is added to the rest, so that nothing is lost.
"""

import lzma
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
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

PACKING: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 16, "lc": 1, "lp": 0, "pb": 0}]
"""An hour of ticks takes 20 ms to be packed; a fifth less than zlib makes of it. Numbers have no alignment."""

BY_COLUMN: Final = 0
"""Where the number of rows stood in older rows: entries stand column by column, and say by how much they differ."""


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
    numbers = [BY_COLUMN, len(rows), sum(len(entry) == UNIT for entry in entries), len(entries)]
    numbers += [end - row.time for row in rows]
    numbers += [row.time - row.since for row in rows]
    numbers += [row.totals[place] for place in range(TOTALS) for row in rows]
    numbers += _entry_columns(entries)
    numbers += [len(columns[entry]) for entry in entries]
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
    (first,) = numbers.take(1)
    (length,) = numbers.take(1) if first == BY_COLUMN else (first,)
    unit_count, entry_count = numbers.take(2)
    times = zip(*(numbers.take(length) for _ in range(2 + TOTALS)), strict=True)
    if first == BY_COLUMN:
        taken = [*_take_units(numbers, unit_count), *_take_processes(numbers, entry_count - unit_count)]
        entries = [*zip(taken, numbers.take(entry_count), strict=True)]
    else:
        entries = [_take_entry(numbers, UNIT if at < unit_count else PROCESS) for at in range(entry_count)]
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


def _entry_columns(entries: Sequence[Entry]) -> list[int]:
    """The columns of sorted entries: those of units, then those of processes."""
    units = [entry for entry in entries if len(entry) == UNIT]
    names, in_units, pids, starts = (
        zip(*entries[len(units) :], strict=True) if entries[len(units) :] else ((), (), (), ())
    )
    steps = [_steps([name for (name,) in units]), _steps(names), [*in_units]]
    return [*chain(*steps), *map(_unsigned, _steps(pids)), *map(_unsigned, _steps(starts))]


def _take_units(numbers: Numbers, count: int) -> list[Entry]:
    return [(name,) for name in accumulate(numbers.take(count))]


def _take_processes(numbers: Numbers, count: int) -> Iterator[Entry]:
    if count < 0:
        raise GarbledError("a packed row of names has more units than names")
    names, units = accumulate(numbers.take(count)), numbers.take(count)
    pids, starts = (accumulate(map(_signed, numbers.take(count))) for _ in range(2))
    return zip(names, units, pids, starts, strict=True)


def _take_entry(numbers: Numbers, width: int) -> tuple[Entry, int]:
    """An entry with the number of its rows, as they stood before BY_COLUMN."""
    *entry, count = numbers.take(width + 1)
    return tuple(entry), count


def _steps(column: Sequence[int]) -> list[int]:
    """By how much each number is above the one before."""
    return [after - before for before, after in pairwise([0, *column])]


def _unsigned(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


def _signed(number: int) -> int:
    return -(number + 1) // 2 if number % 2 else number // 2


def _entries(numbers: Sequence[int], width: int) -> list[tuple[Entry, int]]:
    """Entries with their CPU time, from one column after the other."""
    count = len(numbers) // (width + 1)
    columns = [numbers[place * count : (place + 1) * count] for place in range(width + 1)]
    return [(tuple(entry), cpu) for *entry, cpu in zip(*columns, strict=True)]


def _most_first(entries: list[tuple[Entry, int]]) -> list[tuple[Entry, int]]:
    return sorted(entries, key=lambda one: (-one[1], one[0]))
