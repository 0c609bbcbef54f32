import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.config import values
from cpusensor.config.options import CONFIG, Setting
from cpusensor.config.settings import SETTINGS, SettingsError, load_settings, parse_flags, read_settings

TOKEN = "0123456789abcdef"  # noqa: S105 - an example
TRUST = Setting(
    name="trust", group="examples", default="false", allowed="true or false", help="an example", parse=values.boolean
)


def test_without_anything_set_the_service_stays_on_this_machine() -> None:
    settings = load_settings([], {})

    assert (settings.host, settings.port, settings.interval) == ("127.0.0.1", 8080, 5)
    assert settings.db == Path("cpusensor.db")
    assert settings.name
    assert (settings.allow_host, settings.trust_proxy) == ((), ())
    assert (settings.token, settings.socket, settings.tls_cert, settings.tls_key) == (None, None, None, None)


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environ = {"CPUSENSOR_PORT": "9001", "CPUSENSOR_INTERVAL": "10"}

    settings = load_settings(["--port", "9002"], environ)

    assert (settings.port, settings.interval) == (9002, 10)


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings([], {"CPUSENSOR_PORT": ""}).port == 8080


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_default_is_allowed(setting: Setting) -> None:
    setting.parse(setting.default)


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
        ("--db", "~nobody-of-that-name/a.db"),
        ("--name", ""),
        ("--name", "a\nb"),
        ("--name", "x" * 101),
        ("--max-streams", "0"),
        ("--max-connections", "15"),
        ("--max-per-address", "0"),
        ("--commit-interval", "61"),
        ("--keep-rows", "-1"),
        ("--max-size", "15"),
        ("--log-format", "JSON"),
        ("--allow-host", "box:http"),
        ("--allow-host", "http://box"),
        ("--trust-proxy", "10.0.0.5/8"),
        ("--tls-cert", "/no/such/file"),
        ("--tls-key", "/"),
        ("--token-file", "/no/such/file"),
        ("--socket", "x" * 108),
        ("--config", "a\x1bb"),
    ],
)
def test_a_bad_value_is_named_with_its_setting_and_what_is_allowed_in_one_line(flag: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings([flag, value], {})

    text = str(refused.value)
    assert text.startswith(f"{flag}: {value!r} is not allowed; it must be ")
    assert "\n" not in text


@pytest.mark.parametrize(
    "link", ["tcp://10.0.0.7:8080", "udp://10.0.0.7:53", "sctp://10.0.0.7:1", "tcp://[fd00::7]:8080"]
)
def test_a_variable_that_a_cluster_sets_for_a_service_of_this_name_is_none_of_ours(link: str) -> None:
    environ = {
        "CPUSENSOR_SERVICE_HOST": "10.0.0.7",
        "CPUSENSOR_SERVICE_PORT": "8080",
        "CPUSENSOR_SERVICE_PORT_HTTP": "8080",
        "CPUSENSOR_PORT": link,
        "CPUSENSOR_PORT_8080_TCP": link,
        "CPUSENSOR_PORT_8080_TCP_PROTO": "tcp",
        "CPUSENSOR_PORT_8080_TCP_PORT": "8080",
        "CPUSENSOR_PORT_8080_TCP_ADDR": "10.0.0.7",
    }

    assert load_settings([], environ) == load_settings([], {})
    assert load_settings(["--port", "9000"], environ).port == 9000


@pytest.mark.parametrize(
    "typo", ["tcp://", "tcp://10.0.0.7", "tcp://box:8080", "tpc://10.0.0.7:8080", "10.0.0.7:8080", "8O80", "8080/tcp"]
)
def test_a_port_that_no_cluster_writes_is_still_a_mistake(typo: str) -> None:
    with pytest.raises(SettingsError, match=r"^CPUSENSOR_PORT: .* is not allowed"):
        load_settings([], {"CPUSENSOR_PORT": typo})
    with pytest.raises(SettingsError, match=r"^--port: "):
        load_settings(["--port", "tcp://10.0.0.7:8080"], {})


def test_a_bad_variable_is_named_as_the_variable() -> None:
    with pytest.raises(SettingsError, match=r"^CPUSENSOR_INTERVAL: '7' is not allowed; it must be a whole number"):
        load_settings([], {"CPUSENSOR_INTERVAL": "7"})


@given(texts=st.dictionaries(st.sampled_from([one.variable for one in (CONFIG, *SETTINGS)]), st.text(max_size=30)))
def test_whatever_the_environment_holds_is_taken_or_refused_in_one_line(texts: dict[str, str]) -> None:
    try:
        load_settings([], texts)
    except SettingsError as error:
        assert str(error).isprintable()  # noqa: PT017 - most texts raise, some need not


def test_a_list_is_a_repeated_flag_or_has_commas_in_the_environment() -> None:
    environ = {"CPUSENSOR_ALLOW_HOST": "A.lan, [::1]", "CPUSENSOR_TRUST_PROXY": "127.0.0.1,10.0.0.0/8"}

    settings = load_settings(["--allow-host", "b.lan", "--allow-host", "c.lan"], environ)

    assert settings.allow_host == ("b.lan", "c.lan")
    assert settings.trust_proxy == ("127.0.0.1", "10.0.0.0/8")
    assert load_settings([], environ).allow_host == ("a.lan", "::1")


def test_a_flag_that_is_given_twice_counts_as_given_last() -> None:
    assert load_settings(["--port", "1", "--port", "2"], {}).port == 2


@pytest.mark.parametrize(
    ("argv", "environ", "value"),
    [
        ([], {}, False),
        (["--trust"], {}, True),
        (["--trust"], {"CPUSENSOR_TRUST": "0"}, True),
        ([], {"CPUSENSOR_TRUST": "1"}, True),
        ([], {"CPUSENSOR_TRUST": "false"}, False),
    ],
)
def test_a_boolean_is_a_flag_without_a_value(argv: list[str], environ: dict[str, str], *, value: bool) -> None:
    assert read_settings(parse_flags(argv, [TRUST]), environ, [TRUST])["trust"].value is value


def test_an_empty_flag_unsets_what_the_environment_sets() -> None:
    environ = {"CPUSENSOR_SOCKET": "a.sock", "CPUSENSOR_ALLOW_HOST": "a"}

    settings = load_settings(["--socket", "", "--allow-host", ""], environ)

    assert (settings.socket, settings.allow_host) == (None, ())


def test_a_token_is_taken_from_a_flag_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")

    assert load_settings(["--token", TOKEN], {}).token == TOKEN
    assert load_settings([], {"CPUSENSOR_TOKEN": TOKEN}).token == TOKEN
    assert load_settings(["--token-file", str(tmp_path / "token")], {}).token == TOKEN


@pytest.mark.parametrize("value", ["hunter2", "s3cret w0rds h3re", "0123456789abcdefé", "x" * 513])
def test_a_token_is_never_shown(value: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(value)
    attempts: list[tuple[list[str], dict[str, str]]] = [
        (["--token", value], {}),
        (["--tokn", value], {}),
        ([f"--tokn={value}"], {}),
        ([value], {}),
        (["--token", TOKEN, *value.split()], {}),
        ([], {"CPUSENSOR_TOKEN": value}),
        (["--token-file", str(tmp_path / "token")], {}),
    ]

    for argv, environ in attempts:
        with pytest.raises(SettingsError) as refused:
            load_settings(argv, environ)
        assert not any(word in str(refused.value) for word in value.split())
    settings = load_settings(["--token", TOKEN], {})
    resolved = read_settings(parse_flags(["--token", TOKEN]), {})
    assert TOKEN not in repr(settings) + repr(resolved)


def test_settings_that_exclude_or_need_each_other_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(TOKEN)
    refused = {
        ("--token", TOKEN, "--token-file", str(file)): "--token-file: the token is set by --token as well; set one",
        ("--tls-cert", str(file)): "--tls-cert: needs --tls-key as well; set both or neither",
        ("--tls-key", str(file)): "--tls-key: needs --tls-cert as well; set both or neither",
        ("--socket", "a.sock", "--port", "8080"): "--port: is not used with --socket; set one of them",
        ("--socket", "a.sock", "--host", "::1"): "--host: is not used with --socket; set one of them",
        ("--record", "off"): "--record: 'off' needs --engine as well",
        ("--record", "off", "--engine", "http://e:1", "--remote-write", "http://e:1/w"): "--remote-write: has nothing",
    }

    for argv, said in refused.items():
        with pytest.raises(SettingsError) as error:
            load_settings(argv, {})
        assert str(error.value).startswith(said)


def test_a_certificate_goes_with_its_key(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.touch()
    key.touch()

    settings = load_settings(["--tls-cert", str(cert)], {"CPUSENSOR_TLS_KEY": str(key)})

    assert (settings.tls_cert, settings.tls_key) == (cert, key)


def test_a_socket_takes_no_notice_of_an_address_that_was_set_elsewhere() -> None:
    settings = load_settings(["--socket", "a.sock"], {"CPUSENSOR_HOST": "::1", "CPUSENSOR_PORT": "80"})

    assert settings.socket == Path("a.sock")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--prot", "80"], "unrecognized arguments: --prot (did you mean --port?); see --help"),
        (["-port=80"], "unrecognized arguments: -port (did you mean --port?); see --help"),
        (["--ALLOW_HOST", "a"], "unrecognized arguments: --ALLOW_HOST (did you mean --allow-host?); see --help"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate; see --help"),
        (["version"], "a value without a flag (did you mean --version?); see --help"),
        (["80"], "a value without a flag; see --help"),
        (["--port"], "argument --port: expected one argument; see --help"),
    ],
)
def test_an_unknown_flag_is_refused_in_one_line(argv: list[str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(argv, {})

    assert str(refused.value) == said


def test_help_names_every_setting_with_its_variable_in_groups_and_gives_examples_that_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The help names the program as it was called, which is the test runner's otherwise.
    monkeypatch.setattr("sys.argv", ["server.py"])
    with pytest.raises(SystemExit):
        load_settings(["--help"], {})

    shown = capsys.readouterr().out
    assert all(setting.flag in shown and setting.variable in shown for setting in (CONFIG, *SETTINGS))
    assert len({setting.group for setting in SETTINGS if f"\n{setting.group}:\n" in shown}) >= 4
    (tmp_path / "token").write_text(TOKEN)
    examples = re.findall("^  python .*? (--.*?)(?:  | >)", shown, re.MULTILINE)
    assert examples
    for flags in examples:
        parse_flags(flags.replace("FILE", str(tmp_path / "token")).split())


def test_printing_the_settings_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_settings(["--print-config", "--name", "бокс"], {"CPUSENSOR_PORT": "9000"})

    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "port = 9000  # environment CPUSENSOR_PORT\n" in printed
    assert 'name = "бокс"  # flag --name\n' in printed


def test_settings_that_are_refused_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError):
        load_settings(["--print-config", "--tls-cert", __file__], {})

    assert capsys.readouterr().out == ""
