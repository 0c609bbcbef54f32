"""Opens the file of a history, and puts a new one in its place where it is missing, unreachable or broken."""

import logging
from pathlib import Path

from cpusensor.store.database import Database, open_errors
from cpusensor.store.file import BrokenError, Lock, StorageError, can_write_beside, claim, identity, set_aside
from cpusensor.store.soundness import Doubt
from cpusensor.store.verify import find_damage

log = logging.getLogger(__name__)


class Replacing:
    """The file at the path of a database: which one is open, and what became of others."""

    def __init__(self, database: Database, lock: Lock) -> None:
        self._database = database
        self._lock = lock
        self.notice: str | None = None
        """That the history is lost or was broken, in words for a person; None if all is well."""

    async def open_or_replace(self, now: float) -> Path | None:
        """Open the file, replaced by a new one if it is broken; returns the path of the broken one, else None."""
        try:
            await self._open()
        except BrokenError as error:
            return await self.replace(str(error), now)
        return None

    async def _open(self) -> None:
        """Make the file if there is none, and open it. Raises BrokenError or StorageError."""
        path = self._database.path
        with open_errors(path):
            is_new = claim(path, had_history=self._lock.had_history)
            if is_new:
                self._announce_new()
        await self._database.open(is_new=is_new)
        # Not before: a first start that fails must not make the next one report a loss.
        with open_errors(path):
            self._lock.remember_history()

    def _announce_new(self) -> None:
        path = self._database.path
        # With a notice the file is new because the broken one was just set aside.
        if self._lock.had_history and self.notice is None:
            self.notice = "the history that was kept here is missing; a new one was begun"
            log.error("%s is missing or empty, though a history was kept here: a new one begins", path)
        else:
            log.info("%s did not exist or was empty: a new history begins here", path)

    async def replace(self, reason: str, now: float) -> Path:
        """Set the broken file aside and open a new one; returns the new path of the broken one. Raises StorageError."""
        path = self._database.path
        async with self._database.writing:
            await self._database.close()
            # On a dying disk a good database looks broken, so it is not moved there.
            if not can_write_beside(path):
                raise StorageError(f"{path}: cannot be read ({reason}), nor can its folder take a file; check the disk")
            aside = set_aside(path, now)
            log.error("%s is broken (%s): set aside as %s; reading what can be read of it", path, reason, aside.name)
            self.notice = f"the database was broken and was set aside as {aside.name}"
            await self._open()
            self._database.soundness.trust()
        return aside

    async def reopen(self, now: float) -> Path | None:
        """Reopen a file that was deleted, replaced or unreachable; returns where a broken one is now, else None."""
        database = self._database
        async with database.writing:
            found = identity(database.path)
            if found is None and database.soundness.doubt is Doubt.NONE:
                await _write_again(database)
            # On closing, SQLite deletes the log by its name, which would later be the log of the new file.
            if found != database.opened:
                await database.close()
            try:
                await self._open()
            except BrokenError as error:
                broken = str(error)
            else:
                if database.soundness.doubt is Doubt.UNREACHABLE:
                    database.soundness.trust()
                return None
        return await self.replace(broken, now)

    async def replace_if_damaged(self, now: float) -> Path | None:
        """Have SQLite check the whole file, and replace it if it is damaged; as `_reopen`. Raises ReadError."""
        damage = await find_damage(self._database)
        if damage is not None:
            return await self.replace(damage, now)
        if self._database.soundness.doubt is Doubt.DAMAGED:
            self._database.soundness.trust()
        return None


async def _write_again(database: Database) -> None:
    """Write the deleted file again: its content lives as long as the connection that has it open."""
    await database.execute("VACUUM INTO ?", (str(database.path),))
    database.path.chmod(0o600)
    log.error("%s was deleted while it was in use; it was written again, whole", database.path)
