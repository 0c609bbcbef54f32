"""Two readings of the counters -> what was used in between. Pure.

The rule: CPU % = (user + nice + system + irq + softirq) / (those + idle + iowait + steal). Guests are inside user and
nice (proc_stat(5)) and are not added again; steal is the neighbour's work and not ours. It is what the kernel itself
sums as usage (kernel/cgroup/rstat.c, root_cgroup_cputime).
"""

from cpusensor.model.records import CoreTicks, Counters, CpuTimes, Sample, Ticks, Usage

RESET_TICKS = 300
"""A counter that falls by more than 3 s was reset; by less, it was rounded otherwise (node_exporter, cpu_linux.go)."""


IMPOSSIBLE = 10
"""So many times the ticks that there can have been were not counted but set, as when steal leaps after a migration."""


def basis_points(part: int, whole: int) -> int:
    """`part` of `whole` in hundredths of a percent, 0..10000, half rounded up. `whole` is above 0."""
    return (20_000 * part + whole) // (2 * whole)


def percent(part: int | None, whole: int | None) -> float | None:
    """`part` of `whole` in percent, to two decimals; None where either is unknown or `whole` is 0."""
    if part is None or not whole:
        return None
    return basis_points(part, whole) / 100


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
    ticks = sum_ticks(spent)
    if ticks is None or ticks.all == 0:
        return None
    same_cpus = before.cpus.keys() == after.cpus.keys()
    cores = tuple(CoreTicks(busy=cpu.busy, all=cpu.all) for cpu in spent)
    return Usage(ticks=ticks, cores=cores if same_cpus else None, cpus=len(common))


def is_possible(sample: Sample) -> bool:
    """Whether so many ticks can be counted in so much time; a counter that leapt says nothing about its interval."""
    return sample.ticks.all <= IMPOSSIBLE * (sample.expected + RESET_TICKS)


def sum_ticks(parts: list[Ticks]) -> Ticks | None:
    """The parts added up by kind, a kind that one of them lacks being unknown; None for no parts."""
    if not parts:
        return None
    return Ticks(
        user=sum(part.user for part in parts),
        system=sum(part.system for part in parts),
        irq=sum(part.irq for part in parts),
        iowait=sum_known([part.iowait for part in parts]),
        steal=sum_known([part.steal for part in parts]),
        all=sum(part.all for part in parts),
    )


def sum_known(values: list[int | None]) -> int | None:
    """The sum of the values, None if one of them is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


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
