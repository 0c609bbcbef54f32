"""Parsers of the settings: text -> value. Touch nothing but the files that a text names.

Each of them raises ValueError with the text that is not allowed.
"""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import TypeVar

MAX_NAME_LENGTH = 100
MAX_DIGITS = 20
"""A number has fewer: enough for every bound, and int() of thousands of digits raises an error of its own."""
TOKEN_LENGTH = range(16, 513)
"""Characters: 16 can hold 96 random bits, and 512 leave room in a header of 8 KiB."""
MAX_SOCKET_BYTES = 107
"""The size of `sun_path` less its final zero byte (unix(7))."""

MAX_PORT = 65_535

UNIX = "unix"
"""Stands for whoever connects over the Unix socket, who has no address."""

# RFC 1123 with underscores, which containers and Windows machines have in their names.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_BRACKETED = re.compile(r"\[([^]]*:[^]]*)\](?::(.*))?")

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
    # Written in brackets in every address of a page, and so here too.
    return text[1:-1] if _BRACKETED.fullmatch(text) and text.endswith("]") else text


def host_name(text: str) -> str:
    """A name as a Host header has it, in the one form in which names are compared, without the port after it.

    Lower case, without the dot of the root, other scripts in Punycode, an IP address in its shortest form and without
    brackets.
    """
    try:
        name = without_port(text)
        # Browsers send an address in its shortest form.
        if (found := address_of(name.removesuffix("."))) is not None:
            return str(found)
        name = _in_ascii(name).removesuffix(".")
    except (ValueError, UnicodeError):
        raise ValueError(text) from None
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(text)
    return name


def without_port(text: str) -> str:
    """What stands before the port. Raises ValueError for a port that is none, and for brackets around no IPv6."""
    if text.startswith("["):
        bracketed = _BRACKETED.fullmatch(text)
        if bracketed is None or address_of(bracketed[1]) is None:
            raise ValueError(text)
        name, port = bracketed.groups()
    elif text.count(":") > 1:
        # Without brackets all of its colons are an address's own.
        return text
    else:
        name, _, port = text.partition(":")
    if port:
        whole_number(0, MAX_PORT)(port)
    return name


def _in_ascii(name: str) -> str:
    """Each label as browsers send it (UTS 46 for all that people write): lower case, Punycode where it is not ASCII."""
    # Not by the codec of the standard library, which knows the rules of 2003, and for which ß is ss.
    labels = unicodedata.normalize("NFKC", name.lower()).replace("\N{IDEOGRAPHIC FULL STOP}", ".").split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


def network(text: str) -> str:
    """An IP address, or a network whose host bits are zero, in its shortest form; `unix` for a Unix socket's peers."""
    if text == UNIX:
        return text
    if "/" not in text:
        return address(text)
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(text) from None


def address(text: str) -> str:
    """An IP address in its shortest form, without a zone."""
    found = address_of(text)
    # A zone (fe80::1%eth0) is only meaningful on one machine and never stands in a header.
    if found is None or "%" in text:
        raise ValueError(text)
    return str(found)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, None for any other text: no zone, and no IPv4 in the clothes of IPv6."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # Servers and proxies with a socket for both families show ::ffff:192.0.2.1 where 192.0.2.1 is meant.
    return getattr(found, "ipv4_mapped", None) or found


def machine_name(text: str) -> str:
    """What to call a machine whose host name is the text: one that `name` takes, whatever the kernel took."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(printable.split())[:MAX_NAME_LENGTH].strip() or "localhost"


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
