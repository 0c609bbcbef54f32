"""The whole service inside the test's own loop: a real server and database, with a fake clock and kernel."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession, web

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.connections import TIMEOUTS
from cpusensor.http.keys import BROADCAST, ENDED, HISTORY, KEEPER, NAMING, RECORDER
from cpusensor.http.listening import listen
from cpusensor.http.serving import start_serving
from cpusensor.store.opening import History
from tests.fakes import FakeAccounts, FakeClock, FakeKernel
from tests.service import TIMEOUT_S


class Event(NamedTuple):
    """One event as a reader of the stream sees it."""

    name: str
    data: Any
    id: int | None


class Running:
    """A service that a test starts, drives and stops; a restart keeps database and clock."""

    def __init__(self, database: Path, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.kernel = FakeKernel(clock)
        self.accounts = FakeAccounts()
        self.timeouts = TIMEOUTS
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self._app: web.Application | None = None

    @property
    def session(self) -> ClientSession:
        assert self._session is not None
        return self._session

    @property
    def history(self) -> History:
        assert self._app is not None
        return self._app[HISTORY]

    async def start(self, *flags: str) -> None:
        # Names come in a thread of their own, so that a test that does not ask for them knows its stream's events.
        settings = load_settings(["--db", str(self.database), "--name", "box", "--top", "off", *flags], {})
        self._app = app = create_app(
            settings, clock=self.clock, kernel=self.kernel, accounts=self.accounts, timeouts=self.timeouts
        )
        listener = listen(replace(settings, host="127.0.0.1", port=0))
        self.port = listener.port
        self._session = ClientSession(listener.url())
        self._runner = await start_serving(self._app, listener)
        self.clock.is_settled = lambda: (
            app[RECORDER].committer.is_idle and not app[NAMING]().is_reading and app[KEEPER].is_idle
        )
        self.clock.sleepers = lambda: 2 if app[BROADCAST].is_followed.is_set() else 1
        self.clock.is_ended = app[ENDED].is_set

    async def stop(self) -> None:
        if self._runner is None or self._session is None:
            return
        self.clock.is_settled, self.clock.is_ended = lambda: True, lambda: False
        self.clock.sleepers = lambda: sys.maxsize
        await self._session.close()
        await self._runner.cleanup()
        self._runner = self._session = None

    async def ended(self) -> None:
        """Return once the service asks to be ended."""
        assert self._app is not None
        async with asyncio.timeout(TIMEOUT_S):
            await self._app[ENDED].wait()

    async def restart(self, *flags: str) -> None:
        await self.stop()
        await self.start(*flags)

    async def crash(self) -> None:
        """End as a killed process does: nothing notes that it ended."""
        await self.stop()
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE run SET ended = NULL WHERE id = (SELECT max(id) FROM run)")

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.session.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    async def raw(self, request: str, encoding: str = "latin-1") -> bytes:
        """Send it as it is, and read until the service closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode(encoding))
        async with asyncio.timeout(TIMEOUT_S):
            answer = await reader.read()
        writer.close()
        return answer

    async def status(self, path: str) -> int:
        async with await self.get(path) as response:
            return response.status

    async def json(self, path: str) -> Any:  # noqa: ANN401 - a test looks into it as it likes
        async with await self.get(path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    @asynccontextmanager
    async def events(self, query: str = "", **headers: str) -> AsyncIterator["Reader"]:
        """An open stream."""
        async with await self.get("events" + query, **headers) as response:
            assert response.status == 200, await response.text()
            yield Reader(response)


class Reader:
    """Reads events off an open stream."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self) -> Event:
        """The next event."""
        name, data, event_id = "", "", None
        async with asyncio.timeout(TIMEOUT_S):
            while line := (await self._response.content.readline()).decode():
                field, _, value = line.rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif field == "id":
                    event_id = int(value)
                elif not field and data:
                    return Event(name, json.loads(data), event_id)
        raise EOFError

    async def until(self, name: str) -> Event:
        """The next event of that name."""
        while (event := await self.next()).name != name:
            pass
        return event

    async def take(self, count: int) -> list[Event]:
        """The next `count` events."""
        return [await self.next() for _ in range(count)]
