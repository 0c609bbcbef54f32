"""Whether everything has room: in windows of any width, in both languages, and on paper."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import Visit
from tests.service import Service
from tests.thorough import IS_THOROUGH
from tests.waiting import wait_for_samples

OVERHANG = """() => {
  for (const figure of document.querySelectorAll(".now dd")) figure.textContent = "68.4\\u00a0%";
  document.querySelector("#now-number").textContent = "100";
  const edge = document.querySelector(".heading").getBoundingClientRect().right;
  const range = document.createRange();
  const rightOf = (part) => (range.selectNodeContents(part), range.getBoundingClientRect().right);
  return Math.max(...[...document.querySelectorAll(".now dt, .now dd")].map(rightOf)) - edge;
}"""
"""By how much the figures, as wide as they usually get, pass what stands below them. CSS px."""

NARROW_AND_MEASURE = """() => {
  const plot = document.querySelector("#samples-plot");
  plot.style.width = "400px";
  const picture = plot.querySelector("canvas").getBoundingClientRect();
  const paper = plot.getBoundingClientRect();
  return [picture.right - paper.right, paper.height - picture.height, picture.width / picture.height];
}"""
"""A sheet is narrower than the window, and no observer sees it: what is cut off and left empty, and the proportions."""


PAPER = 660
"""CSS px that a chart is drawn for when it is printed."""

LAY_OUT = """async (event) => {
  if (event) dispatchEvent(new Event(event));
  await new Promise((resolve) => setTimeout(resolve));
  const [frame, picture] = ["#samples-plot", "#samples-plot canvas"].map(
    (selector) => document.querySelector(selector));
  const [paper, drawn] = [frame, picture].map((part) => part.getBoundingClientRect());
  const round = Math.round;
  return [frame.id, round(drawn.left - paper.left), round(drawn.right - paper.right), picture.width / devicePixelRatio];
}"""
"""After an event: by how much the picture passes its frame on either side, and for how many CSS px it was drawn."""


LONGEST_READOUT = "15:10–15:11 · среднее 25,1\u00a0% (17\u00a0% – 79\u00a0%), 12 измерений"

CUT = f"""() => {{
  document.querySelector("#minutes-readout").textContent = "{LONGEST_READOUT}";
  const hint = document.querySelector(".hint");
  return hint.scrollWidth - hint.clientWidth;
}}"""
"""How much of the words beside a title is cut off, while the readout beside them is long. CSS px."""

SAY = """(shortest) => {
  const { texts } = JSON.parse(document.querySelector("#boot").textContent);
  const isRussian = document.documentElement.lang === "ru";
  const span = isRussian ? "28 сент., 12:00 – 29 сент., 00:00" : "28 Sept, 12:00 – 29 Sept, 00:00";
  const say = (key, more = {}) => Object.entries({
    mean: "100 %", peak: "100 %", lowest: "100 %", cpu: "100.0 %", min: "100 %", max: "100 %", steal: "12.5 %",
    at: span, span, count: "1022", duration: "22 h 41 min", step: "15 min",
    reason: "too many questions at once", ...more,
  }).reduce((text, [name, value]) => text.replace(`{${name}}`, value), texts[key]);
  const words = {
    "#samples-summary": `${say("summary_samples")} ${say("summary_gaps_few")}`,
    "#minutes-summary": say("summary_minutes_long"),
    "#samples-readout": `${span} · ${say("readout_minute_few")}`,
    "#minutes-readout": `${span} · ${say("readout_minute_few")}; ${say("unreliable_share", { share: "45 %" })}`,
    "#cores-readout": `${say("core", { cpu: "120" })} · ${span} · 100 %`,
    "#steal-note": say("steal_note"),
    "#usual-now": texts.usual_later,
    "#note": say("failed_reason"),
    "#span": span,
    "#view-title": say("title_15m"),
    "#samples-title": say("samples_means"),
  };
  const part = (selector) => document.querySelector(selector);
  for (const [selector, text] of Object.entries(words)) part(selector).textContent = shortest ? "–" : text;
  const tops = ["#samples-plot", "#minutes-plot", "#cores-plot"].map((one) => part(one).getBoundingClientRect().top);
  return [document.documentElement.scrollWidth - innerWidth, ...tops];
}"""
"""Says as little as there is to say, or as much: how much is cut off, and where the charts begin. CSS px."""

WATCH = """new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) window.shifted = (window.shifted ?? 0) + shift.value;
}).observe({ type: "layout-shift", buffered: true });"""

TOPS = """(texts) => texts.map((text) => {
  document.querySelector("#steal-note").textContent = text;
  return document.querySelector(".heading").getBoundingClientRect().top;
})"""

COLOURS = """() => ["live", "stale"].map((connection) => {
  document.documentElement.dataset.connection = connection;
  return ["#now-user", ".value"].map((selector) => getComputedStyle(document.querySelector(selector)).color);
})"""

NARROWEST = (320, 336, 360, 381, 451, 561, 621, 721, 801, 981, 1001, 1161, 1241)
"""The least width of each arrangement that the style sheets know: there it has least room. CSS px."""

languages = pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])


def at_widths(page: Page, script: str, *widths: int) -> dict[int, float]:
    """What a script measures in windows of these widths."""
    found: dict[int, float] = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        found[width] = page.evaluate(script)
    return found


@languages
def test_each_figure_has_room(visit: Visit, locale: str) -> None:
    page = visit.open(locale=locale)

    overhang = at_widths(page, OVERHANG, 320, 360, 561, 600, 721, 768, 981, 1010, 1161, 1280)

    assert {width: over for width, over in overhang.items() if over >= 1} == {}


@languages
def test_what_the_minutes_show_is_said_in_full(visit: Visit, locale: str) -> None:
    page = visit.open(locale=locale)

    cut = at_widths(page, CUT, 801, 1010, 1160, 1280)

    assert {width: over for width, over in cut.items() if over > 0} == {}


@languages
def test_a_word_about_steal_moves_nothing(visit: Visit, locale: str) -> None:
    page = visit.open(locale=locale, viewport={"width": 320, "height": 800})
    words = page.evaluate("JSON.parse(document.querySelector('#boot').textContent).texts.steal_note")

    without, told = page.evaluate(TOPS, ["", words.replace("{steal}", "12.5\u00a0%")])

    assert told == without


def test_a_printed_picture_is_whole(visit: Visit) -> None:
    page = visit.open(viewport={"width": 1280, "height": 800})
    page.emulate_media(media="print")

    cut, empty, proportions = page.evaluate(NARROW_AND_MEASURE)

    assert cut <= 0
    assert empty < 1
    assert proportions > 4


@pytest.mark.parametrize("width", [360, 1280])
def test_what_is_printed_has_the_size_of_the_sheet_from_any_window(visit: Visit, width: int) -> None:
    page = visit.open(viewport={"width": width, "height": 800})
    expect(page.locator("#usual-now")).not_to_be_empty()
    page.emulate_media(media="print")
    before, paper = page.evaluate(LAY_OUT, "beforeprint"), page.evaluate(LAY_OUT, "")
    page.emulate_media(media="screen")
    after = page.evaluate(LAY_OUT, "afterprint")

    for chart, left, right, drawn in (before, paper):
        assert (left, right) == (0, 0), chart
        assert drawn == PAPER
    assert (after[1], after[2]) == (0, 0)
    assert after[3] != PAPER


def test_old_figures_are_as_dim_as_the_large_one(visit: Visit) -> None:
    page = visit.open()

    live, stale = page.evaluate(COLOURS)

    assert stale[0] == stale[1] != live[0]


@languages
def test_at_any_width_nothing_is_cut_off_and_no_words_move_a_chart(visit: Visit, locale: str) -> None:
    page = visit.open(locale=locale, device_scale_factor=2)
    expect(page.locator("#figure-mean")).to_contain_text("%")

    wrong = {}
    for width in sorted({*NARROWEST, *(range(320, 1281, 20) if IS_THOROUGH else ())}):
        page.set_viewport_size({"width": width, "height": 800})
        little, much = page.evaluate(SAY, True), page.evaluate(SAY, False)  # noqa: FBT003 - as the script names it
        if max(little[0], much[0]) > 0 or little[1:] != much[1:]:
            wrong[width] = little, much
    assert wrong == {}


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 740)])
def test_after_the_first_paint_nothing_moves_not_even_after_a_restart(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    with Service(tmp_path) as service, Visit(browser, service.url) as visit:
        for _ in range(2):
            page = visit.blank(viewport={"width": width, "height": height})
            page.add_init_script(WATCH)
            visit.open_in(page)
            expect(page.locator("#now-user")).to_contain_text("%")
            wait_for_samples(service, 2)
            assert page.evaluate("window.shifted ?? 0") < 0.005
            page.context.close()
            service.kill()
            service.start()
