"""Settings as a TOML file: how one is read, and how the settings in force are written as one."""

from collections.abc import Iterable, Mapping, Sequence

from cpusensor.config.options import Reading, Setting, SettingsError, Written

HIDDEN = "…"
"""Stands for a secret; not allowed as one, so that a file that was printed does not pass for complete."""


def read_config(config: Reading, settings: Sequence[Setting]) -> dict[str, Written]:
    """The settings that stand in the file, by name; none if there is no file.

    Raises SettingsError for a file that is no TOML, and for what is not a setting or not of its type.
    """
    if config.value is None:
        return {}
    import tomllib  # noqa: PLC0415 - most starts have no file

    file, known = config.written.text, {setting.name: setting for setting in settings}
    try:
        with config.value.open("rb") as opened:
            table = tomllib.load(opened)
        return {name: _written(file, name, value, known) for name, value in table.items()}
    except OSError as error:
        raise SettingsError(f"{config.written.place}: {file!r} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}; it must be {config.setting.allowed}") from None


def _written(file: str, name: str, value: object, known: Mapping[str, Setting]) -> Written:
    if name not in known:
        raise SettingsError(f"{file}: {name!r} is not a setting; it must be one of {', '.join(known)}")
    place = f"{file}: {name}"
    text = _text(known[name], value)
    if text is None:
        raise known[name].refusal(place, value)
    return Written(text=text, place=place, source=file)


def _text(setting: Setting, value: object) -> str | None:
    """As it would stand in the environment; None for a type that the setting does not have."""
    match value:
        case bool():
            return str(value) if setting.is_boolean else None
        case str() | int():
            return str(value)
        case list() if setting.is_list and all(isinstance(item, str) for item in value):
            return ",".join(value)
    return None


def to_toml(readings: Iterable[Reading]) -> str:
    """A line for each setting, with its source as a comment; read again it sets the same, but for secrets."""
    return "".join(f"{one.setting.name} = {_shown(one)}  # {one.written.source}\n" for one in readings)


def _shown(reading: Reading) -> str:
    match reading.value:
        case bool():
            return str(reading.value).lower()
        case int():
            return str(reading.value)
        case tuple():
            return f"[{', '.join(_quoted(item) for item in reading.value)}]"
    text = reading.written.text
    return _quoted(HIDDEN if reading.setting.is_secret and text else text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return '"' + "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in escaped) + '"'
