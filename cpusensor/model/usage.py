"""Two readings of the counters -> the CPU use in between. Pure.

The rule: CPU % = (user + nice + system + irq + softirq) / (those + idle + iowait + steal). Guests are inside user and
nice (proc_stat(5)) and are not added again; steal is the neighbour's work and not ours. It is what the kernel itself
sums as usage (kernel/cgroup/rstat.c, root_cgroup_cputime).
"""

from cpusensor.model.figures import Ticks, add_up
from cpusensor.model.records import CoreTicks, Counters, CpuTimes, Usage

RESET_TICKS = 300
"""A counter that falls by more than 3 s was reset; by less, it was rounded otherwise (node_exporter, cpu_linux.go)."""

IMPOSSIBLE = 10
"""A counter that rises by this many times the ticks that the interval has room for was not counted but set, as steal is
after a live migration."""

ACCOUNTED = 0.25
"""Of the ticks that the interval has room for, a CPU accounts for at least this share, or its counters stand still in
part. Loads in step with the timer were seen to lose half."""


def was_reset(before: Counters, after: Counters) -> bool:
    """Whether a CPU of both readings began counting anew. Iowait and steal may fall by themselves (proc_stat(5))."""
    return any(_began_anew(before.cpus[cpu], after.cpus[cpu]) for cpu in _common(before, after))


def measure(before: Counters, after: Counters, room: float) -> Usage | None:
    """What the CPUs that both readings know spent in between; None when no CPU's counters say anything about it.

    `room` is the number of ticks that one CPU can have spent: the elapsed time. A CPU that counted far less or far more
    is left out.
    """
    common = _common(before, after)
    spent: dict[int, Ticks] = {}
    for cpu in sorted(common):
        one = _spent(before.cpus[cpu], after.cpus[cpu], room)
        if one is not None:
            spent[cpu] = one
    ticks = add_up(list(spent.values()))
    if ticks is None:
        return None
    same_cpus = before.cpus.keys() == after.cpus.keys()
    cores = tuple(CoreTicks(cpu=cpu, busy=one.busy, all=one.all) for cpu, one in spent.items())
    # A CPU that only one reading knows came or went, and is not reported as left out.
    left_out = sorted({*after.left_out, *(common - spent.keys())})
    return Usage(ticks=ticks, cores=cores if same_cpus else None, cpus=tuple(spent), left_out=tuple(left_out))


def stand_still(before: Counters, after: Counters) -> bool:
    """Whether no CPU counted anything."""
    return all(before.cpus[cpu].all == after.cpus[cpu].all for cpu in _common(before, after))


def _common(before: Counters, after: Counters) -> set[int]:
    return before.cpus.keys() & after.cpus.keys()


def _began_anew(before: CpuTimes, after: CpuTimes) -> bool:
    """Whether a kind fell far; idle only together with iowait, for the kernel books the one as the other and back."""
    if before.user - after.user > RESET_TICKS or before.system - after.system > RESET_TICKS:
        return True
    if before.irq is not None and after.irq is not None and before.irq - after.irq > RESET_TICKS:
        return True
    idle = before.idle - after.idle
    return idle > RESET_TICKS and idle + (before.iowait or 0) - (after.iowait or 0) > RESET_TICKS


def _spent(before: CpuTimes, after: CpuTimes, room: float) -> Ticks | None:
    """The ticks of each kind, a fall as 0 and a leap as unknown; None if the CPU accounts for too little of `room`."""
    limit = IMPOSSIBLE * (room + RESET_TICKS)
    if (plain := _spent_plainly(before, after, limit)) is not None:
        return plain if plain.all >= ACCOUNTED * room else None
    user = _rise(after.user - before.user, limit)
    system = _rise(after.system - before.system, limit)
    irq = None if before.irq is None or after.irq is None else _rise(after.irq - before.irq, limit)
    steal = None if before.steal is None or after.steal is None else _rise(after.steal - before.steal, limit)
    idle, iowait = _idle_and_iowait(before, after, limit)
    # Without one of these no share can be told; steal, irq and iowait are optional in every kernel.
    if user is None or system is None or idle is None:
        return None
    all_ticks = user + system + (irq or 0) + idle + (iowait or 0) + (steal or 0)
    if all_ticks < ACCOUNTED * room:
        return None
    return Ticks(user=user, system=system, irq=irq, iowait=iowait, steal=steal, all=all_ticks)


def _spent_plainly(before: CpuTimes, after: CpuTimes, limit: float) -> Ticks | None:
    """The same where every kind is counted, and none fell or leapt: as it nearly always is, in half the time."""
    if before.irq is None or before.iowait is None or before.steal is None:
        return None
    if after.irq is None or after.iowait is None or after.steal is None:
        return None
    user, system, irq = after.user - before.user, after.system - before.system, after.irq - before.irq
    idle, iowait, steal = after.idle - before.idle, after.iowait - before.iowait, after.steal - before.steal
    if min(user, system, irq, idle, iowait, steal) < 0 or max(user, system, irq, idle, iowait, steal) > limit:
        return None
    all_ticks = user + system + irq + idle + iowait + steal
    return Ticks(user=user, system=system, irq=irq, iowait=iowait, steal=steal, all=all_ticks)


def _idle_and_iowait(before: CpuTimes, after: CpuTimes, limit: float) -> tuple[int | None, int | None]:
    """How much each rose; what one of them gives back to the other is taken off the other's rise, for it is no use."""
    idle = after.idle - before.idle
    if before.iowait is None or after.iowait is None:
        return _rise(idle, limit), None
    iowait = after.iowait - before.iowait
    if iowait < 0 < idle:
        idle, iowait = max(0, idle + iowait), 0
    elif idle < 0 < iowait:
        idle, iowait = 0, max(0, iowait + idle)
    return _rise(idle, limit), _rise(iowait, limit)


def _rise(by: int, limit: float) -> int | None:
    """By how much a counter rose, a fall being 0; None for a leap."""
    if by > limit:
        return None
    return max(0, by)
