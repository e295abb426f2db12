from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.api.bodies import MAX_BATCH_BODY_BYTES, MAX_BODY_BYTES
from core.api.schemas import MAX_BATCH
from core.api.server import ApiServer
from core.domain.errors import ERRORS
from core.domain.job import JobStatus
from tests.fakes.api import plain_client, serving

URL = "https://example.org/a.mp4"


@pytest.fixture
async def server(engine, tmp_path) -> AsyncIterator[ApiServer]:
    async with serving(engine, tmp_path) as running:
        yield running


@pytest.fixture
async def http(server) -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client(server.path) as client:
        yield client


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == code
    assert document["status"] == status
    assert document["title"]
    assert document["hint"]
    return document


# Submitting


async def test_a_new_job_answers_201_and_a_joined_one_200(http):
    first = await http.post("/api/v1/jobs", json={"url": URL, "kind": "audio", "priority": 3})
    again = await http.post("/api/v1/jobs", json={"url": URL, "kind": "audio"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["joined"] is False
    assert again.json()["joined"] is True
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["kind"] == "audio"
    assert first.json()["deliveries"] == []
    assert first.headers["x-reeldeck-version"]


async def test_the_same_idempotency_key_is_the_same_job(http, engine):
    headers = {"Idempotency-Key": "abc"}
    first = await http.post("/api/v1/jobs", json={"url": URL, "force": True}, headers=headers)
    again = await http.post("/api/v1/jobs", json={"url": URL + "?x", "force": True}, headers=headers)
    assert (first.json()["id"], 200) == (again.json()["id"], again.status_code)
    for wrong in ("", "k" * 201):
        refused = await http.post("/api/v1/jobs", json={"url": URL}, headers={"Idempotency-Key": wrong})
        assert_problem(refused, 422, "INVALID_REQUEST")


async def test_people_on_this_machine_may_name_folders_and_sources(http, engine):
    body = {"url": URL, "out_dir": "/media/here", "source": "direct", "chat_id": -100, "user_id": 5}
    answer = await http.post("/api/v1/jobs", json=body)
    assert answer.status_code == 201
    ((_, (request,)),) = engine.calls
    assert (request.out_dir, request.source, request.chat_id, request.user_id) == (
        "/media/here",
        "direct",
        -100,
        5,
    )


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"url": 5}', 422),
        (b'{"url": "u", "colour": "red"}', 422),
        (b'{"url": "u", "priority": ' + b"9" * 5000 + b"}", 400),
        (b'{"url": "\xff\xfe"}', 400),
        (b"[" * 500_000, 400),
        (b'{"url": "' + b"a" * 70_000 + b'"}', 422),
        (b'{"url": "\\ud800"}', 422),
    ],
)
async def test_a_bad_body_is_a_problem_and_no_job(http, engine, content, status):
    answer = await http.post("/api/v1/jobs", content=content, headers={"content-type": "application/json"})
    assert_problem(answer, status, "INVALID_REQUEST")
    assert len(answer.content) < 2_000
    assert engine.calls == []


async def test_a_form_that_a_foreign_page_could_send_is_no_request(http, engine):
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await http.post(
            "/api/v1/jobs", content=json.dumps({"url": URL}), headers={"content-type": kind}
        )
        assert_problem(answer, 422, "INVALID_REQUEST")
        assert "Content-Type: application/json" in answer.json()["hint"]
    assert engine.calls == []


async def test_oversized_bodies_are_refused_and_the_connection_survives_for_others(http, engine):
    long = {"url": URL, "profile": "x" * MAX_BODY_BYTES}
    assert_problem(await http.post("/api/v1/jobs", json=long), 413, "INVALID_REQUEST")
    batch = {"items": [{"url": "x" * MAX_BATCH_BODY_BYTES}]}
    assert_problem(await http.post("/api/v1/jobs/batch", json=batch), 413, "INVALID_REQUEST")
    assert engine.calls == []
    assert (await http.get("/health")).status_code == (await http.head("/health")).status_code == 200


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_every_error_of_the_engine_becomes_a_problem(http, engine, code):
    engine.fail_next("submit", ERRORS[code]("why \x1b[31m<b>", hint="then"))
    answer = await http.post("/api/v1/jobs", json={"url": URL})
    document = assert_problem(answer, ERRORS[code].http_status, code)
    assert document["detail"] == "why \x1b[31m<b>"
    assert "\x1b" not in answer.text


async def test_a_fault_of_the_engine_shows_nothing_of_its_inside(http, engine, caplog):
    engine.fail_next("submit", RuntimeError("cookie=secret"))
    answer = await http.post("/api/v1/jobs", json={"url": URL})
    assert_problem(answer, 500, "UNKNOWN")
    assert "secret" not in answer.text
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == [
        "core.api.doorkeeper"
    ]
    assert (await http.get("/health")).status_code == 200


# Batches and bulk actions


async def test_a_batch_answers_each_item_in_order(http, engine):
    items = [
        {"url": URL},
        {"url": "not a link"},
        {"url": URL},
        {"url": URL, "colour": "red"},
        "no object",
        {"url": "https://example.org/b"},
    ]
    answer = await http.post("/api/v1/jobs/batch", json={"items": items}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    first, bad, joined, unknown, odd, last = answer.json()["items"]
    assert (first["joined"], joined["joined"], last["joined"]) == (False, True, False)
    assert first["job"]["id"] == joined["job"]["id"] != last["job"]["id"]
    assert [each["error"]["type"] for each in (bad, unknown, odd)] == ["INVALID_REQUEST"] * 3
    assert "colour" in unknown["error"]["detail"]
    ((_, asked),) = engine.calls
    assert [request.idempotency_key for request in asked] == ["k#0", "k#1", "k#2", "k#5"]


async def test_a_full_batch_is_taken_and_one_more_is_not(http, engine):
    items = [{"url": f"https://example.org/{n}"} for n in range(MAX_BATCH + 1)]
    assert_problem(await http.post("/api/v1/jobs/batch", json={"items": items}), 422, "INVALID_REQUEST")
    answer = await http.post("/api/v1/jobs/batch", json={"items": items[:MAX_BATCH]})
    assert len(answer.json()["items"]) == MAX_BATCH
    assert engine.counts()[JobStatus.QUEUED] == MAX_BATCH


async def test_a_bulk_action_answers_each_job_in_order(http, engine):
    engine.add_many(3)
    engine.move(2, JobStatus.PAUSED)
    answer = await http.post("/api/v1/jobs/actions", json={"action": "pause", "ids": [3, 2, 99, 1]})
    items = answer.json()["items"]
    assert [each["id"] for each in items] == [3, 2, 99, 1]
    assert items[0]["job"]["status"] == items[3]["job"]["status"] == "PAUSED"
    assert items[1]["error"]["type"] == "ILLEGAL_TRANSITION"
    assert items[2]["error"]["type"] == "NO_SUCH_JOB"
    refused = await http.post("/api/v1/jobs/actions", json={"action": "delete", "ids": [1]})
    assert_problem(refused, 422, "INVALID_REQUEST")


# Reading


async def test_lists_are_filtered_and_paged(http, engine):
    engine.add_many(5, chat_id=-7)
    engine.add("https://example.org/other", source_type="youtube", title="Café 100%", group_id=3)
    engine.move(1, JobStatus.PAUSED)
    engine.move(2, JobStatus.CANCELLED)

    async def ids(**parameters) -> list[int]:
        answer = await http.get("/api/v1/jobs", params=parameters)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await ids() == [6, 5, 4, 3, 2, 1]
    assert await ids(status="paused,CANCELLED") == [2, 1]
    assert await ids(status=["PAUSED", "cancelled"]) == [2, 1]
    assert await ids(source="youtube") == [6]
    assert await ids(q="café 100%") == [6]
    assert await ids(chat="-7", status="PAUSED") == [1]
    assert await ids(group=3) == [6]
    page = (await http.get("/api/v1/jobs", params={"limit": 4})).json()
    assert [each["id"] for each in page["items"]] == [6, 5, 4, 3]
    rest = (await http.get("/api/v1/jobs", params={"limit": 4, "after": page["next"]})).json()
    assert [each["id"] for each in rest["items"]] == [2, 1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "status=DONE",
        "limit=0",
        "limit=501",
        "limit=x",
        "chat=x",
        f"chat={2**64}",
        "q=" + "x" * 501,
        "group=-1",
    ],
)
async def test_wrong_filters_are_refused(http, query):
    assert_problem(await http.get(f"/api/v1/jobs?{query}"), 422, "INVALID_REQUEST")


async def test_one_job_and_its_timeline(http, engine):
    created = (await http.post("/api/v1/jobs", json={"url": URL})).json()
    engine.move(created["id"], JobStatus.RUNNING)
    job = (await http.get(f"/api/v1/jobs/{created['id']}")).json()
    assert (job["status"], job["attempt"]) == ("RUNNING", 1)
    assert job["created"].endswith("Z")
    timeline = (await http.get(f"/api/v1/jobs/{created['id']}/events")).json()
    assert [each["type"] for each in timeline["items"]] == ["JOB_CREATED", "STATUS_CHANGED"]
    assert set(timeline["items"][0]) == {"seq", "job_id", "type", "data", "created"}
    assert timeline["next"] is None


async def test_hostile_titles_travel_as_data_only(http, engine):
    titles = ['"},{"id":1', "</script>\u2028", "\ud83d half", "\x1b]0;x\x07", "\u202ereversed", "null\0"]
    for title in titles:
        engine.add(title=title)
    answer = await http.get("/api/v1/jobs")
    assert [each["title"] for each in answer.json()["items"]] == titles[::-1]
    assert b"\x1b" not in answer.content


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/jobs/99", 404, "NO_SUCH_JOB"),
        ("GET", "/api/v1/jobs/99/events", 404, "NO_SUCH_JOB"),
        ("GET", "/api/v1/jobs/99/file", 404, "NO_SUCH_JOB"),
        ("POST", "/api/v1/jobs/99/pause", 404, "NO_SUCH_JOB"),
        ("DELETE", "/api/v1/jobs/99", 404, "NO_SUCH_JOB"),
        ("GET", "/api/v1/jobs/0", 422, "INVALID_REQUEST"),
        ("GET", "/api/v1/jobs/x", 404, "INVALID_REQUEST"),
        ("GET", f"/api/v1/jobs/{2**63}", 422, "INVALID_REQUEST"),
        ("POST", "/api/v1/jobs/1/explode", 404, "INVALID_REQUEST"),
        ("GET", "/api/v1/nothing", 404, "INVALID_REQUEST"),
        ("GET", "/", 404, "INVALID_REQUEST"),
        ("GET", "/api/v1/jobs/", 404, "INVALID_REQUEST"),
        ("PUT", "/api/v1/jobs", 405, "INVALID_REQUEST"),
        ("OPTIONS", "/api/v1/jobs", 405, "INVALID_REQUEST"),
        ("DELETE", "/api/v1/status", 405, "INVALID_REQUEST"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(http, method, path, status, code):
    assert_problem(await http.request(method, path), status, code)


# Acting


async def test_pause_resume_cancel_retry_and_delete(http, engine):
    engine.add()

    async def act(action: str) -> httpx.Response:
        return await http.post(f"/api/v1/jobs/1/{action}")

    for action, status in (
        ("pause", "PAUSED"),
        ("resume", "QUEUED"),
        ("cancel", "CANCELLED"),
        ("retry", "QUEUED"),
    ):
        answer = await act(action)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert_problem(await act("resume"), 409, "ILLEGAL_TRANSITION")
    assert_problem(await http.delete("/api/v1/jobs/1"), 409, "ILLEGAL_TRANSITION")
    await act("cancel")
    gone = await http.delete("/api/v1/jobs/1")
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(await http.get("/api/v1/jobs/1"), 404, "NO_SUCH_JOB")


async def test_a_patch_changes_order_and_title(http, engine):
    engine.add()
    body = {"priority": 9, "position": 1.5, "title": "New"}
    answer = await http.patch("/api/v1/jobs/1", json=body)
    assert {name: answer.json()[name] for name in body} == body
    for wrong in ({}, {"priority": None}, {"status": "COMPLETED"}, {"priority": 10**9}):
        assert_problem(await http.patch("/api/v1/jobs/1", json=wrong), 422, "INVALID_REQUEST")


# Files


@pytest.fixture
def media(engine, tmp_path):
    path = tmp_path / 'محاضرة "1"\r\n.mp4'
    path.write_bytes(bytes(range(256)) * 4096)
    engine.add(status=JobStatus.COMPLETED, file_path=str(path))
    return path


async def test_a_finished_file_is_sent_whole(http, media):
    answer = await http.get("/api/v1/jobs/1/file")
    assert answer.status_code == 200
    assert answer.content == media.read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "filename*=UTF-8''%D9%85" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment; ")
    head = await http.head("/api/v1/jobs/1/file")
    assert (head.content, head.headers["content-length"]) == (b"", str(media.stat().st_size))


async def test_ranges_are_sent_and_impossible_ones_refused(http, media):
    whole = media.read_bytes()

    async def part(header, **more) -> httpx.Response:
        return await http.get("/api/v1/jobs/1/file", headers={"range": header, **more})

    first = await part("bytes=0-9")
    assert (first.status_code, first.content) == (206, whole[:10])
    assert first.headers["content-range"] == f"bytes 0-9/{len(whole)}"
    middle = await part("bytes=300000-900000")
    assert middle.content == whole[300_000:900_001]
    assert (await part("bytes=-5")).content == whole[-5:]
    behind = await part(f"bytes={len(whole)}-")
    assert_problem(behind, 416, "INVALID_REQUEST")
    assert behind.headers["content-range"] == f"bytes */{len(whole)}"
    assert (await part("bytes=0-1,5-6")).status_code == 200
    etag = first.headers["etag"]
    assert (await part("bytes=0-9", **{"if-range": etag})).status_code == 206
    assert (await part("bytes=0-9", **{"if-range": '"old"'})).status_code == 200
    head = await http.head("/api/v1/jobs/1/file", headers={"range": "bytes=0-9"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole)))


async def test_a_file_that_the_client_has_is_not_sent_again(http, media):
    async def asked(**headers) -> httpx.Response:
        return await http.get("/api/v1/jobs/1/file", headers=headers)

    has = await asked()
    etag, modified = has.headers["etag"], has.headers["last-modified"]
    for known in (
        {"if-none-match": etag},
        {"if-none-match": f'"old", W/{etag}'},
        {"if-modified-since": modified},
    ):
        answer = await asked(**known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
    assert (await asked(**{"if-none-match": '"old"', "if-modified-since": modified})).status_code == 200


async def test_an_empty_file_is_a_file(http, engine, tmp_path):
    (tmp_path / "e.mp3").touch()
    engine.add(status=JobStatus.COMPLETED, file_path=str(tmp_path / "e.mp3"))
    answer = await http.get("/api/v1/jobs/1/file")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_only_finished_files_that_are_there_are_sent(http, engine, tmp_path):
    engine.add(status=JobStatus.RUNNING, file_path=str(tmp_path / "a"))
    engine.add(status=JobStatus.COMPLETED, file_path=str(tmp_path / "gone.mp4"))
    engine.add(status=JobStatus.COMPLETED, file_path=None)
    engine.add(status=JobStatus.COMPLETED, file_path=str(tmp_path))
    assert_problem(await http.get("/api/v1/jobs/1/file"), 409, "ILLEGAL_TRANSITION")
    for job_id in (2, 3, 4):
        assert_problem(await http.get(f"/api/v1/jobs/{job_id}/file"), 404, "NOT_FOUND")


async def test_a_reader_that_leaves_in_the_middle_holds_nothing(http, server, engine, tmp_path):
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.truncate(2**30)
    engine.add(status=JobStatus.COMPLETED, file_path=str(path))
    async with http.stream("GET", "/api/v1/jobs/1/file") as answer:
        async for _ in answer.aiter_raw():
            break
    (connection,) = server._state.tasks
    await asyncio.wait({connection})
    assert str(path) not in {os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()}


async def test_a_file_that_shrinks_while_it_is_sent_is_not_passed_off_as_whole(http, media):
    async with http.stream("GET", "/api/v1/jobs/1/file") as answer:
        media.write_bytes(b"")
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()
