"""Starts the chosen faults all together, since most of them wait for the clock, and lets each test wait for its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.catalogue import FAULTS, Fault
from tests.faults.run import Row, start

JOBS = 3

RowOf = Callable[[Fault], Row]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        chosen = [one for one in FAULTS if one.quick]
        metafunc.parametrize("fault", chosen, ids=[one.name for one in chosen])


@pytest.fixture(scope="session")
def row_of(request: pytest.FixtureRequest) -> Iterator[RowOf]:
    """The row of a fault, once it is done."""
    chosen = [one for item in request.session.items if isinstance(one := _parameter(item), Fault)]
    pool = ThreadPoolExecutor(JOBS)
    rows = start(pool, chosen, quick=True)
    yield lambda one: rows[one.name].result()
    pool.shutdown(cancel_futures=True)


def _parameter(item: pytest.Item) -> object:
    call = getattr(item, "callspec", None)
    return call.params.get("fault") if call is not None else None
