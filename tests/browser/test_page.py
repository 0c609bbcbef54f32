"""The page in a real browser, in front of the real service."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import Visit
from tests.service import Service
from tests.thorough import THEMES_AND_LANGUAGES
from tests.waiting import get_json, wait_for_samples, wait_until, wait_until_clock

LOST = "ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)"
"""What Chromium itself writes to the console while the service is gone."""

COUNT_PAINTED = """(selector) => {
  const canvas = document.querySelector(selector + " canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let painted = 0;
  for (let at = 3; at < pixels.length; at += 4) if (pixels[at]) painted += 1;
  return painted;
}"""

HIDE = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
}"""
SHOW = """() => {
  delete document.visibilityState;
  delete document.hidden;
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def state(page: Page) -> Callable[[str], None]:
    """Waits for the connection to be in a state."""
    return lambda name: expect(page.locator("html")).to_have_attribute("data-connection", name)


def note(page: Page, asked: list[str]) -> None:
    """Note the address of each request from now on."""
    page.on("request", lambda request: asked.append(request.url))


def wait_for_id_after(page: Page, last_id: str | None) -> str:
    """Wait for a sample newer than this one; its id."""
    html = page.locator("html")
    expect(html).not_to_have_attribute("data-last-id", last_id or "")
    return html.get_attribute("data-last-id") or ""


def test_both_charts_are_painted_and_a_sample_arrives(visit: Visit) -> None:
    page = visit.open()
    state(page)("live")
    first = wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
    wait_for_id_after(page, first)

    for chart in ("#samples-plot", "#minutes-plot"):
        assert page.evaluate(COUNT_PAINTED, chart) > 1000
    assert re.fullmatch(r"\d{1,3}", page.locator("#now-number").inner_text())
    assert re.fullmatch(r"\d{1,3} % · .+", page.title())


def test_a_killed_service_leaves_a_labelled_gap_and_the_page_comes_back_by_itself(
    browser: Browser, tmp_path: Path
) -> None:
    with Service(tmp_path) as service, Visit(browser, service.url) as visit:
        visit.expect(LOST)
        page = visit.open()
        wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
        service.kill()
        state(page)("reconnecting")
        for told in ("#samples-summary", "#no-gaps"):
            expect(page.locator(told)).to_contain_text("Nothing is known since")
            expect(page.locator(told)).not_to_contain_text("No interruptions")
        wait_until_clock(time.time() + 2)  # at least one slot stays empty
        service.start()

        gap = page.locator("#gaps li[data-cause=crashed]")
        expect(gap).to_have_count(1)
        state(page)("live")
        assert re.search(r"crashed.*\d\d:\d\d.*CPU averaged \d+", gap.inner_text().replace("\xa0", " "))
        assert int(gap.get_attribute("data-to") or 0) > int(gap.get_attribute("data-from") or 0)
        assert visit.complaints() == []


def test_after_a_change_of_the_interval_the_title_names_the_step_that_is_drawn(
    browser: Browser, tmp_path: Path
) -> None:
    with Service(tmp_path, interval_s=2) as service, Visit(browser, service.url) as visit:
        visit.expect(LOST)
        page = visit.open(locale="en-GB")
        expect(page.locator("#samples-title")).to_have_text("Samples every 2\u00a0s")
        wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
        service.terminate()
        service.interval_s = 3
        service.start()

        # The finest step that both runs divide.
        expect(page.locator("#samples-title")).to_have_text("Means of 6\u00a0s, min to max")
        expect(page.locator("#step")).to_have_text("a sample every 3 s")
        assert visit.complaints() == []


def test_a_stall_is_told_with_all_that_its_sample_covers(browser: Browser, tmp_path: Path) -> None:
    with Service(tmp_path) as service, Visit(browser, service.url) as visit:
        page = visit.open(locale="en-GB")
        wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
        service.freeze()
        wait_until_clock(time.time() + 3)
        service.thaw()
        gap = page.locator("#gaps li[data-cause=stalled]").first
        expect(gap).to_contain_text("Sampling was held up")
        wait_for_id_after(page, gap.get_attribute("data-from"))
        page.locator("#samples-table summary").click()

        # The table follows the stream: each row is found and read in one go, and never by where it was a moment ago.
        told = "tr:has-text('sampling was held up')"
        rows = page.locator("#samples-rows tbody")
        expect(rows.locator(told).first).to_contain_text("CPU averaged")
        covering = re.compile(r"^\d\d:\d\d:\d\d–\d\d:\d\d:\d\d\s*\d+\.\d\s%$")
        expect(rows.locator(f"tr:has(+ {told})").first).to_have_text(covering)


def test_what_was_missed_while_the_page_slept_is_caught_up_without_a_hole(visit: Visit, service: Service) -> None:
    page = visit.open()
    last = wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
    page.evaluate(HIDE)
    state(page)("hidden")
    wait_for_samples(service, 3)
    page.evaluate(SHOW)
    state(page)("live")
    newest = wait_for_id_after(page, last)

    page.locator("#samples-table summary").click()
    expect(page.locator("#samples-rows tbody tr")).not_to_have_count(0)
    history = get_json(service, f"api/history?from={int(newest) - 3600}&to={newest}&step=1")
    recorded = [cpu for cpu in history["cpu"] if cpu is not None]
    shown = [text for text in page.locator("#samples-rows tbody td").all_inner_texts() if "%" in text]
    assert sum(cpu is not None for cpu in history["cpu"][int(last) - int(newest) :]) >= 1
    assert len(shown) >= len(recorded), page.locator("#samples-rows").inner_text()
    # A busy machine may hold up the sampling after that, too.
    lines = page.locator("#gaps li[data-cause]")
    begun = "(lines, end) => lines.filter((line) => Number(line.dataset.from) < end).length"
    wait_until(lambda: lines.evaluate_all(begun, int(newest)) == len(history["gaps"]), "other gaps on the page")


def test_each_stream_of_a_page_carries_the_same_name_and_no_other_page_has_it(visit: Visit) -> None:
    names: list[list[str]] = []
    for _ in range(2):
        page = visit.blank()
        asked: list[str] = []
        note(page, asked)
        visit.open_in(page)
        state(page)("live")
        page.evaluate(HIDE)
        state(page)("hidden")
        page.evaluate(SHOW)
        state(page)("live")
        names.append(
            [name for one in asked for name in re.findall(r"/events\?reader=([0-9A-Za-z_-]{8,64})(?:&|$)", one)]
        )

    assert all(len(one) >= 2 for one in names)
    assert [len(set(one)) for one in names] == [1, 1]
    assert names[0][0] != names[1][0]


def test_arrow_keys_move_the_cursor_and_the_readout_follows(visit: Visit, service: Service) -> None:
    page = visit.open()
    wait_for_samples(service, 2)
    wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))
    plot = page.locator("#samples-plot")
    plot.focus()
    readout = page.locator("#samples-readout")
    plot.press("End")
    newest = readout.inner_text()
    plot.press("ArrowLeft")
    expect(readout).not_to_have_text(newest)
    before = readout.inner_text()
    plot.press("Home")

    expect(readout).not_to_have_text(before)
    assert page.locator("#minutes-readout").inner_text() != ""


@pytest.mark.parametrize(
    ("locale", "told"), [("en-GB", "Connected, but nothing arrives"), ("ru-RU", "ничего не приходит")]
)
def test_a_reader_for_whom_no_event_arrives_is_told_so_and_the_page_goes_on_when_one_does(
    visit: Visit, locale: str, told: str
) -> None:
    page = visit.blank(locale=locale)
    page.clock.install()
    # A proxy that buffers answers a question at once and a stream never.
    page.route("**/events*", lambda route: route.continue_() if route.request.method == "HEAD" else None)
    visit.open_in(page)
    notice = page.locator("#held")
    expect(notice).to_be_hidden()
    for connection in ("reconnecting", "held"):
        page.clock.fast_forward(15_000)
        state(page)(connection)
        page.clock.fast_forward(1000)

    expect(notice).to_contain_text(told)
    page.unroute("**/events*")
    page.clock.fast_forward(600_000)
    state(page)("live")
    expect(notice).to_be_hidden()


@pytest.mark.parametrize(("scheme", "locale"), THEMES_AND_LANGUAGES)
def test_axe_finds_nothing(visit: Visit, axe: Callable[[Page], list[str]], scheme: str, locale: str) -> None:
    page = visit.open(color_scheme="dark" if scheme == "dark" else "light", locale=locale)
    wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))

    assert axe(page) == []


def test_a_narrow_screen_needs_no_sideways_scrolling(visit: Visit) -> None:
    page = visit.open(viewport={"width": 360, "height": 740})

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_page_speaks_russian_to_whoever_prefers_it_and_english_on_request(visit: Visit) -> None:
    page = visit.open(locale="ru-RU")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator("nav a[hreflang=en]").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
def test_the_first_view_costs_at_most_60_kib_and_what_comes_after_it_22(
    browser: Browser, tmp_path: Path, locale: str
) -> None:
    with Service(tmp_path) as service, Visit(browser, service.url) as visit:
        page = visit.blank(locale=locale)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        names: dict[str, str] = {}
        sizes: dict[str, float] = {}
        session.on(
            "Network.requestWillBeSent",
            lambda event: names.update({event["requestId"]: event["request"]["url"].rpartition("/")[2]}),
        )
        session.on(
            "Network.loadingFinished",
            lambda event: sizes.update(
                {(name := names[event["requestId"]]): max(event["encodedDataLength"], sizes.get(name, 0))}
            ),
        )
        page.goto(service.url)
        state(page)("live")
        # A browser without windows asks for no icon by itself; one that has it already takes it from its cache.
        page.evaluate("() => fetch(document.querySelector('link[rel=icon]').href).then((icon) => icon.text())")

        # Events are noted while the page is asked.
        wanted = {"", "page.js", "page.css", "uPlot.iife.min.js", "icon.svg", "zoom.js"}
        wait_until(lambda: bool(page.evaluate("true")) and wanted <= set(sizes), f"not all files: {sizes}")
        # A picture that the browser itself draws in a field is none of ours.
        ours = {
            name for name in sizes if not name.startswith(("history?", "summary?", "top?", "now", "host", "svg+xml;"))
        }
        assert ours == wanted
        assert sum(sizes[name] for name in wanted - {"zoom.js"}) <= 60 * 1024
        assert sizes["zoom.js"] <= 22 * 1024
        assert visit.complaints() == []


SHOUTS = (
    "<img/src=x onerror=alert(1)>\"'&{{7*7}}</script>",
    "</title></script><script>document.title='taken'</script>",
    '"><svg/onload=alert(1)>',
    "';alert(1)//${alert(1)}",
)


@pytest.mark.parametrize("name", SHOUTS)
def test_a_hostile_name_is_text(browser: Browser, tmp_path: Path, name: str) -> None:
    with Service(tmp_path, "--name", name) as service, Visit(browser, service.url) as visit:
        page = visit.open()
        wait_for_id_after(page, page.locator("html").get_attribute("data-last-id"))

        expect(page.locator("body")).to_contain_text(name)
        assert page.title().endswith(name)
        assert page.locator("script").count() == page.locator("head script, script#boot").count()
        assert page.locator("img, iframe, [onerror], [onload]").count() == 0
        assert visit.complaints() == []
