"""Forwarded headers as chains of proxies write them."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from cpusensor.http.forwarded import Proxies
from tests.running import Running

CHAIN = Proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


def asked(*headers: tuple[str, str], peer: str = "127.0.0.1") -> web.Request:
    return make_mocked_request("GET", "/", CIMultiDict(headers)).clone(remote=peer)


@pytest.mark.parametrize(
    ("written", "client"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7:51234"], "203.0.113.7"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["2001:DB8:0::1"], "2001:db8::1"),
        (['"[2001:db8::1]:443"'], "2001:db8::1"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["fe80::1%eth0"], "fe80::1"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 10.0.0.9:51234"], "203.0.113.7"),
        (["203.0.113.7,10.0.0.9 ,\t[fd00::9]:80"], "203.0.113.7"),
        (["203.0.113.7, ::ffff:10.0.0.9"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7", "10.0.0.9"], "203.0.113.7"),
        (["203.0.113.7, 192.0.2.9, 10.0.0.9"], "192.0.2.9"),
        ([", 203.0.113.7,, "], "203.0.113.7"),
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        # Whom a proxy hides counts as that proxy.
        (["203.0.113.7, unknown"], "127.0.0.1"),
        (["203.0.113.7, unknown, 10.0.0.9"], "10.0.0.9"),
        (["_hidden, 10.0.0.9:1"], "10.0.0.9"),
        (["203.0.113.7:http"], "127.0.0.1"),
        (["203.0.113.7:65536"], "127.0.0.1"),
        (["localhost"], "127.0.0.1"),
        (["<script>"], "127.0.0.1"),
        ([""], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_trusted_proxy(written: list[str], client: str) -> None:
    assert CHAIN.route_of(asked(*(("X-Forwarded-For", text) for text in written))).client == client


def test_nobody_else_is_believed() -> None:
    request = asked(
        ("X-Forwarded-For", "203.0.113.7"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Host", "box"),
        peer="192.0.2.1",
    )

    assert CHAIN.route_of(request).client == "192.0.2.1"
    assert set(CHAIN.hosts_of(request)) == {"box"}
    assert not CHAIN.is_encrypted(request)


@pytest.mark.parametrize(
    ("written", "forwarded_for", "hosts"),
    [
        (["cpu.lan"], "203.0.113.7", ["cpu.lan"]),
        (["cpu.lan:8443"], "203.0.113.7", ["cpu.lan:8443"]),
        (["[2001:db8::1]:443"], "203.0.113.7", ["[2001:db8::1]:443"]),
        # The second is what the first proxy calls the second one.
        (["cpu.lan, inner.lan"], "203.0.113.7, 10.0.0.9", ["cpu.lan"]),
        (["cpu.lan", "inner.lan"], "203.0.113.7, 10.0.0.9", ["cpu.lan"]),
        (["cpu.lan"], "203.0.113.7, 10.0.0.9", ["cpu.lan"]),
        # What a reader adds in front cannot stand for the name by which it came.
        (["localhost, evil.example"], "203.0.113.7", ["localhost", "evil.example"]),
        (["localhost, evil.example, inner.lan"], "203.0.113.7, 10.0.0.9", ["localhost", "evil.example"]),
        (["localhost, evil.example"], "", ["localhost", "evil.example"]),
        ([" , "], "203.0.113.7", ["box", "box"]),
    ],
)
def test_of_a_list_of_names_those_count_that_the_reader_can_have_asked_for(
    written: list[str], forwarded_for: str, hosts: list[str]
) -> None:
    headers = [("X-Forwarded-Host", text) for text in written]

    assert CHAIN.hosts_of(asked(*headers, ("X-Forwarded-For", forwarded_for), ("Host", "box"))) == hosts


@pytest.mark.parametrize(
    ("written", "is_encrypted"),
    [
        (["https"], True),
        (["HTTPS"], True),
        (["https, http"], True),
        (["https", "http"], True),
        (["wss"], True),
        (["http"], False),
        (["http, https"], False),
        ([""], False),
        (["on"], False),
        ([], False),
    ],
)
def test_the_outermost_proxy_says_whether_it_is_https(written: list[str], *, is_encrypted: bool) -> None:
    assert CHAIN.is_encrypted(asked(*(("X-Forwarded-Proto", text) for text in written))) is is_encrypted


def test_whoever_connects_over_the_unix_socket_can_be_trusted_too() -> None:
    request = asked(("X-Forwarded-For", "203.0.113.7"), peer="")

    assert Proxies(["unix"]).route_of(request).client == "203.0.113.7"
    assert CHAIN.route_of(request).client == ""
    assert CHAIN.route_of(request).is_forwarded


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
def test_whatever_a_chain_writes_is_no_error(written: list[str]) -> None:
    for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"):
        request = asked(*((name, text) for text in written))
        assert CHAIN.route_of(request).client
        CHAIN.hosts_of(request)
        CHAIN.is_encrypted(request)


async def test_a_cookie_is_secure_where_the_reader_speaks_https(running: Running) -> None:
    await running.restart("--trust-proxy", "127.0.0.1", "--token", "x" * 20)
    for said, is_secure in (("https, http", True), ("http", False)):
        headers = {"X-Forwarded-Proto": said}
        address = f"/?token={'x' * 20}"
        async with running.session.get(address, allow_redirects=False, headers=headers) as response:
            assert ("Secure" in response.headers["Set-Cookie"]) is is_secure
