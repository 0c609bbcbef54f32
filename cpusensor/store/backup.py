"""Copies the file as it was before a new version of the schema, beside the recording.

SQLite copies the snapshot that it sees when it begins, so the migration need not wait for the end of the copy.
"""

import asyncio
import glob
import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from urllib.parse import quote

from cpusensor.store.file import room_beside

log = logging.getLogger(__name__)

ROOM = 1.2
"""Times the size of the file must be free: the copy, and what is recorded meanwhile."""

LOOK_S = 0.002
"""Seconds between two looks at whether the copy has begun."""


class Backup:
    """The copy that is being made; at most one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._copying: asyncio.Future[None] | None = None
        self._is_over = Event()

    def tidy(self) -> None:
        """Remove a copy that was not finished because the process was killed: the file is no longer what it was."""
        for part in self._path.parent.glob(f"{glob.escape(self._path.name)}.v*.part"):
            part.unlink(missing_ok=True)
            log.warning("%s was not finished and is removed: no copy is kept of the file as it was", part)

    async def begin(self, version: int) -> None:
        """Begin to copy the file of this version; return once later changes can no longer get into the copy."""
        target = self._path.with_name(f"{self._path.name}.v{version}")
        size = self._path.stat().st_size
        if target.exists():
            return
        if room_beside(self._path).free < ROOM * size:
            log.warning("%s is brought up to date without a copy: there is no room for %d MiB", self._path, size >> 20)
            return
        part = target.with_name(f"{target.name}.part")
        # Made here, for SQLite would make it readable to all.
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        self._copying = asyncio.ensure_future(asyncio.to_thread(self._copy, part, target))
        await asyncio.to_thread(self._wait_for_snapshot, part)

    async def close(self) -> None:
        """Give up a copy that is not finished."""
        if self._connection is not None:
            self._connection.interrupt()
        if self._copying is not None:
            await asyncio.wait({self._copying})

    def _wait_for_snapshot(self, part: Path) -> None:
        while not self._is_over.wait(LOOK_S):
            # The first page in the copy proves that SQLite reads from a snapshot.
            with suppress(FileNotFoundError):
                if part.stat().st_size:
                    return

    def _copy(self, part: Path, target: Path) -> None:
        uri = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as self._connection:
                self._connection.execute("VACUUM INTO ?", (str(part),))
            part.rename(target)
        except (sqlite3.Error, OSError) as error:
            log.warning("%s could not be copied as it was (%s)", self._path, error)
            with suppress(OSError):
                part.unlink(missing_ok=True)
        else:
            log.info("%s is kept as it was before this version, as %s", self._path, target.name)
        finally:
            self._connection = None
            self._is_over.set()
