"""The runs of the recording process: when each began, its interval, and whether it ended cleanly."""

from collections.abc import Sequence
from contextlib import suppress

from cpusensor.model.records import Run, Sample
from cpusensor.model.times import MAX_TIME
from cpusensor.store.columns import RUN_COLUMNS, row_of_run, run_of_row
from cpusensor.store.database import Database, ReadError
from cpusensor.store.plan import Part
from cpusensor.store.sealed import HOUR
from cpusensor.store.statements import HOUR_OF_RUN, INSERT_RUN, NEWEST_OF_RUN, TIMES_SET_BACK

DAY_S = 86_400

MAX_LOOKED_AT = 20
"""Runs to search for the last one that has a sample: a crash loop may leave thousands without any."""


class Runs:
    """All runs that the database knows, the present one last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: list[Run] = []
        self._present: Run | None = None

    @property
    def present(self) -> Run:
        """The present run. Raises RuntimeError before it was begun."""
        if self._present is None:
            raise RuntimeError("no run was begun")
        return self._present

    @property
    def was_left_open(self) -> bool:
        """Whether the run before the present one did not end in good order."""
        # A slice, for there may be no run before.
        return any(run.ended is None for run in self._known[-2:-1])

    @property
    def known(self) -> Sequence[Run]:
        """All of them, in the order in which they began."""
        return self._known

    @property
    def intervals(self) -> set[int]:
        """The sampling intervals of all runs."""
        return {run.interval for run in self._known}

    @property
    def present_interval(self) -> int:
        """Seconds between two slots of the present run; 1, on which every time is a slot, before it was begun."""
        return self._present.interval if self._present else 1

    @property
    def before(self) -> list[Run]:
        """The newest runs before the present one, the last one last."""
        return self._known[-1 - MAX_LOOKED_AT : -1]

    def interval_of(self, sample: Sample) -> int:
        """Seconds between two slots of the run that recorded the sample."""
        return next((run.interval for run in self._known if run.id == sample.run), self.present_interval)

    def preceding(self, newest: Sample | None) -> list[Run]:
        """The runs before the present one, back to that of the newest sample; without a sample, only the last."""
        before = self._known[:-1]
        if newest is None:
            return before[-1:]
        # Runs that ended before their first sample are part of the same gap, and so are their causes.
        return [run for run in before if run.id >= newest.run]

    async def newest_sample_of(self, run: Run) -> int | None:
        """The time of the last sample of a run, by its clock; None if that is not certain. Raises ReadError.

        It is not after a crash of a run whose clock was set back, for then the highest time is not the last one.
        """
        # Few rows of other runs lie above those of this one: only what a wrong clock left in the future.
        begin = run.started - DAY_S
        rows = await self._database.read(0, NEWEST_OF_RUN, (run.id, begin, MAX_TIME))
        for (hour,) in await self._database.read(0, HOUR_OF_RUN, (begin, run.id)):
            part = Part(tier=None, from_time=hour - HOUR, to_time=hour)
            rows += await self._database.read(0, NEWEST_OF_RUN, (run.id, part.from_time, hour), (part,))
        highest = max((time for (time,) in rows if time is not None), default=None)
        if highest is None or (run.ended is not None and run.ended < highest):
            return run.ended if highest is not None else None
        ((set_back,),) = await self._database.read(0, TIMES_SET_BACK, (begin, highest))
        return None if set_back else highest

    async def load(self) -> None:
        """Load the runs of the file, inside a transaction. Raises GarbledError and sqlite3.Error."""
        rows = await self._database.execute(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")
        self._known = [run_of_row(row) for row in rows]

    async def start(self, boot_id: str, started: float, interval: int, version: str) -> Run:
        """Store a new run and return it. Raises WriteError."""
        run_id = self._known[-1].id + 1 if self._known else 1
        run = Run(id=run_id, boot_id=boot_id, started=int(started), ended=None, interval=interval, version=version)
        await self._database.write(INSERT_RUN, row_of_run(run))
        self._known.append(run)
        self._present = run
        return run

    async def resume(self) -> None:
        """Store the present run in a file that replaced a broken one and lacks it. Raises WriteError."""
        run = self._present
        if run is not None and run not in self._known:
            await self.start(run.boot_id, run.started, run.interval, run.version)

    async def end(self, ended: float) -> None:
        """Store that the run ended cleanly; without this the next start reports a crash. Raises WriteError."""
        if self._present is not None:
            await self._database.write("UPDATE run SET ended = ? WHERE id = ?", (int(ended), self._present.id))


async def reached_by_earlier_boot(runs: Runs) -> int | None:
    """The time of the newest sample of an earlier boot, by its clock; None if there is none or it is not certain.

    If a run of the present boot recorded something, the clock was believed then.
    """
    with suppress(ReadError):
        for run in reversed(runs.before):
            reached = await runs.newest_sample_of(run)
            if reached is not None:
                return None if run.boot_id == runs.present.boot_id else reached
    return None
