"""What a service manager is told, on a real socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from cpusensor.config.settings import SettingsError, load_settings
from cpusensor.http.notify import notify, supervised
from cpusensor.model.records import Health
from tests.fakes import FakeClock
from tests.service import TIMEOUT_S, Service
from tests.waiting import wait_until

RECORDING = Health(is_ticking=True, degraded=None)
FED = "STATUS=recording\nWATCHDOG=1"


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._channel.bind("\0" + address[1:] if address.startswith("@") else address)

    def told(self) -> list[str]:
        """What has come since the last time."""
        messages = []
        while True:
            try:
                messages.append(self._channel.recv(4096).decode())
            except BlockingIOError:
                return messages

    def hear(self, count: int) -> list[str]:
        """The next so many messages, which must come within seconds."""
        self._channel.settimeout(TIMEOUT_S)
        messages = [self._channel.recv(4096).decode() for _ in range(count)]
        self._channel.settimeout(0)
        return messages

    def close(self) -> None:
        self._channel.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(str(tmp_path / "notify") if request.param == "path" else f"@cpusensor-test-{os.getpid()}")
    yield listening
    listening.close()


class Recording:
    """What the manager is told of."""

    def __init__(self, manager: Manager) -> None:
        self.clock = FakeClock()
        self.health = RECORDING
        self._settings = replace(load_settings([], {}), notify_socket=manager.address, watchdog_s=30.0)

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self._settings, self.clock, lambda: self.health)


async def test_it_is_ready_inside_the_block_and_stopping_after_it(manager: Manager) -> None:
    async with Recording(manager).supervised():
        begun = manager.told()

    assert (begun, manager.told()) == (["READY=1"], ["STOPPING=1"])


async def test_the_watchdog_is_fed_thrice_within_its_timeout(manager: Manager) -> None:
    recording = Recording(manager)
    async with recording.supervised():
        await asyncio.sleep(0)
        await recording.clock.advance(30)

        assert manager.told() == ["READY=1", *[FED] * 4]


async def test_the_watchdog_starves_while_no_reading_is_taken_and_only_then(manager: Manager) -> None:
    recording = Recording(manager)
    recording.health = Health(is_ticking=False, degraded="no tick for 16 s")
    async with recording.supervised():
        await asyncio.sleep(0)
        hung = manager.told()
        recording.health = Health(is_ticking=True, degraded="the disk is full")
        await recording.clock.advance(10)

        assert hung == ["READY=1", "STATUS=no tick for 16 s"]
        assert manager.told() == ["STATUS=degraded: the disk is full\nWATCHDOG=1"]


async def test_what_is_wrong_cannot_feed_the_watchdog(manager: Manager) -> None:
    recording = Recording(manager)
    recording.health = Health(is_ticking=False, degraded="hung\nWATCHDOG=1")
    async with recording.supervised():
        await asyncio.sleep(0)

        assert manager.told()[1:] == ["STATUS=hung\\nWATCHDOG=1"]


async def test_without_a_manager_nobody_is_told() -> None:
    async with supervised(load_settings([], {}), FakeClock(), lambda: RECORDING):
        assert len(asyncio.all_tasks()) == 1


def test_a_manager_that_is_gone_is_logged_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notify(str(tmp_path / "gone"), "READY=1")

    assert "the service manager could not be told 'READY=1' ([Errno 2]" in caplog.text


def test_a_manager_that_reads_nothing_is_not_waited_for(manager: Manager, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2000):
        if caplog.text:
            break
        notify(manager.address, FED)

    assert "temporarily unavailable" in caplog.text


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_a_manager_hears_that_the_process_is_ready_lives_and_stops(manager: Manager, tmp_path: Path) -> None:
    told: list[str] = []

    def is_fed_again() -> bool:
        told.extend(manager.told())
        return told.count(FED) >= 2

    # A channel keeps ten messages unread, so they are few and far between.
    with Service(tmp_path, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="3000000") as service:
        wait_until(is_fed_again, "the watchdog is not fed")
        service.terminate()
    told += manager.told()

    assert (told[0], told[-1]) == ("READY=1", "STOPPING=1")
    assert set(told[1:-1]) == {FED}


def test_the_environment_says_where_the_manager_is_and_its_timeout() -> None:
    settings = load_settings([], {"NOTIFY_SOCKET": "@manager", "WATCHDOG_USEC": "60000000"})

    assert (settings.notify_socket, settings.watchdog_s) == ("@manager", 60.0)
    assert load_settings([], {"NOTIFY_SOCKET": ""}).notify_socket is None


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "soon"])
def test_a_watchdog_timeout_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"^WATCHDOG_USEC: '{text}' is not allowed; "):
        load_settings([], {"WATCHDOG_USEC": text})
