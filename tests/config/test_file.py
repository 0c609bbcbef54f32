import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.config import values
from cpusensor.config.file import HIDDEN, to_toml
from cpusensor.config.options import CONFIG, SETTINGS, Setting, SettingsError
from cpusensor.config.settings import load_settings, parse_flags, read_settings

TOKEN = "0123456789abcdef"  # noqa: S105 - an example
TRUST = Setting(
    name="trust", group="examples", default="false", allowed="true or false", help="an example", parse=values.boolean
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "cpusensor.toml"


def refusal(config: Path, *flags: str) -> str:
    """What is said of this file, after its name."""
    with pytest.raises(SettingsError) as refused:
        load_settings(["--config", str(config), *flags], {})
    text = str(refused.value)
    assert text.isprintable()
    assert str(config) in text
    return text.replace(str(config), "FILE")


def test_a_file_sets_text_numbers_and_lists(config: Path) -> None:
    config.write_text('host = "0.0.0.0"\nport = 9000\nmax_streams = "50"\nallow_host = ["cpu.lan", "::1"]\n')

    settings = load_settings(["--config", str(config)], {})

    assert (settings.host, settings.port, settings.max_streams) == ("0.0.0.0", 9000, 50)  # noqa: S104 - only read
    assert settings.allow_host == ("cpu.lan", "::1")


def test_a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default(config: Path) -> None:
    config.write_text("interval = 10\nport = 1\nmax_streams = 1\n")
    environ = {"CPUSENSOR_CONFIG": str(config), "CPUSENSOR_PORT": "2", "CPUSENSOR_MAX_STREAMS": "2"}

    settings = load_settings(["--max-streams", "3"], environ)

    assert (settings.interval, settings.port, settings.max_streams) == (10, 2, 3)
    assert settings.max_connections is None


def test_an_empty_name_of_a_file_is_no_file() -> None:
    assert load_settings(["--config", ""], {"CPUSENSOR_CONFIG": "/no/such/file"}).port == 8080


@pytest.mark.parametrize(("written", "value"), [("true", True), ("false", False), ("1", True), ('"0"', False)])
def test_a_boolean_is_one_in_the_file(config: Path, written: str, *, value: bool) -> None:
    config.write_text(f"trust = {written}\n")

    resolved = read_settings(parse_flags(["--config", str(config)], [TRUST]), {}, [TRUST])

    assert resolved["trust"].value is value


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("port = 65536", "FILE: port: '65536' is not allowed; it must be a whole number from 0 to 65535"),
        ("port = -1", "FILE: port: '-1' is not allowed; it must be "),
        ("port = 80.5", "FILE: port: 80.5 is not allowed; it must be "),
        ("port = true", "FILE: port: True is not allowed; it must be "),
        ("port = [80]", "FILE: port: [80] is not allowed; it must be "),
        ("name = 2024-01-01", "FILE: name: datetime.date(2024, 1, 1) is not allowed; it must be "),
        ('name = "a\\nb"', r"FILE: name: 'a\nb' is not allowed; it must be "),
        ("name.first = 'a'", "FILE: name: {'first': 'a'} is not allowed; it must be "),
        ("allow_host = [1]", "FILE: allow_host: [1] is not allowed; it must be "),
        ("allow_host = ['a', 'b c']", "FILE: allow_host: 'b c' is not allowed; it must be "),
        ("token = 'short'", "FILE: token: this value is not allowed; it must be 16 to 512 printable"),
        ("token = ['0123456789abcdef']", "FILE: token: this value is not allowed; it must be "),
        ("prot = 80", "FILE: 'prot' is not a setting; it must be one of host, port, "),
        ("[server]\nport = 80", "FILE: 'server' is not a setting; it must be one of host, port, "),
        ("config = 'b.toml'", "FILE: 'config' is not a setting; it must be one of host, "),
        ("print_config = true", "FILE: 'print_config' is not a setting; it must be one of host, "),
        ("max-streams = 5", "FILE: 'max-streams' is not a setting; it must be one of host, "),
        ('"a\\u001b\\n" = 5', r"FILE: 'a\x1b\n' is not a setting; it must be one of host, "),
        ("port = 1\nport = 2", "FILE: Cannot overwrite a value (at line 2, column 9); it must be a TOML file"),
        ("port = 1\nhost", "FILE: Expected '=' after a key in a key/value pair (at line 2, column 5); it must be"),
        ("port = 0x" + "F" * 10_000, "FILE: Exceeds the limit"),
        ("port = " + "[" * 100_000, "FILE: maximum recursion depth exceeded"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(config: Path, written: str, said: str) -> None:
    config.write_text(written + "\n")

    assert refusal(config).startswith(said)


@pytest.mark.parametrize(("written", "meant"), [("prot = 80", "port"), ("max-streams = 5", "max_streams")])
def test_a_mistyped_setting_is_told_what_was_meant(config: Path, written: str, meant: str) -> None:
    config.write_text(written + "\n")

    assert refusal(config).endswith(f"; did you mean {meant}?")


def test_a_file_that_is_no_text_or_not_there_is_said_in_one_line(config: Path) -> None:
    assert refusal(config) == "--config: 'FILE' cannot be read (No such file or directory)"
    config.write_bytes(b"name = '\xff'\n")
    assert refusal(config).startswith("FILE: 'utf-8' codec can't decode byte 0xff")
    assert refusal(config.parent).startswith("--config: 'FILE' cannot be read (Is a directory)")


def test_the_name_of_a_file_is_printable() -> None:
    with pytest.raises(SettingsError, match=r"^CPUSENSOR_CONFIG: 'a\\nb' is not allowed; it must be a TOML file$"):
        load_settings([], {"CPUSENSOR_CONFIG": "a\nb"})


@given(content=st.binary() | st.text().map(str.encode))
def test_no_file_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    config = tmp_path_factory.getbasetemp() / "any.toml"
    config.write_bytes(content)

    try:
        load_settings(["--config", str(config)], {})
    except SettingsError as error:
        assert str(error).isprintable()  # noqa: PT017 - most contents raise, some need not


def test_the_settings_in_force_are_printed_with_their_sources(config: Path) -> None:
    config.write_text('interval = 10\nallow_host = ["A", "b"]\n')
    flags = parse_flags(["--config", str(config), "--port", "09000", "--name", 'my "box"\\'])

    lines = to_toml(read_settings(flags, {"CPUSENSOR_LOG_FORMAT": "json"}).values()).splitlines()

    assert "port = 9000  # flag --port" in lines
    assert r'name = "my \"box\"\\"  # flag --name' in lines
    assert 'log_format = "json"  # environment CPUSENSOR_LOG_FORMAT' in lines
    assert f"interval = 10  # {config}" in lines
    assert f'allow_host = ["a", "b"]  # {config}' in lines
    assert 'host = "127.0.0.1"  # default' in lines
    assert [line.partition(" = ")[0] for line in lines] == [setting.name for setting in SETTINGS]


def test_a_secret_is_not_printed_and_what_stands_for_it_is_no_secret(config: Path) -> None:
    config.write_text(to_toml(read_settings(parse_flags(["--token", TOKEN]), {}).values()))

    assert f'token = "{HIDDEN}"  # flag --token\n' in config.read_text()
    assert TOKEN not in config.read_text()
    assert refusal(config).startswith("FILE: token: this value is not allowed")


def test_a_file_with_a_secret_is_printed_by_its_name(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(TOKEN)

    printed = to_toml(read_settings(parse_flags(["--token-file", str(secret)]), {}).values())

    assert tomllib.loads(printed)["token_file"] == str(secret)
    assert TOKEN not in printed


HOSTS = st.from_regex(r"[a-zA-Z0-9]{1,9}(\.[a-z]{1,9}){0,2}", fullmatch=True) | st.ip_addresses().map(str)
SIGNS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
TEXTS: dict[str, st.SearchStrategy[list[str]]] = {
    "host": HOSTS.map(lambda text: [text]),
    "port": st.integers(0, 65_535).map(lambda number: [str(number)]),
    "allow_host": st.lists(HOSTS, max_size=3),
    "trust_proxy": st.lists(st.ip_addresses().map(str), max_size=3),
    "db": SIGNS.map(lambda text: [f"./{text}"]),
    "interval": st.sampled_from([["1"], ["5"], ["60"]]),
    "max_size": st.integers(16, 10**9).map(lambda number: [str(number)]),
    "keep_rows": st.integers(0, 36_500).map(lambda number: [f"{number:05}"]),
    "commit_interval": st.integers(0, 60).map(lambda number: [f"{number:05}"]),
    "name": SIGNS.map(lambda text: [f"\n{text} {text}x "]),
    "log_format": st.sampled_from([["plain"], ["json"]]),
}


@given(given_texts=st.fixed_dictionaries({}, optional=TEXTS))
def test_what_was_printed_sets_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, given_texts: dict[str, list[str]]
) -> None:
    flags = [f"--{name.replace('_', '-')}={text}" for name, texts in given_texts.items() for text in texts]
    config = tmp_path_factory.getbasetemp() / "printed.toml"

    config.write_text(to_toml(read_settings(parse_flags(flags), {}).values()), encoding="utf-8")

    assert load_settings(["--config", str(config)], {}) == load_settings(flags, {})
    assert all(line.isprintable() for line in config.read_text(encoding="utf-8").split("\n"))


def test_a_file_cannot_name_another_file() -> None:
    assert CONFIG not in SETTINGS
