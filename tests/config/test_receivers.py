"""Receivers of samples, as they are written in a flag and in a file."""

import tomllib
from pathlib import Path

import pytest

from cpusensor.config.receivers import Receiver
from cpusensor.config.settings import SettingsError, load_settings

URL = "http://victoria:8428/api/v1/write"


def load(tmp_path: Path, text: str) -> tuple[Receiver, ...]:
    file = tmp_path / "cpusensor.toml"
    file.write_text(text)
    return load_settings(["--config", str(file)], {}).remote_write


def test_a_url_is_enough_by_flag_and_by_environment() -> None:
    flags = load_settings(["--remote-write", URL, "--remote-write", "https://b:1/w?x=1", "--label", "site=lab"], {})
    environment = load_settings([], {"CPUSENSOR_REMOTE_WRITE": f"{URL},https://b:1/w", "CPUSENSOR_LABEL": "a=1,b=x=y"})

    assert [one.url for one in flags.remote_write] == [URL, "https://b:1/w?x=1"]
    assert [one.name for one in flags.remote_write] == [URL, "https://b:1/w"]
    assert flags.label == (("site", "lab"),)
    assert [one.url for one in environment.remote_write] == [URL, "https://b:1/w"]
    assert environment.label == (("a", "1"), ("b", "x=y"))


def test_a_table_says_all_that_a_receiver_wants(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    (one,) = load(
        tmp_path,
        f'[[remote_write]]\nurl = "{URL}"\ntoken_file = "{tmp_path}/token"\nheaders = {{X-Scope-OrgID = "team"}}\n'
        'labels = {site = "lab"}\ninterval = 30\ncatch_up = 1000\nhistory = true\n',
    )

    assert (one.token, one.headers, one.labels) == ("s3cret", {"X-Scope-OrgID": "team"}, {"site": "lab"})
    assert (one.interval, one.catch_up, one.history) == (30, 1000, True)
    assert "s3cret" not in repr(one)
    assert "team" not in repr(one)


def test_what_is_printed_sets_the_same_and_hides_what_headers_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cpusensor.toml").write_text(
        f'label = ["site=lab"]\n[[remote_write]]\nurl = "{URL}"\nheaders = {{X-Key = "s3cret"}}\nhistory = true\n'
    )
    with pytest.raises(SystemExit):
        load_settings(["--config", str(tmp_path / "cpusensor.toml"), "--print-config"], {})
    printed = capsys.readouterr().out

    assert "s3cret" not in printed
    assert tomllib.loads(printed)["label"] == ["site=lab"]
    assert tomllib.loads(printed)["remote_write"] == [{"url": URL, "headers": {"X-Key": "…"}, "history": True}]


@pytest.mark.parametrize(
    "url", ["victoria:8428", "ftp://a/", "http://", "http://a:99999/", "http://a/#b", "http://a /", "http://[::1/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^--remote-write: .* is not allowed; it must be an address such as"):
        load_settings(["--remote-write", url], {})


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(["--remote-write", "http://me:s3cret@a/write"], {})

    assert "http://…@a/write" in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("label", ["", "=x", "a", "1a=b", "__a=b", "host=b", "cpu=b", "a=", "a=\n", "a-b=c"])
def test_what_is_no_label_is_refused(label: str) -> None:
    if label:
        with pytest.raises(SettingsError, match=r"^--label: "):
            load_settings(["--label", label], {})


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('uri = "x"', "uri: it must be one of url, "),
        ("interval = 0", "interval = 0"),
        ('interval = "5"', "interval = '5'"),
        ('token_file = "/no/such/file"', "token_file = '/no/such/file'"),
        ('ca_file = "TOKEN"', "ca_file = '"),
        ('labels = {host = "b"}', "labels = {'host': 'b'}"),
        ('token_file = "TOKEN"\nusername = "me"', "set one of them"),
    ],
)
def test_what_a_table_says_wrong_is_named(tmp_path: Path, lines: str, named: str) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    text = f'[[remote_write]]\nurl = "{URL}"\n{lines}\n'.replace("TOKEN", str(tmp_path / "token"))

    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)

    assert named in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_table_without_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a table without url"):
        load(tmp_path, "[[remote_write]]\ninterval = 5\n")
