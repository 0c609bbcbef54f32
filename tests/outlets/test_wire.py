import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.buckets import Buckets
from cpusensor.model.query import Answer, Grid
from cpusensor.model.records import Cause, Gap, Sample
from cpusensor.model.rollup import as_rollup
from cpusensor.outlets import wire
from tests.samples import histories, sample, without_known

GRID = Grid(from_time=1_763_936_400, to_time=1_763_936_600, step=5)


def decoded(value: wire.Json) -> Any:  # noqa: ANN401 - JSON
    return json.loads(wire.encode(value))


def test_what_a_system_does_not_report_is_null_and_never_0() -> None:
    shown = decoded(wire.sample(without_known(sample(5))))

    assert [shown[name] for name in ("iowait", "steal", "cores", "load", "pressure")] == [None] * 5


def waited(pressure_us: int) -> Sample:
    one = sample(5)
    return replace(one, figures=replace(one.figures, elapsed_ms=5000, pressure_us=pressure_us))


def test_pressure_is_the_share_of_the_interval_and_at_most_100() -> None:
    assert decoded(wire.sample(waited(1_250_000)))["pressure"] == 25.0
    assert decoded(wire.sample(waited(5_100_000)))["pressure"] == 100.0


def test_a_gap_without_proof_has_a_null_mean() -> None:
    gap = Gap(from_time=5, to_time=10, cause=Cause.CLOCK, busy=None, all=None)

    assert decoded(wire.gap(gap)) == {"from": 5, "to": 10, "cause": "clock", "cpu": None}


def test_an_event_is_its_id_its_name_and_one_line_of_data() -> None:
    assert wire.event("sample", {"a": 1}, 7) == b'id: 7\nevent: sample\ndata: {"a":1}\n\n'
    assert wire.event("beat", {"now": 1}) == b'event: beat\ndata: {"now":1}\n\n'


def test_the_time_to_come_back_after_is_part_of_the_first_event() -> None:
    assert wire.hello({"host": "box"}, 2417) == b'retry: 2417\nevent: hello\ndata: {"host":"box"}\n\n'


@given(text=st.text())
def test_no_text_can_break_out_of_its_event(text: str) -> None:
    lines = wire.event("hello", {"host": text}).decode().split("\n")

    assert len(lines) == 4
    assert json.loads(lines[1].removeprefix("data: ")) == {"host": text}


def test_a_tick_is_what_it_closed_and_then_its_sample() -> None:
    gap = Gap(from_time=5, to_time=50, cause=Cause.STALLED, busy=1, all=4)
    minute = as_rollup(sample(60))

    closed = wire.closed([gap, minute]).decode().split("\n\n")

    assert [one.split("\n")[0] for one in closed] == ["event: gap", "event: minute", ""]
    assert wire.sampled(sample(60)).startswith(b"id: 60\nevent: sample\n")


@given(history=histories())
def test_every_column_is_as_long_as_the_grid_and_null_where_nothing_was_recorded(history: list[Sample]) -> None:
    inside = [one for one in history if one.time <= GRID.end]
    record = Answer(
        grid=GRID,
        interval=1,
        buckets=Buckets.of(map(as_rollup, inside)),
        cores={one.time: one.cores for one in inside if one.cores},
        gaps=[],
        open_gap=None,
        clock_steps=[],
        kept_from=None,
    )

    body = decoded(wire.history(record, ["modes", "cores", "load", "pressure"], {}))

    times = [body["start"] + index * body["step"] for index in range(GRID.length)]
    recorded = {one.time for one in inside}
    filled = [time in recorded for time in times]
    columns = [body["cpu"], body["min"], body["max"], *body["modes"].values(), *body["cores"], body["load"]]
    for column in columns:
        assert [value is not None for value in column] == filled
    assert [bool(count) for count in body["count"]] == filled


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        wire.encode(float("nan"))
