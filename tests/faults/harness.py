"""What a fault is, and what its function is given: repetitions, folders, chance, and a place for what went wrong."""

import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from cpusensor.check.command import main as check

SEED = 20_251_124
"""Chance is the same in every run, so that a failure can be repeated."""

MAX_FINDINGS = 5
"""How many findings of one fault are told."""


class NotRunError(Exception):
    """The fault cannot be injected on this machine; its text says why."""


@dataclass(kw_only=True)
class Lab:
    """One run of one fault. What it enters on `stack` is undone at the end, whatever happens."""

    repetitions: int
    is_quick: bool
    """Whether the machine may be busy with something else: no time is a finding."""
    stack: ExitStack = field(default_factory=ExitStack)
    findings: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - picks where to cut

    def folder(self) -> Path:
        """A fresh empty folder."""
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True)))

    def expect(self, *, that: bool, otherwise: str) -> None:
        """Note what went wrong and go on."""
        if not that:
            self.findings.append(otherwise)

    def expect_clean(self, database: Path) -> None:
        """The checker has nothing to say against the database: integrity, minutes and gaps are exact."""
        told = StringIO()
        with redirect_stdout(told), redirect_stderr(told):
            status = check([str(database)])
        lines = told.getvalue().splitlines()
        self.expect(that=status == 0, otherwise=f"check: {'; '.join(lines[:2])}")


Inject = Callable[[Lab], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line of the catalogue."""

    id: str
    inject: Inject
    """Injects the fault `Lab.repetitions` times and returns the figure."""
    expected: str
    quick: int
    """Repetitions in `make test`; 0 leaves it out there."""
    full: int
    """Repetitions in `make faults`."""
    is_alone: bool
    """Whether its figure is a time, which others running beside it would spoil."""

    @property
    def name(self) -> str:
        """The function's name: a sentence."""
        return self.inject.__name__

    @property
    def sentence(self) -> str:
        """What happens, for the table."""
        return (self.inject.__doc__ or self.name).partition("\n")[0].rstrip(".")

    def repetitions(self, *, quick: bool) -> int:
        """How often it is injected."""
        return self.quick if quick else self.full


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault came to."""

    figure: str
    findings: Sequence[str] = ()
    not_run: str | None = None

    @property
    def verdict(self) -> str:
        """In a word, and why if it is not `held`."""
        if self.not_run:
            return f"not run: {self.not_run}"
        if not self.findings:
            return "held"
        more = len(self.findings) - MAX_FINDINGS
        return "FAILED: " + "; ".join(self.findings[:MAX_FINDINGS]) + (f"; and {more} more" if more > 0 else "")


FAULTS: list[Fault] = []
"""In the order in which they are defined."""


def fault(id_: str, *, expected: str, quick: int, full: int, alone: bool = False) -> Callable[[Inject], Inject]:
    """Enter a function in the catalogue."""

    def enter(inject: Inject) -> Inject:
        FAULTS.append(Fault(id=id_, inject=inject, expected=expected, quick=quick, full=full, is_alone=alone))
        return inject

    return enter


def inject_here(one: Fault, *, quick: bool) -> Outcome:
    """Inject the fault in this process; a failure of the fault's own code is a finding like any other."""
    lab = Lab(repetitions=one.repetitions(quick=quick), is_quick=quick)
    try:
        with lab.stack:
            figure = one.inject(lab)
    except NotRunError as error:
        return Outcome(figure="", not_run=str(error))
    except Exception as error:  # noqa: BLE001 - told as the verdict
        lab.findings.append(f"{type(error).__name__}: {error}".replace("\n", " ")[:400])
        return Outcome(figure="broke off", findings=lab.findings)
    return Outcome(figure=figure, findings=lab.findings)
