"""Logins with the shipped program: refused, replaced, and never seen anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.program import children_of
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.members import MembersOrigin, cookie_file, identity

DEAD, ALIVE = "c4n4ry-dead", "c4n4ry-alive"


@pytest.fixture
async def site() -> AsyncIterator[MembersOrigin]:
    async with MembersOrigin() as running:
        media = made_once(audio_mp3, "tone.mp3").read_bytes()
        page = b'<html><body><video src="/members/a.mp3"></video></body></html>'
        running.put("/members/a.mp3", media)
        running.put("/members/page", page, content_type="text/html")
        running.accepted = {ALIVE}
        yield running


async def state(reeldeck, job_id: int, *wanted: str) -> dict:
    """The job, once its status is one of *wanted*."""
    async with asyncio.timeout(30):
        while True:
            job = await reeldeck.job(job_id)
            if job["status"] in wanted:
                return job


async def test_a_refused_login_parks_the_job_until_the_owner_exports_anew(reeldeck, site):
    file = reeldeck.home / "cookies.txt"
    cookie_file(file, DEAD)
    async with reeldeck.serve() as engine:
        added = await reeldeck.run("auth", "add", "ytdlp", str(file), "--json")
        assert added.code == 0, added.err
        (row,) = (await reeldeck.run("add", site.url("/members/page"), "--json")).rows
        job = await state(reeldeck, row["job"]["id"], "PENDING", "FAILED")
        assert (job["status"], job["waiting_for"], job["error_type"]) == (
            "PENDING",
            "auth:main",
            "AUTH_ERROR",
        )
        listed = (await reeldeck.run("auth", "list", "--json")).rows[0]
        assert (listed["status"], listed["reason"]) == ("DEGRADED", "refused")
        before = identity(cookie_file(file, ALIVE))
        job = await state(reeldeck, row["job"]["id"], "COMPLETED", "FAILED")
        assert job["status"] == "COMPLETED", job["error_message"]
        assert (await reeldeck.run("auth", "list", "--json")).rows[0]["status"] == "ACTIVE"
        assert identity(file) == before
        seen = [" ".join(process.cmdline()) for process in children_of(engine)]
        seen.append(" ".join(psutil.Process(engine.pid).cmdline()))
        seen += [path.read_bytes().decode("latin-1") for path in kept(reeldeck.home, but=file)]
        seen.append(json.dumps(job) + (await reeldeck.run("job", str(row["job"]["id"]))).out)
        assert not [text for text in seen if "c4n4ry" in text]


async def test_without_a_login_the_error_names_the_command(reeldeck, site):
    answer = await reeldeck.run("get", site.url("/members/a.mp3"))
    assert answer.code == 13
    assert "reeldeck auth add direct FILE" in answer.err


def kept(home: Path, *, but: Path) -> list[Path]:
    """Every file that the program keeps."""
    return [path for path in home.rglob("*") if path.is_file() and path != but]
