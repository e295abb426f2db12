"""The yt-dlp workers: real processes, real yt-dlp, through the real egress proxy to a loopback origin."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import psutil
import pytest

from core.config.settings import Network, Timeouts
from core.domain.errors import (
    BlockedAddress,
    ExtractorFailure,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotFound,
    RateLimited,
    StageTimeout,
    Stalled,
    UnsupportedSource,
)
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from core.sources.ytdlp import options as ytdlp_options
from core.sources.ytdlp.pool import YtdlpPool
from tests.fakes import media
from tests.fakes.origin import HTML, Fault, Origin

OPTIONS = ytdlp_options.extraction(max_items=5)
MakePool = Callable[..., Awaitable[YtdlpPool]]


@pytest.fixture
async def make_pool(tmp_path: Path) -> AsyncIterator[MakePool]:
    """`await make_pool(size=…)`; everything is closed afterwards, and no process may be left."""
    egress = EgressProxy(AddressGate(("127.0.0.0/8",)), connect_timeout_s=5)
    await egress.start()
    pools: list[YtdlpPool] = []

    async def make(timeouts: Timeouts | None = None, **options: Any) -> YtdlpPool:
        pool = YtdlpPool(
            **{"size": 1, **options},
            proxy_url=egress.url,
            ffmpeg_path=Path(imageio_ffmpeg.get_ffmpeg_exe()),
            tmp_dir=tmp_path / "tmp",
            network=Network(),
            timeouts=timeouts or Timeouts(read_s=5),
        )
        pools.append(pool)
        return pool

    yield make
    await asyncio.gather(*(pool.close() for pool in pools))
    await egress.stop()
    assert not [pid for pool in pools for pid in pool.pids]


def film_of_4_s(path: Path) -> Path:
    return media.video_mp4(path, 4)


@pytest.fixture
def dash(origin: Origin, tmp_path: Path) -> str:
    """The address of a DASH manifest: stream 0 is the picture, 1 the sound, in segments of a second."""
    folder = tmp_path / "dash"
    folder.mkdir()
    film = media.made_once(film_of_4_s, "film4.mp4")
    media.run_ffmpeg("-i", film, "-c", "copy", "-f", "dash", "-seg_duration", "1", folder / "m.mpd")
    origin.put_folder("/dash", folder)
    return origin.url("/dash/m.mpd")


def put_film(origin: Origin, path: str = "/film.mp4", **options: Any) -> str:
    origin.put(path, media.made_once(media.video_mp4, "film.mp4").read_bytes(), **options)
    return origin.url(path)


async def until_gone(pid: int) -> None:
    process = psutil.Process(pid) if psutil.pid_exists(pid) else None
    if process is not None:
        await asyncio.to_thread(process.wait, 5)


def no_progress(_done: int, _total: int | None) -> None:
    """For callers that do not look."""


async def test_a_file_is_described_by_the_generic_extractor(origin: Origin, make_pool: MakePool) -> None:
    pool = await make_pool()
    info = await pool.extract(put_film(origin), options=OPTIONS)
    [format_] = info["formats"]
    assert (info["extractor"], info["title"]) == ("generic", "film")
    assert (format_["protocol"], format_["ext"], format_["url"]) == ("http", "mp4", origin.url("/film.mp4"))
    assert format_["http_headers"]["User-Agent"] == Network().user_agent


async def test_a_master_playlist_gives_its_variants(origin: Origin, make_pool: MakePool) -> None:
    origin.put_folder("/m", media.made_once(media.hls_master, "master").parent)
    pool = await make_pool()
    info = await pool.extract(origin.url("/m/master.m3u8"), options=OPTIONS)
    assert [f["height"] for f in info["formats"] if f["vcodec"] != "none"] == [180, 360]
    assert {f["protocol"] for f in info["formats"]} == {"m3u8_native"}


async def test_one_process_serves_one_request_after_the_other(origin: Origin, make_pool: MakePool) -> None:
    url = put_film(origin)
    pool = await make_pool()
    found = await asyncio.gather(*(pool.extract(f"{url}?{n}", options=OPTIONS) for n in range(4)))
    assert [info["original_url"][-1] for info in found] == ["0", "1", "2", "3"]
    assert len(pool.pids) == 1


async def test_a_failure_leaves_the_process_in_service(origin: Origin, make_pool: MakePool) -> None:
    pool = await make_pool()
    with pytest.raises(NotFound):
        await pool.extract(origin.url("/none"), options=OPTIONS)
    before = pool.pids
    await pool.extract(put_film(origin), options=OPTIONS)
    assert pool.pids == before != frozenset()


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Fault(status=404), NotFound, 404),
        (Fault(status=429, retry_after="7"), RateLimited, 429),
        (Fault(status=403), HttpFailure, 403),
        (Fault(status=503), HttpFailure, 503),
        (Fault(html=True), UnsupportedSource, None),
    ],
)
async def test_an_answer_that_is_no_media_has_its_class(
    origin: Origin, make_pool: MakePool, fault: Fault, error: type[JobError], status: int | None
) -> None:
    origin.put("/watch", HTML, content_type="text/html").always = fault
    pool = await make_pool()
    with pytest.raises(error) as caught:
        await pool.extract(origin.url("/watch"), options=OPTIONS)
    assert caught.value.remote_status == status
    assert caught.value.retry_after_s == (7 if error is RateLimited else None)
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize("url", ["http://10.0.0.1/a.mp4", "https://10.0.0.1/a.mp4", "http://[fd00::1]/a.mp4"])
async def test_private_addresses_are_out_of_reach(make_pool: MakePool, url: str) -> None:
    pool = await make_pool()
    with pytest.raises(BlockedAddress):
        await pool.extract(url, options=OPTIONS)


async def test_a_redirect_to_a_private_address_is_not_followed(origin: Origin, make_pool: MakePool) -> None:
    origin.put_redirect("/watch", "http://192.168.0.1/secret")
    pool = await make_pool()
    with pytest.raises(BlockedAddress):
        await pool.extract(origin.url("/watch"), options=OPTIONS)


async def test_a_name_that_nobody_knows_is_a_network_failure(make_pool: MakePool) -> None:
    pool = await make_pool()
    with pytest.raises(NetworkFailure):
        await pool.extract("http://nowhere.invalid/a.mp4", options=OPTIONS)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "/etc/hostname", "ytsearch:x"])
async def test_what_is_no_link_never_becomes_a_file_or_a_search(make_pool: MakePool, url: str) -> None:
    pool = await make_pool()
    with pytest.raises(JobError):
        await pool.extract(url, options=OPTIONS)


async def test_a_worker_that_is_killed_costs_one_attempt(origin: Origin, make_pool: MakePool) -> None:
    origin.put("/watch", HTML).always = Fault(hold_after=0)
    pool = await make_pool()
    asking = asyncio.create_task(pool.extract(origin.url("/watch"), options=OPTIONS))
    await origin.wait_for_requests("/watch", 1)
    [pid] = pool.pids
    os.killpg(pid, signal.SIGKILL)
    with pytest.raises(ExtractorFailure, match="SIGKILL"):
        await asking
    await pool.extract(put_film(origin), options=OPTIONS)
    assert pid not in pool.pids


async def test_cancelling_kills_the_process_and_the_next_request_gets_another(
    origin: Origin, make_pool: MakePool
) -> None:
    origin.put("/watch", HTML).always = Fault(hold_after=0)
    pool = await make_pool()
    asking = asyncio.create_task(pool.extract(origin.url("/watch"), options=OPTIONS))
    await origin.wait_for_requests("/watch", 1)
    [pid] = pool.pids
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until_gone(pid)
    assert pool.pids == frozenset()
    await pool.extract(put_film(origin), options=OPTIONS)


async def test_an_extraction_that_takes_too_long_is_ended(origin: Origin, make_pool: MakePool) -> None:
    origin.put("/watch", HTML).always = Fault(hold_after=0)
    pool = await make_pool(Timeouts(metadata_s=3, read_s=60))
    with pytest.raises(StageTimeout):
        await pool.extract(origin.url("/watch"), options=OPTIONS)
    assert pool.pids == frozenset()


async def test_a_process_is_replaced_after_its_share_of_requests(origin: Origin, make_pool: MakePool) -> None:
    url = put_film(origin)
    pool = await make_pool(recycle_after=2)
    await pool.extract(url, options=OPTIONS)
    first = pool.pids
    await pool.extract(url, options=OPTIONS)
    assert pool.pids == frozenset()
    await pool.extract(url, options=OPTIONS)
    assert pool.pids
    assert pool.pids != first


async def test_an_idle_process_ends(origin: Origin, make_pool: MakePool) -> None:
    pool = await make_pool(idle_s=0.05)
    info = asyncio.create_task(pool.extract(put_film(origin), options=OPTIONS))
    await origin.wait_for_requests("/film.mp4", 1)
    [pid] = pool.pids
    await info
    await until_gone(pid)
    assert pool.pids == frozenset()


async def test_closing_ends_what_is_at_work_and_starts_nothing_more(
    origin: Origin, make_pool: MakePool
) -> None:
    origin.put("/watch", HTML).always = Fault(hold_after=0)
    pool = await make_pool()
    asking = asyncio.create_task(pool.extract(origin.url("/watch"), options=OPTIONS))
    waiting = asyncio.create_task(pool.extract(origin.url("/other"), options=OPTIONS))
    await origin.wait_for_requests("/watch", 1)
    [pid] = pool.pids
    await pool.close()
    for task in (asking, waiting):
        with pytest.raises(ExtractorFailure):
            await task
    await until_gone(pid)
    assert pool.pids == frozenset()
    assert not origin.asked("/other")


async def test_the_proxys_token_is_in_no_command_line_or_environment(
    origin: Origin, make_pool: MakePool
) -> None:
    pool = await make_pool()
    await pool.extract(put_film(origin), options=OPTIONS)
    [pid] = pool.pids
    leader = psutil.Process(pid)
    for process in (leader, *leader.children(recursive=True)):
        assert "reeldeck:" not in " ".join([*process.cmdline(), *process.environ().values()])


async def test_a_source_with_a_proxy_of_its_own_goes_that_way_only(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    own = EgressProxy(AddressGate(("127.0.0.0/8",)), connect_timeout_s=5)
    await own.start()
    pool, way_out = await make_pool(), own.url
    info = await pool.extract(dash, options=OPTIONS, proxy_url=way_out)
    await pool.download(info, "0", tmp_path / "film", progress=no_progress, proxy_url=way_out)
    await own.stop()
    with pytest.raises(NetworkFailure):
        await pool.extract(dash, options=OPTIONS, proxy_url=way_out)
    await pool.extract(dash, options=OPTIONS)


async def test_what_yt_dlp_prints_never_gets_between_the_answers(origin: Origin, make_pool: MakePool) -> None:
    pool = await make_pool()
    chatty = {**OPTIONS, "verbose": True, "quiet": False, "forceurl": True, "dump_single_json": True}
    info = await pool.extract(put_film(origin), options=chatty)
    assert info["title"] == "film"


async def test_cookies_of_the_profile_reach_their_site_only(
    origin: Origin, make_pool: MakePool, tmp_path: Path
) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        "# Netscape HTTP Cookie File\n"
        "127.0.0.1\tFALSE\t/\tFALSE\t4000000000\tsession\tours\n"
        "elsewhere.example\tFALSE\t/\tFALSE\t4000000000\tother\tsecret\n"
    )
    pool = await make_pool()
    options = ytdlp_options.extraction(max_items=5, cookie_file=cookies)
    info = await pool.extract(put_film(origin), options=options)
    assert origin.asked("/film.mp4")[0].headers["cookie"] == "session=ours"
    assert info["formats"][0]["cookie_header"] == "session=ours"
    without = await pool.extract(put_film(origin), options=OPTIONS)
    assert without["formats"][0]["cookie_header"] is None


async def test_dash_formats_are_fetched_from_what_was_extracted(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    pool = await make_pool()
    info = await pool.extract(dash, options=OPTIONS)
    told: list[tuple[int, int | None]] = []
    for format_ in info["formats"]:
        path = tmp_path / f"0-{format_['format_id']} 100%s"
        done = await pool.download(
            info, format_["format_id"], path, progress=lambda *figures: told.append(figures)
        )
        assert done == path
        assert told[-1] == (path.stat().st_size, path.stat().st_size)
        assert path.read_bytes()[4:8] == b"ftyp"
    assert len(origin.asked("/dash/m.mpd")) == 1
    assert sorted(found.name for found in tmp_path.glob("0-*")) == ["0-0 100%s", "0-1 100%s"]


async def test_a_missing_segment_is_a_failure_and_not_a_hole(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    pool = await make_pool()
    info = await pool.extract(dash, options=OPTIONS)
    origin.remove("/dash/chunk-stream0-00002.m4s")
    with pytest.raises(JobError) as caught:
        await pool.download(info, "0", tmp_path / "film", progress=no_progress)
    assert caught.value.remote_status == 404
    assert not (tmp_path / "film").exists()


async def test_a_cancelled_download_begins_anew_and_is_whole(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    pool = await make_pool()
    info = await pool.extract(dash, options=OPTIONS)
    last = origin.put(
        "/dash/chunk-stream0-00004.m4s", (tmp_path / "dash/chunk-stream0-00004.m4s").read_bytes()
    )
    last.fail(Fault(hold_after=10))
    loading = asyncio.create_task(pool.download(info, "0", tmp_path / "film", progress=no_progress))
    await origin.held.wait()
    [pid] = pool.pids
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    await until_gone(pid)
    await pool.download(info, "0", tmp_path / "film", progress=no_progress)
    pieces = ["init-stream0.m4s", *(f"chunk-stream0-0000{number}.m4s" for number in range(1, 5))]
    whole = b"".join((tmp_path / "dash" / piece).read_bytes() for piece in pieces)
    is_whole = (tmp_path / "film").read_bytes() == whole
    assert is_whole
    assert [left.name for left in tmp_path.glob("film*")] == ["film"]


async def test_a_download_that_stands_still_is_ended(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    pool = await make_pool(Timeouts(read_s=60, stall_s=2))
    info = await pool.extract(dash, options=OPTIONS)
    origin.put("/dash/chunk-stream0-00003.m4s", b"x").always = Fault(hold_after=0)
    with pytest.raises(Stalled):
        await pool.download(info, "0", tmp_path / "film", progress=no_progress)
    assert pool.pids == frozenset()


async def test_a_long_download_does_not_keep_links_from_being_resolved(
    origin: Origin, make_pool: MakePool, dash: str, tmp_path: Path
) -> None:
    pool = await make_pool()
    info = await pool.extract(dash, options=OPTIONS)
    origin.put("/dash/chunk-stream0-00001.m4s", b"x").always = Fault(hold_after=0)
    loading = asyncio.create_task(pool.download(info, "0", tmp_path / "film", progress=no_progress))
    await origin.held.wait()
    assert (await pool.extract(put_film(origin), options=OPTIONS))["title"] == "film"
    assert len(pool.pids) == 2
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
