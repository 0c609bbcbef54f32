"""The fleet: what an engine is asked, and what its answers come to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.fleet import (
    CELLS,
    FLEET_RANGES,
    LAG_S,
    Member,
    NonsenseError,
    cells_of,
    found,
    members_of,
    parse_fleet_query,
    series_of,
    strip_for,
    with_cells,
)
from cpusensor.model.query import BadRequestError

NOW = 1_763_936_412
UNESCAPED = re.compile(r'\\(["\\n])')


def names_asked_for(query: str) -> str:
    """The pattern of hosts as the engine reads it, after it has read the string."""
    (text,) = re.findall(r'host=~"((?:[^"\\]|\\.)*)"\}', query, flags=re.DOTALL)
    return UNESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.text())
def test_a_pattern_of_hosts_matches_these_and_no_other_whatever_they_are_called(hosts: list[str], other: str) -> None:
    pattern = re.compile(names_asked_for(cells_of([("host", host) for host in hosts], 60)), re.DOTALL)

    assert all(pattern.fullmatch(host) for host in hosts)
    assert bool(pattern.fullmatch(other)) == (other in hosts)


@pytest.mark.parametrize("range_s", FLEET_RANGES.values())
def test_cells_end_at_multiples_of_their_length_and_none_is_open(range_s: int) -> None:
    strip = strip_for(range_s, NOW)

    assert strip.length == CELLS
    assert strip.end % strip.step == 0
    assert NOW - LAG_S - strip.step < strip.end <= NOW - LAG_S


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"range": "1y"}, "range: '1y' is not allowed; it must be one of 15m"),
        ({"sort": "cpu"}, "sort: 'cpu' is not allowed; it must be one of name"),
        ({"limit": "0"}, "limit: '0' is not allowed; it must be a whole number from 1 to 200"),
        ({"offset": "-1"}, "offset: '-1' is not allowed"),
        ({"offset": "٣"}, "offset: '٣' is not allowed"),
        ({"host": "a"}, "host: is not a parameter"),
    ],
)
def test_what_is_not_allowed_is_named(parameters: dict[str, str], named: str) -> None:
    with pytest.raises(BadRequestError, match=re.escape(named)):
        parse_fleet_query(parameters)


def answer(*series: tuple[dict[str, str], list[list[object]]]) -> dict[str, object]:
    return {"status": "success", "data": {"result": [{"metric": one, "values": values} for one, values in series]}}


@pytest.mark.parametrize(
    "nonsense",
    [None, [], {}, {"status": "error", "error": "no\x00such"}, {"status": "success", "data": {"result": [1]}},
     answer(({"host": "a"}, [[1, "NaN"]])), answer(({"host": "a"}, [["x", "1"]])), answer(({"host": "a"}, [[1]]))],
)  # fmt: skip
def test_an_answer_that_is_none_is_told_from_one(nonsense: object) -> None:
    with pytest.raises(NonsenseError) as refused:
        series_of(nonsense)

    assert str(refused.value).isprintable()


def test_a_machine_is_its_labels_and_one_that_says_nothing_now_is_silent() -> None:
    box, old = {"host": "box", "site": "lab"}, {"host": "old", "site": "lab"}
    now, seen = series_of(answer((box, [[NOW, "0.5"]]))), series_of(answer((box, [[NOW, str(NOW - 3)]])))
    mean = series_of(answer((box, [[NOW, "0.25"]]), (old, [[NOW, "0.125"]])))

    machines = {one.host: one for one in members_of(now, seen, mean, mean)}

    assert (machines["box"].now, machines["box"].mean, machines["box"].last) == (50.0, 25.0, NOW - 3)
    assert (machines["old"].now, machines["old"].max, machines["old"].last) == (None, 12.5, None)


def test_a_search_finds_parts_of_names_and_whole_labels_and_the_order_is_as_asked() -> None:
    machines = [
        Member(labels=(("host", "alpha"), ("site", "lab")), now=10.0, mean=1.0),
        Member(labels=(("host", "beta"), ("site", "lab")), now=90.0, mean=2.0),
        Member(labels=(("host", "gamma"), ("site", "label")), mean=3.0),
    ]

    def hosts(**parameters: str) -> list[str]:
        return [one.host for one in found(machines, parse_fleet_query(parameters))]

    assert hosts() == ["gamma", "beta", "alpha"]
    assert hosts(search="LAB") == ["gamma", "beta", "alpha"]
    assert hosts(search="site=lab al") == ["alpha"]
    assert hosts(sort="mean") == ["gamma", "beta", "alpha"]
    assert hosts(sort="now") == ["beta", "alpha", "gamma"]
    assert hosts(sort="name") == ["alpha", "beta", "gamma"]


def test_cells_without_a_value_are_null() -> None:
    strip = strip_for(900, NOW)
    member = Member(labels=(("host", "box"),))
    cells = series_of(answer(({"host": "box"}, [[strip.start, "0.1"], [strip.end, "1"]])))

    (shown,) = with_cells([member], cells, series_of(answer(({"host": "box"}, [[NOW, "7"]]))), strip)

    assert (shown.cells[0], shown.cells[-1], set(shown.cells[1:-1]), shown.last) == (10.0, 100.0, {None}, 7)


def test_a_machine_that_is_scraped_is_called_as_its_scraper_calls_it_and_found_beside_those_that_push() -> None:
    scraped = Member(labels=(("instance", "box:8080"), ("job", "cpu")))
    pushing = Member(labels=(("host", "den"), ("instance", "x")))

    assert (scraped.host, pushing.host) == ("box:8080", "den")
    assert cells_of([pushing.name, scraped.name], 60) == (
        'avg_over_time(cpusensor_cpu_ratio{host=~"den"}[59999ms])'
        ' or avg_over_time(cpusensor_cpu_ratio{host="",instance=~"box:8080"}[59999ms])'
    )
