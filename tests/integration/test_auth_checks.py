"""Sites are asked whether they still take a login, through the real engine."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from core.auth.cookies import LOGIN_COOKIES, LoginCookies
from core.auth.watch import CookieWatch
from core.domain.errors import HttpFailure, InvalidRequest, NetworkFailure
from core.domain.profile import ProfileReason, ProfileStatus
from core.engine import checks
from tests.fakes.members import MembersOrigin, cookie_file, identity
from tests.fakes.x import AUTH_TOKEN, CT0
from tests.fakes.x_account import PATH, XAccount

ACTIVE, DEGRADED, DISABLED = ProfileStatus.ACTIVE, ProfileStatus.DEGRADED, ProfileStatus.DISABLED
CANARY = "c4n4ry"


@pytest.fixture
async def site() -> AsyncIterator[MembersOrigin]:
    async with MembersOrigin() as running:
        running.accepted = {CANARY}
        yield running


@pytest.fixture
def check_at(site: MembersOrigin):
    """Settings by which logins of `direct` are asked about at the site."""
    return {"direct": {"check_url": site.url("/account"), "check_signed_in": "Sign out"}}


async def test_a_login_that_is_taken_is_active_and_the_site_is_asked_once_in_five_minutes(
    run_engine, site, check_at, tmp_path, monkeypatch
):
    file = cookie_file(tmp_path / "c.txt", CANARY)
    before = identity(file)
    async with run_engine(sources=check_at) as engine:
        added = await engine.add_profile("direct", str(file))
        assert added.checked is None
        for _ in range(3):
            profile = await engine.check_profile(added.id)
            assert (profile.status, profile.reason) == (ACTIVE, None)
            assert profile.checked is not None
        assert len(site.asked("/account")) == 1
        await engine.check_profile(added.id, afresh=True)
        assert len(site.asked("/account")) == 2
        monkeypatch.setattr(checks, "VALID_S", 0.0)
        await engine.check_profile(added.id)
        assert len(site.asked("/account")) == 3
        assert not list(engine.settings.paths.tmp.rglob("*.cookies"))
    assert identity(file) == before
    assert set(site.sessions) == {CANARY}


async def test_a_login_that_is_not_taken_is_disabled_until_its_file_is_new(
    run_engine, site, check_at, tmp_path, caplog
):
    file = cookie_file(tmp_path / "c.txt", "dead")
    with caplog.at_level(logging.WARNING, "reeldeck.auth"):
        async with run_engine(sources=check_at) as engine:
            added = await engine.add_profile("direct", str(file))
            refused = await engine.check_profile(added.id)
            assert (refused.status, refused.reason) == (DISABLED, ProfileReason.REFUSED)
            assert refused.checked is not None
            await engine.check_profile(added.id)
            assert len(site.asked("/account")) == 1
            cookie_file(file, CANARY)
            assert (await engine.check_profile(added.id)).status is ACTIVE
    assert len(caplog.records) == 1, "the owner is told once"


async def test_what_the_site_said_of_a_new_file_is_not_forgotten_when_the_file_is_noticed(
    run_engine, site, check_at, tmp_path
):
    file = cookie_file(tmp_path / "c.txt", "dead")
    async with run_engine(sources=check_at) as engine:
        added = await engine.add_profile("direct", str(file))
        watch = CookieWatch(engine._tools.profiles, engine._access.release)
        for session, status in ((CANARY, ACTIVE), ("dead too", DISABLED)):
            cookie_file(file, session)
            checked = await engine.check_profile(added.id)
            await watch.look()
            assert await engine.profiles() == [checked]
            assert checked.status is status


async def test_what_a_crash_left_of_a_check_is_gone_at_the_next_start(run_engine, make_settings):
    left = make_settings().paths.tmp / "scratch-x"
    left.mkdir(parents=True)
    (left / "login-1.cookies").write_text(CANARY)
    async with run_engine():
        assert not left.exists()


async def test_a_lost_file_is_told_without_asking_the_site(run_engine, site, check_at, tmp_path):
    file = cookie_file(tmp_path / "c.txt", CANARY)
    async with run_engine(sources=check_at) as engine:
        added = await engine.add_profile("direct", str(file))
        file.unlink()
        assert (await engine.check_profile(added.id)).reason is ProfileReason.MISSING
        assert not site.asked("/account")


async def test_a_site_that_does_not_answer_says_nothing_of_the_login(run_engine, site, check_at, tmp_path):
    async with run_engine(sources=check_at) as engine:
        added = await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
        asked = await engine.check_profile(added.id)
        for status in (500, 403):
            site.account_status = status
            with pytest.raises(HttpFailure) as caught:
                await engine.check_profile(added.id, afresh=True)
            assert "stays as it is" in caught.value.hint
        assert await engine.profiles() == [asked]


async def test_an_address_where_nobody_listens_is_a_network_failure(run_engine, tmp_path):
    sources = {"direct": {"check_url": "http://127.0.0.1:9/account"}}
    async with run_engine(sources=sources) as engine:
        added = await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
        with pytest.raises(NetworkFailure):
            await engine.check_profile(added.id)
        assert (await engine.profiles())[0] == added


async def test_a_check_goes_through_the_proxy_of_its_source(run_engine, site, tmp_path):
    nowhere = "http://127.0.0.2:9/account"  # answered by the proxy alone, as which the site stands in
    sources = {"direct": {"check_url": nowhere, "check_signed_in": "Sign out", "proxy": site.url("")}}
    file = cookie_file(tmp_path / "c.txt", CANARY, domain="127.0.0.2")
    async with run_engine(sources=sources) as engine:
        added = await engine.add_profile("direct", str(file))
        assert (await engine.check_profile(added.id)).checked is not None
    assert site.sessions == [CANARY]


async def test_a_source_that_cannot_be_asked_has_its_file_read(run_engine, tmp_path):
    async with run_engine() as engine:
        added = await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", CANARY)))
        checked = await engine.check_profile(added.id)
        assert (checked.status, checked.checked) == (ACTIVE, None)
        with pytest.raises(InvalidRequest):
            await engine.check_profile(999)


async def test_cookies_that_the_site_replaces_are_rotated(run_engine, site, check_at, tmp_path, monkeypatch):
    monkeypatch.setitem(LOGIN_COOKIES, "direct", LoginCookies(("127.0.0.1",), frozenset({"session"})))
    site.new_session = "fresh"
    async with run_engine(sources=check_at) as engine:
        added = await engine.add_profile("direct", str(cookie_file(tmp_path / "c.txt", "old")))
        checked = await engine.check_profile(added.id)
        assert (checked.status, checked.reason) == (DISABLED, ProfileReason.ROTATED)


async def test_x_is_asked_by_its_api_with_both_cookies_and_names_the_account(run_engine, tmp_path):
    tokens = {"auth_token": AUTH_TOKEN, "ct0": CT0}
    async with XAccount() as x:
        async with run_engine(sources={"x": tokens | {"api_base": x.url("/")}}) as engine:
            (config,) = await engine.profiles()
            checked = await engine.check_profile(config.id)
            assert (checked.status, checked.account) == (ACTIVE, "amal")
            x.ct0 = "replaced"
            checked = await engine.check_profile(config.id, afresh=True)
            assert (checked.reason, checked.account) == (ProfileReason.ROTATED, None)
            x.auth_token = "another"
            lines = "".join(f".x.com\tTRUE\t/\tTRUE\t0\t{name}\t{value}\n" for name, value in tokens.items())
            (tmp_path / "x.txt").write_text(lines)
            main = await engine.add_profile("x", str(tmp_path / "x.txt"))
            assert (await engine.check_profile(main.id)).reason is ProfileReason.REFUSED
        assert {seen.path for seen in x.requests} == {PATH}
        assert "x-guest-token" not in x.requests[0].headers


async def test_a_login_that_lacks_a_cookie_is_refused_without_asking(run_engine, tmp_path):
    async with XAccount() as x, run_engine(sources={"x": {"api_base": x.url("/")}}) as engine:
        profile = await engine.add_profile("x", str(cookie_file(tmp_path / "c.txt", CANARY)))
        assert (await engine.check_profile(profile.id)).reason is ProfileReason.REFUSED
        assert not x.requests


async def test_no_secret_of_a_check_is_kept_told_or_shown(run_engine, site, check_at, tmp_path, caplog):
    tokens = {"auth_token": f"{CANARY}a", "ct0": f"{CANARY}b"}
    site.new_session = f"{CANARY}new"
    told = list[str]()
    with caplog.at_level(logging.DEBUG):
        async with XAccount() as x:
            sources = check_at | {"x": tokens | {"api_base": x.url("/")}}
            async with run_engine(sources=sources) as engine:
                for name, session in (("good", CANARY), ("dead", f"{CANARY}dead")):
                    file = cookie_file(tmp_path / f"{name}.txt", session)
                    await engine.add_profile("direct", str(file), name)
                for profile in await engine.profiles():
                    told.append(repr((await engine.check_profile(profile.id)).to_json()))
                site.account_status = 500
                with pytest.raises(HttpFailure) as caught:
                    await engine.check_profile((await engine.profiles())[0].id, afresh=True)
                told.append(f"{caught.value!r} {caught.value} {caught.value.hint}")
                folder = engine.settings.paths.data_dir
                told += [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
            assert tokens["auth_token"] in x.requests[0].headers["cookie"], "the canary was really in use"
    assert {CANARY, f"{CANARY}dead"} <= set(site.sessions)
    assert not [text for text in [*told, caplog.text] if CANARY in text]
