"""Parsers of what is told of other machines: who receives samples, how they are labelled, which engine holds them.

A receiver is a URL where that is enough; where more is to be said, a table of the configuration file. Each parser
raises ValueError with what is not allowed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cpusensor.config import values

MAX_LABEL = 200
"""Characters of a label's value: engines refuse far longer ones, and they come with every sample."""

MAX_BATCH_S = 600
MAX_CATCH_UP = 10_000

RESERVED = frozenset({"host", "mode", "cpu", "instance", "job"})
"""Labels that mean something else: our own, and those of a scraper."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL of another service, and what it wants to see."""

    url: str
    token: str | None = field(default=None, repr=False)
    """Sent as a bearer."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    """Sent with `username` as Basic."""
    ca: Path | None = None
    """Certificates (PEM) to believe instead of the system's."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further ones, as the name of a tenant."""

    @property
    def name(self) -> str:
        """What it is called where others can read it: without a query, which may hold a secret."""
        return self.url.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver(Endpoint):
    """Where samples are sent by Prometheus' remote write."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside those of all receivers."""
    interval: int = 15
    """Seconds between two batches while nothing waits."""
    catch_up: int = 200
    """Samples a second at most while older ones wait."""
    history: bool = False
    """Whether a receiver that was never sent anything gets all that is recorded, instead of what comes from now on."""


def url(text: str) -> str:
    """An address of http or https, without credentials, which belong into a file."""
    head, at, rest = text.rpartition("@")
    # Shown without the password that may stand there.
    shown = f"{head.partition('//')[0]}//…@{rest}" if at else text
    try:
        parts = urlsplit(text)
        # Asked for, since urlsplit itself takes any port.
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not parts.fragment
    except ValueError:
        raise ValueError(shown) from None
    if not is_whole or parts.username is not None or not text.isprintable() or " " in text:
        raise ValueError(shown)
    return text


def receiver(text: str) -> Receiver:
    """A receiver of which nothing but its URL is told."""
    return Receiver(url=url(text))


def engine(text: str) -> Endpoint:
    """An engine of which nothing but its URL is told."""
    return Endpoint(url=url(text))


def label(text: str) -> tuple[str, str]:
    """`name=value`, each of which an engine takes."""
    name, equals, value = text.partition("=")
    if not equals or not _LABEL.fullmatch(name) or name.startswith("__") or name in RESERVED:
        raise ValueError(text)
    if not value or not value.isprintable() or len(value) > MAX_LABEL:
        raise ValueError(text)
    return name, value


def receivers_of_tables(tables: object) -> tuple[Receiver, ...]:
    """The receivers of `[[remote_write]]`. Raises ValueError with the key and the value that is not allowed."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(tables)
    return tuple(Receiver(**_fields(table, _RECEIVER)) for table in tables)


def engine_of_table(table: object) -> Endpoint:
    """The engine of `[engine]`. Raises ValueError as `receivers_of_tables`."""
    if not isinstance(table, dict):
        raise ValueError(table)  # noqa: TRY004 - what every parser raises
    return Endpoint(**_fields(table, _ENDPOINT))


def _fields(table: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in table.items():
        name, parse = known.get(key, (None, None))
        if parse is None:
            raise ValueError(f"{key}: it must be one of {', '.join(known)}")
        try:
            found[name] = parse(value)
        except (ValueError, TypeError, AttributeError):
            # A file's name is shown, never what it holds.
            raise ValueError(f"{key} = {value!r}") from None
    if "url" not in found:
        raise ValueError("a table without url")
    if "token" in found and {"username", "password"} & found.keys():
        raise ValueError("token_file beside username or password_file: set one of them")
    return found


def _labels(table: Mapping[str, str]) -> dict[str, str]:
    return dict(label(f"{name}={value}") for name, value in table.items())


def _headers(table: Mapping[str, str]) -> dict[str, str]:
    for name, value in table.items():
        if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError(name)
    return dict(table)


def _secret(text: str) -> str:
    """What stands on the first line of a file."""
    with values.path(text).open(encoding="utf-8") as file:
        secret = file.readline(values.TOKEN_LENGTH.stop * 8).rstrip("\r\n")
    if not secret or not secret.isprintable():
        raise ValueError(text)
    return secret


def _secret_in_file(text: str) -> str:
    try:
        return _secret(text)
    except OSError:
        raise ValueError(text) from None


def _certificates(text: str) -> Path:
    """A file of certificates (PEM) that can be believed."""
    import ssl  # noqa: PLC0415 - most starts name none

    file = values.readable_file(text)
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(text) from None
    return file


def _number(lowest: int, highest: int) -> Any:  # noqa: ANN401 - a parser, as the others
    def parse(value: object) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            raise ValueError(value)
        return value

    return parse


def _boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise ValueError(value)
    return value


_ENDPOINT: dict[str, Any] = {
    "url": ("url", url),
    "token_file": ("token", _secret_in_file),
    "username": ("username", _text),
    "password_file": ("password", _secret_in_file),
    "ca_file": ("ca", _certificates),
    "headers": ("headers", _headers),
}
_RECEIVER = _ENDPOINT | {
    "labels": ("labels", _labels),
    "interval": ("interval", _number(1, MAX_BATCH_S)),
    "catch_up": ("catch_up", _number(1, MAX_CATCH_UP)),
    "history": ("history", _boolean),
}
"""Keys of a table: the field that each sets, and the parser of its value."""
