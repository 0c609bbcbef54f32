"""The cache: answers are made once for all who ask at a moment."""

import asyncio
import gzip

import pytest

from cpusensor.http.cache import Body, Cache, body_of


class Source:
    """Makes numbered answers, once it may, and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def make(self) -> Body:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        return body_of(b"answer %d" % number, "text/plain")

    async def fail(self) -> Body:
        self.made += 1
        raise ValueError(f"failure {self.made}")


def test_a_body_is_the_same_compressed() -> None:
    body = body_of(b"0123456789" * 1000, "text/plain")

    assert gzip.decompress(body.gzipped) == body.plain
    assert len(body.gzipped) < 100


async def test_many_who_ask_at_a_time_get_one_answer() -> None:
    cache, source = Cache(), Source()
    source.may_end.clear()
    asking = [asyncio.create_task(cache.get(1, "hour", source.make)) for _ in range(10)]
    await asyncio.sleep(0)
    source.may_end.set()

    assert {body.plain for body in await asyncio.gather(*asking)} == {b"answer 1"}
    assert (await cache.get(1, "hour", source.make)).plain == b"answer 1"


async def test_another_key_or_a_later_moment_gets_an_answer_of_its_own() -> None:
    cache, source = Cache(), Source()
    asked = [(1, "hour"), (1, "day"), (2, "hour"), (1, "hour")]

    told = [(await cache.get(moment, key, source.make)).plain for moment, key in asked]

    assert told == [b"answer 1", b"answer 2", b"answer 3", b"answer 4"]


async def test_one_who_leaves_takes_nothing_from_those_who_wait() -> None:
    cache, source = Cache(), Source()
    source.may_end.clear()
    leaving, staying = (asyncio.create_task(cache.get(1, "hour", source.make)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    source.may_end.set()

    assert (await staying).plain == b"answer 1"


async def test_what_failed_is_tried_again() -> None:
    cache, source = Cache(), Source()
    for number in (1, 2):
        with pytest.raises(ValueError, match=f"failure {number}"):
            await cache.get(1, "hour", source.fail)


async def test_few_answers_are_cached_however_many_are_asked_for() -> None:
    cache, source = Cache(limit=2), Source()
    for number in (0, 1, 2):
        await cache.get(1, number, source.make)

    await cache.get(1, 0, source.make)

    assert source.made == 4
