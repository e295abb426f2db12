"""Telegram wants uploads and edits to wait for some seconds: only they do, and go on where they were."""

from __future__ import annotations

import logging
import time
from itertools import pairwise

import pytest

from core.domain.chat import Feedback
from core.domain.job import JobStatus
from tests.fakes.telegram import FakeTelegram
from tests.integration.conftest import finish
from tests.userbot.conftest import account, film, friend, log_in, make_settings, run_userbot, telegram
from tests.userbot.outbox import BIG_PART, PARTS, clip
from userbot.transfer.upload import PART_BYTES

__all__ = ["account", "film", "friend", "log_in", "make_settings", "run_userbot", "telegram"]
log = logging.getLogger("campaign")

EDIT = "messages.editMessage"
WAIT_S = 5.0
#: Calls of one method that are on their way when the first of them is told to wait.
IN_FLIGHT = 8


def asked_at(telegram: FakeTelegram, method: str) -> list[float]:
    return [when for when, called, _ in telegram.calls if called == method]


@pytest.mark.timeout(120)
async def test_a_wait_stops_what_it_is_for_and_nothing_else(
    telegram, friend, run_userbot, origin, film, campaign
):
    if not campaign.is_long:
        pytest.skip("takes the five seconds: CAMPAIGN=long; waits of one second are in tests/userbot")
    large = clip(PARTS * PART_BYTES - len(clip()))
    origin.put("/large.mp4", large)
    origin.put("/another.mp4", clip(7))
    telegram.latency_s = 0.02
    async with run_userbot(telegram={"flood_sleep_s": 10}) as bot:
        slow = telegram.add_supergroup("Slow", bot.account, friend)
        told = telegram.add_supergroup("Told", bot.account, friend)
        quick = telegram.add_supergroup("Quick", bot.account, friend)
        await bot.watch(slow, feedback=Feedback.NONE)
        await bot.watch(told, feedback=Feedback.STATUS)
        await bot.watch(quick, feedback=Feedback.NONE)
        telegram.post(friend, quick, film)
        await bot.until_posts(quick, 2)
        # The upload and an edit are told to wait.
        telegram.post(friend, slow, origin.url("/large.mp4"))
        await telegram.until(lambda: telegram.counts[BIG_PART] >= PARTS // 3)
        telegram.flood(BIG_PART, WAIT_S)
        telegram.flood(EDIT, WAIT_S)
        telegram.post(friend, told, origin.url("/gone.mp4"))
        impatient = telegram.script.impatient
        await telegram.until(lambda: impatient[BIG_PART] >= 0 and impatient[EDIT] >= 0)
        began = time.monotonic()
        # Meanwhile what Telegram has is sent, and what it has not is downloaded.
        telegram.post(friend, quick, film)
        job = await finish(bot.engine, origin.url("/another.mp4"))
        await bot.until_posts(quick, 4)
        rest_s = time.monotonic() - began
        # Afterwards both go on.
        (answer,) = (await bot.until_posts(slow, 2))[1:]
        status = bot.posts(told)[1]
        await telegram.until(lambda: "Nothing is there" in telegram.state.posts[status.uid].text)
    longest_s = max(later - earlier for earlier, later in pairwise(asked_at(telegram, BIG_PART)))
    log.info("%.1f s without a part; the others took %.2f s; told to wait: %s", longest_s, rest_s, impatient)
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert telegram.bytes_of(answer) == large
    # Nothing was asked during the wait but what was on its way, and nothing was sent again but that.
    assert longest_s > 0.9 * WAIT_S
    assert impatient[BIG_PART] < IN_FLIGHT
    assert telegram.counts[BIG_PART] == PARTS + impatient[BIG_PART] + 1
    assert impatient[EDIT] == 0
    assert asked_at(telegram, EDIT)[1] - asked_at(telegram, EDIT)[0] >= WAIT_S
    assert rest_s < WAIT_S
