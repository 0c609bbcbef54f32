"""Fixtures: the whole service on a free port, with a real database and a fake clock and kernel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.running import Running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def running(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Running]:
    """The service, started at a full minute in UTC, and stopped at the end whatever the test did."""
    service = Running(tmp_path / "cpusensor.db", clock)
    await service.start()
    yield service
    await service.stop()
