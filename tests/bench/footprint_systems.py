"""The systems whose own load is measured: how each is started, what a viewer of it asks for, and what it uses.

Each looks at the CPU every 5 s and keeps what it records on a disk of its own, where the machine offers one.
"""

import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.bench import peers
from tests.bench.peers import MissingError, Peer
from tests.bench.stream_servers import free_port, stop, wait_for
from tests.service import ROOT, Service

STEP_S = 5
HOUR_S = 3600
DISK_MIB = 1024
BLOCK = 4096
"""Bytes, as on any disk of today; so small a one would get blocks of 1 KiB, and a journal that writes a quarter."""

SECTOR = 512
"""Bytes, whatever the disk's own are (block/stat.rst)."""

SADC = (Path("/usr/lib/sysstat/sadc"), Path("/usr/lib64/sa/sadc"))

NETDATA_OFF = ("idlejitter", "cgroups", "tc", "diskspace", "timex", "statsd", "profile", "slabinfo", "perf", "nfacct")
NETDATA_PLUGINS_OFF = ("enable running new plugins", "checks", "netdata monitoring", "netdata monitoring extended")
NETDATA_FILES_OFF = (
    *("/proc/net/dev", "/proc/pagetypeinfo", "/proc/uptime", "/proc/loadavg", "/proc/sys/fs/file-nr"),
    *("/proc/sys/kernel/random/entropy_avail", "/proc/pressure", "/proc/interrupts", "/proc/softirqs", "/proc/vmstat"),
    *("/proc/meminfo", "/sys/kernel/mm/ksm", "/sys/block/zram", "/sys/devices/system/edac/mc", "/proc/net/wireless"),
    *("/sys/devices/system/node", "/proc/net/sockstat", "/proc/net/sockstat6", "/proc/net/netstat", "/proc/net/snmp"),
    *(
        "/proc/net/snmp6",
        "/proc/net/sctp/snmp",
        "/proc/net/softnet_stat",
        "/proc/net/ip_vs/stats",
        "/sys/class/infiniband",
    ),
    *("/proc/net/stat/conntrack", "/proc/net/stat/synproxy", "/proc/diskstats", "/proc/mdstat", "/proc/net/rpc/nfsd"),
    *("/proc/net/rpc/nfs", "/proc/spl/kstat/zfs/arcstats", "/sys/fs/btrfs", "ipc", "/sys/class/power_supply"),
)
NETDATA_CONF = f"""[global]
run as user = {{user}}
[db]
update every = {STEP_S}
[directories]
config = {{folder}}/etc
lib = {{folder}}/lib
cache = {{folder}}/cache
log = {{folder}}/log
lock = {{folder}}/lock
plugins = {{folder}}/plugins
[web]
bind to = 127.0.0.1:{{port}}
[registry]
enabled = no
[statsd]
enabled = no
[health]
enabled = no
[ml]
enabled = no
[plugins]
{"".join(f"{name} = no{chr(10)}" for name in (*NETDATA_PLUGINS_OFF, *NETDATA_OFF))}[plugin:proc]
{"".join(f"{name} = no{chr(10)}" for name in NETDATA_FILES_OFF)}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A system that runs."""

    pids: tuple[int, ...]
    """The processes that were started; their children belong to it as well."""
    folder: Path
    page: str = ""
    """Fetched once by whoever looks at it."""
    stream: str = ""
    """Then held open."""
    poll: str = ""
    """Or fetched every 5 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One that is measured."""

    name: str
    start: Callable[[Path], AbstractContextManager[Running]]
    """Runs it in a folder; raises MissingError."""
    remark: str = ""
    """What a reader of its figures must know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a system has used since it was started, in total."""

    cpu_s: float
    switches: int
    """Times that a thread of it gave up the CPU by itself, which is how often it was woken."""
    written: int
    """Bytes that its processes gave to the file system (proc(5), write_bytes)."""
    to_disk: int | None
    """Bytes that reached its own disk; None if it has none."""


def spent(running: Running) -> Spent:
    """What it has used until now. The CPU time is the kernel's, in nanoseconds, of all threads, ended ones included."""
    pids = family(running.pids)
    return Spent(
        cpu_s=sum(time.clock_gettime(~pid << 3 | 2) for pid in pids),  # clock_getcpuclockid(3)
        switches=sum(map(_switches, chain.from_iterable(map(_threads, pids)))),
        written=sum(_field(Path(f"/proc/{pid}/io"), "write_bytes:") for pid in pids),
        to_disk=_to_disk(running.folder),
    )


def family(pids: tuple[int, ...]) -> list[int]:
    """These processes and all that descend from them."""
    known = list(pids)
    for pid in known:  # grows while it is walked
        for thread in _threads(pid):
            known += map(int, (thread / "children").read_text().split())
    return known


def memory_mib(running: Running) -> float:
    """What it holds, pages that others share counted in part (PSS, proc(5))."""
    return sum(_field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in family(running.pids)) / 1024


def threads(running: Running) -> int:
    """How many threads it has."""
    return sum(len(_threads(pid)) for pid in family(running.pids))


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _switches(thread: Path) -> int:
    return _field(thread / "status", "voluntary_ctxt_switches:")


def _field(file: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(name))


def _to_disk(folder: Path) -> int | None:
    device = folder.stat().st_dev
    if device == folder.parent.stat().st_dev:
        return None
    counts = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()
    return int(counts[6]) * SECTOR


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """The folder is an ext4 disk of its own inside a file; it stays as it is without root and loop devices."""
    folder.mkdir()
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    make = ("mkfs.ext4", "-q", "-b", BLOCK, "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    mount = ("mount", "-o", "loop", image, folder)
    is_mounted = os.getuid() == 0 and all(_succeeds(command) for command in (make, mount))
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(("umount", "--lazy", folder), check=False)


def _succeeds(command: tuple[object, ...]) -> bool:
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def cpusensor(*flags: str) -> Callable[[Path], AbstractContextManager[Running]]:
    """How the real service is started, as it comes but for these flags."""

    @contextmanager
    def start(folder: Path) -> Iterator[Running]:
        if flags and flags[0] not in _offered_flags():
            raise MissingError(f"server.py does not offer {flags[0]}")
        service = Service(folder, *flags, interval_s=STEP_S)
        service.start()
        try:
            yield Running(pids=(service.process.pid,), folder=folder, page=service.url, stream=f"{service.url}events")
        finally:
            service.terminate()

    return start


def _offered_flags() -> str:
    command = (sys.executable, "server.py", "--help")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def bare_tick(*, records: bool) -> Callable[[Path], AbstractContextManager[Running]]:
    """How the limit is started; without recording, only the packages are imported."""

    @contextmanager
    def start(folder: Path) -> Iterator[Running]:
        arguments = [str(folder / "bare.db")] if records else []
        command = [sys.executable, "-m", "tests.bench.bare_tick", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Running(pids=(process.pid,), folder=folder)
        finally:
            stop(process)

    return start


@contextmanager
def sadc(folder: Path) -> Iterator[Running]:
    """The collector of sysstat, in C."""
    program = next(filter(Path.exists, SADC), None)
    if program is None:
        raise MissingError("apt-get install sysstat")
    process = subprocess.Popen([program, str(STEP_S), folder / "activity"], stdout=subprocess.DEVNULL)
    try:
        yield Running(pids=(process.pid,), folder=folder)
    finally:
        stop(process)


@contextmanager
def netdata(folder: Path) -> Iterator[Running]:
    """Netdata with all collectors off but that of /proc/stat."""
    if shutil.which("netdata") is None:
        raise MissingError("apt-get install netdata")
    port, conf, log = free_port(), folder / "netdata.conf", folder / "netdata.log"
    for name in ("etc", "lib", "cache", "log", "lock", "plugins"):
        (folder / name).mkdir()
    (folder / "etc" / ".opt-out-from-anonymous-statistics").touch()
    conf.write_text(NETDATA_CONF.format(user=getpass.getuser(), folder=folder, port=port))
    with log.open("w") as output:
        process = subprocess.Popen(["netdata", "-D", "-c", conf], stdout=output, stderr=output)
    try:
        wait_for(port, process, log)
        asked = urlencode({"chart": "system.cpu", "after": -HOUR_S, "points": HOUR_S // STEP_S})
        yield Running(pids=(process.pid,), folder=folder, poll=f"http://127.0.0.1:{port}/api/v1/data?{asked}")
    finally:
        stop(process)


@contextmanager
def prometheus(folder: Path) -> Iterator[Running]:
    """Prometheus with node_exporter, all its collectors on, as Debian ships them."""
    with peers.prometheus(folder) as peer:
        yield as_running(peer, folder, f"/api/v1/query?{urlencode({'query': peers.BUSY})}")


@contextmanager
def glances(folder: Path) -> Iterator[Running]:
    """The web server of Glances."""
    with peers.glances(folder) as peer:
        yield as_running(peer, folder, "/api/4/all")


def as_running(peer: Peer, folder: Path, poll: str) -> Running:
    """A peer that runs, whose viewer asks for `poll`; for nothing if that is empty."""
    site = urlsplit(peer.page)
    return Running(pids=peer.pids, folder=folder, poll=poll and f"{site.scheme}://{site.netloc}{poll}")


OURS = System(name="cpusensor", start=cpusensor())
SPARING = System(name="cpusensor --commit-interval 60", start=cpusensor("--commit-interval", "60"))
BARE = System(name="bare asyncio tick", start=bare_tick(records=True), remark="one reading and one INSERT: the limit")
IMPORTS = System(name="bare imports", start=bare_tick(records=False), remark="the same four packages, doing nothing")
SADC_SYSTEM = System(name="sadc (C)", start=sadc, remark="has no page")
NETDATA = System(name="netdata, CPU only (C)", start=netdata, remark="writes to disk first after an hour or so")
PROMETHEUS = System(name="Prometheus + node_exporter (Go)", start=prometheus)
GLANCES = System(name="Glances (Python)", start=glances, remark="records nothing while nobody looks")

SYSTEMS = (OURS, SPARING, BARE, IMPORTS, SADC_SYSTEM, NETDATA, PROMETHEUS, GLANCES)
PYTHON_AND_GO = (PROMETHEUS, GLANCES)
