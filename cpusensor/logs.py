"""What is logged, and how often: plain lines on stderr, and none of them a thousand times."""

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(message)s"

NOISY = ("asyncio", "aiohttp.server")
"""Loggers of others that write a traceback for every connection that they cannot accept or make sense of."""

QUIET_S = 60.0
"""How long one of their messages is not repeated."""


MAX_MESSAGES = 100
"""How many different messages are remembered."""


class Throttle(logging.Filter):
    """Lets a message through once a minute, without its traceback, and then tells how often it was held back."""

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
        record.args, record.exc_info = (), None
        return True


def configure_logging() -> None:
    """Log to stderr, one line an event."""
    logging.basicConfig(format=FORMAT, level=logging.INFO, stream=sys.stderr)
    for name in NOISY:
        logging.getLogger(name).addFilter(Throttle())
