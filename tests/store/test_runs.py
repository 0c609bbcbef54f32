"""The lives of the recording process."""

from pathlib import Path

from cpusensor.store.opening import History
from tests.samples import NOON, RUN
from tests.store.opened import rows


async def test_a_run_is_ended_only_by_a_clean_stop(store: History, path: Path) -> None:
    await store.runs.start("boot-1", NOON + 7, 5, "1.0.0")
    await store.runs.end(NOON + 99)

    assert rows(path, "SELECT id, ended FROM run") == [(RUN.id, None), (2, NOON + 99)]
