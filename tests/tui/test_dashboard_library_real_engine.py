"""The pages of library, log and settings on a real engine, through its socket."""

from __future__ import annotations

import json

import pytest

from core.domain.job import JobStatus, Request
from tests.fakes.media import audio_mp3, made_once, video_mp4


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_finished_file_is_found_by_its_words_and_shows_where_it_is(on_engine, origin, size):
    origin.put("/a-talk.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    origin.put("/a-film.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with on_engine(size) as (engine, dashboard):
        await dashboard.press("5")
        await dashboard.shows("The library is empty")
        for name in ("a-talk.mp3", "a-film.mp4"):
            await engine.submit(Request(url=origin.url(f"/{name}")))
        await dashboard.until(lambda: engine._store.counts[JobStatus.COMPLETED] == 2)
        await dashboard.shows("Library  2", "a-talk", "a-film")
        await dashboard.press("slash", *"kind:audio")
        await dashboard.shows("Library  1", "1 found")
        assert "a-film" not in dashboard.text
        await dashboard.press(*" foo:x")
        await dashboard.shows("^", "there is no field 'foo'")
        await dashboard.press("enter", "escape")
        await dashboard.shows("Library  2")
        await dashboard.press("s")
        await dashboard.shows("Telegram is off")
        await dashboard.press("enter")
        await dashboard.shows("STAGES" if size[0] > 100 else "archive")


async def test_a_limit_that_is_changed_holds_in_the_engine(on_engine):
    async with on_engine() as (engine, dashboard):
        await dashboard.press("comma")
        await dashboard.shows("max_parallel_jobs", "max_queue_length")
        await dashboard.press("j", "j", "enter", *"9", "enter")
        await dashboard.shows("max_parallel_jobs: 9", "1 changed")
        limits = (await engine.status())["limits"]
        assert json.loads(json.dumps(limits))["max_parallel_jobs"] == 9
        await dashboard.press("k", "k", "enter", "y")
        await dashboard.shows("● maintenance")
        await dashboard.press("enter")
        await dashboard.shows("● engine")
