"""The table of settings: how each is written, what is allowed, and what it is without being set."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cpusensor.config import receivers, values

TOKEN = f"{values.TOKEN_LENGTH.start} to {values.TOKEN_LENGTH.stop - 1} printable ASCII characters without a space"

LISTENING, LOOKING, RECORDING, PUSHING, LIMITS, OTHERS = (
    "where it listens",
    "who may look",
    "what it records, and where",
    "where it goes",
    "limits",
    "settings and log",
)
"""The headings of `--help`."""


class SettingsError(Exception):
    """A value is not allowed. The text is one line for the person who set it: where, which value, what is allowed."""


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """The question whether the name was meant that a mistyped one is near to; empty if it is near to none."""
    import difflib  # noqa: PLC0415 - most starts have no mistake in them

    near = difflib.get_close_matches(wrong, list(known), 1)
    return f"did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its name, its default, and the parser of its text.

    The type that the parser returns decides how the setting is written. A tuple is a flag that may be repeated, a list
    with commas in the environment, an array in the file. A boolean is a flag without a value; elsewhere it is 1, 0,
    true or false.
    """

    name: str
    group: str
    """The heading of `--help` that it stands under."""
    default: str
    """As the environment would spell it; an empty one leaves the setting unset."""
    allowed: str
    """What is allowed, in words that follow "must be"."""
    help: str
    parse: Callable[[str], Any] = field(repr=False)
    """Raises ValueError with the text that is not allowed."""
    is_secret: bool = False
    """Whether its value is never shown."""
    parse_table: Callable[[object], Any] | None = field(default=None, repr=False)
    """Of the tables that may stand for its text in the file. Raises ValueError with what is not allowed."""

    @property
    def flag(self) -> str:
        """The name on the command line, e.g. `--tls-cert`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The name in the environment, e.g. `CPUSENSOR_TLS_CERT`."""
        return "CPUSENSOR_" + self.name.upper()

    @property
    def is_list(self) -> bool:
        """Whether it takes any number of values."""
        # The parser is asked, so that a setting and its kind cannot contradict each other.
        return isinstance(self.parse(self.default), tuple)

    @property
    def is_boolean(self) -> bool:
        """Whether it is on or off."""
        return isinstance(self.parse(self.default), bool)

    def refusal(self, location: str, value: object) -> SettingsError:
        """The error to raise for a value that is not allowed at `location`; it never shows a secret."""
        shown = "this value" if self.is_secret else repr(value)
        return SettingsError(f"{location}: {shown} is not allowed; it must be {self.allowed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text of a setting, and where it was found."""

    text: str = field(repr=False)
    table: object = field(default=None, repr=False)
    """Tables of the file instead of a text; None for a text."""
    location: str
    """As an error names it: `--port`, `CPUSENSOR_PORT`, `cpusensor.toml: port`."""
    source: str
    """As the printed settings name it: `flag --port`, `environment CPUSENSOR_PORT`, `cpusensor.toml`, `default`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A setting, the text that is in force for it, and the value of that text."""

    setting: Setting
    written: Written
    value: Any = field(repr=False)


SETTINGS = (
    Setting(
        name="host",
        group=LISTENING,
        default="127.0.0.1",
        allowed="a host name or an IP address",
        help="address to listen on; 0.0.0.0 for every network",
        parse=values.host,
    ),
    Setting(
        name="port",
        group=LISTENING,
        default="8080",
        allowed=f"a whole number from 0 to {values.MAX_PORT}; 0 picks a free port",
        help="TCP port; 0 picks a free one",
        parse=values.whole_number(0, values.MAX_PORT),
    ),
    Setting(
        name="socket",
        group=LISTENING,
        default="",
        allowed=f"a file path of at most {values.MAX_SOCKET_BYTES} bytes",
        help="path of a Unix socket to listen on instead of host and port",
        parse=values.optional(values.socket_path),
    ),
    Setting(
        name="tls_cert",
        group=LISTENING,
        default="",
        allowed="a file that can be read",
        help="certificate chain (PEM) for HTTPS; goes with --tls-key",
        parse=values.optional(values.readable_file),
    ),
    Setting(
        name="tls_key",
        group=LISTENING,
        default="",
        allowed="a file that can be read",
        help="private key (PEM) of that certificate",
        parse=values.optional(values.readable_file),
    ),
    Setting(
        name="allow_host",
        group=LOOKING,
        default="",
        allowed="a host name or an IP address; a port after it makes no difference",
        help="further names under which the service may be reached",
        parse=values.several(values.host_name),
    ),
    Setting(
        name="trust_proxy",
        group=LOOKING,
        default="",
        allowed="an IP address, a network such as 10.0.0.0/8, or unix for whoever connects over --socket",
        help="addresses or networks of proxies whose forwarded headers are believed",
        parse=values.several(values.network),
    ),
    Setting(
        name="token",
        group=LOOKING,
        # An empty text means no token, never a token that is empty: every request would show that one.
        default="",
        allowed=TOKEN,
        help="secret that a request must show; every user of the machine can read a flag, so rather use --token-file",
        parse=values.optional(values.token),
        is_secret=True,
    ),
    Setting(
        name="token_file",
        group=LOOKING,
        default="",
        allowed=f"a file that can be read and whose first line is {TOKEN}",
        help="file with the token on its first line",
        parse=values.optional(values.token_in_file),
    ),
    Setting(
        name="db",
        group=RECORDING,
        # Relative, so that a first try needs no rights outside of the folder that it is started in.
        default="cpusensor.db",
        allowed="a file path",
        help="database file; it is made if it is missing",
        parse=values.path,
    ),
    Setting(
        name="interval",
        group=RECORDING,
        # A divisor of 60 puts a slot at the end of every minute, where rollups are closed.
        default="5",
        allowed="a whole number of seconds that divides 60: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60",
        help="seconds between two samples",
        parse=values.interval,
    ),
    Setting(
        name="commit_interval",
        group=RECORDING,
        # At most the minute that a rollup takes: every minute is committed when it is over.
        default="0",
        allowed="a whole number of seconds from 0 to 60; 0 commits every sample",
        help="seconds between two commits to the database; 60 spares an SD card",
        parse=values.whole_number(0, 60),
    ),
    Setting(
        name="keep_rows",
        group=RECORDING,
        # A month: what most questions are about, and what anybody may want to look into with SQL.
        default="31",
        allowed="a whole number of days from 0 to 36500; 0 seals an hour as soon as it is over",
        help="days after which samples and minutes are sealed by the hour, in a fifth of the room and without loss",
        parse=values.whole_number(0, 36_500),
    ),
    Setting(
        name="max_size",
        group=RECORDING,
        default="",
        # The quarters of an hour of five years and a day in rows, with two CPUs; less could hold nothing else for long.
        allowed="a whole number of MiB from 16 to 1000000000",
        help="MiB that the database may take; at the limit the oldest samples go first, then the oldest minutes",
        parse=values.optional(values.whole_number(16, 10**9)),
    ),
    Setting(
        name="name",
        group=RECORDING,
        # The kernel takes any bytes for a host name, and none in a container without one of its own.
        default=values.machine_name(socket.gethostname()),
        allowed=f"1 to {values.MAX_NAME_LENGTH} printable characters",
        help="what to call this machine",
        parse=values.name,
    ),
    Setting(
        name="top",
        group=RECORDING,
        default="all",
        allowed="off, units or all",
        help="whose CPU time is read: of units (services, containers) and processes, of units alone, or of nobody",
        parse=values.one_of("off", "units", "all"),
    ),
    Setting(
        name="record",
        group=RECORDING,
        default="on",
        allowed="on or off",
        help="whether this machine is recorded; off for one that only shows the others of --engine",
        parse=values.one_of("on", "off"),
    ),
    Setting(
        name="remote_write",
        group=PUSHING,
        default="",
        allowed="an address such as http://victoria:8428/api/v1/write, or tables [[remote_write]] in the file",
        help="receiver of all samples by Prometheus' remote write; its secrets go into the file",
        parse=values.several(receivers.receiver),
        parse_table=receivers.receivers_of_tables,
    ),
    Setting(
        name="label",
        group=PUSHING,
        default="",
        allowed=f"name=value: a name of letters, digits and _, a value of 1 to {receivers.MAX_LABEL} characters",
        help="what every pushed sample is labelled with beside host",
        parse=values.several(receivers.label),
    ),
    Setting(
        name="engine",
        group=PUSHING,
        default="",
        allowed="an address such as http://victoria:8428, or a table [engine] in the file",
        help="engine that all machines push to, from which /fleet shows them; its secrets go into the file",
        parse=values.optional(receivers.engine),
        parse_table=receivers.engine_of_table,
    ),
    Setting(
        name="max_streams",
        group=LIMITS,
        default="1000",
        allowed="a whole number from 1 to 100000",
        help="how many event streams may be open at a time",
        parse=values.whole_number(1, 100_000),
    ),
    Setting(
        name="max_connections",
        group=LIMITS,
        # Empty, because the default follows from max_streams and from the descriptors that the process may open.
        default="",
        allowed="a whole number from 16 to 100000",
        help="how many connections may be open at a time; without it 2000, or twice the streams",
        parse=values.optional(values.whole_number(16, 100_000)),
    ),
    Setting(
        name="max_per_address",
        group=LIMITS,
        # Generous: everybody behind one router or proxy has one address.
        default="200",
        allowed="a whole number from 1 to 100000",
        help="how many of them from one address",
        parse=values.whole_number(1, 100_000),
    ),
    Setting(
        name="log_format",
        group=OTHERS,
        default="plain",
        allowed="plain or json",
        help="how the log on stderr is written: plain lines or one JSON object a line",
        parse=values.one_of("plain", "json"),
    ),
)

CONFIG = Setting(
    name="config",
    group=OTHERS,
    default="",
    allowed="a TOML file",
    help="TOML file whose keys are the names of the settings",
    parse=values.optional(values.path),
)
"""Names the file with further settings. Not in SETTINGS, for such a file may not name another."""
