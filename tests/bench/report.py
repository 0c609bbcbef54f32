"""How a bench tells what it measured: a table, a plot, and its section of docs/PERFORMANCE.md.

The page is written by hand but for the sections, which stand between `<!-- name -->` and `<!-- /name -->`.
"""

import os
import platform
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, log10
from pathlib import Path

from tests.service import ROOT

PAGE = ROOT / "docs" / "PERFORMANCE.md"
PLOTS = ROOT / "docs" / "performance"

LABEL_W, PLOT_W, VALUE_W, ROW_H, HEAD_H = 250, 360, 130, 26, 34
DOT_ROW_H, DOT_LABEL_W = 17, 170

_STYLE = """text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}
.bar{fill:#8c959f}.ours{fill:#0969da}.third{fill:#bc4c00}.decade{stroke:#d1d9e0}.small{font-size:11px}
.goal{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:4 3}.goal-text{fill:#cf222e;font-size:11px}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}
.third{fill:#f0883e}.decade{stroke:#3d444d}.goal{stroke:#ff7b72}.goal-text{fill:#ff7b72}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure of a plot."""

    label: str
    value: float | None
    """None for what could not be measured; the text then says why."""
    text: str = ""
    """Shown beside the bar; the value if empty."""
    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A goal with the figure that came of it."""

    is_met: bool | None
    """None if it could not be measured."""
    text: str

    def __str__(self) -> str:
        word = {True: "met", False: "**missed**", None: "not measured"}[self.is_met]
        return f"{word}: {self.text}"


def as_items(texts: Iterable[object]) -> str:
    """A Markdown list."""
    return "\n".join(f"* {text}" for text in texts)


def say(text: str) -> None:
    """At once, so that a person who waits sees that it is alive."""
    print(text, flush=True)


def machine() -> str:
    """What it ran on and when, in a line."""
    release = platform.release().partition("-")[0]
    kind = " (virtual)" if Path("/proc/cpuinfo").read_text().find(" hypervisor") >= 0 else ""
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs{kind}, Linux {release}, {versions}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns after the first are figures and stand to the right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def plot(title: str, unit: str, bars: Sequence[Bar], *, goal: float | None = None, goal_text: str = "goal") -> str:
    """Horizontal bars from 0 as an SVG, for a light and a dark page; `goal` is drawn as a line across them."""
    top = max([bar.value for bar in bars if bar.value is not None] + [goal or 0]) or 1
    height = HEAD_H + ROW_H * len(bars) + (18 if goal is not None else 4)
    width = LABEL_W + PLOT_W + VALUE_W
    parts = [f'<text class="title" x="8" y="20">{escape(title)}, {escape(unit)}</text>']
    for number, bar in enumerate(bars):
        y = HEAD_H + ROW_H * number
        length = 0 if bar.value is None else PLOT_W * bar.value / top
        shown = bar.text or ("" if bar.value is None else f"{bar.value:,.3g}")
        name = "bar ours" if bar.is_ours else "bar"
        parts += [
            f'<text x="{LABEL_W - 8}" y="{y + 17}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{name}" x="{LABEL_W}" y="{y + 4}" width="{length:.1f}" height="{ROW_H - 8}" rx="2"/>',
            f'<text x="{LABEL_W + length + 6:.1f}" y="{y + 17}">{escape(shown)}</text>',
        ]
    if goal is not None:
        x, bottom = LABEL_W + PLOT_W * goal / top, HEAD_H + ROW_H * len(bars)
        parts += [
            f'<line class="goal" x1="{x:.1f}" y1="{HEAD_H}" x2="{x:.1f}" y2="{bottom}"/>',
            f'<text class="goal-text" x="{x:.1f}" y="{bottom + 12}" text-anchor="middle">{escape(goal_text)}</text>',
        ]
    return _svg(width, height, parts)


def dot_plot(title: str, unit: str, names: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    """Dots on a logarithmic axis as an SVG: for each row one of each name, ours first; None leaves a place empty."""
    values = [value for row in rows.values() for value in row if value]
    lowest, highest = floor(log10(min(values))), ceil(log10(max(values)))
    scale, height = PLOT_W / max(1, highest - lowest), len(names) * DOT_ROW_H + 8
    bottom = HEAD_H + ROW_H + height * len(rows)
    parts = [f'<text class="title" x="8" y="20">{escape(title)}, {escape(unit)}</text>', *_legend(names)]
    for power in range(lowest, highest + 1):
        x = DOT_LABEL_W + scale * (power - lowest)
        parts += [
            f'<line class="decade" x1="{x:.1f}" y1="{HEAD_H + ROW_H}" x2="{x:.1f}" y2="{bottom}"/>',
            f'<text class="small" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{10**power:,g}</text>',
        ]
    for number, (label, row) in enumerate(rows.items()):
        top = HEAD_H + ROW_H + height * number
        middle = top + height / 2 + 4
        parts.append(f'<text x="{DOT_LABEL_W - 12}" y="{middle:.1f}" text-anchor="end">{escape(label)}</text>')
        for place, value in enumerate(row):
            if value:
                x = DOT_LABEL_W + scale * (log10(value) - lowest)
                shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
                parts += _dot(x, top + 4 + DOT_ROW_H * (place + 0.5), place, shown)
    return _svg(DOT_LABEL_W + PLOT_W + VALUE_W, bottom + 20, parts)


_DOTS = ("ours", "bar", "third")


def _legend(names: Sequence[str]) -> list[str]:
    places = zip(names, range(DOT_LABEL_W, DOT_LABEL_W + VALUE_W * len(names), VALUE_W), strict=True)
    return [part for place, (name, x) in enumerate(places) for part in _dot(x, HEAD_H + 8, place, name)]


def _dot(x: float, y: float, place: int, text: str) -> list[str]:
    return [
        f'<circle class="{_DOTS[place]}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>',
        f'<text class="small" x="{x + 9:.1f}" y="{y + 4:.1f}">{escape(text)}</text>',
    ]


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}><style>{_STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"


def write_section(name: str, text: str, plots: dict[str, str] | None = None, *, file: Path = PAGE) -> None:
    """Put the text, and its plots by file name, into a page of docs/. Raises ValueError if it has no such place."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = file.read_text(encoding="utf-8")
    if begin not in page or end not in page:
        raise ValueError(f"{file}: has no place for {begin} … {end}")
    PLOTS.mkdir(exist_ok=True)
    for plot_name, picture in (plots or {}).items():
        (PLOTS / plot_name).write_text(picture, encoding="utf-8")
    pictures = "".join(f"\n![{one.removesuffix('.svg')}](performance/{one})\n" for one in plots or {})
    before, rest = page.split(begin, 1)
    file.write_text(f"{before}{begin}\n{text.strip()}\n{pictures}{end}{rest.split(end, 1)[1]}", encoding="utf-8")
