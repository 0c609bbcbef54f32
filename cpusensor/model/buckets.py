"""The buckets of an answer, as columns: a record for each of thousands would take longer than the query. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, overload

from cpusensor.model.figures import BUSY, FIGURES, SPENT, Figures
from cpusensor.model.records import Rollup
from cpusensor.model.rollup import UNRELIABLE_RUN, is_accounted

_FIGURES = tuple(figure.name for figure in FIGURES)
_MAY_BE_UNKNOWN = frozenset(figure.name for figure in FIGURES if figure.may_be_unknown)
_figures_of = attrgetter(*_FIGURES)

NAMES = ("time", "count", *_FIGURES, "cpu_min_bp", "cpu_max_bp")
"""The columns, in the order in which a row has them."""

WHOLE_BP = 10_000


class Buckets(Sequence[Rollup]):
    """Buckets in the order of their times, without cores and histograms; as a sequence, the record of each."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        """`rows` have the values of NAMES."""
        columns = list(zip(*rows, strict=True)) or [()] * len(NAMES)
        self._columns: Mapping[str, Sequence[Any]] = dict(zip(NAMES, columns, strict=True))

    @classmethod
    def of(cls, rollups: Iterable[Rollup]) -> "Buckets":
        """The same, as columns."""
        return cls((one.time, one.count, *_figures_of(one.figures), one.cpu_min_bp, one.cpu_max_bp) for one in rollups)

    def __len__(self) -> int:
        return len(self._columns["time"])

    @overload
    def __getitem__(self, at: int) -> Rollup: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Rollup]: ...
    def __getitem__(self, at: int | slice) -> Rollup | Sequence[Rollup]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        return Rollup(
            time=self._columns["time"][at],
            count=self._columns["count"][at],
            figures=Figures(**{name: self._columns[name][at] for name in _FIGURES}),
            cpu_min_bp=self._columns["cpu_min_bp"][at],
            cpu_max_bp=self._columns["cpu_max_bp"][at],
            cores=None,
            histogram=None,
        )

    def column(self, name: str) -> Sequence[Any]:
        """One of NAMES."""
        return self._columns[name]

    def busy(self) -> list[int]:
        """The ticks in which a CPU worked for this machine, as `Ticks.busy`."""
        return _sums([self._columns[name] for name in BUSY])

    def followed_by(self, rollups: Sequence[Rollup]) -> "Buckets":
        """These up to the first of `rollups`, then those."""
        if not rollups:
            return self
        end = bisect_left(self._columns["time"], rollups[0].time)
        return Buckets([*self.rows()[:end], *Buckets.of(rollups).rows()])

    def unreliable(self) -> list[int]:
        """The times of those whose counting is unreliable; of single samples only UNRELIABLE_RUN or more in a row."""
        times: list[int] = []
        columns = (self._columns[name] for name in ("time", "count", "all", "expected"))
        judged = [(time, count, is_accounted(counted, due)) for time, count, counted, due in zip(*columns, strict=True)]
        for is_good, group in groupby(judged, lambda one: one[2]):
            if not is_good:
                alike = list(group)
                # A longer one is a mean over many samples already, so one is enough.
                times += [time for time, count, _ in alike if len(alike) >= UNRELIABLE_RUN or count > 1]
        return times

    def is_plausible(self) -> bool:
        """Whether every value is of its type and possible, whatever the machine did."""
        for name, column in self._columns.items():
            kinds = set(map(type, column))
            if not kinds <= ({int, type(None)} if name in _MAY_BE_UNKNOWN else {int}):
                return False
            if min((value for value in column if value is not None), default=0) < 0:
                return False
        spent = zip(_sums([self._columns[name] for name in SPENT]), self._columns["all"], strict=True)
        extremes = zip(self._columns["cpu_min_bp"], self._columns["cpu_max_bp"], strict=True)
        return all(part <= whole and whole > 0 for part, whole in spent) and all(
            lowest <= highest <= WHOLE_BP for lowest, highest in extremes
        )

    def rows(self) -> list[Sequence[Any]]:
        """The values of NAMES of each."""
        return list(zip(*self._columns.values(), strict=True))


def _sums(columns: Sequence[Sequence[int | None]]) -> list[int]:
    """The columns added up, what is not known as none."""
    return [sum(filter(None, values)) for values in zip(*columns, strict=True)]
