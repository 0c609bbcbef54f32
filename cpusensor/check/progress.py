"""How far a command is, told to whoever waits for it."""

from typing import TextIO

from cpusensor.kernel.clock import Clock

TERMINAL_S, LOG_S = 0.2, 5.0
"""Seconds between two lines of progress, on a terminal and in a file."""


class Progress:
    """Shows progress: one line that is overwritten on a terminal, a new line every few seconds elsewhere."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown_at = clock.now().monotonic
        self._is_shown = False

    def show(self, text: str) -> None:
        """Write the text, unless the last one is too recent."""
        now = self._clock.now().monotonic
        if now - self._shown_at < (TERMINAL_S if self._is_terminal else LOG_S):
            return
        self._shown_at, self._is_shown = now, self._is_terminal
        self._stream.write(f"\r{text}\x1b[K" if self._is_terminal else f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Clear the line, so that something else can be printed."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._is_shown = False
