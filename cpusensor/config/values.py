"""What the text of a setting may be: text -> value. Touches nothing but the files that a text names.

Each function raises ValueError with the text that is not allowed.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TypeVar

MAX_NAME_LENGTH = 100
MAX_DIGITS = 20
TOKEN_LENGTH = range(16, 513)
MAX_SOCKET_BYTES = 107
"""As many as fit into `sun_path` (unix(7))."""

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")

T = TypeVar("T")


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Nothing for an empty text, which leaves the setting unset."""
    return lambda text: parse(text) if text else None


def several(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Each part of a list with commas."""
    return lambda text: tuple(parse(part.strip()) for part in text.split(",")) if text else ()


def boolean(text: str) -> bool:
    """1 or 0, true or false."""
    try:
        return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def one_of(*choices: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A number in plain digits, the bounds included."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < MAX_DIGITS and lowest <= int(text) <= highest):
            raise ValueError(text)
        return int(text)

    return parse


def interval(text: str) -> int:
    """Seconds that divide a minute."""
    seconds = whole_number(1, 60)(text)
    if 60 % seconds:
        raise ValueError(text)
    return seconds


def host(text: str) -> str:
    """An address to listen on; whether there is such a one, the system knows."""
    if not text or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def host_name(text: str) -> str:
    """A name as it stands in a Host header: lower case, an IP address in its shortest form and without brackets."""
    try:
        return address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        name = text.lower()
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(text) from None
        return name


def network(text: str) -> str:
    """An IP address, or a network whose host bits are zero, in its shortest form."""
    if "/" not in text:
        return address(text)
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(text) from None


def address(text: str) -> str:
    """An IP address in its shortest form, without a zone."""
    try:
        found = ip_address(text)
    except ValueError:
        raise ValueError(text) from None
    if "%" in text:
        raise ValueError(text)
    return str(found)


def name(text: str) -> str:
    """What is shown of a machine, without the blanks around it."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable() or len(stripped) > MAX_NAME_LENGTH:
        raise ValueError(text)
    return stripped


def path(text: str) -> Path:
    """A path that may be shown; a leading `~` is the home directory."""
    if not text or not text.isprintable():
        raise ValueError(text)
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)
    except RuntimeError:  # no such user
        raise ValueError(text) from None


def readable_file(text: str) -> Path:
    """A regular file that can be opened now."""
    file = path(text)
    try:
        if not file.is_file():
            raise ValueError(text)
        file.open("rb").close()
    except OSError:
        raise ValueError(text) from None
    return file


def socket_path(text: str) -> Path:
    """Where a Unix socket can be bound."""
    bound = path(text)
    if len(bytes(bound)) > MAX_SOCKET_BYTES:
        raise ValueError(text)
    return bound


def token(text: str) -> str:
    """A secret that fits into a header as it is."""
    if not (text.isascii() and text.isprintable() and " " not in text and len(text) in TOKEN_LENGTH):
        raise ValueError(text)
    return text


def token_in_file(text: str) -> str:
    """The secret on the first line of a file."""
    try:
        with path(text).open(encoding="ascii") as file:
            return token(file.readline(TOKEN_LENGTH.stop + 1).rstrip("\n"))
    except (OSError, ValueError):
        raise ValueError(text) from None  # never with what the file holds
