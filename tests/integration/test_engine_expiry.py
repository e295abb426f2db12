"""Addresses that end while they are fetched, and hosts that serve large ranges slowly: the engine goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request
from core.engine import expiry
from core.engine.engine import Engine
from tests.fakes import media
from tests.fakes.origin import HEALTHY, Fault, Origin, Seen
from tests.fakes.ytdlp import put_answer, use_local_site
from tests.integration.conftest import finish, until

RANGE_BYTES = 64 * 1024


@pytest.fixture(autouse=True)
def _local_site(monkeypatch: pytest.MonkeyPatch) -> None:
    use_local_site(monkeypatch)


@dataclass(slots=True)
class SignedSite:
    """A page whose media addresses are signed anew each time, and end after some requests."""

    origin: Origin
    name: str
    #: One format, with the path of its address.
    format: dict[str, Any]
    #: Requests that one signature is good for.
    lives: int
    #: What is said to one more.
    status: int = 403
    #: How long, by its own word; 0 when it says nothing.
    good_for_s: float = 0.0
    looked_up: int = 0
    #: Makes the answer of the page another one: the number of the look-up, and the format.
    change: Any = None
    used: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        put_answer(self.origin, self.name, {})
        self.origin.resource(f"/local/{self.name}").draw = self._sign
        return self.origin.url(f"/local/{self.name}")

    def _sign(self, _: Seen) -> Fault:
        self.looked_up += 1
        fresh = dict(self.format)
        if self.change is not None:
            fresh |= self.change(self.looked_up)
        ends = f"&expire={time.time() + self.good_for_s:.0f}" if self.good_for_s else ""
        fresh["url"] = f"{self.origin.url(fresh['url'])}?signature={self.looked_up}{ends}"
        answer = {"video": {"formats": [fresh]}}
        self.origin.resource(f"/local/{self.name}").body = json.dumps(answer).encode()
        return HEALTHY

    def admit(self, seen: Seen) -> Fault:
        """Count the request; refuse it when its signature has been used up."""
        self.used[seen.query] += 1
        return Fault(status=self.status) if self.used[seen.query] > self.lives else HEALTHY


def mp4_format(path: str) -> dict[str, Any]:
    return {
        "format_id": "18",
        "url": path,
        "ext": "mp4",
        "vcodec": "avc1",
        "acodec": "mp4a",
        "downloader_options": {"http_chunk_size": RANGE_BYTES},
    }


def film() -> bytes:
    return media.made_once(
        lambda path: media.video_mp4(path, 20.0, size="640x360"), "film-20s.mp4"
    ).read_bytes()


async def fetched_bytes(engine: Engine, job: Job) -> int:
    [told] = [e for e in await engine.events(job.id) if e.type is EventType.DOWNLOAD_FINISHED]
    return int(told.data["fetched_bytes"])


def sha256_of(job: Job) -> str:
    assert job.status is JobStatus.COMPLETED, job.error_message
    return hashlib.sha256(Path(job.file_path or "").read_bytes()).hexdigest()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_file_whose_address_ends_again_and_again_goes_on_where_it_was(run_engine, origin, status):
    data = film()
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=3, status=status)
    served = origin.put("/film.mp4", data)
    served.draw = site.admit
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert sha256_of(job) == hashlib.sha256(data).hexdigest()
    assert job.attempt == 1
    ranges = -(-len(data) // RANGE_BYTES)
    assert site.looked_up == -(-ranges // 3) > 2
    assert origin.bytes_sent("/film.mp4") < len(data) + site.looked_up * 100


async def test_a_new_folder_in_the_address_is_still_the_same_file(run_engine, origin):
    data = film()
    site = SignedSite(origin, "film", mp4_format(""), lives=3)
    for number in range(1, 20):
        origin.put(f"/token-{number}/film.mp4", data).draw = site.admit
    site.change = lambda number: {"url": f"/token-{number}/film.mp4"}
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert sha256_of(job) == hashlib.sha256(data).hexdigest()
    sent = sum(origin.bytes_sent(f"/token-{number}/film.mp4") for number in range(1, 20))
    assert sent < len(data) + site.looked_up * 100


async def test_a_file_that_is_another_one_at_its_new_address_is_fetched_from_clean(run_engine, origin):
    data, other = film(), media.made_once(media.video_mp4, "film.mp4").read_bytes()
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=3)
    served = origin.put("/film.mp4", data)

    def replace_when_used_up(seen: Seen) -> Fault:
        answer = site.admit(seen)
        if answer is not HEALTHY:
            served.body, served.etag, served.draw = other, '"v2"', None
        return answer

    served.draw = replace_when_used_up
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert sha256_of(job) == hashlib.sha256(other).hexdigest()
    assert site.looked_up == 2


async def test_a_fresh_address_that_is_refused_at_once_is_not_looked_up_anew(run_engine, origin):
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=0)
    origin.put("/film.mp4", film()).draw = site.admit
    async with run_engine() as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert (job.status, job.error_type) == (JobStatus.FAILED, "HTTP_ERROR")
    assert site.looked_up == 1


async def test_looking_up_anew_has_an_end(run_engine, origin, monkeypatch):
    monkeypatch.setattr(expiry, "MAX_RENEWALS", 5)
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=1)
    site.format["downloader_options"] = {"http_chunk_size": 1024}
    origin.put("/film.mp4", film()).draw = site.admit
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert (job.status, job.error_type) == (JobStatus.FAILED, "HTTP_ERROR")
    assert site.looked_up == 1 + 5


async def test_what_says_that_it_has_ended_is_looked_up_before_it_is_asked_for(
    run_engine, origin, monkeypatch
):
    data = film()
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=1000)
    site.good_for_s = 120.0
    served = origin.put("/film.mp4", data)
    served.fail(Fault(hold_after=RANGE_BYTES // 2))
    async with run_engine() as engine:
        job = (await engine.submit(Request(url=site.url, source="ytdlp"))).job
        await origin.held.wait()
        await engine.pause(job.id)
        await until(engine, job.id, JobStatus.PAUSED)
        origin.release.set()
        monkeypatch.setattr("core.engine.expiry.MARGIN_S", 3600.0)  # an hour later, as it were
        await engine.resume(job.id)
        job = await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)
    assert sha256_of(job) == hashlib.sha256(data).hexdigest()
    assert site.looked_up == 2
    assert {seen.query.partition("&")[0] for seen in origin.asked("/film.mp4")} == {
        "signature=1",
        "signature=2",
    }


async def test_segments_go_on_after_the_list_of_them_has_ended(run_engine, origin):
    folder = media.made_once(media.hls_audio, "audio").parent
    site = SignedSite(origin, "sound", {}, lives=2)
    [index] = folder.glob("*.m3u8")
    segments = sorted(folder.glob("*.aac"))
    for path in segments:
        origin.put(f"/hls/{path.name}", path.read_bytes()).draw = site.admit
    played = origin.put("/hls/index.m3u8", index.read_bytes())
    text = index.read_text()

    def sign(seen: Seen) -> Fault:
        signed = [f"{line}?{seen.query}" if line.endswith(".aac") else line for line in text.splitlines()]
        played.body = "\n".join(signed).encode()
        return HEALTHY

    played.draw = sign
    site.format = {"format_id": "hls", "url": "/hls/index.m3u8", "protocol": "m3u8_native", "vcodec": "none"}
    async with run_engine(network={"max_connections_per_host": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(6, abs=0.3)
    # The last segment of each stretch is fetched once more, to see that it is the same. Counted is what was
    # used of what was looked up: yt-dlp itself asks for the page again when that is slow to come.
    assert 2 < len(site.used) <= len(segments)
    assert max(len(origin.asked(f"/hls/{path.name}")) for path in segments) <= 3


async def test_no_request_is_larger_than_the_host_serves_fast(run_engine, origin):
    data = film()
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=1000)
    served = origin.put("/film.mp4", data)

    def throttle(seen: Seen) -> Fault:
        first, last = seen.range or (0, None)
        is_large = last is None or last + 1 - first > RANGE_BYTES
        return Fault(rate_bps=10_000) if is_large else HEALTHY

    served.draw = throttle
    began = time.monotonic()
    async with run_engine() as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert sha256_of(job) == hashlib.sha256(data).hexdigest()
    ranges = [seen.range for seen in origin.asked("/film.mp4") if seen.range]
    assert ranges
    assert all(last is not None and last + 1 - first <= RANGE_BYTES for first, last in ranges)
    assert time.monotonic() - began < len(data) / 10_000


async def test_parameters_for_every_segment_reach_the_site(run_engine, origin):
    folder = media.made_once(media.hls_audio, "audio").parent
    site = SignedSite(origin, "sound", {"format_id": "hls", "url": "/hls/index.m3u8"}, lives=1)
    site.format |= {"protocol": "m3u8_native", "vcodec": "none", "extra_param_to_segment_url": "token=1"}
    served = origin.put_folder("/hls", folder)
    for name in served:
        if name.endswith(".aac"):
            served[name].draw = lambda seen: HEALTHY if seen.query == "token=1" else Fault(status=403)
    async with run_engine() as engine:
        job = await finish(engine, site.url, source="ytdlp")
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(6, abs=0.3)


async def test_a_download_that_goes_on_with_a_new_address_is_told_so(run_engine, origin):
    site = SignedSite(origin, "film", mp4_format("/film.mp4"), lives=8)
    origin.put("/film.mp4", film()).draw = site.admit
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = await finish(engine, site.url, source="ytdlp")
        told = [e.type for e in await engine.events(job.id) if e.type.value.startswith("DOWNLOAD_")]
    assert job.status is JobStatus.COMPLETED
    again = [EventType.DOWNLOAD_RESUMED] * (site.looked_up - 1)
    assert told == [EventType.DOWNLOAD_STARTED, *again, EventType.DOWNLOAD_FINISHED]
    assert again
