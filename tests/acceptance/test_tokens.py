"""TCP and its tokens through the shipped program."""

from __future__ import annotations

import httpx

from tests.fakes.api import free_port


async def test_a_token_opens_tcp_until_it_is_revoked(reeldeck):
    port = free_port()
    async with (
        reeldeck.serve(REELDECK_API__TCP_PORT=str(port)),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        assert (await http.get("/api/v1/jobs")).status_code == 401
        made = await reeldeck.run("tokens", "create", "phone", "--scope", "read", "--scope", "submit")
        assert (made.code, "not shown again" in made.err) == (0, True)
        secret = made.out.strip()
        http.headers["authorization"] = f"Bearer {secret}"
        job = (await http.post("/api/v1/jobs", json={"url": "http://127.0.0.1:9/canary.mp4"})).json()
        assert (await http.post(f"/api/v1/jobs/{job['id']}/cancel")).status_code == 403
        twice = await reeldeck.run("tokens", "create", "phone")
        assert (twice.code, "of this name" in twice.err) == (2, True)
        (listed,) = (await reeldeck.run("tokens", "list", "--json")).rows
        assert (listed["name"], listed["scopes"], listed["revoked"]) == ("phone", ["read", "submit"], None)
        assert (await reeldeck.run("tokens", "revoke", "phone")).code == 0
        assert (await http.get("/api/v1/jobs")).status_code == 401
        record = await reeldeck.run("audit", "--json")
        assert [(row["actor"], row["action"]) for row in reversed(record.rows)] == [
            ("socket", "POST /api/v1/tokens"),
            ("token:phone", "POST /api/v1/jobs"),
            ("socket", "DELETE /api/v1/tokens/{id}"),
        ]
        shown = (await reeldeck.run("audit")).out + (await reeldeck.run("tokens", "list")).out
    assert "canary" not in shown + record.out
    for path in reeldeck.home.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes(), path
