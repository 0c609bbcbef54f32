"""Parsers of the settings: text -> value. Touch nothing but the files that a text names.

Each of them raises ValueError with the text that is not allowed.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TypeVar

MAX_NAME_LENGTH = 100
MAX_DIGITS = 20
"""A number has fewer: enough for every bound, and int() of thousands of digits raises an error of its own."""
TOKEN_LENGTH = range(16, 513)
"""Characters: 16 can hold 96 random bits, and 512 leave room in a header of 8 KiB."""
MAX_SOCKET_BYTES = 107
"""The size of `sun_path` less its final zero byte (unix(7))."""

# RFC 1123 with underscores, which containers and Windows machines have in their names.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")

T = TypeVar("T")


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """A parser that returns None for an empty text, which leaves the setting unset."""
    return lambda text: parse(text) if text else None


def several(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A parser of a list with commas, that applies `parse` to each part; an empty text is an empty tuple."""
    return lambda text: tuple(parse(part.strip()) for part in text.split(",")) if text else ()


def boolean(text: str) -> bool:
    """True for 1 and true, False for 0 and false, in any case."""
    try:
        return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that takes only these words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A parser of a number in plain ASCII digits, the bounds included."""

    def parse(text: str) -> int:
        # int() alone would take signs, blanks, underscores and digits of other scripts.
        if not (text.isascii() and text.isdigit() and len(text) < MAX_DIGITS and lowest <= int(text) <= highest):
            raise ValueError(text)
        return int(text)

    return parse


def interval(text: str) -> int:
    """A whole number of seconds that divides a minute."""
    seconds = whole_number(1, 60)(text)
    if 60 % seconds:
        raise ValueError(text)
    return seconds


def host(text: str) -> str:
    """An address to listen on. Only its form is checked; the system says whether it exists when the port is bound."""
    if not text or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def host_name(text: str) -> str:
    """A name as it stands in a Host header: lower case, an IP address in its shortest form and without brackets."""
    # Browsers send an address in its shortest form, so no other spelling of it would ever match.
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
    # A zone (fe80::1%eth0) is only meaningful on one machine and never stands in a header.
    if "%" in text:
        raise ValueError(text)
    return str(found)


def name(text: str) -> str:
    """The name of a machine as it is shown, without the blanks around it."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable() or len(stripped) > MAX_NAME_LENGTH:
        raise ValueError(text)
    return stripped


def path(text: str) -> Path:
    """A path that is printable, since errors and logs show it; a leading `~` is the home directory."""
    if not text or not text.isprintable():
        raise ValueError(text)
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)
    # Path.expanduser raises it for a user that does not exist.
    except RuntimeError:
        raise ValueError(text) from None


def readable_file(text: str) -> Path:
    """A regular file that can be opened now."""
    file = path(text)
    # Opened once at the start, so that a missing right is an error of the setting and not a traceback of TLS.
    try:
        if not file.is_file():
            raise ValueError(text)
        file.open("rb").close()
    except OSError:
        raise ValueError(text) from None
    return file


def socket_path(text: str) -> Path:
    """A path that is short enough for a Unix socket to be bound to."""
    bound = path(text)
    if len(bytes(bound)) > MAX_SOCKET_BYTES:
        raise ValueError(text)
    return bound


def token(text: str) -> str:
    """A secret of printable ASCII, which fits into a header as it is (RFC 9110 §5.5)."""
    if not (text.isascii() and text.isprintable() and " " not in text and len(text) in TOKEN_LENGTH):
        raise ValueError(text)
    return text


def token_in_file(text: str) -> str:
    """The secret on the first line of a file; ValueError names the file, never what it holds."""
    try:
        with path(text).open(encoding="ascii") as file:
            # Bounded, for the text may name a device that never ends.
            return token(file.readline(TOKEN_LENGTH.stop + 1).rstrip("\n"))
    except (OSError, ValueError):
        # Without the cause, whose text is what the file holds.
        raise ValueError(text) from None
