"""Finds the browser that the tests drive; run as a program it also installs one where it may (apt, as root)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WITH_WINDOWS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What people read the page with."""
# The same engine without windows, which the tests do not need, takes less than half of the CPU.
COMMANDS = ("chromium-headless-shell", *WITH_WINDOWS)
PACKAGES = ("chromium-headless-shell", "chromium")
"""Debian's, of which older releases have only the second."""
FONT = "fonts-dejavu-core"
"""Without a font a page has no text to measure."""


class BrowserMissingError(Exception):
    """There is no browser, and the text says what would bring one."""


def find_chromium(commands: Sequence[str] = COMMANDS) -> Path:
    """The browser's executable: the one that CHROMIUM names, else the first of these in the search path.

    Raises:
        BrowserMissingError: There is none.
    """
    chosen = os.environ.get("CHROMIUM")
    for command in commands if chosen is None else (chosen,):
        path = shutil.which(command)
        if path:
            return Path(path)
    if chosen is not None:
        raise BrowserMissingError(f"CHROMIUM={chosen} is not a program")
    raise BrowserMissingError("no Chromium: install the package chromium, or name one with CHROMIUM=/path/to/it")


def must_check_everything() -> bool:
    """Whether a check that cannot be made is a failure, as it is in CI."""
    return os.environ.get("CI") == "true"


def install_chromium() -> None:
    """Install Debian's Chromium and a font; what apt has to say is shown only if there is none in the end."""
    said = apt_get("update").stdout
    for package in PACKAGES:
        done = apt_get("install", "-y", "--no-install-recommends", package, FONT)
        said += done.stdout
        if done.returncode == 0:
            return
    sys.stderr.write(said)


def apt_get(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What it did, and all that it said."""
    return subprocess.run(
        ["apt-get", "-q", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def may_install() -> bool:
    """Whether there is no browser, none was chosen, and apt would bring one."""
    wanted = "CHROMIUM" not in os.environ and not any(map(shutil.which, COMMANDS))
    return wanted and os.geteuid() == 0 and shutil.which("apt-get") is not None


def main() -> int:
    """Name the browser, after installing it if need be, or say what will not be checked and why."""
    if may_install():
        print(f"installing {' or '.join(PACKAGES)}, and {FONT}", flush=True)
        install_chromium()
    try:
        print(find_chromium())
    except BrowserMissingError as missing:
        print(f"NOT CHECKED: nothing in tests/browser can run.\n{missing}")
        return 1 if must_check_everything() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
