from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from core.api.encoding import job_view
from core.domain.errors import NetworkFailure, StoreFailure
from core.domain.snapshot import MetadataPreview
from core.domain.token import Token
from tests.fakes.api import a_token, serving
from tests.fakes.engine import ENGINE_VERSION

TOKEN = "k" * 43


async def good(token: str) -> Token | None:
    return a_token() if token == TOKEN else None


@pytest.fixture
async def tcp(engine, tmp_path, free_port) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(engine, tmp_path, token_check=good, tcp_port=free_port) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.tcp_port}", trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def test_health_says_so_or_says_what_is_wrong(http, engine):
    answer = await http.get("/health")
    assert answer.json() == {"status": "ok", "state": "running", "version": ENGINE_VERSION}
    engine.fail_next("status", StoreFailure("disk I/O error"))
    sick = await http.get("/health")
    assert (sick.status_code, sick.json()["type"]) == (503, "STORE_ERROR")


async def test_status_and_sources_are_passed_on(http, engine):
    engine.engine_facts = {"now": "2026-01-02T03:04:05.678Z"}
    assert (await http.get("/api/v1/status")).json() == await engine.status()
    assert (await http.get("/api/v1/sources")).json() == {"items": await engine.sources(), "next": None}


async def test_a_link_is_looked_at_before_it_is_downloaded(http, engine):
    parameters = {"url": "https://example.org/v", "kind": "audio", "quality": "720p", "source": "direct"}
    answer = await http.get("/api/v1/metadata", params=parameters)
    seen = MetadataPreview.from_json(answer.json())
    assert (seen.title, seen.kind, seen.duration_s, seen.size_bytes) == ("A title", "video", 12.5, 1_000_000)
    assert [(each.id, each.height, each.is_chosen) for each in seen.formats] == [("22", 720, True)]
    assert (seen.entries, seen.taken, seen.sample) == (None, None, [])
    ((_, (request,)),) = engine.calls
    assert (request.kind, request.quality, request.source) == ("audio", "720p", "direct")
    engine.fail_next("preview", NetworkFailure("no route"))
    assert (await http.get("/api/v1/metadata", params=parameters)).status_code == 502
    for wrong in ({}, {"url": ""}, {"url": "u", "kind": "film"}, {"url": "u", "quality": "a\nb"}):
        assert (await http.get("/api/v1/metadata", params=wrong)).status_code == 422


async def test_stop_is_asked_for_and_answered(http, engine):
    answer = await http.post("/api/v1/stop")
    assert (answer.status_code, answer.json()) == (202, {"stopping": True})
    assert engine.stop_asked.is_set()
    assert (await http.get("/api/v1/stop")).status_code == 405


async def test_tcp_asks_for_a_token_everywhere(tcp, engine):
    for method, path in (
        ("GET", "/health"),
        ("GET", "/api/v1/jobs"),
        ("POST", "/api/v1/jobs"),
        ("GET", "/api/v1/events"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/nothing"),
    ):
        assert (await tcp.request(method, path)).status_code == 401
    assert engine.calls == []
    answer = await tcp.get("/api/v1/jobs", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


async def test_tcp_may_not_do_what_is_for_people_on_the_machine(tcp, engine):
    tcp.headers["authorization"] = f"Bearer {TOKEN}"
    for field in ({"out_dir": "/media"}, {"source": "direct"}, {"user_id": 1}, {"chat_id": 1}):
        refused = await tcp.post("/api/v1/jobs", json={"url": "https://example.org/a"} | field)
        assert (refused.status_code, refused.json()["type"]) == (403, "FORBIDDEN")
        assert next(iter(field)) in refused.json()["detail"]
    batch = {"items": [{"url": "https://example.org/a"}, {"url": "https://example.org/b", "out_dir": "/"}]}
    fine, refused_item = (await tcp.post("/api/v1/jobs/batch", json=batch)).json()["items"]
    assert fine["joined"] is False
    assert refused_item["error"]["status"] == 403
    assert (await tcp.get("/api/v1/metadata", params={"url": "u", "source": "x"})).status_code == 403
    assert (await tcp.post("/api/v1/stop")).status_code == 403
    assert not engine.stop_asked.is_set()
    assert [name for name, _ in engine.calls] == ["submit_many"]


async def test_the_description_names_every_route_and_the_true_shape_of_a_job(http, engine):
    schema = (await http.get("/api/v1/openapi.json")).json()
    assert schema["openapi"].startswith("3.")
    assert {f"{method} {path}" for path, each in schema["paths"].items() for method in each} == {
        "get /health",
        "get /metrics",
        "get /api/v1/audit",
        "get /api/v1/spaces/{space_id}/metadata",
        "get /api/v1/tokens",
        "post /api/v1/tokens",
        "delete /api/v1/tokens/{token_id}",
        "get /api/v1/events",
        "get /api/v1/groups",
        "get /api/v1/groups/{group_id}",
        "post /api/v1/groups/{group_id}/{action}",
        "get /api/v1/jobs",
        "get /api/v1/library",
        "get /api/v1/library/facets",
        "get /api/v1/library/tags",
        "patch /api/v1/library/{item_id}",
        "get /api/v1/webhooks",
        "post /api/v1/webhooks/{receiver}/send",
        "post /api/v1/webhooks/{receiver}/test",
        "get /api/v1/jobs/{job_id}",
        "get /api/v1/jobs/{job_id}/events",
        "get /api/v1/jobs/{job_id}/file",
        "get /api/v1/metadata",
        "get /api/v1/profiles",
        "post /api/v1/profiles",
        "delete /api/v1/profiles/{profile_id}",
        "post /api/v1/profiles/{profile_id}/check",
        "get /api/v1/sources",
        "get /api/v1/status",
        "post /api/v1/jobs",
        "post /api/v1/jobs/actions",
        "post /api/v1/jobs/order",
        "put /api/v1/jobs/{job_id}/debug",
        "get /api/v1/history",
        "post /api/v1/jobs/batch",
        "post /api/v1/jobs/{job_id}/cancel",
        "post /api/v1/jobs/{job_id}/pause",
        "post /api/v1/jobs/{job_id}/resume",
        "post /api/v1/jobs/{job_id}/retry",
        "post /api/v1/stop",
        "post /api/v1/collect",
        "post /api/v1/maintenance",
        "get /api/v1/chats",
        "get /api/v1/chats/known",
        "get /api/v1/chats/find",
        "put /api/v1/chats/{chat_id}",
        "delete /api/v1/chats/{chat_id}",
        "get /api/v1/deliveries",
        "post /api/v1/deliveries/{delivery_id}/retry",
        "patch /api/v1/jobs/{job_id}",
        "get /api/v1/limits",
        "put /api/v1/limits/{name}",
        "get /api/v1/backup",
        "get /api/v1/library/copies",
        "delete /api/v1/library/copies/{item_id}",
        "get /api/v1/library/{item_id}",
        "post /api/v1/library/{item_id}/send",
        "post /api/v1/library/import",
        "delete /api/v1/jobs/{job_id}",
    }
    assert set(schema["components"]["schemas"]["Job"]["properties"]) == set(job_view(engine.add()))
    text = (await http.get("/api/v1/openapi.json")).text
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in schema["components"]["schemas"]


async def test_the_page_for_people_needs_nothing_from_elsewhere(http):
    answer = await http.get("/api/v1/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "POST /api/v1/jobs/batch" in answer.text
    assert "idempotency-key (header)" in answer.text.lower()
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
