"""Stories in both languages."""

import re
from datetime import UTC, datetime

from cpusensor.model.records import Cause, Gap, Span
from cpusensor.model.why import Explained, Reason, Rule, Story
from cpusensor.outlets.sentences import LANGUAGES, SENTENCES, tell
from tests.samples import NOON

FIELDS = re.compile(r"{\w+}")


def local(time: int) -> datetime:
    return datetime.fromtimestamp(time, UTC)


def test_every_rule_and_cause_has_a_sentence() -> None:
    assert {*Rule, *Cause} <= SENTENCES.keys()


def test_a_sentence_says_the_same_figures_in_every_language() -> None:
    assert all(len(texts) == len(LANGUAGES) for texts in SENTENCES.values())
    assert [
        key for key, (one, other) in SENTENCES.items() if set(FIELDS.findall(one)) != set(FIELDS.findall(other))
    ] == []


def test_of_several_days_every_time_has_its_day() -> None:
    span = Span(from_time=NOON - 2 * 86_400, to_time=NOON)
    busy = Explained(span=span, reasons=[Reason(rule=Rule.BUSY, percent=50)], names=[("a", 40), ("b", 5)], kernel=None)
    story = Story(
        span=span,
        at=None,
        mean=50.4,
        highest=99.9,
        highest_time=NOON,
        recorded=0.9996,
        names=(),
        are_names_told=True,
        throttled=[Reason(rule=Rule.THROTTLED, percent=71, name="build.service")],
        events=[busy, Gap(from_time=NOON - 60, to_time=NOON, cause=Cause.CLOCK, busy=None, all=None)],
    )

    assert tell(story, "en", "box", local).splitlines() == [
        "box, 2025-11-21 22:20 – 2025-11-23 22:20 UTC",
        "CPU 50 % on average, at most 100 % (11-23 22:20:00).",
        "Throttled by its own limit: build.service in 71 % of periods.",
        "Recorded: 99.9 % of the time.",
        "",
        "11-21 22:20–11-23 22:20 CPU 50 %: a 40 %, b 5 %",
        "11-23 22:19–11-23 22:20 not recorded: the clock was set.",
    ]
