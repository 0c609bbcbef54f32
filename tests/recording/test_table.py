"""Tables, slice by slice, against the one answer in JSON about the same grid."""

import asyncio
import csv
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.figures import MODES, SERIES
from cpusensor.model.query import BadRequestError, parse_query
from cpusensor.model.records import Cause, CoreTicks, Measured, OpenGap, Sample
from cpusensor.outlets import spreadsheet, wire
from cpusensor.recording.table import Source, plan_table, read_table
from cpusensor.recording.view import Pending, look_up
from cpusensor.store import database
from cpusensor.store.database import MAX_READING, BusyError
from cpusensor.store.opening import History
from tests.samples import NOON, histories, measured, sample
from tests.store.opened import new_store

LATER = NOON + 2 * 86_400


def source_of(history: History, waiting: Sequence[Measured] = (), open_gap: OpenGap | None = None) -> Source:
    present = Pending(interval=5, waiting=waiting, newest=history.writer.newest, open_gap=open_gap)
    turns = asyncio.Semaphore(1)
    return Source(reader=history.reader.unhurried, now=lambda: LATER, pending=lambda: present, turns=turns)


async def text_of(source: Source, limit: int, **query: str) -> str:
    """All of a table in slices of so many elements."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    table = await plan_table(parse_query({"format": "csv", **query}, LATER, first=0), source)
    slices = [found async for found in read_table(table, source, limit=limit)]
    lines = [spreadsheet.rows(found, table.question.series, table.cpus) for found in slices]
    return b"".join([spreadsheet.header(table.question, table.cpus), *lines]).decode()


async def json_of(source: Source, **query: str) -> dict[str, list[str]]:
    """The columns of the same in JSON, by the names that they have in a table, as JSON writes each number."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    question = (await plan_table(parse_query({"format": "csv", **query}, LATER, first=0), source)).question
    found = await look_up(question, LATER, source.reader, source.pending())
    body = json.loads(wire.encode(wire.history(found, question.series, {})), parse_float=str, parse_int=str)
    cores = {f"cpu{cpu}": column for cpu, column in zip(body.pop("cpus", []), body.pop("cores", []), strict=True)}
    columns = {name: body[name] for name in ("cpu", "min", "max", "count") if name in body}
    columns |= body.get(MODES, {}) | cores | {name: body[name] for name in ("load", "pressure") if name in body}
    return {name: ["" if value is None else value for value in column] for name, column in columns.items()}


@given(
    recorded=histories(length=300),
    waiting=st.integers(0, 10),
    limit=st.integers(1, 70),
    step=st.sampled_from([5, 10, 60, 300]),
    series=st.sets(st.sampled_from(SERIES)),
)
@settings(max_examples=25)
async def test_slices_say_what_one_answer_says_to_the_last_digit(
    recorded: list[Sample], waiting: int, limit: int, step: int, series: set[str]
) -> None:
    """Whatever the slices, and whether it is committed or not."""
    split = max(1, len(recorded) - waiting)
    query = {"from_": str(NOON + 7 * limit), "to": str(NOON + 1500), "step": str(step)}
    if series:
        query["series"] = ",".join(series)
    async with new_store() as history:
        await history.writer.add(measured(*recorded[:split]))
        source = source_of(history, measured(*recorded[split:]))

        rows = list(csv.DictReader((await text_of(source, limit, **query)).splitlines()))
        columns = await json_of(source, **query)

    assert {name: [row[name] for row in rows] for name in columns} == columns
    assert not rows or rows[0].keys() == {"time", *columns, "gap"}


@given(recorded=histories(length=300), limit=st.integers(1, 70), step=st.sampled_from([5, 30, 60]))
@settings(max_examples=15)
async def test_an_element_is_in_a_gap_exactly_if_it_is_empty_between_two_samples(
    recorded: list[Sample], limit: int, step: int
) -> None:
    async with new_store() as history:
        await history.writer.add(measured(*recorded))

        text = await text_of(source_of(history), limit, from_="0", to=str(NOON + 1800), step=str(step))

    rows = list(csv.DictReader(text.splitlines()))
    filled = [number for number, row in enumerate(rows) if row["cpu"]]
    inside = rows[filled[0] : filled[-1] + 1]
    assert [row["gap"] for row in inside] == ["" if row["cpu"] else "stalled" for row in inside]
    assert {row["gap"] for row in rows[: filled[0]] + rows[filled[-1] + 1 :]} <= {""}


async def test_a_gap_that_goes_on_is_told() -> None:
    async with new_store() as history:
        await history.writer.add(measured(sample(NOON + 5)))
        source = source_of(history, open_gap=OpenGap(from_time=NOON + 5, cause=Cause.UNREADABLE))

        text = await text_of(source, 2, from_=str(NOON), to=str(NOON + 20))

    assert [line.rpartition(",")[2] for line in text.splitlines()] == ["gap", "", *["unreadable"] * 3]


async def test_each_cpu_of_the_span_has_a_column_and_no_other() -> None:
    def with_cpus(time: int, *cpus: int) -> Sample:
        one = sample(time)
        return Sample(
            time=time,
            run=1,
            figures=one.figures,
            total_busy=one.total_busy,
            total_all=one.total_all,
            cores=tuple(CoreTicks(cpu=cpu, busy=cpu, all=100) for cpu in cpus),
        )

    day = NOON // 21_600 * 21_600 + 21_600
    recorded = [with_cpus(day + 5, 0, 1), with_cpus(day + 10, 0, 2), with_cpus(day + 90_000, 0, 7)]
    async with new_store() as history:
        await history.writer.add(measured(*recorded, with_cpus(day + 90_005, 9)))

        heads = [
            (await text_of(source_of(history), 4000, from_=str(begin), to=str(end), step="5", series="cores")).split()[
                0
            ]
            for begin, end in ((day, day + 5), (day + 5, day + 100), (day, day + 90_000), (day + 80_000, day + 90_005))
        ]

    assert heads == [
        "time,cpu,cpu0,cpu1,gap",
        "time,cpu,cpu0,cpu2,gap",
        "time,cpu,cpu0,cpu1,cpu2,cpu7,gap",
        "time,cpu,cpu0,cpu7,cpu9,gap",
    ]


async def test_a_table_of_nothing_is_the_names_of_its_columns() -> None:
    async with new_store() as history:
        assert await text_of(source_of(history), 10, range="all") == "time,cpu,gap\n"
        assert await text_of(source_of(history), 10, range="1y", step="60") == "time,cpu,min,max,count,gap\n"


async def test_what_waits_for_its_first_commit_is_in_the_table() -> None:
    async with new_store() as history:
        text = await text_of(source_of(history, measured(sample(NOON + 5))), 10, from_="0", to=str(NOON + 5))

    assert text == "time,cpu,gap\n2025-11-23T22:20:05Z,25.0,\n"


async def test_a_step_that_is_not_offered_is_refused() -> None:
    async with new_store() as history:
        await history.writer.add(measured(sample(NOON + 5)))

        with pytest.raises(BadRequestError, match="step: 7 is not offered"):
            await text_of(source_of(history), 10, range="1y", step="7")


async def test_it_takes_no_slot_between_two_slices_and_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with new_store() as history:
        await history.writer.add(measured(*(sample(NOON + 5 * slot) for slot in range(1, 20))))
        source = source_of(history)
        query = parse_query({"format": "csv", "range": "all"}, NOON + 95, first=0)
        slices = read_table(await plan_table(query, source), source, limit=5)
        await anext(slices)
        monkeypatch.setattr(database, "SLOT_TIMEOUT_S", 0)
        async with AsyncExitStack() as others:
            for _ in range(MAX_READING):
                await others.enter_async_context(source.reader.slot(0, 1))
            with pytest.raises(BusyError):
                await anext(slices)
