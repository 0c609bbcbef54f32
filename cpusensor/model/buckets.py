"""The buckets of an answer, as columns: a record for each of thousands would take longer than the query. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter, le
from typing import Any, overload

from cpusensor.model.figures import FIGURES, SHOWN, SPENT, Figures
from cpusensor.model.grid import bucket_end
from cpusensor.model.records import Rollup, Sample
from cpusensor.model.rollup import UNRELIABLE_RUN, as_rollup, is_accounted

_FIGURES = tuple(figure.name for figure in FIGURES)
_MAY_BE_UNKNOWN = frozenset(figure.name for figure in FIGURES if figure.may_be_unknown)
_EXTREMES = {"cpu_min_bp": min, "cpu_max_bp": max}

NAMES = ("time", "count", "busy", *_FIGURES, *_EXTREMES)
"""The columns that there can be: `busy` as `Ticks.busy`, the others as in `Rollup` and `Figures`."""

WHOLE_BP = 10_000


def names_for(series: Sequence[str], *, with_extremes: bool) -> tuple[str, ...]:
    """The columns that an answer with these series needs, in the order of NAMES: each that is read takes its time."""
    needed = {"time", "count", "busy", "all", "expected", *(_EXTREMES if with_extremes else ())}
    shown = {figure.name for figure in SHOWN if figure.series in series}
    needed |= shown | ({"elapsed_ms"} if shown else set())
    return tuple(name for name in NAMES if name in needed)


class Buckets(Sequence[Rollup]):
    """Buckets in the order of their times, without cores and histograms.

    With all of NAMES they are a sequence of records too, each made when it is taken.
    """

    def __init__(self, rows: Iterable[Sequence[Any]], names: Sequence[str] = NAMES) -> None:
        """`rows` have the values of `names`."""
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        self._columns: Mapping[str, Sequence[Any]] = dict(zip(names, columns, strict=True))

    @classmethod
    def of(cls, rollups: Iterable[Rollup]) -> "Buckets":
        """The same, as columns."""
        return cls(_row(one, NAMES) for one in rollups)

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
        """One of NAMES that is there."""
        return self._columns[name]

    def followed_by(self, samples: Sequence[Sample], step: int) -> "Buckets":
        """These, of `step` seconds, with further samples, none of them older than the last bucket begins."""
        if not samples:
            return self
        names = tuple(self._columns)
        rows = {row[0]: row for row in zip(*self._columns.values(), strict=True)}
        for sample in samples:
            end, row = bucket_end(sample.time, step), _row(as_rollup(sample), names)
            rows[end] = _add(names, rows[end], row) if end in rows else (end, *row[1:])
        return Buckets(rows.values(), names)

    def unreliable(self) -> list[int]:
        """The times of those whose counting is unreliable; of single samples only UNRELIABLE_RUN or more in a row."""
        times: list[int] = []
        verdicts = list(map(is_accounted, self._columns["all"], self._columns["expected"]))
        # Nearly always; then no element has to be looked at again.
        if all(verdicts):
            return times
        judged = zip(self._columns["time"], self._columns["count"], verdicts, strict=True)
        for is_good, group in groupby(judged, itemgetter(2)):
            if not is_good:
                alike = list(group)
                # A longer one is a mean over many samples already, so one is enough.
                times += [time for time, count, _ in alike if len(alike) >= UNRELIABLE_RUN or count > 1]
        return times

    def is_plausible(self) -> bool:
        """Whether every value is of its type and possible, whatever the machine did."""
        for name, column in self._columns.items():
            if not set(map(type, column)) <= ({int, type(None)} if name in _MAY_BE_UNKNOWN else {int}):
                return False
            known = [value for value in column if value is not None] if None in column else column
            if known and min(known) < 0:
                return False
        parts = [self._columns[name] for name in SPENT if name in self._columns]
        spent = [sum(filter(None, values)) for values in zip(*parts, strict=True)] if parts else self._columns["busy"]
        if not all(self._columns["all"]) or not all(map(le, spent, self._columns["all"])):
            return False
        lowest, highest = (self._columns.get(name, ()) for name in _EXTREMES)
        return all(map(le, lowest, highest)) and max(highest, default=0) <= WHOLE_BP

    def rows(self) -> list[Sequence[Any]]:
        """The values of each, in the order of the columns."""
        return list(zip(*self._columns.values(), strict=True))


def _row(rollup: Rollup, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(rollup, name) if hasattr(rollup, name) else getattr(rollup.figures, name) for name in names)


def _add(names: Sequence[str], one: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """Two rows of the same bucket as one, of which the first keeps its time."""
    return (one[0], *(_join(name, a, b) for name, a, b in zip(names[1:], one[1:], other[1:], strict=True)))


def _join(name: str, one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return None
    return _EXTREMES[name](one, other) if name in _EXTREMES else one + other
