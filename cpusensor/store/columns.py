"""Rows of the database <-> records, and the columns that they lie in. Pure."""

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from cpusensor.model.figures import FIGURES, Figures
from cpusensor.model.histogram import Histogram
from cpusensor.model.kept import Kept
from cpusensor.model.records import Cause, ClockStep, CoreTicks, Gap, Rollup, Run, Sample
from cpusensor.model.rollup import Tier
from cpusensor.model.sanity import rollup_faults


class GarbledError(Exception):
    """A row holds values that cannot have been written: the file was damaged in a way that SQLite does not notice."""


Row: TypeAlias = Sequence[Any]

_CAUSES = frozenset(Cause)

_SIZES = {"H": 2, "I": 4}
"""Bytes of a number, by the format character of a blob of cores."""

_NAMES = tuple(figure.name for figure in FIGURES)
_INTEGERS = [int] * len(FIGURES)
_MAY_BE_UNKNOWN = tuple(figure.may_be_unknown for figure in FIGURES)


def listed(*names: str) -> str:
    """Column names as SQL; quoted, for one of them is a keyword."""
    return ", ".join(f'"{name}"' for name in names)


def names_in(columns: str) -> tuple[str, ...]:
    """The names of columns, from their SQL."""
    return tuple(name.strip('"') for name in columns.split(", "))


RUN_COLUMNS = listed("id", "boot_id", "started", "ended", "interval", "version")
FIGURE_COLUMNS = listed(*_NAMES)
SAMPLE_COLUMNS = listed("time", "run", *_NAMES, "total_busy", "total_all", "cores")
BUCKET_COLUMNS = listed("time", "count", *_NAMES, "cpu_min_bp", "cpu_max_bp")
ROLLUP_COLUMNS = BUCKET_COLUMNS + ", " + listed("cores", "histogram")
"""All of a rollup; the table of a tier without histograms lacks the last."""
GAP_COLUMNS = listed("from_time", "to_time", "cause", "busy", "all")
CLOCK_STEP_COLUMNS = listed("time", "by_ms")


def text_of(value: bytes) -> str:
    """A text of the database. A garbled one must not raise in sqlite3, but be judged with the rest of its row."""
    return value.decode("utf-8", "replace")


def pack_cores(cores: tuple[CoreTicks, ...] | None) -> bytes | None:
    """A format character, then busy and all ticks of each core, little-endian; two bytes a number while they fit.

    A small letter says that the number of the CPU stands before them; without it they are 0, 1, ….
    """
    if cores is None:
        return None
    values = [value for core in cores for value in (core.cpu, core.busy, core.all)]
    # Compact, because cores are most of a sample's bytes.
    is_plain = values[::3] == [*range(len(cores))]
    if is_plain:
        del values[::3]
    size = "H" if max(values, default=0) < 1 << 16 else "I"
    return (size if is_plain else size.lower()).encode() + struct.pack(f"<{len(values)}{size}", *values)


def unpack_cores(blob: bytes | None) -> tuple[CoreTicks, ...] | None:
    """What `pack_cores` packed; None, not known, of a blob that a failing disk has garbled."""
    unpacked = core_ticks(blob)
    return None if unpacked is None else cores_of(*unpacked)


def core_ticks(blob: bytes | None) -> tuple[Sequence[int], Sequence[int]] | None:
    """The numbers of the CPUs, and busy and all ticks of each in turn; None as above."""
    code = blob[:1].decode("latin-1") if isinstance(blob, bytes) else ""
    size = _SIZES.get(code.upper())
    width = 2 if code.isupper() else 3
    if blob is None or size is None or (len(blob) - 1) % (width * size):
        return None
    values = struct.unpack(f"<{(len(blob) - 1) // size}{code.upper()}", blob[1:])
    if code.isupper():
        return range(len(values) // 2), values
    return values[::3], [value for index, value in enumerate(values) if index % 3]


def cores_of(cpus: Sequence[int], ticks: Sequence[int]) -> tuple[CoreTicks, ...]:
    """The CPUs with these numbers, and the busy and all ticks of each in turn."""
    return tuple(
        CoreTicks(cpu=cpu, busy=busy, all=all_ticks)
        for cpu, busy, all_ticks in zip(cpus, ticks[::2], ticks[1::2], strict=True)
    )


def pack_histogram(histogram: Histogram | None) -> bytes | None:
    """A format character, a byte for each whole percent that occurs, then its milliseconds, little-endian.

    Four bytes a number suffice for a CPU use that did not change for 49 days; then eight.
    """
    if histogram is None:
        return None
    size = "I" if max(histogram.values(), default=0) < 1 << 32 else "Q"
    return size.encode() + bytes(histogram) + struct.pack(f"<{len(histogram)}{size}", *histogram.values())


def unpack_histogram(blob: bytes | None) -> Histogram | None:
    """What `pack_histogram` packed; None, not known, of a blob that a failing disk has garbled."""
    size = blob[:1].decode("latin-1") if isinstance(blob, bytes) else ""
    width = {"I": 4, "Q": 8}.get(size)
    if blob is None or width is None or (len(blob) - 1) % (1 + width):
        return None
    count = (len(blob) - 1) // (1 + width)
    points, values = blob[1 : 1 + count], struct.unpack(f"<{count}{size}", blob[1 + count :])
    return dict(zip(points, values, strict=True))


def merge_histograms(blobs: Iterable[bytes | None]) -> Histogram | None:
    """What `pack_histogram` packed, added up; None, not known, if one of them is not."""
    points, packed, sums = bytearray(), bytearray(), [0] * 256
    for blob in blobs:
        if isinstance(blob, bytes) and blob.startswith(b"I") and len(blob) % 5 == 1:
            count = len(blob) // 5
            points += blob[1 : 1 + count]
            packed += blob[1 + count :]
        elif (one := unpack_histogram(blob)) is not None:
            for point, ms in one.items():
                sums[point] += ms
        else:
            return None
    # In one go: ten years are half a million numbers, and to unpack each row by itself takes twice as long.
    values = array("I", bytes(packed))
    if sys.byteorder == "big":
        values.byteswap()
    for point, ms in zip(points, values, strict=True):
        sums[point] += ms
    return {point: ms for point, ms in enumerate(sums) if ms}


def histogram_of_rows(rows: Sequence[Row]) -> Histogram:
    """Rows of a whole percent and the milliseconds at it. Raises GarbledError."""
    histogram: dict[int, int] = {}
    for point, ms in rows:
        _require(int, point, ms)
        histogram[point] = ms
    return histogram


def _require(kind: type, *values: object) -> None:
    """Raise GarbledError unless each value has the type of its column."""
    # SQLite takes any type in any column, so a garbled type code goes unnoticed there.
    if any(type(value) is not kind for value in values):
        raise GarbledError("a row holds what its columns do not take")


def _known(*values: object) -> Sequence[object]:
    """Those that are not null."""
    return [value for value in values if value is not None]


def _figures(values: Row) -> Figures:
    """The figures of a row, from the values of their columns. Raises GarbledError."""
    # Nearly every row has an integer in each column: one comparison of lists is faster than one for each value.
    if list(map(type, values)) != _INTEGERS:
        for value, may_be_unknown in zip(values, _MAY_BE_UNKNOWN, strict=True):
            if value is not None or not may_be_unknown:
                _require(int, value)
    return Figures(**dict(zip(_NAMES, values, strict=True)))


_figure_values: Callable[[Figures], Row] = attrgetter(*_NAMES)
"""The columns of the figures, in the order of the table."""


def run_of_row(row: Row) -> Run:
    """A row of `run`. Its columns, as in all these, are in the order of RUN_COLUMNS. Raises GarbledError, as all do."""
    run_id, boot_id, started, ended, interval, version = row
    _require(int, run_id, started, started if ended is None else ended, interval)
    _require(str, boot_id, version)
    return Run(id=run_id, boot_id=boot_id, started=started, ended=ended, interval=interval, version=version)


def row_of_run(run: Run) -> Row:
    """The columns of `run`."""
    return (run.id, run.boot_id, run.started, run.ended, run.interval, run.version)


def sample_of_row(row: Row) -> Sample:
    """A row of `sample`."""
    time, run, *figures, total_busy, total_all, cores = row
    _require(int, time, run, total_busy, total_all)
    return Sample(
        time=time,
        run=run,
        figures=_figures(figures),
        total_busy=total_busy,
        total_all=total_all,
        cores=unpack_cores(cores),
    )


def row_of_sample(sample: Sample) -> Row:
    """The columns of `sample`."""
    figures = _figure_values(sample.figures)
    return (sample.time, sample.run, *figures, sample.total_busy, sample.total_all, pack_cores(sample.cores))


def rollup_of_row(row: Row) -> Rollup:
    """A row of ROLLUP_COLUMNS, NULL for a histogram that was not counted."""
    time, count, *figures, cpu_min_bp, cpu_max_bp, cores, histogram = row
    _require(int, time, count, cpu_min_bp, cpu_max_bp)
    return Rollup(
        time=time,
        count=count,
        figures=_figures(figures),
        cpu_min_bp=cpu_min_bp,
        cpu_max_bp=cpu_max_bp,
        cores=unpack_cores(cores),
        histogram=unpack_histogram(histogram),
    )


def sound_rollup(row: Row) -> Rollup:
    """As `rollup_of_row`. Raises GarbledError for impossible values too, wherever they lie."""
    rollup = rollup_of_row(row)
    for fault in rollup_faults(rollup):
        raise GarbledError(fault)
    for blob, read in ((row[-2], rollup.cores), (row[-1], rollup.histogram)):
        if blob is not None and read is None:
            raise GarbledError("a blob is no list of numbers")
    return rollup


def columns_of(tier: Tier) -> str:
    """The columns of a tier's table."""
    return ROLLUP_COLUMNS if tier.has_histogram else ROLLUP_COLUMNS.rpartition(", ")[0]


def row_of_rollup(rollup: Rollup, tier: Tier) -> Row:
    """The columns of `tier`, as `columns_of` lists them."""
    figures = _figure_values(rollup.figures)
    cores = pack_cores(rollup.cores)
    row = (rollup.time, rollup.count, *figures, rollup.cpu_min_bp, rollup.cpu_max_bp, cores)
    return (*row, pack_histogram(rollup.histogram)) if tier.has_histogram else row


def gap_of_row(row: Row) -> Gap:
    """A row of `gap`."""
    from_time, to_time, cause, busy, all_ticks = row
    _require(int, from_time, to_time, *_known(busy, all_ticks))
    if cause not in _CAUSES:
        raise GarbledError(f"{cause!r} is not a cause")
    return Gap(from_time=from_time, to_time=to_time, cause=Cause(cause), busy=busy, all=all_ticks)


def row_of_gap(gap: Gap) -> Row:
    """The columns of `gap`."""
    return (gap.from_time, gap.to_time, gap.cause.value, gap.busy, gap.all)


def busy_ticks_of_rows(rows: Sequence[Row]) -> dict[int, int]:
    """Rows of time and busy ticks. Raises GarbledError."""
    ticks: dict[int, int] = dict(map(tuple, rows))
    if not set(map(type, ticks.values())) <= {int}:
        raise GarbledError("a row holds what its columns do not take")
    return ticks


def seconds_by_cause_of_rows(rows: Sequence[Row]) -> dict[Cause, int]:
    """Rows of a cause and seconds. Raises GarbledError."""
    for cause, seconds in rows:
        _require(int, seconds)
        if cause not in _CAUSES:
            raise GarbledError(f"{cause!r} is not a cause")
    return {Cause(cause): seconds for cause, seconds in rows}


def kept_of_row(row: Row) -> Kept:
    """The row of KEPT (statements.py). Raises GarbledError."""
    sample, minute = (time or 0 for time in row)
    _require(int, sample, minute)
    return Kept(sample=sample, minute=minute)


def clock_step_of_row(row: Row) -> ClockStep:
    """A row of `clock_step`."""
    time, by_ms = row
    _require(int, time, by_ms)
    return ClockStep(time=time, by_ms=by_ms)


def row_of_clock_step(step: ClockStep) -> Row:
    """The columns of `clock_step`."""
    return (step.time, step.by_ms)
