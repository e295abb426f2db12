"""Groups over the real socket: before an engine in memory, and through the client before the real one."""

from __future__ import annotations

import json

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import NoSuchJob
from core.domain.job import JobStatus, Request
from core.domain.snapshot import JobQuery
from tests.fakes.api import serving
from tests.fakes.stored import NOW

CANCELLED, QUEUED = JobStatus.CANCELLED, JobStatus.QUEUED


async def test_groups_come_in_pages_newest_first(http, engine):
    for number in range(1, 6):
        engine.add_group(f"List {number}", total=number)
    first = (await http.get("/api/v1/groups", params={"limit": 2})).json()
    assert [group["title"] for group in first["items"]] == ["List 5", "List 4"]
    rest = (await http.get("/api/v1/groups", params={"after": first["next"]})).json()
    assert ([group["id"] for group in rest["items"]], rest["next"]) == ([3, 2, 1], None)
    assert (await http.get("/api/v1/groups", params={"limit": 0})).status_code == 422


async def test_a_group_tells_how_many_jobs_are_in_each_state(http, engine):
    group_id = engine.add_group("A list", total=3)
    engine.add_many(2, group_id=group_id)
    engine.add(status=CANCELLED, group_id=group_id)
    shown = (await http.get(f"/api/v1/groups/{group_id}")).json()
    assert (shown["title"], shown["total"]) == ("A list", 3)
    assert (shown["counts"]["QUEUED"], shown["counts"]["CANCELLED"], shown["counts"]["FAILED"]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("pause", "QUEUED", "PAUSED"),
        ("resume", "PAUSED", "QUEUED"),
        ("cancel", "RUNNING", "CANCELLED"),
        ("retry", "FAILED", "QUEUED"),
    ],
)
async def test_a_group_is_acted_on_as_one(http, engine, action, before, after):
    group_id = engine.add_group(total=2)
    engine.add_many(2, status=JobStatus(before), group_id=group_id)
    other = engine.add(status=JobStatus(before))
    answer = (await http.post(f"/api/v1/groups/{group_id}/{action}")).json()
    assert (answer["changed"], answer["refused"], answer["group"]["counts"][after]) == (2, 0, 2)
    assert (await engine.job(other.id)).status == before


async def test_what_is_no_group_and_no_action_is_refused(http, engine):
    for method, path in (("GET", "/groups/7"), ("POST", "/groups/7/cancel")):
        answer = await http.request(method, f"/api/v1{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "NO_SUCH_JOB")
    engine.add_group()
    for path in ("/groups/0", f"/groups/{2**63}"):
        assert (await http.get(f"/api/v1{path}")).status_code == 422
    assert (await http.post("/api/v1/groups/1/delete")).status_code == 422


async def test_a_job_names_its_group_wherever_it_is_shown(http, engine):
    group_id = engine.add_group("A list", total=30)
    job = engine.add(group_id=group_id)
    alone = engine.add("https://example.org/alone.mp4")
    label = {"id": group_id, "title": "A list", "total": 30}
    assert (await http.get(f"/api/v1/jobs/{job.id}")).json()["group"] == label
    assert (await http.get(f"/api/v1/jobs/{alone.id}")).json()["group"] is None
    listed = (await http.get("/api/v1/jobs")).json()["items"]
    assert [each["group"] for each in listed] == [None, label]
    assert (await http.post(f"/api/v1/jobs/{job.id}/pause")).json()["group"] == label
    body = {"action": "resume", "ids": [job.id]}
    bulk = (await http.post("/api/v1/jobs/actions", json=body)).json()["items"]
    assert bulk[0]["job"]["group"] == label
    joined = await http.post("/api/v1/jobs", json={"url": job.url})
    assert joined.json()["group"] == label
    batch = (await http.post("/api/v1/jobs/batch", json={"items": [{"url": job.url}]})).json()["items"]
    assert batch[0]["job"]["group"] == label
    assert [name for name, _ in engine.calls].count("group") == 1


async def test_the_stream_names_groups_too(http, engine):
    group_id = engine.add_group("A list", total=3)
    job = engine.add(group_id=group_id)
    async with http.stream("GET", "/api/v1/events") as answer:
        await engine.until_listeners(1)
        engine.set(job.id, title="t")
        async for line in answer.aiter_lines():
            data = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if data.get("jobs"):
                assert data["jobs"][0]["group"] == {"id": group_id, "title": "A list", "total": 3}
                break


async def test_a_job_is_shown_without_a_group_that_cannot_be_read(http, engine):
    job = engine.add(group_id=4)
    answer = await http.get(f"/api/v1/jobs/{job.id}")
    assert (answer.status_code, answer.json()["group"]) == (200, None)


async def test_the_client_acts_on_groups_of_the_real_engine(run_engine, tmp_path):
    async with run_engine(only_submitted=True) as engine, serving(engine, tmp_path) as server:
        # Put into the store directly, so that nothing of it runs.
        parent = await engine._store.jobs.submit(
            engine._intake.prepare(Request(url="http://a.test/l")), now=NOW
        )
        group_id = await engine._store.groups.create(parent.job.id, "A list", 20, NOW)
        new = [
            engine._intake.prepare(Request(url=f"http://a.test/{number}.mp4"), group_id=group_id)
            for number in range(20)
        ]
        await engine._store.jobs.submit_many(new, now=NOW)
        client = HttpEngineClient(server.path)
        try:
            (listed,) = (await client.groups(limit=5)).items
            assert listed == await client.group(group_id)
            assert (listed["title"], listed["job_id"], listed["counts"]["QUEUED"]) == (
                "A list",
                parent.job.id,
                20,
            )
            assert (await client.control_group(group_id, "pause"))["group"]["counts"]["PAUSED"] == 20
            assert (await client.control_group(group_id, "resume"))["changed"] == 21
            answer = await client.control_group(group_id, "cancel")
            assert (answer["changed"], answer["group"]["counts"]["CANCELLED"]) == (21, 20)
            jobs = (await client.jobs(JobQuery(group_id=group_id))).items
            assert {job.status for job in jobs} == {CANCELLED}
            with pytest.raises(NoSuchJob):
                await client.control_group(99, "cancel")
        finally:
            await client.close()
