"""Transfers from servers that do everything wrong: whole and right, or an error that fits; never a hang."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.campaign.transfers import Outcome, transfer

log = logging.getLogger("campaign")
_AT_ONCE = 12


@pytest.mark.usefixtures("short_waits")
async def test_faulty_transfers_end_whole_or_in_an_error_that_fits(campaign, folder):
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(number: int) -> Outcome:
        async with gate:
            own = folder / str(number)
            try:
                return await transfer(campaign.seed, number, own)
            finally:
                await asyncio.to_thread(shutil.rmtree, own)

    rounds = campaign.rounds(short=300, long=10_000)
    outcomes = await asyncio.gather(*map(run, rounds))
    log.info("%s", summary(outcomes))
    complaints = [f"CAMPAIGN_ONLY={it.number}: {it.complaint}" for it in outcomes if it.complaint]
    assert not complaints, "\n".join(complaints[:40])
    received = sum(it.size_bytes for it in outcomes if it.error is None)
    if campaign.only is None:  # one round alone may well be all waste
        assert sum(it.twice_bytes for it in outcomes) <= 0.1 * received


def summary(outcomes: Sequence[Outcome]) -> str:
    """What came of them, in a few lines."""
    whole = [it for it in outcomes if it.error is None]
    ends = Counter(it.error or "whole" for it in outcomes)
    faults = Counter(name for it in outcomes for name in it.met)
    twice, size = sum(it.twice_bytes for it in whole), sum(it.size_bytes for it in whole)
    return "\n".join(
        [
            f"{len(outcomes)} transfers, {sum(it.answers for it in outcomes)} answers",
            "ends: " + ", ".join(f"{name} {count}" for name, count in ends.most_common()),
            f"{faults.total()} faults: "
            + ", ".join(f"{name} {count}" for name, count in faults.most_common()),
            f"fetched twice: {twice} bytes beside {size}, {twice / max(size, 1):.1%}",
            f"longest: {max((it.took_s for it in outcomes), default=0.0):.1f} s",
            f"complaints: {sum(it.complaint is not None for it in outcomes)}",
        ]
    )
