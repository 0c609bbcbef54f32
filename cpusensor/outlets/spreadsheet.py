"""The history as CSV (RFC 4180, but lines end as they do on Unix). Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from cpusensor.model.buckets import Buckets
from cpusensor.model.figures import MODES
from cpusensor.model.query import Answer, Grid, Question
from cpusensor.outlets import wire

CONTENT_TYPE = "text/csv; charset=utf-8"


def header(question: Question, cpus: Sequence[int]) -> bytes:
    """The line with the names of the columns."""
    floor, step = question.grid.floor, question.grid.step
    nothing = Answer(
        grid=Grid(from_time=floor, to_time=floor, step=step),
        interval=question.interval,
        buckets=Buckets(()),
        cores={},
        gaps=(),
        open_gap=None,
        clock_steps=(),
    )
    return _lines([("time", *_columns(nothing, question.series, cpus), "gap")])


def rows(record: Answer, series: Sequence[str], cpus: Sequence[int]) -> bytes:
    """A line for each element. Its numbers are those of the JSON; what is null there is empty."""
    cells = [map(_cell, column) for column in _columns(record, series, cpus).values()]
    return _lines(zip(_times(record.grid), *cells, _causes(record), strict=True))


def time_text(time: int) -> str:
    """UTC as ISO 8601 writes it."""
    return f"{_moment(time).isoformat()}Z"


def _lines(cells: Iterable[Sequence[str]]) -> bytes:
    # No cell needs quotes: there are numbers, times, and words of ours.
    return "".join([",".join(line) + "\n" for line in cells]).encode()


def _columns(record: Answer, series: Sequence[str], cpus: Sequence[int]) -> dict[str, wire.Column]:
    """The columns between `time` and `gap`, by their names."""
    columns = wire.means(record)
    for name in series:
        if name == MODES:
            columns |= wire.modes(record)
        elif name == "cores":
            cores, unknown = wire.cores(record), [None] * record.grid.length
            columns |= {f"cpu{number}": cores.get(number, unknown) for number in cpus}
        else:
            columns[name] = wire.single(record, name)
    return columns


def _cell(value: float | None) -> str:
    # The shortest text that means the same number, which is what JSON has.
    return "" if value is None else repr(value)


def _times(grid: Grid) -> Iterator[str]:
    # By addition, which takes a fifth of the time of a conversion, and there are millions.
    moment, step = _moment(grid.floor), timedelta(seconds=grid.step)
    for _ in range(grid.length):
        moment += step
        yield f"{moment.isoformat()}Z"


def _moment(time: int) -> datetime:
    """UTC, without saying so: what says so is written as +00:00."""
    return datetime.fromtimestamp(time, UTC).replace(tzinfo=None)


def _causes(record: Answer) -> list[str]:
    """The cause of the gap in which each element lies: it overlaps one and has no sample. Else empty."""
    grid = record.grid
    causes = [""] * grid.length
    spans = [(gap.from_time, gap.to_time, gap.cause) for gap in record.gaps]
    if record.open_gap is not None:
        spans.append((record.open_gap.from_time, grid.end, record.open_gap.cause))
    for from_time, to_time, cause in spans:
        first = max(0, (from_time - grid.floor) // grid.step)
        last = min(grid.length, -(-(to_time - grid.floor) // grid.step))
        causes[first:last] = [cause.value] * (last - first)
    for time in record.buckets.column("time"):
        causes[(time - grid.start) // grid.step] = ""
    return causes
