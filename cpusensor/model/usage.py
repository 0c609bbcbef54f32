"""Two readings of the counters -> what was used in between. Pure.

The rule: CPU % = (user + nice + system + irq + softirq) / (those + idle + iowait + steal). Guests are inside user and
nice (proc_stat(5)) and are not added again; steal is the neighbour's work and not ours. It is what the kernel itself
sums as usage (kernel/cgroup/rstat.c, root_cgroup_cputime).
"""

from cpusensor.model.figures import Figures, Ticks, add_up
from cpusensor.model.records import CoreTicks, Counters, CpuTimes, Usage

RESET_TICKS = 300
"""A counter that falls by more than 3 s was reset; by less, it was rounded otherwise (node_exporter, cpu_linux.go)."""


IMPOSSIBLE = 10
"""A counter that rises by this many times the ticks that the interval has room for was not counted but set, as steal is
after a live migration."""


def was_reset(before: Counters, after: Counters) -> bool:
    """Whether a CPU of both readings began counting anew. Iowait and steal may fall by themselves (proc_stat(5))."""
    return any(
        getattr(after.cpus[cpu], kind) < getattr(before.cpus[cpu], kind) - RESET_TICKS
        for cpu in _common(before, after)
        for kind in ("user", "system", "irq", "idle")
    )


def measure(before: Counters, after: Counters) -> Usage | None:
    """What the CPUs that both readings know spent in between; None when the counters did not move."""
    common = _common(before, after)
    spent = [_spent(before.cpus[cpu], after.cpus[cpu]) for cpu in common]
    ticks = add_up(spent)
    if ticks is None or ticks.all == 0:
        return None
    same_cpus = before.cpus.keys() == after.cpus.keys()
    cores = tuple(CoreTicks(busy=cpu.busy, all=cpu.all) for cpu in spent)
    return Usage(ticks=ticks, cores=cores if same_cpus else None, cpus=len(common))


def is_possible(figures: Figures) -> bool:
    """Whether so many ticks can be counted in so much time; a counter that leapt says nothing about its interval."""
    return figures.all <= IMPOSSIBLE * (figures.expected + RESET_TICKS)


def _common(before: Counters, after: Counters) -> list[int]:
    return sorted(before.cpus.keys() & after.cpus.keys())


def _spent(before: CpuTimes, after: CpuTimes) -> Ticks:
    """Each kind by itself, one that fell counted as 0."""
    user = max(0, after.user - before.user)
    system = max(0, after.system - before.system)
    irq = max(0, after.irq - before.irq)
    idle = max(0, after.idle - before.idle)
    iowait = _rise(before.iowait, after.iowait)
    steal = _rise(before.steal, after.steal)
    all_ticks = user + system + irq + idle + (iowait or 0) + (steal or 0)
    return Ticks(user=user, system=system, irq=irq, iowait=iowait, steal=steal, all=all_ticks)


def _rise(before: int | None, after: int | None) -> int | None:
    if before is None or after is None:
        return None
    return max(0, after - before)
