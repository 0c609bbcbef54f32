"""The questions about a history: what is asked, of which spans, and how long each system takes to answer it."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from urllib.parse import urlencode

from tests.bench.footprint_systems import Running
from tests.bench.history_client import Client, Reply
from tests.bench.history_peers import STEP_S, Grid, Peer
from tests.bench.report import say

OURS = "cpusensor"
DAY_S, YEAR_S = 86_400, 31_536_000
MONTH_S = 30 * DAY_S
PAUSE_S = 0.02
"""Between two requests, so that what one leaves to be tidied up burdens nobody else's answer."""

PROGRESS_S = 15.0
"""Of silence at most."""

WARM_UPS = 3
"""Requests that are not counted, of each system before each question."""

POINT = 0.02
"""Percent points by which two may differ that round and weigh differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, each time of another span."""

    name: str
    span_s: int
    goal_ms: float | None = None
    is_export: bool = False
    """Every sample, as a file."""
    is_anywhere: bool = False
    """Not only of the newest thirty days."""


YEAR = Question(name="a year", span_s=YEAR_S, goal_ms=8)
QUESTIONS = (
    Question(name="an hour", span_s=3600, goal_ms=4),
    Question(name="an hour of long ago", span_s=3600, is_anywhere=True),
    Question(name="a day", span_s=DAY_S, goal_ms=6),
    Question(name="a week", span_s=7 * DAY_S),
    Question(name="a month", span_s=MONTH_S),
    YEAR,
    Question(name="ten years", span_s=10 * YEAR_S, goal_ms=25),
    Question(name="a day as CSV", span_s=DAY_S, is_export=True),
)
FUNCTIONS = {"avg_over_time": 0, "min_over_time": 1, "max_over_time": 2}
"""By VictoriaMetrics' label, the order in which it is asked for them; it answers in another."""

AGAIN = "the same year again"
AGAIN_GOAL_MS = 1.5


@dataclass(slots=True, kw_only=True)
class Line:
    """All answers to one question, in milliseconds by system."""

    name: str
    goal_ms: float | None
    grid: Grid | None = None
    """Of the last answer."""
    whole: dict[str, list[float]] = field(default_factory=dict)
    mean: dict[str, list[float]] = field(default_factory=dict)
    """Of a peer that was asked for the mean alone."""
    cpu: dict[str, list[float]] = field(default_factory=dict)
    """Of the whole answer, CPU time of the server."""
    remark: str = ""

    def note(self, system: str, replies: Sequence[Reply]) -> None:
        """One more whole answer."""
        self.whole.setdefault(system, []).append(sum(reply.ms for reply in replies))
        self.cpu.setdefault(system, []).append(sum(reply.cpu_ms for reply in replies))

    def p50(self, system: str) -> float | None:
        """The median; None for none."""
        return median(self.whole[system]) if self.whole.get(system) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A peer that runs, with a connection to it."""

    peer: Peer
    client: Client
    running: Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What FILE holds."""

    first: int
    newest: int
    samples: int
    size_mib: float

    def spans(self, question: Question, length: int) -> Iterator[tuple[int, int]]:
        """So many spans (from, to], each of which ends at another moment."""
        draw = Random(question.name)  # noqa: S311 - repeatable, not secret
        room = self.newest - self.first - question.span_s
        room = max(3600, room if question.is_anywhere else min(room, MONTH_S))
        for step in draw.sample(range(room // STEP_S), length):
            yield self.newest - step * STEP_S - question.span_s, self.newest - step * STEP_S


class Bench:
    """The systems, and what they have answered."""

    def __init__(self, ours: Client, peers: Sequence[Asked], extent: Extent, requests: int) -> None:
        self._ours = ours
        self._peers = peers
        self._extent = extent
        self._requests = requests
        self._again = Line(name=AGAIN, goal_ms=AGAIN_GOAL_MS)

    def measure(self) -> list[Line]:
        """Every question."""
        return [*map(self._measure_one, QUESTIONS), self._again]

    def _measure_one(self, question: Question) -> Line:
        line, began = Line(name=question.name, goal_ms=question.goal_ms), time.monotonic()
        spans, due = self._extent.spans(question, 1 + WARM_UPS + self._requests), began + PROGRESS_S
        refused = self._ours.get(path_of(question, next(spans)))
        if refused.status != 200:
            line.remark = refused.json["error"]
            say(f"{line.name}: cpusensor does not answer: {line.remark}")
            return line
        for number, span in zip(range(-WARM_UPS, self._requests), spans, strict=True):
            self._ask_all(question, span, Line(name="", goal_ms=None) if number < 0 else line)
            if time.monotonic() > due:
                say(f"  {line.name}: {number + 1} of {self._requests}")
                due += PROGRESS_S
        say(f"{line.name}: {in_words(line)}; {time.monotonic() - began:.0f} s")
        return line

    def _ask_all(self, question: Question, span: tuple[int, int], line: Line) -> None:
        time.sleep(PAUSE_S)
        reply = self._ours.fetch(path_of(question, span))
        line.note(OURS, [reply])
        line.grid = grid = export_grid(span) if question.is_export else grid_of(reply)
        for asked in self._peers:
            line.note(asked.peer.name, fetch_all(asked.client, whole_of(asked.peer, question, grid)))
            if not question.is_export and grid.step > STEP_S:
                (alone,) = fetch_all(asked.client, [asked.peer.afresh(asked.peer.mean(grid))])
                line.mean.setdefault(asked.peer.name, []).append(alone.ms)
        if question is YEAR and line.name:
            self._ask_again(path_of(question, span), reply.headers.get("etag"), grid)

    def _ask_again(self, path: str, etag: str | None, grid: Grid) -> None:
        """Nothing has changed: cpusensor may say so, a peer may remember its answer."""
        self._again.grid = grid
        if etag:
            time.sleep(PAUSE_S)
            reply = self._ours.get(path, If_None_Match=etag)
            if reply.status == 304:
                self._again.note(OURS, [reply])
        else:
            self._again.remark = "its answers have no ETag"
        for asked in self._peers:
            questions = asked.peer.summaries(grid)
            if asked.peer.remembers:
                fetch_all(asked.client, questions)
            self._again.note(asked.peer.name, fetch_all(asked.client, questions))


def fetch_all(client: Client, paths: Sequence[str]) -> list[Reply]:
    """The answers, one after another, once the machine has come to rest."""
    time.sleep(PAUSE_S)
    return [client.fetch(path) for path in paths]


def path_of(question: Question, span: tuple[int, int]) -> str:
    """What cpusensor is asked."""
    asked = {"from": span[0], "to": span[1], **({"step": STEP_S, "format": "csv"} if question.is_export else {})}
    return f"/api/history?{urlencode(asked)}"


def grid_of(reply: Reply) -> Grid:
    """The elements that cpusensor chose."""
    found = reply.json
    return Grid(start=found["start"], step=found["step"], length=len(found["cpu"]))


def export_grid(span: tuple[int, int]) -> Grid:
    """Every sample."""
    return Grid(start=span[0] + STEP_S, step=STEP_S, length=(span[1] - span[0]) // STEP_S)


def whole_of(peer: Peer, question: Question, grid: Grid) -> list[str]:
    """What a peer is asked for the same answer."""
    if question.is_export:
        return [peer.export(grid)]
    paths = [peer.samples(grid)] if grid.step == STEP_S else peer.summaries(grid)
    return [peer.afresh(path) for path in paths]


def differences(ours: Client, asked: Asked, extent: Extent) -> tuple[float, int]:
    """Over the newest whole day: how far the peer's mean, min and max are off, in points, and elements it lacks."""
    end = extent.newest // 60 * 60
    found = ours.fetch(f"/api/history?{urlencode({'from': end - DAY_S, 'to': end, 'step': 60})}").json
    grid = Grid(start=found["start"], step=found["step"], length=len(found["cpu"]))
    columns = [column for path in asked.peer.summaries(grid) for column in series_of(asked.client.fetch(path))]
    worst, lacking = 0.0, 0
    for name, column in zip(("cpu", "min", "max"), columns, strict=True):
        for at, value in zip(count(grid.start, grid.step), found[name], strict=False):
            if value is not None and at in column:
                worst = max(worst, abs(value - 100 * column[at]))
            lacking += (value is None) != (at not in column)
    return worst, lacking


def series_of(reply: Reply) -> list[dict[int, float]]:
    """The series of an answer of query_range, values by time: in the order avg, min, max where it holds these three."""
    found = sorted(reply.json["data"]["result"], key=lambda one: FUNCTIONS.get(one["metric"].get("rollup"), 0))
    return [{int(at): float(value) for at, value in one["values"]} for one in found]


def extent_of(file: Path) -> Extent:
    """What a history holds. Raises sqlite3.Error if it is none."""
    tables = ("sample", "minute", "quarter_hour", "quarter_day")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        oldest = [database.execute(f"SELECT min(time) FROM {name}").fetchone()[0] for name in tables]  # noqa: S608 - ours
        newest = database.execute("SELECT max(time) FROM sample").fetchone()[0]
        samples = database.execute("""SELECT (SELECT count(*) FROM sample)
            + (SELECT coalesce(sum(count), 0) FROM sealed_hour WHERE samples IS NOT NULL)""").fetchone()[0]
    # A rollup begins before its time, by a quarter of a day at most; samples may be kept in another form.
    first = min(at for at in oldest if at is not None)
    return Extent(first=first // STEP_S * STEP_S, newest=newest, samples=samples, size_mib=file.stat().st_size / 2**20)


def in_words(line: Line) -> str:
    """For the one who waits."""
    said = (f"{system} {line.p50(system):.1f}" for system in line.whole)
    return f"p50 ms: {', '.join(said)}"
