"""The log: on stderr, as plain lines or JSON, with repeated messages of libraries suppressed."""

import json
import logging
import sys
from datetime import UTC, datetime

log = logging.getLogger(__name__)

NOISY = ("asyncio", "aiohttp.server", "cpusensor.http.guard")
"""Loggers of what peers do: libraries write a traceback for each connection that they cannot accept or parse."""

QUIET_S = 60.0
"""Seconds in which the same message is not written again."""

MAX_MESSAGES = 100
"""Different messages that are remembered: a message that varies must not fill the memory."""


class Throttle(logging.Filter):
    """Passes a message once a minute, with the number of times that it was suppressed.

    It drops the traceback of an error that a peer caused: a broken connection, or a request that cannot be parsed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; it is then reduced to one line."""
        line = record.getMessage().partition("\n")[0]
        # The format and not the message: arguments such as addresses differ each time.
        key = f"{record.name} {record.msg}".partition("\n")[0]
        suppressed = self._suppressed.get(key, 0)
        # Rare enough that finding the oldest is not worth code.
        if len(self._last) > MAX_MESSAGES:
            self._last.clear()
            self._suppressed.clear()
        if record.created - self._last.get(key, -QUIET_S) < QUIET_S:
            self._suppressed[key] = suppressed + 1
            return False
        self._last[key], self._suppressed[key] = record.created, 0
        record.msg = f"{line} ({suppressed} more since the last time)" if suppressed else line
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
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


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
