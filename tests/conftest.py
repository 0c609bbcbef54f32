"""Fixtures: the whole service on a free port, with a real database and a fake clock and kernel."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from hypothesis import HealthCheck, settings

from cpusensor.store import database
from tests.fakes import FakeClock
from tests.running import Running
from tests.thorough import IS_THOROUGH

# An example has no deadline, and may be slow to make: that tells of the machine, not of what is tested.
settings.register_profile(
    "untimed",
    deadline=None,
    max_examples=1000 if IS_THOROUGH else 100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")

LONGEST = (
    "tests/test_truth.py",
    "tests/faults/",
    "tests/test_engines.py",
    "tests/test_server.py",
    "tests/clients/",
    "tests/browser/",
    "tests/fuzz/",
)
"""Files that take longest, most of them by waiting: begun first, so that in the end none is waited for alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are handed out in this order."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))

    items.sort(key=rank)


class Certificate(NamedTuple):
    """Files: a certificate for this machine, its key, and the authority that signed it and that nobody else knows."""

    chain: Path
    key: Path
    authority: Path


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """For localhost and 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    files = Certificate(*(tmp_path / f"{name}.pem" for name in Certificate._fields))
    issued.cert_chain_pems[0].write_to_path(files.chain)
    issued.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.authority)
    return files


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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer waits until another one is done."""
    monkeypatch.setattr(database, "SLOT_TIMEOUT_S", 0)
