"""What others may be called anything -> names that can be shown, stored and sent. Pure.

A process gives itself any 15 bytes (PR_SET_NAME, prctl(2)), and whoever starts a unit chooses the unit's name.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 64
"""Characters of a name that are kept; a process has at most 15, only units and kernel threads may have more."""

NAMELESS = "?"

ROOT = "/"
"""The unit of what is in no other: the root of the control groups."""

_SHORT = 4
"""Characters of a random id that are shown: the containers of one machine hardly share them and a main process."""

# Others and separators: control characters, formats such as the marks that turn the direction of text (UAX #9),
# surrogates, private and unassigned ones, line and paragraph separators.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_CONTAINER = re.compile(r"(?:(?P<prefix>.+?)-?)??(?P<id>[0-9a-f]{32,64})(?:\.scope|\.slice|\.service)?")
"""A group whose name ends in a random id: docker-4f1c….scope, libpod-4f1c…, run-r4f1c….service, or the id alone."""

_NAMED_BY_RUNTIME = ("lxc.payload.",)

_USER_MANAGER = re.compile(r"user@\d+\.service")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a control group is for its readers: groups below it are part of it."""

    path: str
    """Its group, from the root of the control groups."""
    name: str
    is_container: bool = False
    """Whether its name alone says little: it is a random id."""
    is_whole: bool = False
    """Whether all groups below it are part of it."""


def printable(raw: bytes) -> str:
    """A name of what a process says it is called: one line of valid text without marks that act on what follows it."""
    return _printable(raw.decode("utf-8", "replace"))


def _printable(text: str) -> str:
    shown = "".join("\ufffd" if unicodedata.category(one) in _UNSHOWN else one for one in text)
    return shown.strip()[:MAX_LENGTH] or NAMELESS


def unit_at(path: str) -> Unit:
    """The unit that a control group is, or is part of, by its path from the root: `/system.slice/nginx.service`.

    A container, a service and a scope are units whatever groups they make inside (systemd.service(5),
    systemd.scope(5)); a user's manager is none, because its groups are that user's services.
    """
    parent, reached = "", ""
    for part in filter(None, path.split("/")):
        # What a namespace leaves out above its own root (cgroup_namespaces(7)).
        if part == "..":
            continue
        reached = f"{reached}/{part}"
        container = _CONTAINER.fullmatch(part)
        if container is not None:
            prefix = container["prefix"] or _shortened(parent) or "container"
            name = f"{prefix}-{container['id'][:_SHORT]}…"
            return Unit(reached, _printable(name), is_container=True, is_whole=True)
        if _is_unit(part):
            return Unit(reached, _printable(part), is_whole=True)
        parent = part
    return Unit(reached or ROOT, _printable(parent) if parent else ROOT)


def with_main_process(unit: str, process: str) -> str:
    """A container's name with that of its main process, which says what it is."""
    return f"{unit} ({process})"


def kernel_thread(name: str) -> str:
    """A kernel worker without what it works on at the moment, which changes from look to look."""
    return re.split(r"[-+]", name, maxsplit=1)[0] if name.startswith("kworker/") else name


def _is_unit(part: str) -> bool:
    if part.endswith(".service"):
        return not _USER_MANAGER.fullmatch(part)
    return part.endswith(".scope") or part.startswith(_NAMED_BY_RUNTIME)


def _shortened(parent: str) -> str:
    """The parent's name as a prefix; that of a pod holds a random id of its own."""
    return "pod" if re.search(r"pod[0-9a-f-]{32,}", parent.replace("_", "-")) else parent
