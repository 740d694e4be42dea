"""A connection that is tried until it is there."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from engine.brokers.exchange.attempts import Attempts
from engine.core.errors import BrokerError, NotAdmitted


def test_what_its_owner_must_mend_is_not_tried_again_before_the_owner_s_word() -> None:
    answers: list[Exception | None] = [BrokerError("away"), BrokerError("still away"), NotAdmitted("mend it"), None]
    waits: list[float] = []

    async def connect() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async def play() -> None:
        attempts = Attempts(connect, Random(1), sleep)
        with pytest.raises(BrokerError, match="away"):
            await attempts.start()
        while attempts.trouble != "mend it":
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (len(answers), len(waits)) == (1, 2)
        attempts.resume()
        assert await attempts.succeeded()
        assert (attempts.trouble, len(waits)) == ("", 2)
        await attempts.close()

    asyncio.run(asyncio.wait_for(play(), 30))


def test_a_first_refusal_that_its_owner_must_mend_is_raised_and_not_tried_on() -> None:
    async def connect() -> None:
        raise NotAdmitted("no")

    async def play() -> None:
        attempts = Attempts(connect, Random(1))
        with pytest.raises(NotAdmitted):
            await attempts.start()
        assert len(asyncio.all_tasks()) == 1
        await attempts.close()
        assert not await attempts.succeeded()

    asyncio.run(play())
