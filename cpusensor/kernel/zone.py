"""Reads which time zone the machine is set to, and tells times in it."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cpusensor.model.times import parse_time

UNKNOWN = "UTC"
"""The zone of a machine that says nothing else."""

_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_NO_ZONES = ("localtime", "posixrules", "posix/", "right/")
"""What lies among the zones and is none of IANA's (tzfile(5))."""

_NAMED, _LINKED = "etc/timezone", "etc/localtime"


def zone_of(variable: str | None, root: Path = Path("/")) -> str:
    """The IANA name: of the variable TZ, else of /etc/timezone (Debian), else of what /etc/localtime leads to."""
    return next((name for name in _told(variable, root) if _is_zone(name)), UNKNOWN)


def machine_zone() -> str:
    """The zone of the machine that this runs on."""
    return zone_of(os.environ.get("TZ"))


def local_time(time: int, zone: str) -> datetime:
    """A time as clocks in a zone show it."""
    return datetime.fromtimestamp(time, ZoneInfo(zone))


def time_in(text: str, zone: str, now: float) -> int:
    """The time that a text means: as `parse_time`, or HH:MM in a zone, the latest such time before `now`.

    Raises ValueError for what is no time.
    """
    if not _CLOCK.fullmatch(text):
        return parse_time(text)
    hour, minute = map(int, text.split(":"))
    moment = local_time(int(now), zone).replace(hour=hour, minute=minute, second=0, fold=0)
    return int((moment if moment.timestamp() <= now else moment - timedelta(days=1)).timestamp())


def _told(variable: str | None, root: Path) -> Iterator[str]:
    if variable is not None:
        # With a colon in front it can only be a name (tzset(3)).
        yield variable.removeprefix(":")
    with suppress(OSError):
        yield (root / _NAMED).read_text(errors="replace").strip()
    with suppress(OSError):
        yield str((root / _LINKED).readlink()).rpartition("zoneinfo/")[2]


def _is_zone(name: str) -> bool:
    if not _NAME.fullmatch(name) or name.startswith(_NO_ZONES):
        return False
    try:
        ZoneInfo(name)
    # A name that is unknown, one that is a folder, and a file that holds something else.
    except (OSError, KeyError, ValueError):
        return False
    return True
