"""How long the CPU use lay at each whole percent: what percentiles and "minutes above 80 %" come from. Pure.

Every sample counts with the time that it measured, so that half an hour in which the machine stalled weighs half an
hour. Histograms add up, and therefore say the same of a span whatever it is put together from.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Histogram: TypeAlias = Mapping[int, int]
"""Milliseconds at each whole percent, 0 to 100, rounded down; what never occurred is left out."""

BASIS_POINTS_A_POINT = 100


def point_of(use_bp: int) -> int:
    """The whole percent at or below a CPU use in basis points, so that 80 and above is 80.00 % and above."""
    return use_bp // BASIS_POINTS_A_POINT


def merge(parts: Iterable[Histogram]) -> Histogram:
    """The parts added up, in order of the percent."""
    sums: dict[int, int] = {}
    for part in parts:
        for point, ms in part.items():
            sums[point] = sums.get(point, 0) + ms
    return dict(sorted(sums.items()))


def quantile(histogram: Histogram, per_mille: int) -> int | None:
    """The lowest whole percent that the use was at or below for so many thousandths of the time; None for no time."""
    total, passed = sum(histogram.values()), 0
    for point, ms in sorted(histogram.items()):
        passed += ms
        # In whole numbers: a float would now and then miss a boundary that is met exactly.
        if passed * 1000 >= total * per_mille and passed:
            return point
    return None


def time_above(histogram: Histogram, threshold: int) -> int:
    """Milliseconds at `threshold` percent and more."""
    return sum(ms for point, ms in histogram.items() if point >= threshold)
