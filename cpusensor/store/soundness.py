"""How sound the file is, as far as anybody has noticed: one value, noted by whoever reads or writes."""

from dataclasses import dataclass
from enum import IntEnum


class Doubt(IntEnum):
    """What there is against the file, the gravest last."""

    NONE = 0
    UNREACHABLE = 1
    """A write failed for a reason that does not pass by itself: the file wants opening anew."""
    DAMAGED = 2
    """SQLite takes it for damaged. A failing disk makes it say so of a good file too: it wants asking again."""
    GARBLED = 3
    """A row holds what cannot have been written. SQLite does not notice that: asking it again would not help."""


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
        """The file was found sound, or another one took its place."""
        self.doubt, self.reason = Doubt.NONE, ""
