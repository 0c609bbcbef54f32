"""Receivers of samples that misbehave: they cost no sample, hardly any memory or CPU, and not the end."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.faults.bad_receiver import BEHAVIOURS, BadReceiver
from tests.faults.harness import Lab, fault
from tests.faults.victim import victim
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

MAX_MIB, MAX_PERCENT = 2.0, 1.0
"""What one bad receiver may cost: memory, and CPU time of a core."""

END_S = 1.0
BAD_S, QUICK_BAD_S = 60, 8


class Cost(NamedTuple):
    """What a service takes."""

    cpu: float
    """Seconds, or percent of a core."""
    mib: float


@fault(
    "F48", expected="no sample lost; each costs ≤ 2 MiB and ≤ 1 % of a core; it ends within a second", quick=1, full=2
)
def receivers_of_samples_misbehave(lab: Lab) -> str:
    """Receivers hang, do not read, speak no HTTP, flood, drip, redirect, close inside the body or the answer."""
    most = Cost(0.0, 0.0)
    end_s, sent = 0.0, 0
    for _ in range(lab.repetitions):
        with ExitStack() as stack:
            good = [stack.enter_context(BadReceiver(None)) for _ in BEHAVIOURS]
            bad = [stack.enter_context(BadReceiver(behave)) for behave in BEHAVIOURS]
            calm = stack.enter_context(_pushing(lab, good))
            service = stack.enter_context(_pushing(lab, bad))
            cost = _cost_beside(lab, service, calm)
            most = Cost(max(most.cpu, cost.cpu), max(most.mib, cost.mib))
            began = time.monotonic()
            status = service.terminate()
            end_s = max(end_s, time.monotonic() - began)
            lab.expect(that=status == 0, otherwise=f"ended with {status}")
            service.start()
            sent += _expect_all(lab, service, bad)
    lab.expect(that=most.mib <= MAX_MIB * len(BEHAVIOURS), otherwise=f"{most.mib:.1f} MiB")
    if not lab.is_quick:
        lab.expect(that=most.cpu <= MAX_PERCENT * len(BEHAVIOURS), otherwise=f"{most.cpu:.1f} % of a core")
        lab.expect(that=end_s <= END_S, otherwise=f"took {end_s:.1f} s to end")
    many = f"{len(BEHAVIOURS)} at once: +{most.mib:.1f} MiB, +{most.cpu:.1f} % of a core"
    return f"{many}; ended in {end_s:.2f} s; 0 of {sent} lost" if not lab.findings else many


@contextmanager
def _pushing(lab: Lab, receivers: Sequence[BadReceiver]) -> Iterator[Service]:
    """A service that pushes to all of them each second."""
    folder = lab.folder()
    tables = [f'[[remote_write]]\nurl = "{one.url}"\ninterval = 1\n' for one in receivers]
    (folder / "push.toml").write_text("".join(tables))
    with victim(lab, folder, "--config", str(folder / "push.toml"), "--top", "off") as service:
        yield service


def _cost_beside(lab: Lab, service: Service, calm: Service) -> Cost:
    """MiB and percent of a core that it takes more than one whose receivers are good."""
    wait_for_samples(service, 2)
    before = _used(service), _used(calm)
    began = time.monotonic()
    time.sleep(QUICK_BAD_S if lab.is_quick else BAD_S)
    wait_for_samples(service, 1)
    after = _used(service), _used(calm)
    seconds = time.monotonic() - began
    more_s = (after[0].cpu - before[0].cpu) - (after[1].cpu - before[1].cpu)
    return Cost(cpu=100 * more_s / seconds, mib=after[0].mib - after[1].mib)


def _used(service: Service) -> Cost:
    """CPU time, and memory of its own."""
    pid = service.process.pid
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
    return Cost(cpu=time.clock_gettime(~pid << 3 | 2), mib=kib / 1024)  # clock_getcpuclockid(3)


def _expect_all(lab: Lab, service: Service, bad: Sequence[BadReceiver]) -> int:
    """Each was tried, followed nowhere, and gets every sample once it is good; how many it got."""
    newest = wait_for_samples(service, 1)
    for one in bad:
        name = one.behave.__name__ if one.behave else ""
        lab.expect(that=one.attempts > 0, otherwise=f"{name}: never tried")
        one.is_good.set()
    for one in bad:
        wait_until(lambda one=one: newest in one.values, f"{one.behave} gets nothing")  # type: ignore[misc]
        lost = _recorded(service.database, newest) - one.values.keys()
        name = one.behave.__name__ if one.behave else ""
        lab.expect(that=not lost, otherwise=f"{name}: {len(lost)} samples lost")
        lab.expect(that=one.followed == 0, otherwise=f"{name}: followed a redirect")
    return len(_recorded(service.database, newest))


def _recorded(database: Path, until: int) -> set[int]:
    with closing(sqlite3.connect(database)) as connection:
        return {at for (at,) in connection.execute("SELECT time FROM sample WHERE time <= ?", (until,))}
