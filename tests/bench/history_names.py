"""What names cost a history: bytes a year, and how long it takes to explain an incident that is a year old."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from urllib.parse import urlencode

from cpusensor.store.levels import LEVELS, TICKS
from tests.bench.history_client import Client, Reply
from tests.bench.history_questions import YEAR_S, Extent
from tests.bench.report import Verdict, table

GOAL_MS = 20
"""Of an answer about a year-old incident, p50."""

GOAL_MIB_A_YEAR = 30

INCIDENT_S = 3600

WARM_UPS = 3

MIB = 2**20

QUESTIONS = ("/why", "/api/top", "/api/top?by=process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What was measured of them."""

    years: float
    """For how long they are kept."""
    minutes_mib: float
    """Of minutes and longer, which are kept for ever."""
    readings_mib: float
    """Of single readings, which are kept as long as samples are in rows."""
    replies: Mapping[str, Sequence[Reply]]
    """By question."""

    @property
    def mib_a_year(self) -> float:
        """Of what is kept for ever."""
        return self.minutes_mib / self.years


def measure_names(ours: Client, file: Path, extent: Extent, requests: int) -> Names | None:
    """Ask for hours of a year ago, each another one; None of a history in which no names go back that far."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        ((first,),) = database.execute("SELECT min(since) FROM blame_quarter_day").fetchall()
        if first is None or extent.newest - first < YEAR_S + INCIDENT_S:
            return None
        kept = sum(_mib(database, level.name, packed=level.packed_s is not None) for level in LEVELS[1:])
        readings = _mib(database, TICKS.name, packed=True)
    replies = {}
    for question in QUESTIONS:
        spans = _spans(extent.newest - YEAR_S, first, WARM_UPS + requests)
        replies[question] = [ours.fetch(_path(question, span)) for span in spans][WARM_UPS:]
    years = (extent.newest - first) / YEAR_S
    return Names(years=years, minutes_mib=kept, readings_mib=readings, replies=replies)


def _mib(database: sqlite3.Connection, name: str, *, packed: bool) -> float:
    tables = [name, *([f"{name}_packed"] if packed else [])]
    # A row has its key, its header and its place in the page beside the blob: some 16 bytes.
    sql = "SELECT coalesce(sum(length(shares) + 16), 0) FROM "
    return sum(int(database.execute(sql + one).fetchone()[0]) for one in tables) / MIB


def _spans(around: int, first: int, length: int) -> Iterator[tuple[int, int]]:
    """So many hours that end in the month before a time, on minutes as the stretches of /api/summary do."""
    around -= around % 60
    draw = Random("names")  # noqa: S311 - repeatable, not secret
    room = min(30 * 86_400, around - first - INCIDENT_S)
    for back in draw.sample(range(max(length, room // 60)), length):
        yield around - 60 * back - INCIDENT_S, around - 60 * back


def _path(question: str, span: tuple[int, int]) -> str:
    path, _, by = question.partition("?")
    return f"{path}?{urlencode({'from': span[0], 'to': span[1]})}{'&' if by else ''}{by}"


def as_table(names: Names) -> str:
    """Each question, in milliseconds."""
    rows = []
    for question, replies in names.replies.items():
        wall, cpu = ([getattr(one, kind) for one in replies] for kind in ("ms", "cpu_ms"))
        rows.append([question, f"{median(wall):.1f}", f"{max(wall):.1f}", f"{sum(cpu) / len(cpu):.1f}"])
    told = table(["an hour of a year ago, ms", "p50", "longest", "of the server's CPU, mean"], rows)
    return (
        f"{told}\n\nNames take {names.mib_a_year:.1f} MiB a year (minutes and longer, of {names.years:.1f} years), and"
        f" single readings {names.readings_mib:.1f} MiB in all."
    )


def judge(names: Names | None) -> list[Verdict]:
    """The goals for names."""
    if names is None:
        text = "names of a year ago: none in this history; make it with --names 1.2"
        return [Verdict(text=text, is_met=None)]
    size = f"names: {names.mib_a_year:.1f} MiB a year (goal: at most {GOAL_MIB_A_YEAR})"
    told = [Verdict(text=size, is_met=names.mib_a_year <= GOAL_MIB_A_YEAR)]
    for question, replies in names.replies.items():
        p50 = median(one.ms for one in replies)
        text = f"{question} of a year ago: {p50:.1f} ms (goal: at most {GOAL_MS})"
        told.append(Verdict(text=text, is_met=p50 <= GOAL_MS))
    return told
