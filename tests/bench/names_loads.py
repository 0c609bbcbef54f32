"""Programs that use the CPU in known ways, each with an account of its own that the kernel keeps."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cpusensor.kernel.clock import cpu_us_of
from cpusensor.kernel.groups import Hierarchy
from cpusensor.kernel.process_stat import read_cgroup
from tests.service import TIMEOUT_S
from tests.waiting import wait_until

IMAGE = "python:3.13-slim"

SPIN = "while :; do :; done"

STORM_A_SECOND = 200
STORM = f"""
import os, time
due = time.monotonic()
while True:
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ":"], os.environ), 0)
    due += 1 / {STORM_A_SECOND}
    time.sleep(max(0.0, due - time.monotonic()))
"""

ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
"""A shell that moves to the group, and becomes the program there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A program that runs."""

    name: str
    pid: int
    """Of its first process."""
    unit: str | None
    """How the name of its unit begins; None if it has no control group of its own."""
    account: Path | None
    """The file of that group's account."""

    def process_us(self) -> int:
        """What its first process has used, by that process's own clock."""
        return cpu_us_of([self.pid])[self.pid]

    def group_us(self) -> int | None:
        """What its group has used; None without one."""
        if self.account is None:
            return None
        text = self.account.read_text()
        return int(text.split()[1]) if text.startswith("usage_usec") else int(text) // 1000


@contextmanager
def program(name: str, hierarchy: Hierarchy | None, *command: str, unit: str | None = None) -> Iterator[Load]:
    """It runs inside the block, in a group of its own, named like a service, where this user may make one."""
    unit = unit or f"bench-{os.getpid()}-{name.replace(' ', '-')}.service"
    folder = None if hierarchy is None else hierarchy.mount_point / unit
    try:
        if folder is not None:
            folder.mkdir()
    except OSError:
        folder = None
    process = subprocess.Popen(command if folder is None else ["sh", "-c", ENTER, str(folder), *command])
    try:
        if hierarchy is None or folder is None:
            yield Load(name=name, pid=process.pid, unit=None, account=None)
        else:
            yield Load(name=name, pid=process.pid, unit=unit, account=folder / hierarchy.file)
    finally:
        process.kill()
        process.wait()
        if folder is not None:
            wait_until(lambda: not (folder / "cgroup.procs").read_text(), f"{folder} is not empty")
            folder.rmdir()


@contextmanager
def container(name: str, hierarchy: Hierarchy | None, cpus: str) -> Iterator[Load | None]:
    """One on a real engine that may use so much; None where there is no engine or no image."""
    command = ["docker", "run", "--detach", "--rm", "--network", "none", "--cpus", cpus, IMAGE, "sh", "-c", SPIN]
    if hierarchy is None or shutil.which("docker") is None:
        yield None
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield None
        return
    number = done.stdout.strip()
    try:
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", number]
        pid = int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
        path = read_cgroup(Path("/proc"), pid, hierarchy.controller) or "/"
        account = hierarchy.mount_point / path[1:] / hierarchy.file
        yield Load(name=name, pid=pid, unit=f"docker-{number[:4]}…", account=account)
    finally:
        subprocess.run(["docker", "kill", number], capture_output=True, check=False, timeout=TIMEOUT_S)


def commands() -> dict[str, list[str]]:
    """The programs by their names."""
    return {
        "shell loop": ["sh", "-c", SPIN],
        "nice 19 hog": ["nice", "-n", "19", sys.executable, "-c", "while True: pass"],
        "storm of children": [sys.executable, "-c", STORM],
    }
