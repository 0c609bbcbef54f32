from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.config import values

PARSERS: list[Callable[[str], object]] = [
    values.boolean,
    values.one_of("plain", "json"),
    values.whole_number(0, 10**6),
    values.interval,
    values.host,
    values.host_name,
    values.network,
    values.name,
    values.path,
    values.readable_file,
    values.socket_path,
    values.token,
    values.token_in_file,
]
HOSTILE = st.text() | st.text(alphabet='0123456789abcdef.:%/[]-_~ \n\t\x00\x1b"\\')


def is_refused(parse: Callable[[str], object], text: str) -> bool:
    """Whether it is; what was refused must then be the text."""
    try:
        parse(text)
    except ValueError as error:
        assert error.args == (text,)  # noqa: PT017 - some texts need not raise
        return True
    return False


@pytest.mark.parametrize("parse", PARSERS)
@given(text=HOSTILE)
def test_whatever_the_text_it_is_taken_or_refused_by_itself(parse: Callable[[str], object], text: str) -> None:
    is_refused(parse, text)


@given(text=HOSTILE)
@pytest.mark.parametrize("parse", [values.host_name, values.network, values.name, values.token, values.host])
def test_a_value_means_itself(parse: Callable[[str], str], text: str) -> None:
    try:
        value = parse(text)
    except ValueError:
        return

    assert parse(value) == value
    assert value.isprintable()


@given(lowest=st.integers(0, 1000), span=st.integers(0, 1000), number=st.integers(0, 3000))
def test_a_whole_number_is_taken_between_its_bounds(lowest: int, span: int, number: int) -> None:
    parse = values.whole_number(lowest, lowest + span)

    if lowest <= number <= lowest + span:
        assert parse(str(number)) == number
    else:
        assert is_refused(parse, str(number))


@pytest.mark.parametrize("text", ["٣", "1_000", " 5", "+5", "5.0", "0x10", "1e3", "9" * 5000])
def test_only_plain_digits_are_a_number(text: str) -> None:
    assert is_refused(values.whole_number(0, 10_000), text)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("True", True), ("0", False), ("false", False)]
)
def test_a_boolean_is_a_word_or_a_digit(text: str, *, value: bool) -> None:
    assert values.boolean(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Box.LAN", "box.lan"),
        ("box:8080", "box"),
        ("Box.LAN.:8080", "box.lan"),
        ("box:", "box"),
        ("xn--e1afmkfd.example", "xn--e1afmkfd.example"),
        ("ПРИМЕР.example:443", "xn--e1afmkfd.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("192.168.1.5", "192.168.1.5"),
        ("192.168.1.5:80", "192.168.1.5"),
        ("192.168.1.5.", "192.168.1.5"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[2001:DB8::1]:8080", "2001:db8::1"),
        ("[::1]:", "::1"),
        ("::1", "::1"),
        ("::ffff:192.168.1.5", "192.168.1.5"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:8080", "fe80::1"),
    ],
)
def test_a_host_name_has_one_form_whatever_its_port(text: str, value: str) -> None:
    assert values.host_name(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "*", "a b", "a..b", "box..", "http://box", "-a", "x" * 64, "a@b", "a/b"),
        *("box:http", "box:65536", "box:-1", "box:80:80", "box:٣", ":8080"),
        *("[::1]80", "[::1", "::1]", "[::1]:http", "[box]", "[127.0.0.1]", "[]", "[]:80"),
    ],
)
def test_what_cannot_stand_in_a_host_header_is_no_host_name(text: str) -> None:
    assert is_refused(values.host_name, text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("box", "box"),
        ("бокс", "бокс"),
        ("a\tb", "a b"),
        ("\t\n\x1b", "localhost"),
        ("", "localhost"),
        (" box ", "box"),
        ("a\udcffb", "a b"),
        ("\u202egnp", "gnp"),
        ("x" * 101, "x" * 100),
    ],
)
def test_a_machine_has_a_name_whatever_its_host_name_is(text: str, name: str) -> None:
    assert values.machine_name(text) == name


@given(st.text(st.characters(exclude_categories=[])))
def test_no_host_name_is_one_that_cannot_be_shown(text: str) -> None:
    assert values.name(values.machine_name(text))


def test_an_address_to_listen_on_may_be_written_as_in_an_address_of_a_page() -> None:
    assert values.host("[::1]") == "::1"
    assert values.host("[::1]:80") == "[::1]:80"


@pytest.mark.parametrize("text", ["", "Unix", "10.0.0.5/8", "10.0.0.0/33", "proxy.lan", "fe80::1%eth0", "10.0.0.0/8 "])
def test_a_network_is_an_address_or_has_no_host_bits(text: str) -> None:
    assert is_refused(values.network, text)


def test_a_list_is_taken_part_by_part_and_refused_by_its_part() -> None:
    parse = values.several(values.network)

    assert parse("") == ()
    assert parse("127.0.0.1, 10.0.0.0/8") == ("127.0.0.1", "10.0.0.0/8")
    with pytest.raises(ValueError, match=r"^proxy$"):
        parse("127.0.0.1,proxy")


def test_a_home_that_nobody_has_is_no_path() -> None:
    assert is_refused(values.path, "~nobody-of-that-name/a.db")


def test_a_socket_path_fits_into_its_structure() -> None:
    assert values.socket_path("é" * 53 + "x") == Path("é" * 53 + "x")
    assert is_refused(values.socket_path, "é" * 54)


def test_a_folder_or_nothing_is_no_readable_file(tmp_path: Path) -> None:
    (tmp_path / "a.pem").touch()

    assert values.readable_file(str(tmp_path / "a.pem")) == tmp_path / "a.pem"
    for wrong in (tmp_path, tmp_path / "b.pem", tmp_path / "a.pem" / "c", tmp_path / ("x" * 300)):
        assert is_refused(values.readable_file, str(wrong))


def test_a_token_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"0123456789abcdef\r\nnotes\n")

    assert values.token_in_file(str(tmp_path / "token")) == "0123456789abcdef"


@pytest.mark.parametrize(
    "content", [b"", b"short\n", b"\n0123456789abcdef\n", b"0123456789 abcdef", b"x" * 513, b"\xff" * 20, b"\0" * 20]
)
def test_a_file_without_a_token_is_refused_without_a_word_of_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)

    with pytest.raises(ValueError, match="token") as refused:
        values.token_in_file(str(file))

    assert refused.value.args == (str(file),)
    assert refused.value.__suppress_context__


def test_an_endless_file_is_no_token() -> None:
    assert is_refused(values.token_in_file, "/dev/zero")
