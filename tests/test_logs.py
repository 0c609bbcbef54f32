import logging

import pytest

from cpusensor.logs import Throttle


def record(message: str, *, at: float, logger: str = "asyncio") -> logging.LogRecord:
    one = logging.LogRecord(logger, logging.ERROR, "", 0, message, (), (ValueError, ValueError("x"), None))
    one.created = at
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


@pytest.mark.parametrize("other", ["something else", "bad request: 2"])
def test_different_messages_do_not_hide_each_other(other: str) -> None:
    throttle = Throttle()
    throttle.filter(record("bad request: 1", at=0.0))

    assert throttle.filter(record(other, at=1.0))
