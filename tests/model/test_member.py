"""One machine of the fleet: what an engine is asked, and what its answers come to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.fleet import Series
from cpusensor.model.member import MemberQuery, history_of, interval_of, mean_of, parse_member_query
from cpusensor.model.query import BadRequestError, Grid

NOW = 1_763_936_400
LABELS = (("host", "box"),)
UNESCAPED = re.compile(r'\\(["\\n])')


def query_over(seconds: int, **others: str) -> MemberQuery:
    return parse_member_query({"from": str(NOW - seconds), "to": str(NOW), **others}, ["host=box"], NOW)


def series(values: dict[int, float], **labels: str) -> Series:
    return {"host": "box", **labels}, values


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), st.text(), min_size=1, max_size=3))
def test_whatever_a_machine_is_called_the_engine_is_asked_for_these_labels_and_nothing_else(
    labels: dict[str, str],
) -> None:
    query = mean_of(tuple(labels.items()), 60)

    selector = re.fullmatch(r"avg_over_time\(cpusensor_cpu_ratio\{(.*)\}\[59999ms\]\)", query, re.DOTALL)
    assert selector is not None
    # As an engine reads it: strings end at the first quote that is not escaped.
    read = re.findall(r'(?:^|,)([a-z0-9_]+)="((?:[^"\\\n]|\\.)*)"', selector[1])
    texts = {name: UNESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text) for name, text in read}
    assert texts == labels


@pytest.mark.parametrize(
    ("parameters", "labels", "named"),
    [
        ({}, [], "label: missing"),
        ({}, ["box"], "label: 'box' is not allowed"),
        ({}, ["a b=c"], "label: 'a b=c' is not allowed"),
        ({}, ["__name__=up"], "label: '__name__=up' is not allowed"),
        ({}, ['x"}=1'], "label: "),
        ({}, ["host=a", "host=b"], "label: 'host=b' is not allowed; it must be name=value, each name once"),
        ({"series": "cores"}, ["host=a"], "series: 'cores' is not allowed; it must be modes"),
        ({"format": "csv"}, ["host=a"], "format: 'csv' is not allowed"),
        ({"from": "0", "to": str(NOW)}, ["host=a"], "from: 0 is more than"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named(parameters: dict[str, str], labels: list[str], named: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_member_query(parameters, labels, NOW)

    assert str(refused.value).startswith(named)


@pytest.mark.parametrize(("count", "interval"), [(60, 1), (12, 5), (11, 5), (6, 10), (1, 60), (0, 60), (None, 5)])
def test_the_interval_follows_from_the_fullest_minute(count: int | None, interval: int) -> None:
    samples = [] if count is None else [series({NOW - 60: 1, NOW: count})]

    assert interval_of(samples, LABELS) == interval


def test_a_hole_between_two_samples_is_a_gap_and_what_lies_before_the_first_is_none() -> None:
    grid = Grid(from_time=NOW - 60, to_time=NOW, step=5)
    values = {NOW - 45: 0.1, NOW - 40: 0.1, NOW - 25: 0.2, NOW - 20: 0.2}

    history = history_of(query_over(60), grid, 5, [[series(values)]], NOW)

    assert history.cpu[:5] == [None, None, 10.0, 10.0, None]
    assert history.gaps == [(NOW - 40, NOW - 30)]


@pytest.mark.parametrize(("newest", "end"), [(NOW, None), (NOW + 3600, NOW)])
def test_a_machine_that_is_silent_for_a_minute_has_a_gap_that_lasts_while_the_span_does(
    newest: int, end: int | None
) -> None:
    grid = Grid(from_time=NOW - 300, to_time=NOW, step=5)

    history = history_of(query_over(300), grid, 5, [[series({NOW - 100: 0.5})]], newest)

    assert history.gaps == [(NOW - 100, end)]


def test_a_machine_with_more_labels_of_the_same_name_is_another() -> None:
    grid = Grid(from_time=NOW - 10, to_time=NOW, step=5)
    other = series({NOW: 0.9}, site="ams")

    history = history_of(query_over(10), grid, 5, [[other, series({NOW: 0.1})]], NOW)

    assert history.cpu == [None, 10.0]


def test_elements_of_several_samples_have_extremes_their_number_and_the_kinds_of_work() -> None:
    grid = Grid(from_time=NOW - 120, to_time=NOW, step=60)
    answers = [[series({NOW: value})] for value in (0.5, 0.1, 0.9, 12.0)]
    modes = [series({NOW: 0.4}, mode="user"), series({NOW: 0.1}, mode="system")]

    history = history_of(query_over(120, series="modes"), grid, 5, [*answers, modes], NOW)

    assert history.extremes == ([None, 10.0], [None, 90.0], [0, 12])
    assert (history.modes["user"], history.modes["irq"]) == ([None, 40.0], [None, None])
