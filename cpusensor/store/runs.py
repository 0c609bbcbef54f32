"""The lives of the recording process: when each began, on which grid it recorded, and whether it ended well."""

from cpusensor.model.records import Run, Sample
from cpusensor.store.columns import RUN_COLUMNS, row_of_run, run_of_row
from cpusensor.store.database import Database
from cpusensor.store.statements import INSERT_RUN

MAX_LOOKED_AT = 20
"""How many runs without a sample are passed over in search of the last one that recorded."""


class Runs:
    """All runs that the database knows, the present one last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: list[Run] = []
        self._present: Run | None = None

    @property
    def present(self) -> Run:
        """The present run, once it was begun."""
        if self._present is None:
            raise RuntimeError("no run was begun")
        return self._present

    @property
    def was_left_open(self) -> bool:
        """Whether the run before the present one did not end in good order."""
        return any(run.ended is None for run in self._known[-2:-1])

    @property
    def intervals(self) -> set[int]:
        """The sampling intervals of all runs."""
        return {run.interval for run in self._known}

    @property
    def grid(self) -> int:
        """Seconds between two slots of the present run."""
        return self._present.interval if self._present else 1

    @property
    def before(self) -> list[Run]:
        """The newest runs before the present one, the last one last."""
        return self._known[-1 - MAX_LOOKED_AT : -1]

    def interval_of(self, sample: Sample) -> int:
        """Seconds between two slots of the run that recorded the sample."""
        return next((run.interval for run in self._known if run.id == sample.run), self.grid)

    def preceding(self, newest: Sample | None) -> list[Run]:
        """The runs before the present one, back to that of the newest sample; without a sample, only the last."""
        before = self._known[:-1]
        if newest is None:
            return before[-1:]
        return [run for run in before if run.id >= newest.run]

    async def load(self) -> None:
        """Learn, inside a transaction, what is in the file. Raises GarbledError and sqlite3.Error."""
        rows = await self._database.execute(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")
        self._known = [run_of_row(row) for row in rows]

    async def start(self, boot_id: str, started: float, interval: int, version: str) -> Run:
        """Note that recording begins. Raises WriteError."""
        run_id = self._known[-1].id + 1 if self._known else 1
        run = Run(id=run_id, boot_id=boot_id, started=int(started), ended=None, interval=interval, version=version)
        await self._database.write(INSERT_RUN, row_of_run(run))
        self._known.append(run)
        self._present = run
        return run

    async def resume(self) -> None:
        """Note the present run in a file that does not know it, as one that took a broken one's place."""
        run = self._present
        if run is not None and run not in self._known:
            await self.start(run.boot_id, run.started, run.interval, run.version)

    async def end(self, ended: float) -> None:
        """Note that recording ended as it should: without this, the next start finds a crash. Raises WriteError."""
        if self._present is not None:
            await self._database.write("UPDATE run SET ended = ? WHERE id = ?", (int(ended), self._present.id))
