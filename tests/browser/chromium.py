"""Finds the browser that the tests drive; run as a program it also installs one where it may (apt, as root)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a font a page has no text to measure.
PACKAGES = ("chromium", "fonts-dejavu-core")


class BrowserMissingError(Exception):
    """There is no browser, and the text says what would bring one."""


def find_chromium() -> Path:
    """The browser's executable: the one that CHROMIUM names, else the first in the search path.

    Raises:
        BrowserMissingError: There is none.
    """
    chosen = os.environ.get("CHROMIUM")
    for command in COMMANDS if chosen is None else (chosen,):
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
    """Install Debian's Chromium and a font; what apt has to say is shown only if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", *PACKAGES)):
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.stderr.write(done.stdout + done.stderr)


def may_install() -> bool:
    """Whether there is no browser, none was chosen, and apt would bring one."""
    wanted = "CHROMIUM" not in os.environ and not any(map(shutil.which, COMMANDS))
    return wanted and os.geteuid() == 0 and shutil.which("apt-get") is not None


def main() -> int:
    """Name the browser, after installing it if need be, or say what will not be checked and why."""
    if may_install():
        print(f"installing {' '.join(PACKAGES)}", flush=True)
        install_chromium()
    try:
        print(find_chromium())
    except BrowserMissingError as missing:
        print(f"NOT CHECKED: nothing in tests/browser can run.\n{missing}")
        return 1 if must_check_everything() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
