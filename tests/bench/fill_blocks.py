"""Columns of samples -> rows of the tables, for `tests.bench.fill`: in bulk what the service does one by one."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeVar

from cpusensor.model.figures import FIGURES, Figures
from cpusensor.model.histogram import Histogram
from cpusensor.model.records import CoreTicks, Rollup
from cpusensor.model.rollup import Tier
from cpusensor.store.columns import Row, pack_histogram
from tests.bench.fill_load import Cores

T = TypeVar("T")

NAMES = tuple(figure.name for figure in FIGURES)
ELAPSED = NAMES.index("elapsed_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Samples on consecutive slots, of one run and one set of CPUs, column by column."""

    times: range
    run: int
    figures: Sequence[Sequence[int | None]]
    """In the order of FIGURES."""
    totals: tuple[Iterable[int], Iterable[int]]
    """The running totals, busy and all."""
    use_bp: Sequence[int]
    cores: Cores | None
    """None where the set of CPUs changed."""

    def rows(self) -> list[Row]:
        """The rows of `sample`."""
        columns = (self.times, repeat(self.run), *self.figures, *self.totals, pack_all(self.cores))
        return list(zip(*columns, strict=False))

    def rollup(self, part: slice, tier: Tier, time: int) -> Rollup:
        """Some of the samples as the part of the rollup of a tier that ends at `time`."""
        use_bp = self.use_bp[part]
        # A figure is unknown in all of a block or in nothing of it.
        sums = [None if column[0] is None else sum(column[part]) for column in self.figures]  # type: ignore[arg-type] # none is null
        return Rollup(
            time=time,
            count=len(use_bp),
            figures=Figures(**dict(zip(NAMES, sums, strict=True))),  # type: ignore[arg-type] # as in `add_up`
            cpu_min_bp=min(use_bp),
            cpu_max_bp=max(use_bp),
            cores=None if self.cores is None else _sum_cores(self.cores, part),
            histogram=_histogram(use_bp, self.figures[ELAPSED][part]) if tier.has_histogram else None,
        )

    def whole_rollups(self, part: slice, tier: Tier) -> Iterable[Row]:
        """The rows of a tier for the samples of some whole buckets: what `rollup` makes of each, in less time."""
        times = self.times[part]
        count = tier.seconds // times.step

        def in_buckets(column: Sequence[T]) -> Iterable[tuple[T, ...]]:
            return zip(*[iter(column[part])] * count, strict=True)

        sums = [repeat(None) if column[0] is None else map(sum, in_buckets(column)) for column in self.figures]  # type: ignore[arg-type] # as above
        extremes = (map(function, in_buckets(self.use_bp)) for function in (min, max))
        cores = self.cores and Cores(
            cpus=self.cores.cpus,
            busy=[list(map(sum, in_buckets(column))) for column in self.cores.busy],
            all=[list(map(sum, in_buckets(column))) for column in self.cores.all],
        )
        columns = [times[count - 1 :: count], repeat(count), *sums, *extremes, pack_all(cores)]
        if tier.has_histogram:
            histograms = map(_histogram, in_buckets(self.use_bp), in_buckets(self.figures[ELAPSED]))
            columns.append(map(pack_histogram, histograms))
        return zip(*columns, strict=False)


def _sum_cores(cores: Cores, part: slice) -> tuple[CoreTicks, ...]:
    columns = zip(cores.cpus, cores.busy, cores.all, strict=True)
    return tuple(CoreTicks(cpu=cpu, busy=sum(busy[part]), all=sum(ticks[part])) for cpu, busy, ticks in columns)


def _histogram(use_bp: Iterable[int], elapsed_ms: Iterable[int | None]) -> Histogram:
    sums = [0] * 101
    for use, ms in zip(use_bp, elapsed_ms, strict=True):
        sums[use // 100] += ms or 0
    return {point: ms for point, ms in enumerate(sums) if ms}


def pack_all(cores: Cores | None) -> Iterable[bytes | None]:
    """What `columns.pack_cores` makes of each row, in a fraction of the time; all have as many bytes a number."""
    if cores is None:
        return repeat(None)
    is_plain = [*cores.cpus] == [*range(len(cores.cpus))]
    values: list[Iterable[int]] = []
    for cpu, busy, ticks in zip(cores.cpus, cores.busy, cores.all, strict=True):
        values += [busy, ticks] if is_plain else [repeat(cpu), busy, ticks]
    size = "H" if max(map(max, cores.all)) < 1 << 16 else "I"
    code = (size if is_plain else size.lower()).encode()
    return map(struct.Struct(f"<c{len(values)}{size}").pack, repeat(code), *values)
