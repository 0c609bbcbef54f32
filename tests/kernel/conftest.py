"""Fixtures: the accounts of the machine that this runs on."""

from collections.abc import Iterator

import pytest

from tests.obeying import Watch


@pytest.fixture
def watch() -> Iterator[Watch]:
    one = Watch()
    yield one
    one.reader.close()
