from pathlib import Path

import pytest

from cpusensor.settings import SETTINGS, SettingsError, load_settings


def test_without_anything_set_the_service_stays_on_this_machine() -> None:
    settings = load_settings([], {})

    assert (settings.host, settings.port, settings.interval) == ("127.0.0.1", 8080, 5)
    assert settings.db == Path("cpusensor.db")
    assert settings.name


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environ = {"CPUSENSOR_PORT": "9001", "CPUSENSOR_INTERVAL": "10"}

    settings = load_settings(["--port", "9002"], environ)

    assert (settings.port, settings.interval) == (9002, 10)


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings([], {"CPUSENSOR_PORT": ""}).port == 8080


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--port", "65536"),
        ("--port", "eighty"),
        ("--port", "-1"),
        ("--port", ""),
        ("--interval", "7"),
        ("--interval", "0"),
        ("--interval", "120"),
        ("--interval", "5.0"),
        ("--host", "a b"),
        ("--host", ""),
        ("--db", ""),
        ("--db", "a\0b"),
        ("--name", ""),
        ("--name", "a\nb"),
        ("--name", "x" * 101),
        ("--max-streams", "0"),
    ],
)
def test_a_bad_value_is_named_with_its_setting_and_what_is_allowed_in_one_line(flag: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings([flag, value], {})

    text = str(refused.value)
    assert text.startswith(f"{flag}: {value!r} is not allowed; it must be ")
    assert "\n" not in text


def test_a_bad_variable_is_named_as_the_variable() -> None:
    with pytest.raises(SettingsError, match=r"^CPUSENSOR_INTERVAL: '7' is not allowed; it must be a whole number"):
        load_settings([], {"CPUSENSOR_INTERVAL": "7"})


def test_an_unknown_flag_is_refused_in_one_line() -> None:
    with pytest.raises(SettingsError, match=r"^unrecognized arguments: --prot 80; see --help$"):
        load_settings(["--prot", "80"], {})


def test_help_names_every_setting_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load_settings(["--help"], {})

    shown = capsys.readouterr().out
    assert all(setting.flag in shown and setting.variable in shown for setting in SETTINGS)
