"""Logins with the shipped program: refused, replaced, and never seen anywhere."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.program import children_of
from tests.acceptance.test_cli_program import started
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.members import MembersOrigin, cookie_file, identity
from tests.fakes.x_account import XAccount

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


async def test_a_refused_login_parks_the_job_until_the_owner_exports_anew(reeldeck, site):
    file = reeldeck.home / "cookies.txt"
    cookie_file(file, DEAD)
    async with reeldeck.serve() as engine:
        added = await reeldeck.run("auth", "add", "ytdlp", str(file), "--json")
        assert added.code == 0, added.err
        (row,) = (await reeldeck.run("add", site.url("/members/page"), "--json")).rows
        job = await reeldeck.until(row["job"]["id"], status="PENDING")
        assert (job["waiting_for"], job["error_type"]) == ("auth:main", "AUTH_ERROR")
        listed = (await reeldeck.run("auth", "list", "--json")).rows[0]
        assert (listed["status"], listed["reason"]) == ("DEGRADED", "refused")
        before = identity(cookie_file(file, ALIVE))
        job = await reeldeck.until(row["job"]["id"], status="COMPLETED")
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


@pytest.fixture
async def direct(reeldeck, site):
    """A link for members of a site that can be asked about its logins, and the cookie file of a dead one."""
    reeldeck.env |= {
        "REELDECK_SOURCES__DIRECT__CHECK_URL": site.url("/account"),
        "REELDECK_SOURCES__DIRECT__CHECK_SIGNED_IN": "Sign out",
    }
    file = cookie_file(reeldeck.home / "cookies.txt", DEAD)
    async with reeldeck.serve():
        added = await reeldeck.run("auth", "add", "direct", str(file))
        assert added.code == 13, added.err
        assert "refused" in added.out
    return site.url("/members/a.mp3"), file


async def test_a_check_asks_the_site_and_ends_with_13_when_the_login_is_dead(reeldeck, site, direct):
    _, file = direct
    async with reeldeck.serve():
        dead = await reeldeck.run("auth", "check", "direct/main", "--json")
        assert (dead.code, dead.rows[0]["reason"]) == (13, "refused")
        cookie_file(file, ALIVE)
        alive = await reeldeck.run("auth", "check", "--json")
        assert (alive.code, alive.rows[0]["status"]) == (0, "ACTIVE"), alive.err
        assert alive.rows[0]["checked"] is not None
        asked = len(site.asked("/account"))
        assert "s ago" in (await reeldeck.run("auth", "check")).out
        assert len(site.asked("/account")) == asked
        site.account_status = 503
        silent = await reeldeck.run("auth", "check", "--afresh")
        assert silent.code == 11
        assert "direct/main" in silent.err
        assert (await reeldeck.run("auth", "list", "--json")).rows == alive.rows
        said = [each.out + each.err for each in (dead, alive, silent)]
        said += [path.read_bytes().decode("latin-1") for path in kept(reeldeck.home, but=file)]
        assert not [text for text in said if "c4n4ry" in text]


async def test_tokens_in_files_make_a_login_that_is_checked_and_shown_nowhere(reeldeck, tmp_path_factory):
    secrets = tmp_path_factory.mktemp("secrets")
    async with XAccount() as x:
        tokens = {"AUTH_TOKEN": "c4n4ry0auth", "CT0": "c4n4ry0guard"}
        x.auth_token, x.ct0 = tokens.values()
        for name, value in tokens.items():
            file = secrets / name
            file.write_text(f"{value}\n")
            file.chmod(0o600)
            reeldeck.env[f"REELDECK_SOURCES__X__{name}_FILE"] = str(file)
        reeldeck.env["REELDECK_SOURCES__X__API_BASE"] = x.url("/")
        reeldeck.env["REELDECK_LOGGING__LEVEL"] = "DEBUG"
        async with reeldeck.serve() as engine:
            checked = await reeldeck.run("auth", "check", "x/config", "--json")
            assert (checked.code, checked.rows[0]["account"]) == (0, "amal"), checked.err
            assert "x/config (amal)" in (await reeldeck.run("auth", "list")).out
            said = [checked.out + checked.err, (await reeldeck.run("config", "show")).out]
            said.append(" ".join(psutil.Process(engine.pid).cmdline()))
            said += [
                path.read_bytes().decode("latin-1") for path in reeldeck.home.rglob("*") if path.is_file()
            ]
        assert x.requests[0].headers["cookie"] == "auth_token=c4n4ry0auth; ct0=c4n4ry0guard"
    assert not [text for text in said if "c4n4ry" in text]


async def test_a_dead_login_falls_back_to_a_guest(reeldeck, site, direct):
    site.put("/open/b.mp3", site.resource("/members/a.mp3").body)
    answer = await reeldeck.run("get", site.url("/open/b.mp3"), "--json")
    assert answer.code == 0, answer.err
    assert answer.rows[0]["status"] == "COMPLETED"
    logged = [row for row in (await reeldeck.run("logs", "--json", "-n", "500")).rows if "profile" in row]
    assert len([row for row in logged if row["level"].upper() == "WARNING"]) == 1, "the owner is told once"


async def test_get_alone_leaves_a_job_that_waits_for_a_login_and_tries_again_when_asked_again(
    reeldeck, site, direct
):
    url, file = direct
    for _ in range(2):
        answer = await reeldeck.run("get", url)
        assert (answer.code, answer.out) == (13, "")
        assert str(file) in answer.err
        assert "the same command goes on with it then" in answer.err
        assert "c4n4ry" not in answer.err
    cookie_file(file, ALIVE)
    answer = await reeldeck.run("get", url)
    assert answer.code == 0, answer.err
    assert answer.out.startswith(str(reeldeck.archive))


async def test_get_for_a_program_leaves_the_job_to_the_running_engine(reeldeck, direct):
    url, file = direct
    async with reeldeck.serve():
        answer = await reeldeck.run("get", url, "--json")
        (row,) = answer.rows
        assert (answer.code, row["status"], row["waiting_for"]) == (13, "PENDING", "auth:main")
        assert f"reeldeck cancel {row['id']}" in answer.err
        cookie_file(file, ALIVE)
        await reeldeck.until(row["id"], status="COMPLETED")


async def test_get_on_a_terminal_says_how_to_end_the_waiting_and_goes_on_with_a_new_login(reeldeck, direct):
    url, file = direct
    ours, theirs = os.openpty()
    screen = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(screen), os.fdopen(ours, "rb", buffering=0)
    )
    async with started(reeldeck, "get", url, stderr=theirs) as process:
        os.close(theirs)
        async with asyncio.timeout(30):
            await screen.readuntil(b"Ctrl-C ends the waiting")
            cookie_file(file, ALIVE)
            assert (await process.stdout.read()).startswith(os.fsencode(reeldeck.archive))
            assert await process.wait() == 0
    transport.close()


def kept(home: Path, *, but: Path) -> list[Path]:
    """Every file that the program keeps."""
    return [path for path in home.rglob("*") if path.is_file() and path != but]
