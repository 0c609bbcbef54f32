"""Who may come in: real requests against the whole service."""

import base64
import re
import socket

import pytest

from tests.running import Running

TOKEN = "correct-horse-battery-staple"  # noqa: S105 - opens nothing but these tests
ROUTES = ("", "api/history", "api/host", "api/now", "events", "healthz", "static/x/page.js", "nothing")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "192.168.1.7",
        "[fe80::1]", "[fe80::1%25eth0]:8080", "[::ffff:127.0.0.1]", "box", "box:8080", "Box.", "cpu.lan:443",
        "CPU.LAN.:8080", "xn--90asln.lan", "бокс.lan:8080",
    ],
)  # fmt: skip
async def test_a_name_of_its_own_or_an_address_is_answered(running: Running, host: str) -> None:
    await running.restart("--allow-host", "cpu.lan:8080", "--allow-host", "Бокс.LAN.")
    assert (await running.raw(f"GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n", "utf-8")).startswith(b"HTTP/1.0 200 ")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost:8080:1", "localhost:x", "", " ", "[::1", "[evil.example]", "cpu.lan", "xn--box-5cd",
    ],
)  # fmt: skip
async def test_any_other_name_is_refused_on_every_route(running: Running, host: str) -> None:
    for route in ROUTES:
        async with await running.get(route, Host=host) as response:
            assert response.status in ({400, 421} if not host.strip() else {421}), route
            assert response.status == 400 or "--allow-host" in await response.text()
            assert response.headers["X-Content-Type-Options"] == "nosniff" or response.status == 400


@pytest.mark.parametrize("asked", ["cpu.lan:8080", "CPU.lan.", "cpu.lan", "бокс.lan", "cpu.lan:65535"])
async def test_what_the_refusal_of_a_name_advises_is_taken_and_answers_for_it(running: Running, asked: str) -> None:
    refused = await running.raw(f"GET / HTTP/1.0\r\nHost: {asked}\r\n\r\n", "utf-8")
    (advice,) = re.findall(rb"start it with --allow-host ([^ \"]+)", refused)

    await running.restart("--allow-host", advice.decode())

    assert (await running.raw(f"GET / HTTP/1.0\r\nHost: {asked}\r\n\r\n", "utf-8")).startswith(b"HTTP/1.0 200 ")


async def test_in_a_browser_a_refusal_is_a_page_that_says_what_to_do(running: Running) -> None:
    tab = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path, host, status, said in (
        ("", "cpu.lan:8080", 421, "start it with --allow-host cpu.lan<"),
        ("nothing", "localhost", 404, "&#x27;/nothing&#x27;; the page is at /"),
        ("<b>", "localhost", 404, "there is nothing at &#x27;/&lt;b&gt;&#x27;"),
        ("", "<script>alert(1)</script>", 421, "&#x27;&lt;script&gt;alert(1)"),
    ):
        async with await running.get(path, Host=host, **tab) as response:
            page = await response.text()
            assert (response.status, response.content_type) == (status, "text/html")
            assert said in page
            assert page.endswith("</html>\n")
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        # A script and a command ask for anything.
        async with await running.get(path, Host=host) as response:
            assert response.content_type == "application/json"


async def test_a_machine_that_is_renamed_is_answered_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for named, asked in (
        ("renamed", "renamed:8080"),
        ("again.example.org", "again"),
        ("again.example.org", "again.local"),
    ):
        async with await running.get("healthz", Host=asked) as response:
            assert response.status == 421
        monkeypatch.setattr(socket, "gethostname", lambda named=named: named)
        async with await running.get("healthz", Host=asked) as response:
            assert response.status == 200
        monkeypatch.undo()


async def test_an_absolute_target_is_no_way_round(running: Running) -> None:
    for target, host in (("http://evil.example/", "localhost"), ("http://localhost/", "evil.example")):
        answer = await running.raw(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 421")


async def test_a_reader_of_http_1_0_needs_no_name(running: Running) -> None:
    assert (await running.raw("GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_nothing_but_get_and_head_is_answered(running: Running, method: str) -> None:
    for route in ROUTES:
        async with running.session.request(method, route) as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_body_is_refused_unread(running: Running) -> None:
    async with running.session.request("GET", "api/history", data=b"x" * 100) as response:
        assert response.status == 413


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 200), ("same-origin", 200), ("none", 200)]
)
async def test_a_page_of_another_site_takes_no_stream(running: Running, site: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": site}
    async with running.session.get("events", headers=headers) as response:
        assert response.status == status
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_another_site_may_read_nothing(running: Running) -> None:
    for route in ROUTES:
        for site in ("https://evil.example", "null", f"http://localhost:{running.port}"):
            async with await running.get(route, Origin=site) as response:
                assert [name for name in response.headers if name.startswith("Access-Control-")] == []
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                policy = response.headers.get("Cross-Origin-Resource-Policy")
                assert policy == "same-origin" or route.startswith("static/")


async def test_without_the_token_nothing_but_the_health_is_told(running: Running) -> None:
    await running.restart("--token", TOKEN)
    for route in ROUTES:
        async with await running.get(route) as response:
            assert response.status == (200 if route == "healthz" else 401), route
            assert response.status == 200 or re.match("Basic", response.headers["WWW-Authenticate"])


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic(TOKEN)])
async def test_the_token_opens_as_a_bearer_and_as_a_password(running: Running, shown: str) -> None:
    await running.restart("--token", TOKEN)
    async with await running.get("", Authorization=shown) as response:
        assert response.status == 200


async def test_the_token_in_the_page_s_address_is_exchanged_for_a_cookie(running: Running) -> None:
    await running.restart("--token", TOKEN)
    async with running.session.get(f"/?lang=ru&token={TOKEN}", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "./?lang=ru")
        cookie = response.headers["Set-Cookie"]
        ((name, morsel),) = response.cookies.items()
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    # Whoever follows a link from elsewhere brings it along.
    assert "SameSite=Lax" in cookie

    for route in ("", "events", "api/history"):
        async with await running.get(route, Cookie=f"a=b; {name}={morsel.value}; c[d]=e f") as response:
            assert response.status == 200


async def cookie_of(running: Running, token: str) -> str:
    """What a browser sends after it has opened the page with the token."""
    await running.restart("--token", token)
    async with running.session.get(f"/?token={token}", allow_redirects=False) as response:
        ((name, morsel),) = response.cookies.items()
    running.session.cookie_jar.clear()
    return f"{name}={morsel.value}"


async def test_two_instances_on_one_host_do_not_sign_each_other_out(running: Running) -> None:
    theirs = await cookie_of(running, "another-token-of-another-instance")
    ours = await cookie_of(running, TOKEN)
    assert theirs.partition("=")[0] != ours.partition("=")[0]
    assert TOKEN not in ours

    for sent in (f"{ours}; {theirs}", f"{theirs}; {ours}"):
        async with await running.get("api/now", Cookie=sent) as response:
            assert response.status == 404
    # A proxy from HTTP/2 may hand each on as a header of its own.
    answer = await running.raw(f"GET / HTTP/1.0\r\nCookie: {theirs}\r\nCookie: {ours}\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 ")
    async with await running.get("", Cookie=theirs) as response:
        assert response.status == 401


async def test_a_proxy_s_own_credentials_beside_a_good_cookie_or_token_are_no_wrong_token(running: Running) -> None:
    cookie = await cookie_of(running, TOKEN)
    theirs = f"Authorization: {basic('the-proxy-s-own')}\r\n"
    good = f"Authorization: Bearer {TOKEN}\r\n"
    for target, headers in (
        ("/", f"{theirs}Cookie: {cookie}\r\n"),
        (f"/?token={TOKEN}", theirs),
        ("/", theirs + good),
        ("/", good + theirs),
    ) * 3:
        answer = await running.raw(f"GET {target} HTTP/1.0\r\n{headers}\r\n")
        assert answer.startswith((b"HTTP/1.0 200 ", b"HTTP/1.0 303 "))


@pytest.mark.parametrize("shown", ["Bearer wrong", basic("wrong"), "Basic %%%", "Basic", "Bearer \xff", "Digest x"])
async def test_a_wrong_token_opens_nothing(running: Running, shown: str) -> None:
    await running.restart("--token", TOKEN)
    async with await running.get("", Authorization=shown) as response:
        assert response.status == 401


async def test_after_five_wrong_tokens_a_minute_passes(running: Running) -> None:
    await running.restart("--token", TOKEN)
    tried = []
    for shown in ["Bearer wrong"] * 6 + [f"Bearer {TOKEN}"]:
        async with await running.get("", Authorization=shown) as response:
            tried.append(response.status)
    assert tried == [401] * 5 + [429] * 2

    await running.clock.advance(60)

    async with await running.get("", Authorization=f"Bearer {TOKEN}") as response:
        assert response.status == 200


async def try_wrong(running: Running, forwarded_for: str, **headers: str) -> tuple[int, str]:
    """The answer to a wrong token."""
    shown = {"X-Forwarded-For": forwarded_for, "Authorization": "Bearer wrong", **headers}
    async with await running.get("", **shown) as response:
        return response.status, await response.text()


async def test_forwarded_headers_are_believed_from_a_trusted_proxy_alone(running: Running) -> None:
    forged = {"X-Forwarded-Host": "cpu.example", "Host": "localhost"}
    for flags, status in (((), 200), (("--trust-proxy", "127.0.0.0/8"), 421)):
        await running.restart(*flags)
        async with await running.get("healthz", **forged) as response:
            assert response.status == status

    await running.restart("--trust-proxy", "127.0.0.1", "--token", TOKEN)
    clients = ["203.0.113.7"] * 6 + ["203.0.113.8"]
    tried = [(await try_wrong(running, f"198.51.100.1, {client}"))[0] for client in clients]
    assert tried == [401] * 5 + [429, 401]


@pytest.mark.parametrize(
    "mark", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"]
)
async def test_wrong_tokens_through_a_proxy_that_nobody_declared_are_told_how_to_declare_it(
    running: Running, mark: str, caplog: pytest.LogCaptureFixture
) -> None:
    await running.restart("--token", TOKEN)
    told = ""
    for _ in range(6):
        async with await running.get("", Authorization="Bearer wrong", **{mark: "1.2.3.4"}) as response:
            told = await response.text()

    how = "; it came through a proxy at 127.0.0.1 that is not declared, so all behind it count as one:"
    assert f"wait a minute{how} start with --trust-proxy 127.0.0.1" in told
    assert [line for line in caplog.messages if "--trust-proxy 127.0.0.1" in line] == [
        f"5 wrong tokens lock out 127.0.0.1 for a minute{how} start with --trust-proxy 127.0.0.1"
    ]


async def test_of_a_chain_the_proxy_that_is_missing_is_named(running: Running) -> None:
    await running.restart("--token", TOKEN, "--trust-proxy", "127.0.0.1")
    told = [await try_wrong(running, f"{client}, 10.0.0.9:51234") for client in ("203.0.113.7", "203.0.113.8") * 3]

    assert [status for status, _ in told] == [401] * 5 + [429]
    assert "start with --trust-proxy 10.0.0.9" in told[-1][1]


async def test_what_was_asked_for_and_shown_is_in_no_log(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    await running.restart("--token", TOKEN)
    for shown in (f"Bearer {TOKEN}", "Bearer guess-guess-guess-guess"):
        await running.get("", Authorization=shown)
    await running.get(f"?token={TOKEN}")

    assert TOKEN not in caplog.text
    assert "guess" not in caplog.text


async def may_see(running: Running, **headers: str) -> bool:
    """Whether a reader with these headers is told names."""
    async with await running.get("api/now", **headers) as response:
        assert response.status == 200, await response.text()
        return bool((await response.json())["who"]["shown"])


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST."])
async def test_names_are_told_on_this_machine(running: Running, host: str) -> None:
    await running.clock.advance(5)

    assert await may_see(running, Host=host)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "192.168.1.7"},
        {"Host": "box"},
        {"X-Forwarded-For": "192.168.1.7"},
        {"X-Forwarded-Host": "localhost"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 somebody"},
    ],
)
async def test_names_are_told_to_nobody_who_asks_by_another_name_or_through_a_proxy(
    running: Running, headers: dict[str, str]
) -> None:
    await running.clock.advance(5)

    async with running.session.get("api/now", headers=headers) as response:
        assert (await response.json())["who"]["shown"] is False


async def test_names_are_told_to_no_reader_behind_a_trusted_proxy_on_this_machine(running: Running) -> None:
    await running.restart("--trust-proxy", "127.0.0.1")
    await running.clock.advance(5)

    assert not await may_see(running)
    assert not await may_see(running, X_Forwarded_For="127.0.0.1")


async def test_a_proxy_that_speaks_http_1_0_is_no_reader_on_this_machine(running: Running) -> None:
    await running.clock.advance(5)

    answer = await running.raw("GET /api/now HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")

    assert b'"shown":false' in answer


async def test_whoever_shows_the_token_is_told_names_wherever_they_are(running: Running) -> None:
    await running.restart("--token", TOKEN)
    await running.clock.advance(5)

    assert await may_see(running, Authorization=f"Bearer {TOKEN}", Host="box", X_Forwarded_For="192.168.1.7")


async def test_names_are_sent_on_no_stream_of_others(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events("", Host="box") as theirs, running.events() as ours:
        for _ in range(3):
            running.accounts.use("nginx.service", "nginx", 7, 1_000_000)
            await running.clock.advance(5)
        await ours.until("top")
        names = [event.name for event in await theirs.take(4)]

    assert names == ["hello", "sample", "sample", "sample"]


async def test_the_page_of_one_reader_is_not_shown_to_another(running: Running) -> None:
    await running.clock.advance(5)
    pages = []
    for host in ("box", "localhost", "box"):
        async with await running.get("", Host=host) as response:
            pages.append('"shown":true' in await response.text())

    assert pages == [False, True, False]
