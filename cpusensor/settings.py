"""Settings from flags and environment. The only module that reads either."""

import argparse
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cpusensor import __version__

MAX_NAME_LENGTH = 100
MAX_PORT = 65_535


class SettingsError(Exception):
    """A setting with a value that is not allowed; its text is one line for the person who set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service was told."""

    host: str
    """Address to listen on."""
    port: int
    """TCP port; 0 lets the system pick one."""
    db: Path
    interval: int
    """Seconds between two samples; divides 60."""
    name: str
    """What the machine is called on the page and in the API."""
    max_streams: int
    """How many streams may be open at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: how it is written, what is allowed, and what it is without being set."""

    name: str
    default: str
    allowed: str
    """In words, as it follows "must be"."""
    help: str
    parse: Callable[[str], Any] = field(repr=False)
    """Raises ValueError for what is not allowed."""

    @property
    def flag(self) -> str:
        """As on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As in the environment."""
        return "CPUSENSOR_" + self.name.upper()


def load_settings(argv: Sequence[str] = sys.argv[1:], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force: a flag over its environment variable over the default. An empty variable counts as unset.

    Raises SettingsError with one line that names the setting, the value and what is allowed.
    """
    flags = vars(_parser().parse_args(argv))
    values = {setting.name: _value(setting, flags[setting.name], environ) for setting in SETTINGS}
    return Settings(**values)


def _value(setting: Setting, flag: str | None, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - as `Setting.parse`
    if flag is not None:
        source, text = setting.flag, flag
    else:
        source, text = setting.variable, environ.get(setting.variable) or setting.default
    try:
        return setting.parse(text)
    except ValueError:
        raise SettingsError(f"{source}: {text!r} is not allowed; it must be {setting.allowed}") from None


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print together with its usage."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="server.py", allow_abbrev=False)
    parser.description = "Records this machine's CPU use and shows it in the browser."
    parser.add_argument("--version", action="version", version=f"cpusensor {__version__}")
    for setting in SETTINGS:
        shown = setting.default.replace("%", "%%")
        parser.add_argument(
            setting.flag, metavar="VALUE", help=f"{setting.help} ({setting.variable}; default: {shown})"
        )
    return parser


def _integer(text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit()) or not lowest <= int(text) <= highest:
        raise ValueError(text)
    return int(text)


def _interval(text: str) -> int:
    seconds = _integer(text, 1, 60)
    if 60 % seconds:
        raise ValueError(text)
    return seconds


def _host(text: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def _path(text: str) -> Path:
    if not text or not text.isprintable():
        raise ValueError(text)
    return Path(text).expanduser()


def _name(text: str) -> str:
    name = text.strip()
    if not name or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
        raise ValueError(text)
    return name


SETTINGS = (
    Setting(
        name="host",
        default="127.0.0.1",
        allowed="a host name or an IP address",
        help="address to listen on; 0.0.0.0 for every network",
        parse=_host,
    ),
    Setting(
        name="port",
        default="8080",
        allowed=f"a whole number from 0 to {MAX_PORT}; 0 picks a free port",
        help="TCP port; 0 picks a free one",
        parse=lambda text: _integer(text, 0, MAX_PORT),
    ),
    Setting(
        name="db",
        default="cpusensor.db",
        allowed="a file path",
        help="database file; it is made if it is missing",
        parse=_path,
    ),
    Setting(
        name="interval",
        default="5",
        allowed="a whole number of seconds that divides 60: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60",
        help="seconds between two samples",
        parse=_interval,
    ),
    Setting(
        name="name",
        default=socket.gethostname() or "localhost",
        allowed=f"1 to {MAX_NAME_LENGTH} printable characters",
        help="what to call this machine",
        parse=_name,
    ),
    Setting(
        name="max_streams",
        default="1000",
        allowed="a whole number from 1 to 100000",
        help="how many event streams may be open at a time",
        parse=lambda text: _integer(text, 1, 100_000),
    ),
)
