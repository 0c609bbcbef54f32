"""Real processes that do what they are told, and the real accounts of what they used."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cpusensor.kernel.accounts import SystemAccounts
from cpusensor.kernel.clock import SystemClock
from cpusensor.kernel.mounts import Scope
from cpusensor.model.accounts import Accounts
from cpusensor.model.attribution import Attribution, Recorded
from cpusensor.model.blame import Blame

OBEYING = """
import ctypes, os, sys, threading, time
def burn(seconds):
    until = time.process_time() + float(seconds)
    while time.process_time() < until: pass
def thread(seconds):
    one = threading.Thread(target=burn, args=(seconds,)); one.start(); one.join()
def name(text):
    ctypes.CDLL(None).prctl(15, bytes.fromhex(text), 0, 0, 0)
def child(seconds):
    if not os.fork(): burn(seconds); os._exit(0)
    os.wait()
def zombie(seconds):
    if not os.fork(): burn(seconds); os._exit(0)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
def orphan(seconds):
    pid = os.fork()
    if not pid:
        burn(seconds); print(os.getpid(), flush=True); time.sleep(600); os._exit(0)
    os._exit(0)
def become(path):
    os.execv(path, [path, "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo done; read x"])
print("ready", flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    globals()[word](rest)
    print("done", flush=True)
"""


class Obeying:
    """A process that does what it is told, and answers when it is done."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid

    def do(self, order: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def obeying() -> Iterator[Obeying]:
    with subprocess.Popen([sys.executable, "-c", OBEYING], stdin=-1, stdout=-1, text=True) as process:
        one = Obeying(process)
        one.answer()
        try:
            yield one
        finally:
            process.kill()


class Watch:
    """Readings of the real accounts, each subtracted from the one before."""

    def __init__(self, before: Accounts | None = None) -> None:
        """From now on, or from accounts that another one has read."""
        self.reader = SystemAccounts(Scope.MACHINE, with_processes=True)
        self._attribution = Attribution(0.0)
        self._clock = SystemClock()
        if before is None:
            self.begin()
        else:
            assert self.reader.resume(before)
            self._attribution.begin(before)

    def begin(self) -> None:
        """Watch from now on."""
        self._attribution.begin(self.reader.read(self._clock.now().boottime))

    def blame(self) -> Blame:
        recorded = Recorded(time=5, since=0, busy_us=0, all_us=10_000_000)
        blame = self._attribution.take(self.reader.read(self._clock.now().boottime), recorded)
        assert blame is not None
        return blame
