"""What is logged, and how often: on stderr, plain or as JSON, and nothing of it a thousand times."""

import json
import logging
import sys
from datetime import UTC, datetime

log = logging.getLogger(__name__)

NOISY = ("asyncio", "aiohttp.server")
"""Loggers of others that write a traceback for every connection that they cannot accept or make sense of."""

QUIET_S = 60.0
"""How long one of their messages is not repeated."""

MAX_MESSAGES = 100
"""How many different messages are remembered."""


class Throttle(logging.Filter):
    """Lets a message through once a minute, and then tells how often it was held back.

    A traceback stays with it only if something else failed than what a reader sent, or a connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; it is made one line."""
        line = record.getMessage().partition("\n")[0]
        key = f"{record.name} {record.msg}".partition("\n")[0]
        held = self._held.get(key, 0)
        if len(self._last) > MAX_MESSAGES:
            self._last.clear()
            self._held.clear()
        if record.created - self._last.get(key, -QUIET_S) < QUIET_S:
            self._held[key] = held + 1
            return False
        self._last[key], self._held[key] = record.created, 0
        record.msg = f"{line} ({held} more since the last time)" if held else line
        record.args = ()
        if _is_usual(record):
            record.exc_info = None
        return True


def _is_usual(record: logging.LogRecord) -> bool:
    """Whether what failed is a connection or what came over it."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is not None and (issubclass(kind, OSError) or kind.__module__.partition(".")[0] == "aiohttp")


class PlainFormatter(logging.Formatter):
    """Time, level and message on one line; only a traceback adds further ones, which are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text that any terminal can show."""
        line = f"{_time(record)} {record.levelname} {one_line(record.getMessage())}"
        return "\n  ".join([line, *map(one_line, _traceback(record))])


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its time, level, logger, message and, for an exception, its traceback."""
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": one_line(record.getMessage()),
        }
        if traceback := _traceback(record):
            fields["traceback"] = "\n".join(map(one_line, traceback))
        return json.dumps(fields)


def one_line(text: str) -> str:
    """The text with all that is not printable escaped as in Python: line breaks, control and direction characters."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def configure_logging(log_format: str) -> None:
    """Log to stderr, `plain` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in NOISY:
        logging.getLogger(name).addFilter(Throttle())


def report_refusal(error: Exception, log_format: str = "plain") -> None:
    """Say in one line why the service does not start."""
    if log_format == "json":
        log.critical("%s", error)
    else:
        sys.stderr.write(f"cpusensor: {one_line(str(error))}\n")


def _time(record: logging.LogRecord) -> str:
    """ISO 8601, UTC, with milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(record: logging.LogRecord) -> list[str]:
    """Its lines, none without an exception."""
    if not record.exc_info:
        return []
    return logging.Formatter().formatException(record.exc_info).split("\n")
