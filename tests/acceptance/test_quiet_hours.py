"""Quiet hours through the shipped program."""

from __future__ import annotations

from tests.fakes.media import audio_mp3, made_once

ALWAYS = {"REELDECK_LIMITS__QUIET_HOURS": "00:00-00:00"}


async def test_added_links_wait_and_what_somebody_asks_for_now_does_not(reeldeck, origin):
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with reeldeck.serve(**ALWAYS):
        added = (
            await reeldeck.run("add", origin.url("/tone.mp3?1"), origin.url("/tone.mp3?2"), "--json")
        ).rows
        first, second = (row["job"]["id"] for row in added)
        status = (await reeldeck.run("status", "--json")).rows[0]
        assert status["quiet_until"]
        assert status["counts"]["QUEUED"] == 2
        got = await reeldeck.run("get", origin.url("/tone.mp3?3"), "--json")
        assert (got.code, got.rows[0]["status"]) == (0, "COMPLETED")
        await reeldeck.run("retry", str(second))
        again = await reeldeck.run("get", origin.url("/tone.mp3?2"), "--json")
        assert (again.rows[0]["id"], again.rows[0]["status"]) == (second, "COMPLETED")
        assert (await reeldeck.job(first))["status"] == "QUEUED"
        assert {request.query for request in origin.requests} == {"2", "3"}
    async with reeldeck.serve():
        done = await reeldeck.run("get", origin.url("/tone.mp3?1"), "--json")
        assert (done.rows[0]["id"], done.rows[0]["status"]) == (first, "COMPLETED")
