"""Small file systems that a fault can fill, break or take away. They end with the process that mounted them."""

import ctypes
import errno
import os
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.faults.harness import Lab, NotRunError

BLOCK = 4096

MNT_DETACH = 2
"""Umount(2)."""


ISOLATED = "FAULT_ISOLATED"
"""Set in the environment of a fault that has a mount namespace of its own."""


def mount(stack: ExitStack, *arguments: str | Path) -> None:
    """`mount ARGUMENTS TARGET`, undone with `stack`. Raises NotRunError where it is not allowed."""
    if ISOLATED not in os.environ:
        raise NotRunError("no mount namespace of its own (unshare); needs root")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunError(f"mount {arguments[1]}: {done.stderr.strip().splitlines()[0]}; needs root")
    stack.callback(unmount, Path(arguments[-1]))


def unmount(target: Path) -> None:
    """Take it away, even in use. umount(8) would want a /proc, which may be what is covered."""
    ctypes.CDLL(None).umount2(os.fsencode(target), MNT_DETACH)


def small_disk(lab: Lab, size: str) -> Path:
    """A file system in memory of this size."""
    target = lab.folder()
    mount(lab.stack, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", target)
    return target


def fill(folder: Path) -> Path:
    """A ballast file that leaves no block free."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for length in (16 * BLOCK, BLOCK, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * length)
    return ballast


def breakable_disk(lab: Lab) -> tuple[Path, Path]:
    """An ext4 of its own, and the switch that makes the kernel find an error in it and turn it read-only."""
    image, target = lab.folder() / "disk", lab.folder()
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRunError("mkfs.ext4 is not installed") from error
    mount(lab.stack, "-o", "loop,errors=remount-ro", image, target)
    source = subprocess.run(["findmnt", "-no", "SOURCE", target], capture_output=True, text=True, check=True).stdout
    switch = Path("/sys/fs/ext4") / Path(source.strip()).name / "trigger_fs_error"
    if not os.access(switch, os.W_OK):
        raise NotRunError(f"{switch}: {os.strerror(errno.EACCES)}")
    return target, switch
