"""Settings from flags, the environment and a file. The only module that reads flags or the environment."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cpusensor import __version__
from cpusensor.config.file import read_config, to_toml
from cpusensor.config.options import CONFIG, SETTINGS, Resolved, Setting, SettingsError, Written, suggestion
from cpusensor.config.receivers import Endpoint, Receiver
from cpusensor.config.values import whole_number

__all__ = ["SETTINGS", "Setting", "Settings", "SettingsError", "load_settings"]

WATCHDOG_USEC, MAX_WATCHDOG_USEC = "30000000", 10**15
"""Microseconds: the default where a service manager names no time, and the longest accepted, thirty years."""

_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://(\[[0-9a-f:.]+\]|[0-9.]+):[0-9]{1,5}")
"""What a cluster puts into CPUSENSOR_PORT of every container beside a service named cpusensor
(kubernetes.io/docs/concepts/services-networking/service/#environment-variables), and Docker for a link."""

DESCRIPTION = """\
Records this machine's CPU use, for years, and shows it in the browser. Each setting is a flag, a variable of the
environment or a line of a file (--config): a flag wins over its variable, that over the file, that over the default."""

EXAMPLES = """\
examples:
  {command}                                   this machine alone may look: http://127.0.0.1:8080/
  {command} --host 0.0.0.0 --token-file FILE  every network, for who knows the first line of FILE
  {command} --db ~/cpu.db --port 9000         another file, another port
  {command} --print-config > cpusensor.toml   the settings in force, to begin a file with

Ctrl-C ends it. More: README.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force."""

    host: str
    """Address to listen on."""
    port: int
    """TCP port; 0 lets the system pick one."""
    socket: Path | None
    """Unix socket to listen on; with it host and port are not used."""
    tls_cert: Path | None
    """Certificate chain; None without `tls_key` too."""
    tls_key: Path | None
    allow_host: tuple[str, ...]
    """Further names under which the service may be reached: lower case, IPv6 without brackets."""
    trust_proxy: tuple[str, ...]
    """IP addresses and networks whose forwarded headers are believed."""
    token: str | None = field(repr=False)
    """The secret that a request must show; None lets everybody in."""
    db: Path
    interval: int
    """Seconds between two samples; divides 60."""
    commit_interval: int
    """Seconds between two commits, at most a minute; 0 commits every sample."""
    keep_rows: int
    """Days after which samples and minutes are sealed by the hour; 0 seals an hour as soon as it is over."""
    max_size: int | None
    """MiB that the database may take; None for as many as it needs."""
    name: str
    """What the machine is called on the page and in the API."""
    top: str
    """Whose CPU time is read: `off`, `units`, or `all` for units and processes."""
    record: str
    """`on`, or `off` for a machine that opens no database and shows the fleet alone."""
    remote_write: tuple[Receiver, ...]
    """Where samples are pushed to."""
    engine: Endpoint | None
    """What answers PromQL about all machines; None without /fleet."""
    label: tuple[tuple[str, str], ...]
    """Name and value of each label that every pushed sample has."""
    max_streams: int
    """How many streams may be open at a time."""
    max_connections: int | None
    """How many connections may be open at a time; None for 2000, or twice `max_streams` if that is more."""
    max_per_address: int
    """How many connections one address may have open."""
    log_format: str
    """`plain` or `json`."""
    notify_socket: str | None
    """Where the service manager listens, from NOTIFY_SOCKET (sd_notify(3)); None without one."""
    watchdog_s: float
    """Seconds of silence after which the service manager restarts it, from WATCHDOG_USEC (sd_watchdog_enabled(3))."""


def load_settings(argv: Sequence[str] = sys.argv[1:], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force: a flag over its environment variable over the file over the default.

    An empty variable counts as unset. Raises SettingsError with one line that names the setting, the value and what is
    allowed, and SystemExit once --help, --version or --print-config has printed what was asked for.
    """
    flags = parse_flags(argv)
    resolved = read_settings(flags, environ)
    _check_together(resolved)
    if flags["print_config"]:
        # As bytes: the locale of a container or a service manager may be unable to encode a name.
        sys.stdout.buffer.write(to_toml(resolved.values()).encode())
        raise SystemExit(0)
    values = {name: one.value for name, one in resolved.items()}
    # Two settings, one value: _check_together has made sure that at most one of them is set.
    token_in_file = values.pop("token_file")
    return Settings(**values | {"token": values["token"] or token_in_file} | _supervision(environ))


def read_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str], settings: Sequence[Setting] = SETTINGS
) -> dict[str, Resolved]:
    """Each setting by its name, from flags, environment and file. Raises SettingsError as `load_settings` does."""
    # The file comes first because flags and environment may name it; it cannot name another.
    config = _resolve(CONFIG, _written(CONFIG, flags, environ))
    in_file = read_config(config, settings)
    return {one.name: _resolve(one, _written(one, flags, environ) or in_file.get(one.name)) for one in settings}


def _written(setting: Setting, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Written | None:
    if texts := flags[setting.name]:
        # The last flag wins, as in most programs, so that a wrapper's default can be overridden.
        text = ",".join(texts) if setting.is_list else texts[-1]
        return Written(text=text, location=setting.flag, source=f"flag {setting.flag}")
    # An empty variable counts as unset: compose files pass `X=${X}` whether X is set or not.
    text = environ.get(setting.variable)
    if text and not _is_cluster_s_own(setting, text):
        return Written(text=text, location=setting.variable, source=f"environment {setting.variable}")
    return None


def _is_cluster_s_own(setting: Setting, text: str) -> bool:
    """Whether a variable tells of a service on the network, and not of this setting."""
    return setting.variable.endswith("_PORT") and _SERVICE_LINK.fullmatch(text) is not None


def _resolve(setting: Setting, written: Written | None) -> Resolved:
    written = written or Written(text=setting.default, location=setting.variable, source="default")
    try:
        return Resolved(setting=setting, written=written, value=_value(setting, written))
    except ValueError as error:
        # Without its cause: a traceback of the parser would show a secret that the message hides.
        raise setting.refusal(written.location, *error.args) from None


def _value(setting: Setting, written: Written) -> Any:  # noqa: ANN401 - each setting has its own type
    if setting.parse_table is not None and written.table is not None:
        return setting.parse_table(written.table)
    return setting.parse(written.text)


def _check_together(resolved: Mapping[str, Resolved]) -> None:
    """Raise SettingsError for settings that exclude or need each other."""
    locations = {name: one.written.location for name, one in resolved.items() if one.value is not None}
    if {"token", "token_file"} <= locations.keys():
        raise SettingsError(
            f"{locations['token_file']}: the token is set by {locations['token']} as well; set one of them"
        )
    for given, missing in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if given in locations and missing not in locations:
            raise SettingsError(
                f"{locations[given]}: needs {resolved[missing].setting.flag} as well; set both or neither"
            )
    # Only as flags: an image sets host in its environment, and a socket given on top of that is meant.
    for unused in ("host", "port"):
        if "socket" in locations and locations[unused] == resolved[unused].setting.flag:
            raise SettingsError(f"{locations[unused]}: is not used with {locations['socket']}; set one of them")
    _check_recording(resolved)


def _check_recording(resolved: Mapping[str, Resolved]) -> None:
    """Raise SettingsError for settings without which, or with which, there is no sense in recording nothing."""
    record = resolved["record"]
    if record.value == "on":
        return
    if resolved["engine"].value is None:
        raise SettingsError(
            f"{record.written.location}: 'off' needs --engine as well: without it there is nothing to show"
        )
    if resolved["remote_write"].value:
        pushing = resolved["remote_write"].written.location
        raise SettingsError(f"{pushing}: has nothing to push, for {record.written.location} is 'off'; set one of them")


def _supervision(environ: Mapping[str, str]) -> dict[str, Any]:
    """`notify_socket` and `watchdog_s` from the variables of a service manager. Raises SettingsError."""
    text = environ.get("WATCHDOG_USEC") or WATCHDOG_USEC
    try:
        watchdog_s = whole_number(1, MAX_WATCHDOG_USEC)(text) / 1e6
    except ValueError:
        raise SettingsError(f"WATCHDOG_USEC: {text!r} is not allowed; it must be a number of microseconds") from None
    return {"notify_socket": environ.get("NOTIFY_SOCKET") or None, "watchdog_s": watchdog_s}


class _Parser(argparse.ArgumentParser):
    """Raises SettingsError instead of printing its usage and exiting: every refusal is one line."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see --help")


def parse_flags(argv: Sequence[str], settings: Sequence[Setting] = SETTINGS) -> dict[str, Any]:
    """The texts given for each setting, None without its flag. Raises SettingsError for what is no flag."""
    parser = _parser(settings)
    flags, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error(_refusal(unknown, [one.flag for one in (CONFIG, *settings)]))
    return vars(flags)


def _refusal(unknown: Sequence[str], known: Sequence[str]) -> str:
    """What is wrong with texts that are no flags; of a value not a word: it may be the secret of a mistyped flag."""
    names = [text.partition("=")[0] for text in unknown if text.startswith("-")]
    wrong = f"unrecognized arguments: {' '.join(names)}" if names else "a value without a flag"
    flag = "--" + (names or unknown)[0].lstrip("-").partition("=")[0].lower().replace("_", "-")
    meant = suggestion(flag, [*known, *_PRINTING])
    return f"{wrong} ({meant})" if meant else wrong


_PRINTING = ("--help", "--version", "--print-config")
"""The flags that are no settings."""


def _parser(settings: Sequence[Setting]) -> _Parser:
    command = _command(sys.argv[0])
    # No abbreviations: a flag added later would change what an old command line means.
    parser = _Parser(
        prog=command,
        usage=f"{command} [--SETTING VALUE ...]",
        description=DESCRIPTION,
        epilog=EXAMPLES.format(command=command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cpusensor {__version__}", help="print it, and end")
    parser.add_argument("--print-config", action="store_true", help="print the settings in force as TOML, and end")
    groups: dict[str, Any] = {}
    for setting in (*settings, CONFIG):
        if setting.group not in groups:
            groups[setting.group] = parser.add_argument_group(setting.group)
        # Everything is collected as text and parsed later, like the texts of the environment and the file.
        how = {"action": "append_const", "const": "true"} if setting.is_boolean else _TAKES_VALUE
        groups[setting.group].add_argument(setting.flag, help=_help(setting), **how)
    return parser


_TAKES_VALUE = {"action": "append", "metavar": "VALUE"}


def _help(setting: Setting) -> str:
    repeated = "may be repeated; " if setting.is_list else ""
    default = setting.default or "none"
    return f"{setting.help} ({repeated}{setting.variable}; default: {default})".replace("%", "%%")


def _command(program: str) -> str:
    """How this program was called, for a person to repeat."""
    name = Path(program).name
    if name == "__main__.py":
        return "python -m cpusensor"
    return f"python {name}" if name.endswith(".py") else "cpusensor"
