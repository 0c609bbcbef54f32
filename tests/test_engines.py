"""Pushing to real engines, of which one is killed under it; skipped with the reason where they are not installed."""

from pathlib import Path

import pytest

from tests.engines import PROMETHEUS, VICTORIA, Kind
from tests.outage import prove


@pytest.mark.parametrize("kind", [VICTORIA, PROMETHEUS], ids=lambda kind: kind.name)
def test_after_an_outage_the_engine_has_what_the_database_has_and_its_gaps(kind: Kind, tmp_path: Path) -> None:
    if kind.missing:
        # Neither comes from a package of Python's.
        pytest.skip(kind.missing)

    proof = prove(kind, tmp_path, 3)

    assert proof.is_whole, str(proof)
    assert proof.gaps >= 2
