"""Answers: made once for all who ask at a moment."""

import asyncio
import gzip

import pytest

from cpusensor.http.cache import Answers, Body, body_of


class Kitchen:
    """Makes numbered answers, when it is told to, and counts them."""

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
    answers, kitchen = Answers(), Kitchen()
    kitchen.may_end.clear()
    asking = [asyncio.create_task(answers.get(1, "hour", kitchen.make)) for _ in range(10)]
    await asyncio.sleep(0)
    kitchen.may_end.set()
    assert {body.plain for body in await asyncio.gather(*asking)} == {b"answer 1"}
    assert (await answers.get(1, "hour", kitchen.make)).plain == b"answer 1"


async def test_another_key_or_a_later_moment_gets_an_answer_of_its_own() -> None:
    answers, kitchen = Answers(), Kitchen()
    asked = [(1, "hour"), (1, "day"), (2, "hour"), (1, "hour")]
    told = [(await answers.get(moment, key, kitchen.make)).plain for moment, key in asked]
    assert told == [b"answer 1", b"answer 2", b"answer 3", b"answer 4"]


async def test_one_who_leaves_takes_nothing_from_those_who_wait() -> None:
    answers, kitchen = Answers(), Kitchen()
    kitchen.may_end.clear()
    leaving, staying = (asyncio.create_task(answers.get(1, "hour", kitchen.make)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    kitchen.may_end.set()
    assert (await staying).plain == b"answer 1"


async def test_what_failed_is_tried_again() -> None:
    answers, kitchen = Answers(), Kitchen()
    for number in (1, 2):
        with pytest.raises(ValueError, match=f"failure {number}"):
            await answers.get(1, "hour", kitchen.fail)


async def test_few_answers_are_kept_however_many_are_asked_for() -> None:
    answers, kitchen = Answers(), Kitchen()
    for number in range(100):
        await answers.get(1, number, kitchen.make)
    await answers.get(1, 0, kitchen.make)
    assert kitchen.made == 101
