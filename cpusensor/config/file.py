"""Settings as a TOML file: how one is read, and how the settings in force are written as one."""

from collections.abc import Iterable, Mapping, Sequence

from cpusensor.config.options import Resolved, Setting, SettingsError, Written, suggestion

HIDDEN = "…"
"""Printed instead of a secret. No secret may be this, so a printed file is refused until the real one is filled in."""


def read_config(config: Resolved, settings: Sequence[Setting]) -> dict[str, Written]:
    """The settings in the file that `--config` names, by name; an empty dict without a file.

    Raises SettingsError for a file that cannot be read or is no TOML (toml.io/en/v1.0.0), and for a key that is not a
    setting or whose value has another type.
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
        raise SettingsError(f"{config.written.location}: {file!r} cannot be read ({error.strerror})") from None
    # The parser recurses into nested arrays, so a hostile file may exhaust the stack.
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}; it must be {config.setting.allowed}") from None


def _written(file: str, name: str, value: object, known: Mapping[str, Setting]) -> Written:
    if name not in known:
        meant = suggestion(name.lower().replace("-", "_"), known)
        allowed = "; ".join(filter(None, [f"it must be one of {', '.join(known)}", meant]))
        raise SettingsError(f"{file}: {name!r} is not a setting; {allowed}")
    location = f"{file}: {name}"
    if known[name].parse_table is not None and _is_table(value):
        return Written(text="", table=value, location=location, source=file)
    text = _text(known[name], value)
    if text is None:
        raise known[name].refusal(location, value)
    return Written(text=text, location=location, source=file)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def _text(setting: Setting, value: object) -> str | None:
    """The value as the environment would spell it; None for a type that the setting does not have."""
    match value:
        # Before int, for a bool is one: `name = true` must not call the machine True.
        case bool():
            return str(value) if setting.is_boolean else None
        case str() | int():
            return str(value)
        # Texts only: no setting is a list of numbers, and the environment has no spelling for a list in a list.
        case list() if setting.is_list and all(isinstance(item, str) for item in value):
            return ",".join(value)
    return None


def to_toml(resolved: Iterable[Resolved]) -> str:
    """A line of TOML for each setting, with its source as a comment. Read back it sets the same, but for secrets."""
    return "".join(f"{one.setting.name} = {_toml_value(one)}  # {one.written.source}\n" for one in resolved)


def _toml_value(one: Resolved) -> str:
    if one.written.table is not None:
        return _table(one.written.table)
    match one.value:
        case bool():
            return str(one.value).lower()
        case int():
            return str(one.value)
        case tuple():
            # What is more than a text is printed as it was written.
            is_text = all(isinstance(item, str) for item in one.value)
            items = one.value if is_text else one.written.text.split(",")
            return f"[{', '.join(map(_quoted, items))}]"
    # An empty secret is shown as it is: that none is set may be known.
    text = one.written.text
    return _quoted(HIDDEN if one.setting.is_secret and text else text)


def _table(value: object) -> str:
    """A value of a table of settings, in one line. Headers may be secrets, and are hidden."""
    match value:
        case dict():
            hidden = {key: dict.fromkeys(one, HIDDEN) if key == "headers" else one for key, one in value.items()}
            return "{" + ", ".join(f"{_quoted(key)} = {_table(one)}" for key, one in hidden.items()) + "}"
        case list():
            return "[" + ", ".join(map(_table, value)) + "]"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
    return _quoted(str(value))


def _quoted(text: str) -> str:
    # A basic string takes no control characters, and a terminal should be sent none; \U has room for every character.
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    shown = (one if one.isprintable() else f"\\U{ord(one):08x}" for one in escaped)
    return '"' + "".join(shown) + '"'
