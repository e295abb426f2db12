"""Chats and deliveries over the real socket: before an engine in memory, and before the real one."""

from __future__ import annotations

import pytest

from core.api.callers import needed_scope
from core.client.http import HttpEngineClient
from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import DeliveryState
from core.domain.errors import IllegalTransition, InvalidRequest, LimitReached, NoSuchEntry
from core.domain.job import JobStatus, Kind, ReplyTo, Request
from core.domain.token import Scope
from tests.fakes.api import serving
from tests.integration.conftest import until

CHAT = -1001234567890
FULL = ChatRules(
    chat_id=CHAT,
    topic_id=5,
    title="محاضرات",
    mode=ChatMode.COMMAND,
    sources=("youtube",),
    kind=Kind.AUDIO,
    quality="audio_192",
    archive=False,
    reply=False,
    feedback=Feedback.STATUS,
)


async def test_a_chat_has_the_shape_of_the_description(http, engine):
    engine.watch(CHAT, "Lectures", last_message_id=9)
    engine.add_delivery(engine.add().id, CHAT)
    shown = (await http.get("/api/v1/chats")).json()
    assert shown == {
        "items": [
            {
                "chat_id": CHAT, "topic_id": 0, "title": "Lectures", "mode": "auto", "sources": None,
                "kind": None, "quality": None, "archive": True, "reply": True, "feedback": "reaction",
                "last_message_id": 9,
            }
        ],
        "next": None,
        "backlog": {str(CHAT): 1},
    }  # fmt: skip
    described = (await http.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    assert set(described["Chat"]["properties"]) == set(shown["items"][0])
    delivery = (await http.get("/api/v1/deliveries")).json()["items"][0]
    assert set(described["Delivery"]["properties"]) == set(delivery)


async def test_rules_are_set_whole_and_wrong_ones_are_refused(http, engine):
    answer = await http.put(f"/api/v1/chats/{CHAT}", json={"mode": "auto", "sources": ["youtube"]})
    assert (answer.status_code, answer.json()["sources"]) == (200, ["youtube"])
    assert engine.rules[CHAT, 0] == ChatRules(chat_id=CHAT, mode=ChatMode.AUTO, sources=("youtube",))
    for wrong in (
        {},
        {"mode": "loud"},
        {"mode": "auto", "topic_id": -1},
        {"mode": "auto", "reply": "yes"},
        {"mode": "auto", "last_message_id": 5},
        {"mode": "auto", "sources": "youtube"},
    ):
        refused = await http.put(f"/api/v1/chats/{CHAT}", json=wrong)
        assert (refused.status_code, refused.json()["type"]) == (422, "INVALID_REQUEST"), wrong
    assert (await http.put("/api/v1/chats/@name", json={"mode": "auto"})).status_code == 404


async def test_a_job_shows_who_gets_its_file(http, engine):
    job = engine.add()
    for message in (7, 8):
        engine.add_delivery(job.id, CHAT, reply_to=message, state=DeliveryState.SENT, message_id=message + 1)
    shown = (await http.get(f"/api/v1/jobs/{job.id}")).json()["deliveries"]
    assert [(each["reply_to"], each["state"], each["message_id"]) for each in shown] == [
        (7, "SENT", 8),
        (8, "SENT", 9),
    ]
    assert "random_id" not in shown[0]
    (listed,) = (await http.get("/api/v1/jobs")).json()["items"]
    assert listed["deliveries"] == []


async def test_wrong_questions_about_deliveries_are_refused(http):
    for query in ("state=LOST", "job=0", "limit=501", "after=x"):
        assert (await http.get(f"/api/v1/deliveries?{query}")).status_code == 422
    assert (await http.post("/api/v1/maintenance", json={"on": 1})).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/chats", Scope.READ),
        ("GET", "/chats/known", Scope.ADMIN),
        ("GET", "/chats/find", Scope.ADMIN),
        ("PUT", f"/chats/{CHAT}", Scope.ADMIN),
        ("DELETE", f"/chats/{CHAT}", Scope.ADMIN),
        ("GET", "/deliveries", Scope.READ),
        ("POST", "/deliveries/1/retry", Scope.CONTROL),
        ("POST", "/maintenance", Scope.ADMIN),
    ],
)
def test_tokens_need_the_right_scope(method, path, scope):
    assert needed_scope(method, f"/api/v1{path}") is scope


async def test_the_client_speaks_of_chats_as_the_engine_does(run_engine, tmp_path):
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        assert await client.set_chat(FULL) == FULL
        assert (await client.chats()).rules == [FULL]
        assert await client.find_chat(str(CHAT)) == ChatRules(chat_id=CHAT)
        with pytest.raises(InvalidRequest, match="no Telegram account"):
            await client.known_chats()
        await client.forget_chat(CHAT, 5)
        with pytest.raises(NoSuchEntry):
            await client.forget_chat(CHAT)
        assert (await client.chats()).rules == []
        await client.close()


async def test_the_client_speaks_of_deliveries_as_the_engine_does(run_engine, tmp_path, origin):
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        request = Request(url=origin.url("/missing"), chat_id=CHAT, reply=ReplyTo(CHAT, 7))
        (answer,) = await engine.take_links([request])
        await until(engine, answer.job.id, JobStatus.FAILED)
        (known,) = await engine.deliveries_of(job_id=answer.job.id)
        page = await client.deliveries(state=DeliveryState.FAILED, job_id=answer.job.id, chat_id=CHAT)
        # What is for nobody outside stays inside; times travel as milliseconds.
        (seen,) = page.items
        assert (seen.id, seen.random_id, seen.error_message) == (known.id, 0, known.error_message)
        assert (seen.created, page.next) == (pytest.approx(known.created, abs=0.001), None)
        with pytest.raises(IllegalTransition):
            await client.retry_delivery(known.id)
        with pytest.raises(NoSuchEntry):
            await client.retry_delivery(99)
        await client.close()


async def test_maintenance_refuses_what_is_new(run_engine, tmp_path, origin):
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        await client.set_maintenance(is_on=True)
        with pytest.raises(LimitReached, match="maintenance"):
            await client.submit(Request(url=origin.url("/a.mp3")))
        assert (await client.status())["limits"]["maintenance"] is True
        await client.set_maintenance(is_on=False)
        await client.submit(Request(url=origin.url("/a.mp3")))
        await client.close()
