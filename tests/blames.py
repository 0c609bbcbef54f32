"""What was read of who used the CPU, for the tests of whatever takes it."""

from dataclasses import replace

from hypothesis import strategies as st

from cpusensor.model.blame import Blame, Share, Throttle, added_throttles, ranked
from tests.samples import NOON

SECOND = 1_000_000
"""In microseconds."""


def unit(name: str, cpu_us: int = SECOND) -> Share:
    return Share(name=name, unit=name, pid=None, started=None, cpu_us=cpu_us)


def process(name: str, cpu_us: int = SECOND, *, unit: str = "a.service", pid: int = 100, started: int = NOON) -> Share:
    return Share(name=name, unit=unit, pid=pid, started=started, cpu_us=cpu_us)


def blame(time: int, *shares: Share, since: int | None = None, busy_us: int = 5 * SECOND, exited_us: int = 0) -> Blame:
    """What was read for a tick of five seconds, of two CPUs, unless it says otherwise."""
    begin = time - 5 if since is None else since
    return Blame(
        time=time,
        since=begin,
        busy_us=busy_us,
        all_us=2 * SECOND * (time - begin),
        units=ranked(one for one in shares if one.pid is None),
        processes=ranked(one for one in shares if one.pid is not None),
        exited_us=exited_us,
    )


cpu_times = st.integers(1, 500).map(lambda hundredths: 10_000 * hundredths)


@st.composite
def readings(draw: st.DrawFn, *, length: int = 60, step: int = 20) -> list[Blame]:
    """Readings at multiples of `step` seconds, each from where the one before ended, of at most nine names a view."""
    ends = sorted(draw(st.sets(st.integers(1, length), min_size=1, max_size=12)))
    made, before = [], NOON
    for end in ends:
        units = draw(
            st.lists(st.tuples(st.sampled_from("abcdefghi"), cpu_times), max_size=4, unique_by=lambda one: one[0])
        )
        processes = draw(st.lists(st.tuples(st.integers(1, 9), cpu_times), max_size=4, unique_by=lambda one: one[0]))
        shares = [unit(name, cpu) for name, cpu in units]
        shares += [process("p", cpu, unit="abc"[pid % 3], pid=pid) for pid, cpu in processes]
        busy, exited = draw(cpu_times), draw(cpu_times)
        one = blame(NOON + step * end, *shares, since=before, busy_us=busy, exited_us=exited)
        held = [Throttle(unit=name, periods=2 + cpu % 7, throttled=cpu % 3, throttled_us=cpu) for name, cpu in units]
        made.append(replace(one, throttles=added_throttles(held)))
        before = NOON + step * end
    return made
