"""The table of settings: how each is written, what is allowed, and what it is without being set."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cpusensor.config import values

MAX_PORT = 65_535

TOKEN = f"{values.TOKEN_LENGTH.start} to {values.TOKEN_LENGTH.stop - 1} printable ASCII characters without a space"


class SettingsError(Exception):
    """A setting with a value that is not allowed; its text is one line for the person who set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Its value decides how it is written: a tuple is a flag that may be repeated, a list with commas in the environment
    and an array in the file; a boolean is a flag without a value, and 1, 0, true or false elsewhere.
    """

    name: str
    default: str
    """As in the environment; where it is empty, so is the value."""
    allowed: str
    """In words, as it follows "must be"."""
    help: str
    parse: Callable[[str], Any] = field(repr=False)
    """Raises ValueError with the text that is not allowed."""
    is_secret: bool = False
    """Whether its value is never shown."""

    @property
    def flag(self) -> str:
        """As on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As in the environment."""
        return "CPUSENSOR_" + self.name.upper()

    @property
    def is_list(self) -> bool:
        """Whether it takes any number of values."""
        return isinstance(self.parse(self.default), tuple)

    @property
    def is_boolean(self) -> bool:
        """Whether it is on or off."""
        return isinstance(self.parse(self.default), bool)

    def refusal(self, place: str, value: object) -> SettingsError:
        """What is raised for a value that is not allowed, with the place where it stands."""
        shown = "this value" if self.is_secret else repr(value)
        return SettingsError(f"{place}: {shown} is not allowed; it must be {self.allowed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text of a setting and where it stands."""

    text: str = field(repr=False)
    place: str
    """As an error names it: `--port`, `CPUSENSOR_PORT`, `cpusensor.toml: port`."""
    source: str
    """As the printed settings name it: `flag --port`, `environment CPUSENSOR_PORT`, `cpusensor.toml`, `default`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A setting with the text that is in force, and what that means."""

    setting: Setting
    written: Written
    value: Any = field(repr=False)


SETTINGS = (
    Setting(
        name="host",
        default="127.0.0.1",
        allowed="a host name or an IP address",
        help="address to listen on; 0.0.0.0 for every network",
        parse=values.host,
    ),
    Setting(
        name="port",
        default="8080",
        allowed=f"a whole number from 0 to {MAX_PORT}; 0 picks a free port",
        help="TCP port; 0 picks a free one",
        parse=values.whole_number(0, MAX_PORT),
    ),
    Setting(
        name="socket",
        default="",
        allowed=f"a file path of at most {values.MAX_SOCKET_BYTES} bytes",
        help="path of a Unix socket to listen on instead of host and port",
        parse=values.optional(values.socket_path),
    ),
    Setting(
        name="tls_cert",
        default="",
        allowed="a file that can be read",
        help="certificate chain (PEM) for HTTPS; goes with --tls-key",
        parse=values.optional(values.readable_file),
    ),
    Setting(
        name="tls_key",
        default="",
        allowed="a file that can be read",
        help="private key (PEM) of that certificate",
        parse=values.optional(values.readable_file),
    ),
    Setting(
        name="allow_host",
        default="",
        allowed="a host name or an IP address, without a port",
        help="further names under which the service may be reached",
        parse=values.several(values.host_name),
    ),
    Setting(
        name="trust_proxy",
        default="",
        allowed="an IP address or a network such as 10.0.0.0/8",
        help="addresses or networks of proxies whose forwarded headers are believed",
        parse=values.several(values.network),
    ),
    Setting(
        name="token",
        default="",
        allowed=TOKEN,
        help="secret that a request must show; every user of the machine can read a flag, so rather use --token-file",
        parse=values.optional(values.token),
        is_secret=True,
    ),
    Setting(
        name="token_file",
        default="",
        allowed=f"a file that can be read and whose first line is {TOKEN}",
        help="file with the token on its first line",
        parse=values.optional(values.token_in_file),
    ),
    Setting(
        name="db",
        default="cpusensor.db",
        allowed="a file path",
        help="database file; it is made if it is missing",
        parse=values.path,
    ),
    Setting(
        name="interval",
        default="5",
        allowed="a whole number of seconds that divides 60: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60",
        help="seconds between two samples",
        parse=values.interval,
    ),
    Setting(
        name="commit_interval",
        default="0",
        allowed="a whole number of seconds from 0 to 60; 0 commits every sample",
        help="seconds between two commits to the database; 60 spares an SD card",
        parse=values.whole_number(0, 60),
    ),
    Setting(
        name="name",
        default=socket.gethostname() or "localhost",
        allowed=f"1 to {values.MAX_NAME_LENGTH} printable characters",
        help="what to call this machine",
        parse=values.name,
    ),
    Setting(
        name="max_streams",
        default="1000",
        allowed="a whole number from 1 to 100000",
        help="how many event streams may be open at a time",
        parse=values.whole_number(1, 100_000),
    ),
    Setting(
        name="max_connections",
        default="",
        allowed="a whole number from 16 to 100000",
        help="how many connections may be open at a time; without it 2000, or twice the streams",
        parse=values.optional(values.whole_number(16, 100_000)),
    ),
    Setting(
        name="max_per_address",
        default="200",
        allowed="a whole number from 1 to 100000",
        help="how many of them from one address",
        parse=values.whole_number(1, 100_000),
    ),
    Setting(
        name="log_format",
        default="plain",
        allowed="plain or json",
        help="how the log on stderr is written: plain lines or one JSON object a line",
        parse=values.one_of("plain", "json"),
    ),
)

CONFIG = Setting(
    name="config",
    default="",
    allowed="a TOML file",
    help="TOML file whose keys are the names of the settings",
    parse=values.optional(values.path),
)
"""Where further settings are; not one that such a file may hold."""
