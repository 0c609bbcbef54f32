"""Fixtures: a service that shows the fleet of an engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_engine import FakeEngine
from tests.fakes import FakeClock
from tests.running import Running


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    one = FakeEngine()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def showing(tmp_path: Path, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[Running]:
    service = Running(tmp_path / "cpusensor.db", clock)
    await service.start("--engine", engine.url)
    yield service
    await service.stop()
