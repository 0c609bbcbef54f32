"""Faults of the disk: full, limited, read-only, slow."""

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.harness import Lab, NotRunError, fault
from tests.faults.mounts import breakable_disk, fill, small_disk
from tests.faults.victim import Listener, Pulse, expect_nothing_missing, expect_refused, start_refused, state, victim
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

NOBODY = 65_534
TAKES_NONE = "degraded: the database takes no samples"


def _outage(lab: Lab, service: Service, begin: Callable[[], object], end: Callable[[], object], lasts_s: float) -> str:
    """The database takes nothing for so long: live goes on, /healthz says so, and afterwards nothing is missing."""
    wait_for_samples(service, 2)
    listener, pulse = Listener(service), Pulse(service)
    begin()
    try:
        wait_until(
            lambda: state(service).startswith(TAKES_NONE), f"healthz says {state(service)!r} instead of degraded"
        )
        told = len(listener.ids)
        wait_until(lambda: len(listener.ids) > told, "nothing on the stream")
        time.sleep(lasts_s)
        lab.expect(that=state(service).startswith(TAKES_NONE), otherwise=f"meanwhile healthz says {state(service)!r}")
    finally:
        end()
    wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
    wait_for_samples(service, 1)
    samples = expect_nothing_missing(lab, service)
    skipped = listener.skipped()
    lab.expect(that=skipped == 0 or lab.is_quick, otherwise=f"the stream skipped {skipped}")
    return f"0 of {samples} samples missing, stream skipped {skipped}; {pulse.figure()}"


def _repeated_outage(
    lab: Lab, service: Service, begin: Callable[[], object], end: Callable[[], object], lasts_s: float
) -> str:
    figure = ""
    for _ in range(lab.repetitions):
        figure = _outage(lab, service, begin, end, 0 if lab.is_quick else lasts_s)
    told = service.log.read_text().count("takes no samples")
    lab.expect(that=told == lab.repetitions, otherwise=f"{told} log lines for {lab.repetitions} outages")
    return figure


@fault("F4", expected="live goes on, /healthz says degraded; then all of it written: no gap", quick=1, full=4)
def the_disk_is_full_and_then_has_space_again(lab: Lab) -> str:
    """Disk full (tmpfs of 2 MB, filled to the last block) for 15 s, then space again."""
    folder = small_disk(lab, "2m")
    with victim(lab, folder) as service:
        ballast = folder / "ballast"
        return _repeated_outage(lab, service, lambda: fill(folder), ballast.unlink, 15)


@fault(
    "F4",
    expected="/healthz tells it before it is full, in one log line; with space again it says recording",
    quick=0,
    full=2,
)
def the_disk_is_nearly_full(lab: Lab) -> str:
    """Less than a twentieth of a disk (tmpfs of 40 MB) is free, then all of it again."""
    folder = small_disk(lab, "40m")
    with victim(lab, folder) as service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 1)
            ballast = folder / "ballast"
            free = shutil.disk_usage(folder).free
            ballast.write_bytes(bytes(free - (1 << 20)))
            wait_until(lambda: state(service).startswith("degraded: the disk is nearly full"), "not told")
            ballast.unlink()
            wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
        told = service.log.read_text().count("is nearly full")
        lab.expect(that=told == lab.repetitions, otherwise=f"{told} log lines for {lab.repetitions} times")
    return f"told {told} times, with 1 MiB free"


@fault("F4", expected="SIGTERM ends it with 0 all the same; the next start finds it sound", quick=0, full=5)
def the_service_is_stopped_while_the_disk_is_full(lab: Lab) -> str:
    """The service is stopped while the disk is full, then started with space."""
    folder = small_disk(lab, "2m")
    for _ in range(lab.repetitions):
        with victim(lab, folder) as service:
            wait_for_samples(service, 2)
            ballast = fill(folder)
            wait_until(lambda: state(service).startswith(TAKES_NONE), "not degraded")
            lab.expect(that=service.terminate() == 0, otherwise="did not end with 0")
            ballast.unlink()
            service.start()
            wait_for_samples(service, 1)
    return "started again each time"


@fault("F4", expected="one line, status 1; with space it starts", quick=0, full=3)
def it_is_started_on_a_full_disk(lab: Lab) -> str:
    """Started for the first time on a full disk."""
    for _ in range(lab.repetitions):
        folder = small_disk(lab, "1m")
        ballast = fill(folder)
        expect_refused(lab, start_refused("--db", str(folder / "cpusensor.db")), 1, "cannot be")
        ballast.unlink()
        with victim(lab, folder) as service:
            wait_for_samples(service, 1)
    return "refused in one line, then started" if not lab.findings else "see verdict"


@fault("F5", expected="as a full disk: no gap", quick=0, full=4)
def the_file_size_limit_is_reached(lab: Lab) -> str:
    """RLIMIT_FSIZE at what the files already hold for 15 s, then lifted."""
    with victim(lab, lab.folder()) as service:

        def limit(size: int) -> None:
            _, hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, hard))

        def begin() -> None:
            limit(service.database.with_name("cpusensor.db-wal").stat().st_size)

        return _repeated_outage(lab, service, begin, lambda: limit(resource.RLIM_INFINITY), 15)


@fault("F6", expected="one line, status 1, nothing written", quick=0, full=3)
def the_folder_is_read_only_at_start(lab: Lab) -> str:
    """Started by a user who may not write the folder: without a database, and with one."""
    prefix = _as_nobody()
    for number in range(lab.repetitions):
        folder = lab.folder()
        if number % 2:
            with victim(lab, folder) as service:
                wait_for_samples(service, 1)
        folder.chmod(0o555)
        before = sorted(folder.iterdir())
        refused = start_refused("--db", str(folder / "cpusensor.db"), prefix=prefix)
        expect_refused(lab, refused, 1, "cannot be ")
        lab.expect(that=sorted(folder.iterdir()) == before, otherwise="something was written")
    return "refused in one line" if not lab.findings else "see verdict"


def _as_nobody() -> list[str]:
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*prefix, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        raise NotRunError("may not become another user; needs root, and a Python that everybody may read")
    return prefix


@fault("F6", expected="as a full disk: no gap", quick=0, full=4)
def the_database_cannot_be_written_for_a_while(lab: Lab) -> str:
    """The database is made immutable while it is in use (chattr +i) for 15 s, then not any more."""
    with victim(lab, lab.folder()) as service:
        wal = service.database.with_name("cpusensor.db-wal")

        def chattr(sign: str) -> None:
            done = subprocess.run(["chattr", f"{sign}i", service.database, wal], capture_output=True, check=False)
            if done.returncode:
                raise NotRunError("chattr +i is not allowed here; needs root on ext4 or the like")

        return _repeated_outage(lab, service, lambda: chattr("+"), lambda: chattr("-"), 15)


@fault("F6", expected="live goes on, degraded; SIGTERM ends it with 0; nothing set aside", quick=0, full=3)
def the_file_system_fails_and_turns_read_only(lab: Lab) -> str:
    """The kernel finds an error in the file system and turns it read-only for good (ext4, trigger_fs_error)."""
    for _ in range(lab.repetitions):
        _break(lab)
    return "stream skipped 0 of 5 s" if not lab.findings else "see verdict"


def _break(lab: Lab) -> None:
    folder, switch = breakable_disk(lab)
    service = Service(folder)
    service.log = lab.folder() / "cpusensor.log"
    with service:
        wait_for_samples(service, 2)
        listener = Listener(service)
        switch.write_text("1")
        wait_until(lambda: state(service).startswith(TAKES_NONE), "not degraded")
        time.sleep(5)
        lab.expect(that=listener.skipped() == 0, otherwise=f"the stream skipped {listener.skipped()}")
        lab.expect(that=len(listener.ids) > 4, otherwise="the stream stood still")
        lab.expect(that=service.terminate() == 0, otherwise="did not end with 0")
    lab.expect(that="Traceback" not in service.log.read_text(), otherwise="a traceback is in the log")
    lab.expect(that=not list(folder.glob("*corrupt*")), otherwise="it was set aside as broken")


@fault("F11", expected="the loop stays free, no sample is missing", quick=0, full=3)
def the_disk_hangs(lab: Lab) -> str:
    """The file system hangs for 10 s: no write returns (fsfreeze of an ext4 of its own)."""
    figure = ""
    folder, _ = breakable_disk(lab)
    service = Service(folder)
    service.log = lab.folder() / "cpusensor.log"
    with service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 2)
            listener, pulse = Listener(service), Pulse(service)
            _fsfreeze("--freeze", folder)
            try:
                time.sleep(10)
            finally:
                _fsfreeze("--unfreeze", folder)
            wait_for_samples(service, 2)
            time.sleep(1)
            expect_nothing_missing(lab, service)
            figure = f"stream skipped {listener.skipped()}; {pulse.figure()}"
        lab.expect(that=service.terminate() == 0, otherwise="did not end with 0")
    lab.expect_clean(service.database)
    return figure


def _fsfreeze(how: str, folder: Path) -> None:
    if subprocess.run(["fsfreeze", how, folder], capture_output=True, check=False).returncode:
        raise NotRunError("fsfreeze is not allowed here")
