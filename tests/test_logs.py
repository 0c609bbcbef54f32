import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.logs import JsonFormatter, PlainFormatter, Throttle, one_line, report_refusal

HOSTILE = "no\nsuch\x1b[2Jfile\x9b\u202e\u2028\udcff"
ESCAPED = r"no\nsuch\x1b[2Jfile\x9b\u202e\u2028\udcff"


def record(message: str, *, at: float, error: Exception | None = None) -> logging.LogRecord:
    error = error or OSError(24, "x")
    one = logging.LogRecord("asyncio", logging.ERROR, "", 0, message, (), (type(error), error, None))
    one.created = at
    return one


def failed(message: str) -> logging.LogRecord:
    """A record of an exception that was raised."""
    with pytest.raises(LookupError) as raised:
        raise LookupError(message)
    exc_info = (raised.type, raised.value, raised.tb)
    return logging.LogRecord("cpusensor.http.app", logging.CRITICAL, "", 0, "%s failed", ("sampling",), exc_info)


def said(message: str) -> logging.LogRecord:
    one = logging.LogRecord("cpusensor.http.app", logging.WARNING, "", 0, "%s", (message,), None)
    one.created = 1_763_936_400.0625
    return one


def test_a_message_is_written_once_a_minute_and_then_told_how_often_it_was_held_back() -> None:
    throttle = Throttle()
    written = [one for at in range(70) if throttle.filter(one := record("out of resources\nsocket: 7", at=at))]

    assert [one.getMessage() for one in written] == [
        "out of resources",
        "out of resources (59 more since the last time)",
    ]


def test_what_is_written_is_one_line_without_a_traceback() -> None:
    one = record("bad request\nTraceback", at=0.0)
    Throttle().filter(one)

    assert (one.getMessage(), one.exc_info) == ("bad request", None)


def test_an_error_of_our_own_keeps_its_traceback() -> None:
    one = record("Unhandled exception", at=0.0, error=UnicodeError("ours"))
    Throttle().filter(one)

    assert one.exc_info is not None


@pytest.mark.parametrize("other", ["something else", "bad request: 2"])
def test_different_messages_do_not_hide_each_other(other: str) -> None:
    throttle = Throttle()
    throttle.filter(record("bad request: 1", at=0.0))

    assert throttle.filter(record(other, at=1.0))


def test_a_plain_line_has_time_level_and_message() -> None:
    assert PlainFormatter().format(said("the clock was set")) == "2025-11-23T22:20:00.062Z WARNING the clock was set"


def test_a_json_line_has_time_level_logger_and_message() -> None:
    assert json.loads(JsonFormatter().format(said("часы"))) == {
        "time": "2025-11-23T22:20:00.062Z",
        "level": "warning",
        "logger": "cpusensor.http.app",
        "message": "часы",
    }


@given(text=st.text() | st.just(HOSTILE))
def test_whatever_a_message_holds_its_line_is_one_and_harmless(text: str) -> None:
    plain, as_json = PlainFormatter().format(said(text)), JsonFormatter().format(said(text))

    assert plain.isprintable()
    assert as_json.isprintable()
    assert as_json.isascii()
    assert json.loads(as_json)["message"].isprintable()


@given(text=st.text(st.characters(exclude_categories=["C", "Z"])))
def test_what_is_printable_is_written_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_what_is_not_printable_is_escaped() -> None:
    assert one_line(HOSTILE) == ESCAPED
    assert json.loads(JsonFormatter().format(said(HOSTILE)))["message"] == ESCAPED


def test_a_traceback_is_indented_so_that_no_line_of_it_passes_for_an_event() -> None:
    lines = PlainFormatter().format(failed("x\n2025-11-23T22:20:00.000Z CRITICAL forged\x1b[2J")).split("\n")

    assert lines[0].endswith("Z CRITICAL sampling failed")
    assert lines[1] == "  Traceback (most recent call last):"
    assert lines[-1] == r"  2025-11-23T22:20:00.000Z CRITICAL forged\x1b[2J"
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_traceback_is_one_text_in_json() -> None:
    line = JsonFormatter().format(failed("x\x1b"))

    assert line.isprintable()
    traceback = json.loads(line)["traceback"]
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("\nLookupError: x\\x1b")


def test_a_refusal_is_one_line_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    report_refusal(ValueError("a\nb"))

    assert capsys.readouterr().err == "cpusensor: a\\nb\n"


def test_a_refusal_is_an_event_where_a_program_reads_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    report_refusal(ValueError("a"), "json")

    assert capsys.readouterr().err == ""
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [("CRITICAL", "a")]
    assert re.search('"level": "critical"', JsonFormatter().format(caplog.records[0]))
