"""Rows of the database <-> records. Pure."""

import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

from cpusensor.model.records import Cause, ClockStep, CoreTicks, Gap, Rollup, Run, Sample, Ticks


class GarbledError(Exception):
    """A row that cannot have been written: the file lost it without SQLite's noticing."""


Row: TypeAlias = Sequence[Any]

_CAUSES = frozenset(Cause)

_SIZES = {b"H": 2, b"I": 4}
"""Bytes of a number, by the format character of a blob of cores."""


def text_of(value: bytes) -> str:
    """A text as the database holds it; one that a failing disk has garbled is read all the same, and judged later."""
    return value.decode("utf-8", "replace")


def pack_cores(cores: tuple[CoreTicks, ...] | None) -> bytes | None:
    """A format character, then busy and all ticks of each core, little-endian; two bytes each while they fit."""
    if cores is None:
        return None
    values = [value for core in cores for value in (core.busy, core.all)]
    code = "H" if max(values) < 1 << 16 else "I"
    return code.encode() + struct.pack(f"<{len(values)}{code}", *values)


def unpack_cores(blob: bytes | None) -> tuple[CoreTicks, ...] | None:
    """What `pack_cores` packed; None, not known, of a blob that a failing disk has garbled."""
    ticks = core_ticks(blob)
    return None if ticks is None else cores_of(ticks)


def core_ticks(blob: bytes | None) -> tuple[int, ...] | None:
    """Busy and all ticks of each core in turn, or None as above."""
    size = _SIZES.get(blob[:1]) if isinstance(blob, bytes) else None
    if blob is None or size is None or (len(blob) - 1) % (2 * size):
        return None
    return struct.unpack(f"<{(len(blob) - 1) // size}{chr(blob[0])}", blob[1:])


def cores_of(ticks: Sequence[int]) -> tuple[CoreTicks, ...]:
    """The cores whose busy and all ticks these are."""
    return tuple(CoreTicks(busy=busy, all=all_ticks) for busy, all_ticks in zip(ticks[::2], ticks[1::2], strict=True))


def _require(kind: type, *values: object) -> None:
    """Raises GarbledError unless each value is of the kind that its column takes."""
    if any(type(value) is not kind for value in values):
        raise GarbledError("a row holds what its columns do not take")


def run_of_row(row: Row) -> Run:
    """A row of `run`, its columns in the order of the record. Raises GarbledError, as all these do."""
    run_id, boot_id, started, ended, interval, version = row
    _require(int, run_id, started, started if ended is None else ended, interval)
    _require(str, boot_id, version)
    return Run(id=run_id, boot_id=boot_id, started=started, ended=ended, interval=interval, version=version)


def _known(*values: object) -> Sequence[object]:
    """Those that are not null."""
    return [value for value in values if value is not None]


def _ticks(row: Row) -> Ticks:
    user, system, irq, iowait, steal, all_ticks = row
    _require(int, user, system, irq, all_ticks, *_known(iowait, steal))
    return Ticks(user=user, system=system, irq=irq, iowait=iowait, steal=steal, all=all_ticks)


def sample_of_row(row: Row) -> Sample:
    """A row of `sample`, its columns in the order of the record."""
    time, run, elapsed_ms, *ticks, expected, load_centi, pressure_us, total_busy, total_all, cores = row
    _require(int, time, run, elapsed_ms, expected, total_busy, total_all, *_known(load_centi, pressure_us))
    return Sample(
        time=time,
        run=run,
        elapsed_ms=elapsed_ms,
        ticks=_ticks(ticks),
        expected=expected,
        cores=unpack_cores(cores),
        load_centi=load_centi,
        pressure_us=pressure_us,
        total_busy=total_busy,
        total_all=total_all,
    )


def rollup_of_row(row: Row) -> Rollup:
    """A row of `minute`, or a bucket of them, its columns in the order of the record, cores last."""
    time, count, elapsed_ms, *ticks, expected, cpu_min_bp, cpu_max_bp, load_centi, pressure_us, cores = row
    _require(int, time, count, elapsed_ms, expected, cpu_min_bp, cpu_max_bp, *_known(load_centi, pressure_us))
    return Rollup(
        time=time,
        count=count,
        elapsed_ms=elapsed_ms,
        ticks=_ticks(ticks),
        expected=expected,
        cpu_min_bp=cpu_min_bp,
        cpu_max_bp=cpu_max_bp,
        load_centi=load_centi,
        pressure_us=pressure_us,
        cores=unpack_cores(cores),
    )


def gap_of_row(row: Row) -> Gap:
    """A row of `gap`, its columns in the order of the record."""
    from_time, to_time, cause, busy, all_ticks = row
    _require(int, from_time, to_time, *_known(busy, all_ticks))
    if cause not in _CAUSES:
        raise GarbledError(f"{cause!r} is not a cause")
    return Gap(from_time=from_time, to_time=to_time, cause=Cause(cause), busy=busy, all=all_ticks)


def clock_step_of_row(row: Row) -> ClockStep:
    """A row of `clock_step`, its columns in the order of the record."""
    time, by_ms = row
    _require(int, time, by_ms)
    return ClockStep(time=time, by_ms=by_ms)


def row_of_sample(sample: Sample) -> Row:
    """The columns of `sample`, in the order of the record."""
    ticks = sample.ticks
    return (
        *(sample.time, sample.run, sample.elapsed_ms),
        *(ticks.user, ticks.system, ticks.irq, ticks.iowait, ticks.steal, ticks.all),
        *(
            sample.expected,
            sample.load_centi,
            sample.pressure_us,
            sample.total_busy,
            sample.total_all,
            pack_cores(sample.cores),
        ),
    )


def row_of_rollup(rollup: Rollup) -> Row:
    """The columns of `minute`, in the order of the record."""
    ticks = rollup.ticks
    return (
        *(rollup.time, rollup.count, rollup.elapsed_ms),
        *(ticks.user, ticks.system, ticks.irq, ticks.iowait, ticks.steal, ticks.all),
        *(
            rollup.expected,
            rollup.cpu_min_bp,
            rollup.cpu_max_bp,
            rollup.load_centi,
            rollup.pressure_us,
            pack_cores(rollup.cores),
        ),
    )


def row_of_gap(gap: Gap) -> Row:
    """The columns of `gap`, in the order of the record."""
    return (gap.from_time, gap.to_time, gap.cause.value, gap.busy, gap.all)


def row_of_run(run: Run) -> Row:
    """The columns of `run`, in the order of the record."""
    return (run.id, run.boot_id, run.started, run.ended, run.interval, run.version)
