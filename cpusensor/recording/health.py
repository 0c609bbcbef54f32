"""What is wrong with the recording at present."""

from enum import Enum, auto


class Part(Enum):
    """What can fail. Of several failures the first in this order is reported."""

    # What costs the most comes first: unwritten samples, then missing ones, then doubtful ones, then what is old.
    WRITING = auto()
    READING = auto()
    SAMPLING = auto()
    CLOCK = auto()
    CPUS = auto()
    COUNTING = auto()
    ROOM = auto()
    HISTORY = auto()
    LIMIT = auto()
    NAMES = auto()
    FILLING = auto()


RECOVERED = {
    Part.SAMPLING: "samples are recorded again",
    Part.CLOCK: "the clock is set",
    Part.CPUS: "the counters of all CPUs make sense again",
    Part.COUNTING: "the kernel accounts for as much CPU time as there is again",
}
"""What is logged when a part works again."""


_ORDER = list(Part)


class Problems:
    """The present problems, at most one of each part."""

    def __init__(self) -> None:
        self._present: dict[Part, str] = {}
        self.degraded: str | None = None
        """What is wrong, in words; None while all is well."""

    def begin(self, part: Part, text: str) -> bool:
        """Note a problem of a part. Returns whether it had none until now, so that it is logged once."""
        is_new = part not in self._present
        self._present[part] = text
        self._rank()
        return is_new

    def end(self, part: Part) -> bool:
        """Note that a part works. Returns whether it had a problem until now."""
        if self._present.pop(part, None) is None:
            return False
        self._rank()
        return True

    def has(self, part: Part) -> bool:
        """Whether something is wrong with a part."""
        return part in self._present

    def _rank(self) -> None:
        gravest = min(self._present, key=_ORDER.index, default=None)
        self.degraded = None if gravest is None else self._present[gravest]
