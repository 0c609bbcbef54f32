"""How sound the file is: one value, raised by every reader and writer that notices something."""

from dataclasses import dataclass
from enum import IntEnum


class Doubt(IntEnum):
    """What is wrong with the file, the gravest last."""

    NONE = 0
    UNREACHABLE = 1
    """A write failed for a reason that does not pass by itself: the file has to be reopened."""
    DAMAGED = 2
    """SQLite reports damage. A failing disk makes it report a good file too, so it has to be asked again."""
    GARBLED = 3
    """A row holds what cannot have been written. SQLite does not notice that, so asking it again cannot help."""


@dataclass(slots=True)
class Soundness:
    """The gravest doubt since the file was last opened, and the reason for it."""

    doubt: Doubt = Doubt.NONE
    reason: str = ""

    def question(self, doubt: Doubt, reason: str) -> None:
        """Note a doubt, unless there is a graver one."""
        if doubt > self.doubt:
            self.doubt, self.reason = doubt, reason

    def trust(self) -> None:
        """Note that the file was found sound, or was replaced."""
        self.doubt, self.reason = Doubt.NONE, ""
