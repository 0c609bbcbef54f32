"""Each fault of the catalogue, few times here; `make faults` injects all of them often and writes docs/FAULTS.md."""

import pytest

from tests.faults.conftest import RowOf
from tests.faults.harness import Fault


def test_nothing_is_lost_when(fault: Fault, row_of: RowOf) -> None:
    outcome = row_of(fault).outcome
    if outcome.not_run:
        # Some faults need root, tmpfs or a namespace, and say which; without them the others still run.
        pytest.skip(outcome.not_run)

    assert outcome.verdict == "held", f"{fault.sentence}: {outcome.figure}"
