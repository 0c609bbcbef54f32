"""A time as people and programs write it. Pure."""

import re
from datetime import UTC, datetime

MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""
# Checked before int(), which takes time that grows with the square of the digits.
MAX_TIME_DIGITS = len(str(MAX_TIME))

WRITTEN = "epoch seconds or ISO 8601 such as 2026-01-31T12:00Z, which is UTC without a zone"
"""How a time may be written."""


def parse_time(text: str) -> int:
    """UTC Unix seconds, of which a part is left out. Raises ValueError for what is no time from 1970 to 9999."""
    try:
        time = int(text) if _is_number(text) else int(_moment(text).timestamp())
    except (ValueError, OverflowError):
        time = -1
    if not 0 <= time <= MAX_TIME:
        raise ValueError(f"{text!r} is no time; it must be {WRITTEN}")
    return time


def time_text(time: int) -> str:
    """UTC Unix seconds as ISO 8601 writes them."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_TIME_DIGITS


def _moment(text: str) -> datetime:
    # In an address a plus that nobody encoded is a space.
    moment = datetime.fromisoformat(re.sub(r"(T\S+) (\d\d:?\d\d)$", r"\1+\2", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
