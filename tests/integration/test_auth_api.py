"""Auth profiles over the HTTP API and its client."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import HttpFailure, InvalidRequest
from core.domain.profile import ProfileReason, ProfileStatus
from core.domain.token import Token
from tests.fakes.api import a_token, plain_client, serving
from tests.fakes.engine import FakeEngine
from tests.fakes.members import MembersOrigin, cookie_file

CANARY = "c4n4ry"


@pytest.fixture
async def engine(run_engine) -> AsyncIterator[object]:
    async with run_engine() as running:
        yield running


@pytest.fixture
async def client(engine, tmp_path) -> AsyncIterator[HttpEngineClient]:
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        yield client
        await client.close()


async def test_a_profile_is_added_listed_checked_and_removed(client, tmp_path):
    file = cookie_file(tmp_path / "c.txt", CANARY)
    added = await client.add_profile("youtube", str(file), "alt")
    assert (added.source_type, added.name, added.cookie_file_path) == ("youtube", "alt", str(file))
    assert [profile.id for profile in await client.profiles()] == [added.id]
    file.unlink()
    lost = await client.check_profile(added.id)
    assert (lost.status, lost.reason) == (ProfileStatus.DISABLED, ProfileReason.MISSING)
    await client.remove_profile(added.id)
    assert not await client.profiles()


async def test_a_wrong_file_source_name_or_number_is_refused(client, tmp_path):
    wrong, good = tmp_path / "wrong.txt", str(cookie_file(tmp_path / "c.txt", CANARY))
    wrong.write_text("# Netscape HTTP Cookie File\nno cookie\n")
    with pytest.raises(InvalidRequest, match="line 2"):
        await client.add_profile("youtube", str(wrong))
    for source, path, name in [
        ("nowhere", good, "main"),
        ("youtube", "relative.txt", "main"),
        ("youtube", good, "a/b"),
    ]:
        with pytest.raises(InvalidRequest):
            await client.add_profile(source, path, name)
    for call in (client.remove_profile, client.check_profile):
        with pytest.raises(InvalidRequest):
            await call(999)


async def test_an_answer_shows_the_path_and_nothing_of_the_file(engine, tmp_path):
    file = cookie_file(tmp_path / "c.txt", CANARY)
    async with serving(engine, tmp_path) as server, plain_client(server.path) as http:
        body = {"source": "youtube", "cookie_file": str(file)}
        added = await http.post("/api/v1/profiles", json=body)
        assert added.status_code == 201
        listed = await http.get("/api/v1/profiles")
        assert listed.json()["items"] == [added.json()]
        assert listed.json()["items"][0]["expires"] is None
        checked = await http.post(f"/api/v1/profiles/{added.json()['id']}/check")
        assert CANARY not in added.text + listed.text + checked.text
        assert (await http.delete(f"/api/v1/profiles/{added.json()['id']}")).status_code == 204


async def test_a_check_is_answered_from_memory_unless_it_is_asked_for_afresh(run_engine, tmp_path):
    async with MembersOrigin() as site:
        site.accepted = {CANARY}
        sources = {"direct": {"check_url": site.url("/account"), "check_signed_in": "Sign out"}}
        async with run_engine(sources=sources) as engine, serving(engine, tmp_path) as server:
            client = HttpEngineClient(server.path)
            profile = await client.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
            for afresh, asked in ((False, 1), (False, 1), (True, 2)):
                checked = await client.check_profile(profile.id, afresh=afresh)
                assert checked.checked is not None
                assert len(site.asked("/account")) == asked
            site.account_status = 500
            with pytest.raises(HttpFailure, match="answered 500"):
                await client.check_profile(profile.id, afresh=True)
            assert (await client.profiles()) == [checked]
            await client.close()


async def test_only_people_on_the_machine_add_and_remove(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free_port = probe.getsockname()[1]

    async def anybody(_token: str) -> Token:
        return a_token()

    async with (
        serving(FakeEngine(), tmp_path, token_check=anybody, tcp_port=free_port) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.tcp_port}", trust_env=False) as http,
    ):
        http.headers["authorization"] = "Bearer token"
        body = {"source": "x", "cookie_file": "/c.txt"}
        assert (await http.post("/api/v1/profiles", json=body)).status_code == 403
        assert (await http.delete("/api/v1/profiles/1")).status_code == 403
        assert (await http.get("/api/v1/profiles")).status_code == 200
