"""The accounts before an outage, as they are kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.accounts import Accounts, Baseline, Group, Process, Throttling
from cpusensor.model.blame import merge
from cpusensor.model.records import Span
from cpusensor.store.baselines import pack_accounts, unpack_accounts
from cpusensor.store.columns import GarbledError
from cpusensor.store.opening import History
from tests.blames import blame, unit
from tests.samples import NOON
from tests.store.opened import rows

counts = st.integers(0, 1 << 50)
limits = st.none() | st.builds(Throttling, st.integers(1, 1 << 40), counts, counts)
groups = st.none() | st.dictionaries(st.integers(1, 1 << 63), st.builds(Group, st.just(""), st.none(), counts, limits))
usage = st.none() | st.dictionaries(st.integers(1, 1 << 22), counts)


@st.composite
def accounts(draw: st.DrawFn) -> Accounts:
    used = draw(usage)
    processes = None if used is None else {pid: Process(pid, cpu) for pid, cpu in used.items()}
    return Accounts(
        boottime=12.5, place="here", groups=draw(groups), processes=processes, is_root_exact=draw(st.booleans())
    )


@given(accounts())
def test_what_is_packed_is_unpacked(given: Accounts) -> None:
    assert unpack_accounts(pack_accounts(given), 12.5, "here") == given


@given(st.binary(max_size=40))
def test_garbage_is_told(blob: bytes) -> None:
    try:
        unpack_accounts(blob, 0.0, "")
    except GarbledError:
        return


def baseline(time: int) -> Baseline:
    found = Accounts(boottime=100.0, place="here", groups=None, processes={7: Process(7, 9)}, is_root_exact=False)
    return Baseline(time=time, boot_id="boot-1", total_busy=5, total_all=50, accounts=found)


async def test_the_newest_one_of_this_boot_is_found(store: History) -> None:
    await store.blames.add([blame(NOON + 5, unit("a"))], baseline(NOON + 5))
    await store.blames.add([], baseline(NOON + 10))

    assert await store.baselines.load("boot-1") == baseline(NOON + 10)
    assert await store.baselines.load("boot-2") is None


@pytest.mark.parametrize("since", [5, 60, 115, 900, 1000])
async def test_what_is_read_again_after_a_crash_counts_once(store: History, path: Path, since: int) -> None:
    blames = [blame(NOON + 5 * slot, unit("a")) for slot in range(1, 206)]
    await store.blames.add(blames)
    over = blame(NOON + 9000, unit("b"), since=NOON + since)
    await store.blames.add([over])
    found = await store.culprits.over(Span(from_time=NOON, to_time=NOON + 9000))

    assert found is not None
    assert found.blame == merge([*(one for one in blames if one.time <= NOON + since), over])
    assert rows(path, "SELECT count(*) FROM blame_tick") == [(since // 5 + 1,)]
