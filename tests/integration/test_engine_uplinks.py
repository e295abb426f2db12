"""Every source has its own way to the network: proxy, user agent, cap and pace, by the real engine."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from core.domain.errors import ConfigError, RateLimited
from core.domain.job import JobStatus
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from core.net.pace import FIRST_GAP_S
from core.net.uplinks import Uplinks
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault, Origin
from tests.fakes.wire import Socks, socks_server
from tests.integration.conftest import finish

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED
PAGE = b"<html><head><title>A talk</title></head><body><video src='/tone.mp3'></video></body></html>"


@pytest.fixture
def site(origin: Origin) -> Origin:
    """A page with a file in it, which `direct` leaves to `ytdlp`."""
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    origin.put("/page", PAGE, content_type="text/html")
    return origin


@pytest.fixture
async def socks() -> AsyncIterator[Socks]:
    async with socks_server(login=(b"me", b"hush")) as running:
        yield running


def by_socks(socks: Socks) -> str:
    return f"socks5h://me:hush@127.0.0.1:{socks.port}"


async def test_everything_of_a_source_goes_through_its_proxy_and_nothing_past_it(run_engine, site, socks):
    async with run_engine(sources={"direct": {"proxy": by_socks(socks)}}) as engine:
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE
    assert {request.path for request in site.requests} == {"/tone.mp3"}
    assert len(socks.asked) == site.connections > 0
    assert set(socks.logins) == {(b"me", b"hush")}


async def test_a_sources_children_go_through_its_proxy_too_and_other_sources_do_not(run_engine, site, socks):
    async with run_engine(sources={"ytdlp": {"proxy": by_socks(socks)}}) as engine:
        job = await finish(engine, site.url("/page"))
        assert (job.status, job.source_type) == (DONE, "ytdlp")
        through = len(socks.asked)
        looks_by_direct = 1
        assert site.connections == through + looks_by_direct
        agents = {request.headers["user-agent"] for request in site.requests}
        assert (await finish(engine, site.url("/tone.mp3?again"))).status is DONE
        assert len(socks.asked) == through < site.connections
        assert agents == {engine.settings.network.user_agent}


async def test_an_http_proxy_of_a_source_serves_client_and_children(run_engine, site):
    owners = EgressProxy(AddressGate(["127.0.0.0/8"]), connect_timeout_s=5)
    await owners.start()
    try:
        async with run_engine(sources={"ytdlp": {"proxy": owners.url}}) as engine:
            assert (await finish(engine, site.url("/page"))).status is DONE
    finally:
        await owners.stop()


async def test_without_its_proxy_a_source_fails_and_takes_no_other_way(run_engine, site):
    async with socks_server() as socks:
        gone = f"socks5h://127.0.0.1:{socks.port}"
    async with run_engine(retries={"max_retries": 0}, sources={"ytdlp": {"proxy": gone}}) as engine:
        job = await finish(engine, site.url("/page"))
        assert (job.status, job.error_type) == (FAILED, "NETWORK_ERROR")
    assert len(site.requests) == 1  # the look by `direct`


async def test_direct_means_no_proxy_although_everything_else_has_one(run_engine, site, socks):
    async with run_engine(
        network={"proxy": by_socks(socks)}, sources={"direct": {"proxy": "direct"}}
    ) as engine:
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE
        assert socks.asked == []
        assert (await finish(engine, site.url("/page"))).status is DONE
        assert socks.asked
        shown = {row["name"]: row["is_proxied"] for row in await engine.sources()}
        assert (shown["direct"], shown["ytdlp"], shown["youtube"]) == (False, True, True)
        assert "hush" not in repr(await engine.status())


async def test_a_proxy_that_cannot_be_used_is_told_at_the_start_without_its_password(run_engine):
    with pytest.raises(ConfigError) as caught:
        async with run_engine(sources={"ytdlp": {"proxy": "ftp://me:hush@proxy.example"}}):
            pass
    assert "hush" not in str(caught.value)


async def test_a_source_has_a_user_agent_of_its_own(run_engine, site):
    async with run_engine(sources={"ytdlp": {"user_agent": "Curious/1"}}) as engine:
        assert (await finish(engine, site.url("/page"))).status is DONE
        own = [request.headers["user-agent"] for request in site.requests[1:]]
        assert set(own) == {"Curious/1"}
        assert site.requests[0].headers["user-agent"] == engine.settings.network.user_agent


async def test_the_cap_of_a_source_holds_for_all_of_its_jobs_together(run_engine, site):
    async with run_engine(sources={"direct": {"bandwidth_bps": 50_000}}) as engine:
        began = time.monotonic()
        for name in "ab":
            assert (await finish(engine, site.url(f"/tone.mp3?{name}"))).status is DONE
        sent = sum(request.sent_bytes for request in site.requests)
        assert sent > 50_000
        assert time.monotonic() - began >= sent / 50_000 - 0.2  # an idle time saves up a moment


async def test_a_childs_requests_keep_the_rate_of_its_source(run_engine, site):
    async with run_engine(sources={"ytdlp": {"rate_per_s": 4}}) as engine:
        began = time.monotonic()
        assert (await finish(engine, site.url("/page"))).status is DONE
        own = len(site.requests) - 1
        assert own >= 2
        assert time.monotonic() - began >= (own - 1) / 4


async def test_a_host_that_refuses_is_asked_more_slowly_and_shown_so(run_engine, site):
    site.resource("/tone.mp3").fail(Fault(status=503), times=2)
    async with run_engine() as engine:
        assert (await finish(engine, site.url("/tone.mp3"))).status is DONE
        (row,) = [row for row in await engine.sources() if row["name"] == "direct"]
        (slowed,) = row["slowed"]
        assert slowed["host"] == f"{site.host}:{site.port}"
        assert 0 < slowed["gap_s"] <= 0.1


async def test_a_compressed_page_is_left_to_yt_dlp_and_not_taken_for_a_broken_network(run_engine, site):
    site.resource("/page").always = Fault(gzip=True)
    async with run_engine() as engine:
        job = await finish(engine, site.url("/page"))
        assert (job.status, job.source_type) == (DONE, "ytdlp")


@pytest.fixture
async def uplinks(make_settings) -> AsyncIterator[Uplinks]:
    opened = Uplinks(make_settings(sources={"x": {"proxy": "socks5://127.0.0.1:9"}}), ["x", "youtube"])
    await opened.open()
    yield opened
    await opened.close()


async def test_what_a_sources_child_was_told_is_kept_to_by_all_of_its_jobs(uplinks):
    uplinks.refused("youtube", "https://www.youtube.com/watch?v=x", 600, ago_s=1)
    assert set(uplinks.slowed("youtube")) == {"www.youtube.com:443"}
    with pytest.raises(RateLimited) as caught:
        await uplinks.of("youtube").http.text("https://www.youtube.com/watch?v=y")
    assert 590 < caught.value.retry_after_s <= 600
    assert uplinks.slowed("x") == {}


async def test_what_the_pace_has_heard_itself_does_not_count_again(uplinks):
    pace = uplinks.of("x").pace
    pace.heard("x.com:443", 429, None, sent_at=time.monotonic())
    uplinks.refused("x", "https://x.com/i/spaces/1", None, ago_s=30)
    assert uplinks.slowed("x") == {"x.com:443": FIRST_GAP_S}


async def test_every_source_keeps_its_uplink_and_nobody_elses_login_is_shown(uplinks):
    first, other = uplinks.of("x"), uplinks.of("youtube")
    assert uplinks.of("x") is first
    assert first.proxy_url not in {other.proxy_url, uplinks.common_proxy_url}
    for uplink in (first, other):
        assert uplink.proxy_url not in repr(uplink)
