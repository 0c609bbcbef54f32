"""Each sample is published once, and what a commit closed goes with the first one after it."""

from cpusensor.model.records import Cause, Gap, Tick
from cpusensor.recording.feed import Feed
from tests.samples import at

GAP = Gap(from_time=0, to_time=5, cause=Cause.STALLED, busy=None, all=None)


class Follower:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.states: list[str | None] = []

    def publish(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def tell(self, degraded: str | None) -> None:
        self.states.append(degraded)


def test_what_was_closed_goes_out_with_the_next_sample_and_once() -> None:
    follower = Follower()
    feed = Feed(follower, None)
    first, second = at(1, 2)

    feed.add(first)
    feed.committed([Tick(sample=first, closed=(GAP,))])
    feed.publish()
    feed.add(second)
    feed.publish()

    assert follower.ticks == [Tick(sample=first, closed=(GAP,)), Tick(sample=second, closed=())]
    assert feed.newest == second


def test_a_sample_that_waits_is_not_published_and_not_the_newest() -> None:
    feed = Feed(Follower(), None)
    (first,) = at(1)

    feed.add(first)

    assert (feed.is_published(first), feed.newest) == (False, None)
    feed.publish()
    assert (feed.is_published(first), feed.newest) == (True, first)


def test_a_state_is_told_when_it_changes_and_only_then() -> None:
    follower = Follower()
    feed = Feed(follower, None)

    for degraded in (None, "full", "full", None):
        feed.tell(degraded)

    assert follower.states == ["full", None]
