"""The accounts as they were read last: what lives through an outage of the service is counted from them.

One row, stored with what was read, so that it fits the newest names whenever the service ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

from cpusensor.model.accounts import Accounts, Baseline, Group, Process, Throttling
from cpusensor.store.columns import GarbledError
from cpusensor.store.database import Database
from cpusensor.store.leb128 import Numbers, from_bytes, to_bytes
from cpusensor.store.statements import insert

COLUMNS = "time, boot_id, boottime_ms, total_busy, total_all, place, accounts"

INSERT = insert("baseline", f"id, {COLUMNS}")

GROUP, PROCESS = 4, 1
"""Figures of each: CPU time and three of its limit; CPU time."""


class Baselines:
    """What is kept of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, boot_id: str) -> Baseline | None:
        """That of this boot; None if there is none that can be read. Raises ReadError."""
        rows = await self._database.read(0, f"SELECT {COLUMNS} FROM baseline WHERE boot_id = ?", (boot_id,))
        for time, boot, boottime_ms, busy, every, place, blob in rows:
            try:
                accounts = unpack_accounts(blob, boottime_ms / 1000, place)
            except GarbledError:
                # Nothing is lost by it but the names over this one outage.
                return None
            return Baseline(time=time, boot_id=boot, total_busy=busy, total_all=every, accounts=accounts)
        return None

    async def forget(self) -> None:
        """Drop it: what comes next is not counted from it. Raises WriteError."""
        await self._database.write("DELETE FROM baseline", ())


def row_of_baseline(one: Baseline) -> Sequence[object]:
    """The row that INSERT takes."""
    accounts = one.accounts
    boottime_ms = round(1000 * accounts.boottime)
    blob = pack_accounts(accounts)
    return 1, one.time, one.boot_id, boottime_ms, one.total_busy, one.total_all, accounts.place, blob


def pack_accounts(accounts: Accounts) -> bytes:
    """What each group and process has used, without any name."""
    groups = {key: _figures(one) for key, one in (accounts.groups or {}).items()}
    processes = {pid: [one.cpu_us] for pid, one in (accounts.processes or {}).items()}
    are_there = accounts.groups is not None, accounts.processes is not None, accounts.is_root_exact
    return to_bytes([*map(int, are_there), *_columns(groups), *_columns(processes)])


def unpack_accounts(blob: bytes, boottime: float, place: str) -> Accounts:
    """What `pack_accounts` packed. Raises GarbledError."""
    try:
        numbers = Numbers(from_bytes(blob))
    except TypeError as error:
        raise GarbledError("a baseline is no blob") from error
    has_groups, has_processes, is_root_exact = map(bool, numbers.take(3))
    groups = {key: Group("", None, cpu, _limit(*limit)) for key, (cpu, *limit) in _rows(numbers, GROUP)}
    processes = {pid: Process(pid, cpu) for pid, (cpu,) in _rows(numbers, PROCESS)}
    return Accounts(
        boottime=boottime,
        place=place,
        groups=groups if has_groups else None,
        processes=processes if has_processes else None,
        is_root_exact=is_root_exact,
    )


def _figures(group: Group) -> list[int]:
    limit = group.throttling or Throttling(0, 0, 0)
    return [group.cpu_us, limit.periods, limit.throttled, limit.throttled_us]


def _limit(periods: int, throttled: int, throttled_us: int) -> Throttling | None:
    return Throttling(periods, throttled, throttled_us) if periods else None


def _columns(figures: Mapping[int, Sequence[int]]) -> list[int]:
    """How many there are; by how much each key is above the one before; then the figures, key by key."""
    keys = sorted(figures)
    steps = [after - before for before, after in pairwise([0, *keys])]
    return [len(keys), *steps, *(figure for key in keys for figure in figures[key])]


def _rows(numbers: Numbers, width: int) -> Iterator[tuple[int, Sequence[int]]]:
    (count,) = numbers.take(1)
    keys = accumulate(numbers.take(count))
    return ((key, numbers.take(width)) for key in keys)
