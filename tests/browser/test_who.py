"""Who used the CPU, on the page: the list, a name that is drawn over the averages, and why there may be none."""

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.named import CONTAINER, SHOUT, record_names
from tests.browser.recorded import STEP, WEEK, record
from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples

HOUR = 3600

PICTURE = "() => document.querySelector('#minutes-plot canvas').toDataURL()"

WATCH = """new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) window.shifted = (window.shifted ?? 0) + shift.value;
}).observe({ type: "layout-shift", buffered: true });"""

BOTTOMS = """() => ["#minutes-plot", "#cores-plot"].map(
  (selector) => document.querySelector(selector).getBoundingClientRect().bottom + scrollY)"""


@pytest.fixture(scope="module")
def end() -> int:
    """Where the history of before ends."""
    return (int(time.time()) - 120) // STEP * STEP


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, end: int) -> Iterator[Service]:
    """The service over a year of history, with names in two of its hours."""
    running = Service(tmp_path_factory.mktemp("names"))
    record(running.database, end)
    record_names(running.database, end)
    with running:
        wait_for_samples(running, 1)
        yield running


@pytest.fixture(scope="module")
def busy(end: int) -> tuple[int, int]:
    """The hour in which the CPU was busy."""
    begin = end - 720 * STEP
    return begin, begin + HOUR


def opened(visit: Visit, span: tuple[int, int], more: str = "", width: int = 1280, locale: str = "en-GB") -> Page:
    """The page with the span on the canvas and its list."""
    page = visit.open(f"?from={span[0]}&to={span[1]}{more}", locale=locale, viewport={"width": width, "height": 900})
    expect(names(page).first).to_be_visible()
    return page


def names(page: Page) -> Locator:
    return page.locator("#who-list bdi")


def with_naming(page: Page, **changed: object) -> None:
    """Have the page told that names are read in another way."""

    def answer(route: Route) -> None:
        response = route.fetch()
        naming = re.search(r'"who":(\{.*?\})', response.text())
        assert naming
        told = json.dumps({**json.loads(naming[1]), **changed})
        route.fulfill(response=response, body=response.text().replace(naming[1], told))

    page.route(re.compile(r"/(\?.*)?$|/api/now$"), answer)


def test_the_list_of_a_span_adds_up_and_names_are_text(visit: Visit, busy: tuple[int, int]) -> None:
    page = opened(visit, busy, "&by=process")

    expect(names(page)).to_have_text(["postgres", SHOUT])
    expect(page.locator("#who-span")).to_have_text(
        re.compile(r"^\d\d:\d\d–\d\d:\d\d: busy for 9.min of CPU time; shares of the machine$")
    )
    first = page.locator("#who-list button").first
    expect(first).to_have_text(re.compile(r"^postgres4121 · docker-4f1c… \(postgres\)40\.0.%4.min$"))
    # 540 s recorded = 240 + 30 named + 60 of ended processes + the rest.
    expect(page.locator("#who-rest")).to_have_text(
        re.compile(r"^\s*ended meanwhile\s*1.min\s*unexplained\s*3.min.30.s\s*$")
    )
    page.locator("#by-unit").click()
    expect(names(page)).to_have_text([CONTAINER, "nightly", *(f"helper-{number}" for number in range(6))])
    expect(page.locator("#who-rest dt").first).to_have_text("others")


def test_the_moment_under_the_cursor_has_its_own_list_by_keyboard(visit: Visit, busy: tuple[int, int]) -> None:
    page = opened(visit, busy, "&by=process")
    page.locator("#minutes-plot").focus()
    page.keyboard.press("Home")

    expect(names(page)).to_have_text(["postgres"])
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(names(page)).to_have_text(["postgres", SHOUT])
    expect(page.locator("#who-span")).to_contain_text("busy for 9\u00a0s of CPU time")
    page.keyboard.press("Escape")
    expect(page.locator("#who-span")).to_contain_text("busy for 9\u00a0min of CPU time")


def test_a_name_is_drawn_over_the_averages_and_taken_off_again_by_keyboard(visit: Visit, busy: tuple[int, int]) -> None:
    page = opened(visit, busy)
    before = page.evaluate(PICTURE)
    nightly = page.locator("#who-list button", has_text="nightly")
    nightly.focus()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"&who=unit%3Anightly\.service$"))
    expect(page.locator("#chosen")).to_have_text("nightly")
    expect(nightly).to_have_attribute("aria-pressed", "true")
    expect(nightly).to_be_focused()
    expect(nightly).to_contain_text(re.compile(r"seen \d\d:\d\d–\d\d:\d\d"))
    assert page.evaluate(PICTURE) != before
    page.locator("#minutes-plot").focus()
    page.keyboard.press("Home")
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#minutes-readout")).to_have_text(re.compile(r"; nightly 30\.0.%$"))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("who="))
    assert page.evaluate(PICTURE) == before


def test_a_link_with_a_name_shows_it_and_moves_nothing(visit: Visit, busy: tuple[int, int]) -> None:
    for width in (1280, 360):
        page = visit.blank(locale="ru-RU", viewport={"width": width, "height": 900})
        page.add_init_script(WATCH)
        visit.open_in(page, f"?from={busy[0]}&to={busy[1]}&by=process&who=process:4121:postgres")
        expect(page.locator("#chosen")).to_have_text("postgres")
        expect(names(page).first).to_have_text("postgres")

        before = page.evaluate(BOTTOMS)
        assert page.evaluate("window.shifted ?? 0") < 0.005
        page.locator("#chosen").click()
        expect(page.locator("#chosen")).to_be_hidden()
        assert page.evaluate(BOTTOMS) == before
        assert width == 360 or before[1] <= 900
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_year_ago_is_named_too(visit: Visit, end: int) -> None:
    begin = end - 52 * WEEK
    page = opened(visit, (begin, begin + HOUR))

    expect(names(page)).to_have_text(["backup"])


def test_whoever_may_not_see_names_is_told_why(visit: Visit, busy: tuple[int, int]) -> None:
    page = visit.blank(locale="en-GB", extra_http_headers={"X-Forwarded-For": "192.0.2.1"})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit.open_in(page, f"?from={busy[0]}&to={busy[1]}&who=unit:nightly.service")

    expect(page.locator("#who-note")).to_contain_text("to whoever shows the token (--token-file)")
    expect(page.locator("#figure-mean")).to_contain_text("%")
    expect(names(page)).to_have_count(0)
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page.locator("#by")).to_be_hidden()
    assert [url for url in asked if "api/top" in url or "series=top" in url] == []


def test_it_is_said_why_there_are_no_names(visit: Visit, busy: tuple[int, int]) -> None:
    told: dict[str, dict[str, object]] = {
        "No names in this span.": {},
        "At present these names are not read: --top off.": {"top": "off"},
        "in a container docker run lets it with --pid=host": {"sight": "blind", "flags": "--pid=host"},
        "names are read only every 20\u00a0s at present": {"every": 20},
    }
    nothing = busy[0] - 2 * HOUR
    for words, changed in told.items():
        page = visit.blank(locale="en-GB")
        with_naming(page, **changed)
        visit.open_in(page, f"?from={nothing}&to={nothing + HOUR}")

        expect(page.locator("#who-note")).to_contain_text(words)
        page.context.close()


def test_the_old_list_stays_while_the_service_cannot_answer(visit: Visit, busy: tuple[int, int]) -> None:
    visit.expect("Failed to load resource")
    page = opened(visit, busy)
    page.route(re.compile("api/top"), lambda route: route.abort())
    page.locator("#by-process").click()

    expect(page.locator("#who-note")).to_contain_text("cannot be reached")
    expect(names(page).first).to_have_text(CONTAINER)
    page.unroute(re.compile("api/top"))
    expect(names(page).first).to_have_text("postgres")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_list(
    visit: Visit, busy: tuple[int, int], axe: Callable[[Page], list[str]], scheme: str
) -> None:
    page = opened(visit, busy, "&who=unit:nightly.service")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    expect(page.locator("#chosen")).to_be_visible()
    assert axe(page) == []
