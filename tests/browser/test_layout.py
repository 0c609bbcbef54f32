"""Whether everything has room: in windows of any width, in both languages, and on paper."""

import pytest
from playwright.sync_api import Page

from tests.browser.visit import Visit

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


LONGEST_READOUT = "15:10–15:11 · в среднем 25,1\u00a0% (от 17\u00a0% до 79\u00a0%), 12 измерений"

CUT = f"""() => {{
  document.querySelector("#minutes-readout").textContent = "{LONGEST_READOUT}";
  const hint = document.querySelector(".hint");
  return hint.scrollWidth - hint.clientWidth;
}}"""
"""How much of the words beside a title is cut off, while the readout beside them is long. CSS px."""

TOPS = """(texts) => texts.map((text) => {
  document.querySelector("#steal-note").textContent = text;
  return document.querySelector(".heading").getBoundingClientRect().top;
})"""

COLOURS = """() => ["live", "stale"].map((connection) => {
  document.documentElement.dataset.connection = connection;
  return ["#now-user", ".value"].map((selector) => getComputedStyle(document.querySelector(selector)).color);
})"""

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


def test_old_figures_are_as_dim_as_the_large_one(visit: Visit) -> None:
    page = visit.open()

    live, stale = page.evaluate(COLOURS)

    assert stale[0] == stale[1] != live[0]
