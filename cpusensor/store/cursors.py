"""How far each receiver of samples has got: the database is the queue, and each reads it from a position of its own."""

from collections.abc import Iterable

from cpusensor.store.database import Database

SAVE_CURSOR = "INSERT OR REPLACE INTO cursor(receiver, time) VALUES (?, ?)"


class Cursors:
    """The positions. Each is stored with the next transaction, so that none costs a commit of its own.

    After a kill a position is up to a minute old: what was sent since is sent again, with the same values.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._times: dict[str, int] = {}
        self._stored: dict[str, int] = {}

    async def load(self) -> None:
        """Load what the file says, inside a transaction; what is known already is newer. Raises sqlite3.Error."""
        rows = await self._database.execute("SELECT receiver, time FROM cursor")
        self._stored = {str(receiver): time for receiver, time in rows if isinstance(time, int)}
        self._times = self._stored | self._times

    def get(self, receiver: str) -> int | None:
        """The time up to which a receiver has everything; None for one that was never sent anything."""
        return self._times.get(receiver)

    def move(self, receiver: str, time: int) -> None:
        """A receiver has everything up to `time`."""
        self._times[receiver] = time

    async def save(self) -> None:
        """Store, inside a transaction, what has moved. Raises sqlite3.Error."""
        for receiver, time in self._moved():
            await self._database.execute(SAVE_CURSOR, (receiver, time))
            self._stored[receiver] = time

    async def close(self) -> None:
        """Store what has moved since, in a transaction of its own. Raises WriteError."""
        if any(self._moved()):
            async with self._database.transaction():
                await self.save()

    def _moved(self) -> Iterable[tuple[str, int]]:
        return [(name, time) for name, time in self._times.items() if self._stored.get(name) != time]
