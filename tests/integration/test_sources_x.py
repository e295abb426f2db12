"""X Spaces against a replica of X, with the real HTTP client and at the end the real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.auth.login import Login
from core.config.settings import Network, Settings, Timeouts
from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    HttpFailure,
    JobError,
    NotFound,
    NotYetAvailable,
    ParserFailure,
    RateLimited,
)
from core.domain.events import Event, EventType
from core.domain.job import JobStatus, Kind, Request
from core.domain.media import Resolution, Role, Transport
from core.engine.engine import Engine
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.sources.base import NotHandled, SourceContext
from core.sources.x_spaces.queries import KNOWN_HASHES
from core.sources.x_spaces.source import XSpaces
from core.sources.ytdlp.pool import YtdlpPool
from tests.fakes import media
from tests.fakes.x import AUTH_TOKEN, CT0, GUEST_TOKEN, SPACE, FakeX
from tests.integration.conftest import finish

NEW_HASH = "freshFRESHfresh_-12345"
TOKENS = {"auth_token": AUTH_TOKEN, "ct0": CT0}
LOGIN = Login(profile="main", tokens=TOKENS)


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    async with FakeX() as running:
        yield running


@pytest.fixture
async def resolve(x: FakeX, tmp_path: Path) -> AsyncIterator[Any]:
    """`await resolve(login=…, query_id=…)`: one Space after another by the same source."""
    network, timeouts = Network(allow_addresses=("127.0.0.0/8",)), Timeouts(read_s=5, connect_s=5)
    http = HttpClient(AddressGate(network.allow_addresses), network=network, timeouts=timeouts)
    # Never asked for anything: this source starts no process.
    pool = YtdlpPool(
        size=1, proxy_url="", ffmpeg_path=Path(), tmp_dir=tmp_path, network=network, timeouts=timeouts
    )
    bases = {"api_base": x.url(""), "web_base": x.url("/").rstrip("/")}
    source = XSpaces(Settings.model_validate({"sources": {"x": bases}}).sources.x)

    async def run(
        url: str = f"https://x.com/i/spaces/{SPACE}",
        *,
        login: Login | None = None,
        request: dict[str, Any] | None = None,
        **keys: Any,
    ) -> Resolution:
        settings = Settings.model_validate({"sources": {"x": bases | keys}})
        context = SourceContext(http=http, settings=settings, ytdlp=pool, login=login)
        return await source.resolve(Request(url=url, **(request or {})), context)

    yield run
    assert not pool.pids
    await http.close()


@pytest.fixture
def replay(x: FakeX) -> str:
    """A Space that has ended, with its whole list."""
    x.put_space()
    return x.put_replay(media.made_once(media.hls_audio, "audio"))


# What is found.


@pytest.mark.parametrize("login", [None, LOGIN])
async def test_a_replay_is_one_track_with_its_tags(resolve: Any, replay: str, login: Login | None) -> None:
    found = await resolve(login=login)
    [track] = found.tracks
    assert (track.transport, track.role, track.url) == (Transport.HLS, Role.AUDIO, replay)
    assert found.kind is Kind.AUDIO
    assert found.duration_s == track.duration_s == pytest.approx(6, abs=0.2)
    assert found.title == found.tags.title == "An evening about stars"
    assert (found.tags.artist, found.tags.date) == ("Amal", "2023-11-14")
    assert found.tags.source_url == f"https://x.com/i/spaces/{SPACE}"
    assert found.media_id == f"x:space:{SPACE}"
    assert found.private["speakers"] == ["Bo", "سارة"]


async def test_a_login_sends_its_cookies_and_no_guest_token(x: FakeX, resolve: Any, replay: str) -> None:
    found = await resolve(login=LOGIN)
    asked = x.requests[0].headers
    assert asked["cookie"] == f"auth_token={AUTH_TOKEN}; ct0={CT0}"
    assert asked["x-csrf-token"] == CT0
    assert asked["x-twitter-auth-type"] == "OAuth2Session"
    assert not x.asked("/1.1/guest/activate.json")
    # The media server gets no part of the login, nor does the checkpoint.
    assert "cookie" not in x.requests[-1].headers
    assert dict(found.tracks[0].headers) == {"Referer": x.url("/")}
    assert AUTH_TOKEN not in str(found.to_json())


async def test_a_guest_asks_for_one_token_and_keeps_it(x: FakeX, resolve: Any, replay: str) -> None:
    await resolve()
    await resolve()
    [activation] = x.asked("/1.1/guest/activate.json")
    assert activation.method == "POST"
    assert x.requests[1].headers["x-guest-token"] == GUEST_TOKEN


async def test_many_guests_at_once_share_one_token(x: FakeX, resolve: Any, replay: str) -> None:
    x.guest_tokens = 1
    assert len(await asyncio.gather(*(resolve() for _ in range(8)))) == 8
    x.guest_token, x.guest_tokens = "1790000000000000003", 1
    assert len(await asyncio.gather(*(resolve() for _ in range(8)))) == 8
    assert len(x.asked("/1.1/guest/activate.json")) == 2


async def test_guests_are_refused_when_x_gives_no_more_tokens(x: FakeX, resolve: Any, replay: str) -> None:
    x.guest_tokens = 0
    with pytest.raises(RateLimited):
        await resolve()


async def test_a_guest_token_that_has_ended_is_replaced(x: FakeX, resolve: Any, replay: str) -> None:
    await resolve()
    x.guest_token = "1790000000000000002"
    await resolve()
    assert len(x.asked("/1.1/guest/activate.json")) == 2


async def test_a_cookie_file_is_a_login(x: FakeX, resolve: Any, replay: str, tmp_path: Path) -> None:
    x.shows_guests = False
    lines = [f"#HttpOnly_.x.com\tTRUE\t/\tTRUE\t0\t{name}\t{value}" for name, value in TOKENS.items()]
    file = tmp_path / "cookies.txt"
    file.write_text("# Netscape HTTP Cookie File\n" + "\n".join(lines))
    assert (await resolve(login=Login(profile="main", cookie_file=file))).title


# Query hashes and features.


async def test_known_hashes_are_tried_in_turn_and_the_one_that_worked_is_kept(
    x: FakeX, resolve: Any, replay: str
) -> None:
    x.hashes = {KNOWN_HASHES[2]}
    await resolve()
    await resolve()
    assert x.queries() == [*KNOWN_HASHES[:3], KNOWN_HASHES[2]]


async def test_the_configured_hash_goes_first(x: FakeX, resolve: Any, replay: str) -> None:
    x.hashes = {NEW_HASH}
    await resolve(query_id=NEW_HASH)
    assert x.queries() == [NEW_HASH]


@pytest.mark.parametrize("chunk", [None, "bundle.AudioSpaceDetail"])
async def test_a_new_hash_is_read_out_of_the_signed_in_site_and_kept(
    x: FakeX, resolve: Any, replay: str, chunk: str | None
) -> None:
    x.hashes = {NEW_HASH}
    x.put_web(NEW_HASH, chunk=chunk)
    await resolve(login=LOGIN)
    await resolve(login=LOGIN)
    assert x.queries() == [*KNOWN_HASHES, NEW_HASH, NEW_HASH]
    [home] = x.asked("/home")
    assert home.headers["cookie"] == f"auth_token={AUTH_TOKEN}; ct0={CT0}"


async def test_many_jobs_at_once_read_the_site_once(x: FakeX, resolve: Any, replay: str) -> None:
    x.hashes = {NEW_HASH}
    x.put_web(NEW_HASH)
    await asyncio.gather(*(resolve(login=LOGIN) for _ in range(5)))
    assert len(x.asked("/home")) == 1


async def test_a_site_without_a_new_hash_is_a_parser_failure(x: FakeX, resolve: Any, replay: str) -> None:
    x.hashes = set()
    x.put("/home", b"<html></html>", content_type="text/html")
    with pytest.raises(ParserFailure, match="refuses all known query hashes") as caught:
        await resolve()
    assert "query_id" in caught.value.hint
    # A fault of the server's is over at some time: the hashes are tried again.
    x.hashes = {KNOWN_HASHES[0]}
    assert (await resolve()).title


async def test_a_new_hash_that_is_refused_too_is_a_parser_failure(
    x: FakeX, resolve: Any, replay: str
) -> None:
    x.hashes = set()
    x.put_web(NEW_HASH)
    with pytest.raises(ParserFailure, match="that its own web site names"):
        await resolve(login=LOGIN)


async def test_missing_features_are_added_and_remembered(x: FakeX, resolve: Any, replay: str) -> None:
    x.features = {"brand_new_enabled", "another_one"}
    await resolve()
    assert len(x.queries()) == 2
    await resolve()
    assert len(x.queries()) == 3


async def test_jobs_that_learn_of_a_feature_together_all_go_on(x: FakeX, resolve: Any, replay: str) -> None:
    x.features = {"brand_new_enabled"}
    found = await asyncio.gather(*(resolve(login=LOGIN) for _ in range(5)))
    assert len(found) == 5


async def test_a_feature_that_is_wanted_although_it_was_sent_refuses_the_hash(
    x: FakeX, resolve: Any, replay: str
) -> None:
    message = "The following features cannot be null: vibe_api_enabled"
    x.hashes = {KNOWN_HASHES[1]}
    x.reply_next(400, {"errors": [{"message": message}]})
    await resolve(login=LOGIN)
    assert x.queries() == [*KNOWN_HASHES[:2]]


async def test_an_endless_wish_for_features_ends(x: FakeX, resolve: Any, replay: str) -> None:
    for number in range(50):
        x.reply_next(400, {"errors": [{"message": f"The following features cannot be null: f{number}"}]})
    with pytest.raises(ParserFailure, match="features"):
        await resolve()
    assert len(x.queries()) < 10


# States.


@pytest.mark.parametrize(
    ("facts", "error", "words"),
    [
        ({"state": "Canceled"}, NotFound, "canceled"),
        ({"state": "Ended", "is_space_available_for_replay": False}, NotFound, "no replay"),
        ({"state": "TimedOut", "is_space_available_for_replay": False}, NotFound, "timed out"),
        ({"state": ...}, ParserFailure, "metadata.state"),
        ({"media_key": ...}, ParserFailure, "metadata.media_key"),
    ],
)
async def test_a_space_that_cannot_be_had_is_an_error_of_its_class(
    x: FakeX, resolve: Any, facts: dict[str, Any], error: type[JobError], words: str
) -> None:
    x.put_space(**facts)
    with pytest.raises(error) as caught:
        await resolve()
    assert words in caught.value.detail


async def test_a_scheduled_space_is_looked_at_when_it_starts(x: FakeX, resolve: Any) -> None:
    start = time.time() + 5000
    x.put_space(state="NotStarted", scheduled_start=int(start * 1000))
    with pytest.raises(NotYetAvailable) as caught:
        await resolve()
    assert caught.value.retry_after_s == pytest.approx(5000, abs=30)


async def test_a_space_that_timed_out_may_have_a_replay(x: FakeX, resolve: Any, replay: str) -> None:
    x.put_space(state="TimedOut")
    assert (await resolve()).tracks[0].url == replay


async def test_an_empty_space_means_cookies_for_a_guest_and_nothing_for_a_login(
    x: FakeX, resolve: Any, replay: str
) -> None:
    x.shows_guests = False
    with pytest.raises(AuthRequired, match="cookies are needed") as caught:
        await resolve()
    assert "reeldeck auth add x" in caught.value.hint
    x.spaces.clear()
    with pytest.raises(NotFound):
        await resolve(login=LOGIN)


# Refusals.


async def test_a_login_that_is_refused_says_so_and_shows_nothing(x: FakeX, resolve: Any) -> None:
    x.login = None
    with pytest.raises(AuthRequired, match="the login was refused") as caught:
        await resolve(login=LOGIN)
    assert caught.value.remote_status == 401
    assert AUTH_TOKEN not in f"{caught.value} {caught.value.hint}"


async def test_a_login_whose_cookies_do_not_match_is_refused(x: FakeX, resolve: Any) -> None:
    with pytest.raises(AuthRequired, match="the login was refused"):
        await resolve(login=Login(profile="main", tokens=TOKENS | {"ct0": "rotated"}))


@pytest.mark.parametrize(
    ("status", "body", "headers", "error"),
    [
        (403, None, {}, AuthRequired),
        (200, {"errors": [{"code": 32, "message": "Could not authenticate you"}]}, {}, AuthRequired),
        (200, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, {}, RateLimited),
        (200, {"errors": [{"code": 1, "message": "Odd"}]}, {}, ParserFailure),
        (200, {"data": {"space": {}}}, {}, ParserFailure),
        (200, b"<html>", {}, ParserFailure),
        (400, b"", {}, HttpFailure),
        (503, b"", {}, HttpFailure),
    ],
)
async def test_every_refusal_is_an_error_of_its_class(
    x: FakeX, resolve: Any, status: int, body: Any, headers: dict[str, str], error: type[JobError]
) -> None:
    x.reply_next(status, body, headers)
    with pytest.raises(error):
        await resolve(login=LOGIN)


async def test_the_wait_that_x_asks_for_is_kept(x: FakeX, resolve: Any) -> None:
    x.reply_next(429, None, {"Retry-After": "77"})
    with pytest.raises(RateLimited) as caught:
        await resolve()
    assert caught.value.retry_after_s == 77
    x.reply_next(429, None, {"x-rate-limit-reset": str(int(time.time()) + 600)})
    with pytest.raises(RateLimited) as caught:
        await resolve()
    assert caught.value.retry_after_s == pytest.approx(600, abs=30)


async def test_a_recording_that_is_gone_is_not_found(x: FakeX, resolve: Any) -> None:
    x.put_space()
    with pytest.raises(NotFound, match="no longer has the recording"):
        await resolve()


async def test_links_to_other_things_are_left_to_others(resolve: Any) -> None:
    with pytest.raises(NotHandled):
        await resolve("https://x.com/amal/status/1")


@pytest.mark.parametrize("request_", [{"format": "137"}, {"quality": "nice"}])
async def test_what_spaces_do_not_have_is_refused(resolve: Any, replay: str, request_: Any) -> None:
    with pytest.raises(FormatNotFound):
        await resolve(request=request_)


# Playlists.


async def test_a_dynamic_list_leads_to_the_whole_one_of_original_chunks(
    x: FakeX, resolve: Any, replay: str
) -> None:
    x.put_dynamic()
    x.put_master()
    found = await resolve()
    assert found.tracks[0].url == replay
    assert found.duration_s == pytest.approx(6, abs=0.2)
    assert x.asked(f"{x.folder()}/master_playlist.m3u8")[0].query == ""


async def test_without_original_chunks_the_transcoded_list_is_taken(x: FakeX, resolve: Any) -> None:
    x.put_space()
    x.put_replay(
        media.made_once(media.hls_audio, "audio"), folder=x.folder(coding="transcode", token="eyJ0eXAi")
    )
    x.put_dynamic()
    variant = x.put_master()
    assert (await resolve()).tracks[0].url == variant


async def test_the_list_of_originals_goes_before_a_dynamic_master(
    x: FakeX, resolve: Any, replay: str
) -> None:
    path = replay.partition("?")[0].replace("playlist_", "master_dynamic_")
    x.streams[x.media_key()] = f"{path}?type=replay"
    assert (await resolve()).tracks[0].url == replay


@pytest.mark.parametrize("body", [b"<html>", b"#EXTM3U\n#EXT-X-ENDLIST\n"])
async def test_a_guess_that_is_no_whole_list_is_passed_over(
    x: FakeX, resolve: Any, replay: str, body: bytes
) -> None:
    x.streams[x.media_key()] = x.url(f"{x.folder()}/dynamic_whole.m3u8")
    x.put(
        f"{x.folder()}/dynamic_whole.m3u8", x.resource(replay.partition("?")[0].removeprefix(x.url(""))).body
    )
    x.put(f"{x.folder()}/master_playlist.m3u8", body)
    assert (await resolve()).duration_s == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize("address", ["http://user:pass@127.0.0.1/a.m3u8", "http://127.0.0.1:99999/a.m3u8"])
async def test_an_unusable_address_of_a_playlist_is_a_parser_failure(
    x: FakeX, resolve: Any, address: str
) -> None:
    x.put_space()
    x.streams[x.media_key()] = address
    with pytest.raises(ParserFailure, match="unusable address"):
        await resolve()


async def test_a_space_that_has_just_ended_is_looked_at_again(x: FakeX, resolve: Any) -> None:
    x.put_space(ended_at=int((time.time() - 20) * 1000))
    x.put_dynamic()
    with pytest.raises(NotYetAvailable) as caught:
        await resolve()
    assert caught.value.retry_after_s == 60


async def test_a_list_that_never_came_is_not_found(x: FakeX, resolve: Any) -> None:
    x.put_space()
    x.put_dynamic()
    with pytest.raises(NotFound, match="no complete list"):
        await resolve()


# Through the whole engine.


def many_segments(folder: Path) -> Path:
    return media.hls_audio(folder, seconds=60.0, segment_s=0.2)


async def first_event(engine: Engine, job_id: int, wanted: EventType) -> Event:
    """The event, as soon as it is there; woken by the engine's own stream."""
    async for _frame in engine.stream():
        for event in await engine.events(job_id):
            if event.type is wanted:
                return event
    raise AssertionError("the stream ended")


async def test_a_replay_becomes_mp3_where_that_is_wanted(x: FakeX, run_engine: Any, replay: str) -> None:
    settings = {"api_base": x.url(""), "web_base": x.url("")}
    async with run_engine(sources={"x": settings}, media={"audio_format": "mp3"}) as engine:
        job = await finish(engine, x.url(f"/i/spaces/{SPACE}/peek"))
        assert job.status is JobStatus.COMPLETED, job.error_message
        assert (job.file_path or "").endswith(".mp3")
        assert job.duration_s == pytest.approx(6.0, rel=0.02)
        assert job.media_id == f"x:space:{SPACE}"


async def test_a_segment_that_stays_away_is_an_error_and_never_a_hole(
    x: FakeX, run_engine: Any, replay: str
) -> None:
    x.remove(next(path for path in x.paths if path.endswith("_3_a.aac")))
    settings = {"api_base": x.url(""), "web_base": x.url("")}
    async with run_engine(sources={"x": settings}, retries={"max_retries": 0}) as engine:
        job = await finish(engine, x.url(f"/i/spaces/{SPACE}"))
        assert (job.status, job.error_type) == (JobStatus.FAILED, "HTTP_ERROR")
        assert job.file_path is None


async def test_a_replay_of_300_segments_becomes_one_file_and_no_secret_stays(
    x: FakeX, run_engine: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    x.put_space()
    playlist = media.made_once(many_segments, "many")
    assert len(list(playlist.parent.glob("*.aac"))) >= 300
    x.put_replay(playlist)
    settings = {"api_base": x.url(""), "web_base": x.url(""), **TOKENS}
    async with run_engine(sources={"x": settings}) as engine:
        job = await finish(engine, x.url(f"/i/spaces/{SPACE}?s=20"))
        assert job.status is JobStatus.COMPLETED, job.error_message
        path = Path(job.file_path or "")
        assert (job.source_type, path.suffix) == ("x", ".m4a")
        assert "An evening about stars" in path.name
        assert job.duration_s == pytest.approx(60.0, rel=0.01)
        x.login, x.shows_guests = None, False
        refused = (await engine.submit(Request(url=f"https://x.com/i/spaces/{SPACE}", force=True))).job
        failed = await first_event(engine, refused.id, EventType.METADATA_FETCH_FAILED)
        assert failed.data["error_type"] == "AUTH_ERROR"
        events = [*await engine.events(job.id), *await engine.events(refused.id)]
        told = str([*events, job, await engine.job(refused.id), caplog.text])
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for secret in (AUTH_TOKEN, CT0):
        assert secret not in told
        assert secret.encode() not in kept
