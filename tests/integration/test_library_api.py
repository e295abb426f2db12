"""The library over the real socket: from a real download to the client's hits, and what the API refuses."""

from __future__ import annotations

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import InvalidRequest
from core.domain.job import Kind
from tests.fakes.api import plain_client, serving
from tests.fakes.engine import FakeEngine
from tests.fakes.media import audio_mp3, made_once
from tests.integration.conftest import finish


async def test_what_was_downloaded_is_found_by_the_client(origin, run_engine, tmp_path) -> None:
    origin.put("/opening-talk.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        job = await finish(engine, origin.url("/opening-talk.mp3"), chat_id=-5)
        client = HttpEngineClient(server.path)
        try:
            page = await client.library("opening kind:audio chat:-5 duration<1m size<1MB")
            (item,) = page.items
            assert (item.job_id, item.file_path, item.sha256) == (job.id, job.file_path, job.sha256)
            assert (item.kind, item.chat_id, page.next, page.meant) == (Kind.AUDIO, -5, None, None)
            assert [each.id for each in (await engine.library("opening")).items] == [item.id]
            assert (await client.library("openning")).meant == "opening"
            assert not (await client.library("opening kind:video")).items
            with pytest.raises(InvalidRequest, match="column 9: "):
                await client.library("opening nofield:x")
        finally:
            await client.close()


async def test_searches_are_bounded_and_refusals_are_problems(tmp_path) -> None:
    async with serving(FakeEngine(), tmp_path) as server, plain_client(server.path) as http:
        for wrong in ({"limit": 0}, {"limit": 501}, {"q": "x" * 501}):
            answer = await http.get("/api/v1/library", params=wrong)
            assert (answer.status_code, answer.json()["type"]) == (422, "INVALID_REQUEST")
        assert (await http.get("/api/v1/library")).json() == {"items": [], "next": None, "meant": None}
        described = (await http.get("/api/v1/openapi.json")).json()
        answer = described["paths"]["/api/v1/library"]["get"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/LibraryPage")
