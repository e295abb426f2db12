from __future__ import annotations

import pytest

from core.domain.job import JobStatus
from tests.tui.conftest import calls


@pytest.mark.parametrize("opens", [False, True])
async def test_d_lets_everything_about_a_job_be_written_down_and_ends_it(dashboard, engine, opens):
    job = engine.add(status=JobStatus.RUNNING)
    async with dashboard() as shown:
        if opens:
            await shown.press("enter")
        await shown.press("d")
        await shown.shows("Everything is written down about 1 · L shows it")
        await shown.until(lambda: shown.app.deck.sync.status["debugged"] == [job.id])
        await shown.press("d")
        await shown.shows("Written down as usual: 1")
        assert calls(engine, "debug_job") == [(job.id, True), (job.id, False)]


async def test_what_is_done_writes_nothing_more(dashboard, engine):
    engine.add(status=JobStatus.COMPLETED)
    async with dashboard() as shown:
        await shown.press("d")
        await shown.shows("Nothing to write down: this job is completed")
