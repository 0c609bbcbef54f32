"""Two readings of the accounts -> who used the CPU between them. Pure: readings come in as arguments."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from cpusensor.model.accounts import Accounts, Group, Process, Throttling
from cpusensor.model.blame import Blame, Share, Throttle, added_throttles, ranked
from cpusensor.model.names import ROOT

START_STEP_S = 0.01
"""The start of a process is told in whole steps of this, rounded down (starttime, proc_pid_stat(5))."""

EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the counters of the CPUs recorded between two readings of the accounts."""

    time: int
    """The end, in UTC Unix seconds, as for `since`."""
    since: int
    busy_us: int
    all_us: int


class Attribution:
    """Subtracts each reading's accounts from those of the reading before."""

    def __init__(self, boot_time: float) -> None:
        """`boot_time` is when the machine was booted, in UTC Unix seconds."""
        self._boot_time = boot_time
        self._before: Accounts | None = None
        # Accounts are read one after another, so that a group can seem to have used less than its parts. The next
        # reading has that time twice: what was left out as negative is taken from it, and nothing adds up.
        self._owed: dict[Hashable, int] = {}

    def begin(self, accounts: Accounts) -> None:
        """Take a reading from which the next one is subtracted."""
        self._before = accounts
        self._owed = {}

    def take(self, accounts: Accounts, recorded: Recorded) -> Blame | None:
        """Who used the CPU since the reading before; None for the first."""
        before, self._before = self._before, accounts
        if before is None:
            return None
        living = [*_spent_by_processes(before, accounts)]
        owned = dict(_spent_by_groups(before.groups or {}, accounts.groups or {}))
        # A group that is gone pays nothing back.
        groups = accounts.groups or {}
        self._owed = {key: owed for key, owed in self._owed.items() if key == EXITED or key in groups}
        named = [(process, spent) for process, spent in living if process.name]
        return Blame(
            time=recorded.time,
            since=recorded.since,
            busy_us=recorded.busy_us,
            all_us=recorded.all_us,
            units=self._units(accounts, owned, named),
            processes=ranked(self._share(process, spent) for process, spent in named),
            exited_us=self._exited(accounts, sum(owned.values()), living),
            other_us_by_process=sum(spent for process, spent in living if not process.name),
            throttles=added_throttles(_throttles(before.groups or {}, groups)),
        )

    def _units(
        self, accounts: Accounts, owned: Mapping[int, int], living: list[tuple[Process, int]]
    ) -> tuple[Share, ...]:
        """Of each unit what its own groups used, without those of other units below them."""
        sums: Counter[str] = Counter()
        for key, spent in owned.items():
            sums[(accounts.groups or {})[key].name] += self._settled(key, spent)
        # What has no account of its own is as much as its processes that still live.
        for process, spent in living:
            if accounts.groups is None or (process.is_in_root and not accounts.is_root_exact):
                sums[process.unit or ROOT] += spent
        return ranked(
            Share(name=name, unit=name, pid=None, started=None, cpu_us=spent) for name, spent in sums.items() if spent
        )

    def _exited(self, accounts: Accounts, charged: int, living: list[tuple[Process, int]]) -> int:
        """What was charged to groups and to none of their processes that still live."""
        if accounts.groups is None or accounts.processes is None:
            return 0
        covered = sum(spent for process, spent in living if accounts.is_root_exact or not process.is_in_root)
        return self._settled(EXITED, charged - covered)

    def _settled(self, key: Hashable, spent: int) -> int:
        """What is left of an amount once what it owes is paid; below 0 it owes that."""
        left = spent + self._owed.pop(key, 0)
        if left < 0:
            self._owed[key] = left
        return max(0, left)

    def _share(self, process: Process, spent: int) -> Share:
        began = None if process.started_s is None else round(self._boot_time + process.started_s)
        return Share(name=process.name, unit=process.unit, pid=process.pid, started=began, cpu_us=spent)


def _spent_by_processes(before: Accounts, after: Accounts) -> Iterator[tuple[Process, int]]:
    """The processes that used CPU time, and how much."""
    known = before.processes or {}
    for pid, now in (after.processes or {}).items():
        was = known.get(pid)
        # Most of them are asleep, and then it is the same record.
        if was is now:
            continue
        is_older = now.started_s is None or now.started_s <= before.boottime
        # One that was there and could not be read: nobody knows how much of its time is new.
        if was is None and is_older and now.started_s is not None and now.started_s < before.boottime - START_STEP_S:
            continue
        # Its pid was another's: all of its time is new.
        is_same = was is not None and is_older and was.cpu_us <= now.cpu_us
        spent = now.cpu_us - was.cpu_us if was is not None and is_same else now.cpu_us
        if spent:
            yield now, spent


def _spent_by_groups(before: Mapping[int, Group], after: Mapping[int, Group]) -> Iterator[tuple[int, int]]:
    """What each group used by itself: its account rose by this more than those of the groups below it.

    What a group used that is gone by now stays with the one above it.
    """
    own: Counter[int] = Counter()
    for key, now in after.items():
        was = before.get(key)
        if was is now:
            continue
        spent = now.cpu_us - was.cpu_us if was is not None else now.cpu_us
        own[key] += spent
        if now.parent is not None and now.parent in after:
            own[now.parent] -= spent
    return iter(own.items())


def _throttles(before: Mapping[int, Group], after: Mapping[int, Group]) -> Iterator[Throttle]:
    """How limits held units back; a limit that is set anew counts on."""
    for key, now in after.items():
        was, present = before.get(key), now.throttling
        # One that never ran into its limit is like one without.
        if was is now or present is None or not present.throttled:
            continue
        past = (was.throttling if was else None) or Throttling(0, 0, 0)
        yield Throttle(
            unit=now.name,
            periods=max(0, present.periods - past.periods),
            throttled=max(0, present.throttled - past.throttled),
            throttled_us=max(0, present.throttled_us - past.throttled_us),
        )
