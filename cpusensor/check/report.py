"""What a check finds, line by line."""

from collections import Counter

from cpusensor.check.progress import Progress


class Report:
    """Prints what is found, up to a limit for each kind, and counts all of it."""

    def __init__(self, progress: Progress, limit: int) -> None:
        self._progress = progress
        self._limit = limit
        self._counts: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Findings of every kind."""
        return self._counts.total()

    def add(self, kind: str, text: str) -> None:
        """Count a finding, and print it up to the limit of its kind."""
        self._counts[kind] += 1
        if self._counts[kind] <= self._limit:
            self.say(f"{kind} {text}")

    def close(self, summary: str) -> None:
        """Print how many findings were not printed, and the summary."""
        for kind, count in self._counts.items():
            if count > self._limit:
                self.say(f"{kind}: {count - self._limit} more")
        self.say(f"{summary}: {f'findings {self.total:,}' if self.total else 'clean'}")

    def say(self, text: str) -> None:
        """Print one line of the answer."""
        self._progress.clear()
        print(text, flush=True)  # noqa: T201 - the answer of the command
