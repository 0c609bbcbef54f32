"""A history in a file of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cpusensor.store.opening import History, open_history
from tests.samples import NOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cpusensor.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[History]:
    async with open_history(path, NOON) as opened:
        await opened.runs.start("boot-1", NOON, 5, "1.0.0")
        yield opened
