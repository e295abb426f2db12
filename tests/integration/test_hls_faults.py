"""What goes wrong with segments: it heals, or it is named; never a hole."""

from __future__ import annotations

import asyncio
import random

import pytest

from core.domain.errors import (
    AuthRequired,
    HttpFailure,
    MediaFailure,
    NetworkFailure,
    NotFound,
    RateLimited,
    Stalled,
)
from tests.fakes.hls import adts, put_vod
from tests.fakes.origin import Fault
from tests.fakes.transfer import cancelled, fetcher, noise, open_files

pytestmark = pytest.mark.usefixtures("short_waits")

SEGMENTS = [adts(noise(40_000 + 7 * i, seed=i)) for i in range(12)]
WHOLE = b"".join(SEGMENTS)
KEY = bytes(range(16))
INDEX = "/vod/index.m3u8"


@pytest.fixture
async def it(tmp_path):
    async with fetcher(tmp_path / "job", read_s=1) as running:
        yield running


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
@pytest.mark.parametrize("index", [0, 5, 11])
@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(Fault(drop_after=0), 3, id="closed without a byte"),
        pytest.param(Fault(drop_after=25_000), 5, id="cut"),
        pytest.param(Fault(length_lie=1000, drop_after=10**9), 1, id="announces more, then closes"),
        pytest.param(Fault(status=500), 5, id="500"),
        pytest.param(Fault(status=503, retry_after="0"), 3, id="503"),
        pytest.param(Fault(status=429, retry_after="0"), 3, id="429"),
        pytest.param(Fault(gzip=True), 2, id="compressed though not asked"),
        pytest.param(Fault(html=True), 2, id="a page"),
        pytest.param(Fault(bad_chunk_after=9000), 2, id="broken chunks"),
        pytest.param(Fault(hold_after=9000), 1, id="silent"),
    ],
)
async def test_a_segment_heals(it, fault, times, index, key):
    put_vod(it.origin, SEGMENTS, key=key)[index].fail(fault, times=times)
    it.assert_whole(await it.hls(INDEX), WHOLE)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=404), HttpFailure),
        (Fault(status=410), HttpFailure),
        (Fault(status=403), HttpFailure),
        (Fault(status=401), AuthRequired),
        (Fault(status=500), HttpFailure),
        (Fault(status=429, retry_after="3000"), RateLimited),
        (Fault(drop_after=10_000), NetworkFailure),
        (Fault(gzip=True), NetworkFailure),
        (Fault(html=True), HttpFailure),
    ],
    ids=str,
)
@pytest.mark.parametrize("index", [0, 7])
async def test_a_segment_that_stays_away_is_named(it, fault, expected, index):
    put_vod(it.origin, SEGMENTS)[index].always = fault
    with pytest.raises(expected) as failure:
        await it.hls(INDEX)
    assert failure.value.remote_status == fault.status
    assert not it.path.exists()
    assert open_files(it.folder) == []


async def test_an_empty_segment_is_a_hole_and_not_accepted(it):
    put_vod(it.origin, [*SEGMENTS[:3], b"", *SEGMENTS[3:]])
    with pytest.raises(NetworkFailure, match="empty"):
        await it.hls(INDEX)


async def test_a_cut_encrypted_segment_without_a_length_is_noticed(it):
    resource = put_vod(it.origin, SEGMENTS, key=KEY)[4]
    resource.body, resource.always = resource.body[:-20], Fault(until_close=True)
    with pytest.raises(MediaFailure):
        await it.hls(INDEX)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(content_range="bytes 0-9/999999"),
        Fault(content_range="none"),
        Fault(shorten_range=1000),
        Fault(drop_after=1000),
    ],
    ids=str,
)
async def test_a_byte_range_that_is_not_the_one_asked_for_is_asked_for_again(it, fault):
    resource = put_vod(it.origin, SEGMENTS, is_one_file=True)[0]
    resource.fail(fault, times=4)
    it.assert_whole(await it.hls(INDEX), WHOLE)


async def test_a_playlist_that_fails_at_first_is_asked_for_again(it):
    put_vod(it.origin, SEGMENTS)
    it.origin._resources[INDEX].fail(Fault(status=503), times=3)
    it.assert_whole(await it.hls(INDEX), WHOLE)


async def test_a_playlist_that_is_not_there_is_not_found(it):
    with pytest.raises(NotFound):
        await it.hls(INDEX)


async def test_a_key_that_fails_at_first_is_asked_for_again(it):
    put_vod(it.origin, SEGMENTS, key=KEY)
    it.origin._resources["/vod/key.bin"].fail(Fault(status=500), times=2)
    it.assert_whole(await it.hls(INDEX), WHOLE)
    assert len(it.origin.asked("/vod/key.bin")) == 3


async def test_a_server_that_bears_few_requests_at_once_still_gives_everything(it):
    resource = put_vod(it.origin, SEGMENTS, is_one_file=True)[0]
    resource.max_active, resource.latency_s = 2, 0.01
    it.assert_whole(await it.hls(INDEX), WHOLE)


async def test_silence_is_a_standstill_and_what_came_is_kept(it):
    put_vod(it.origin, SEGMENTS)[6].always = Fault(hold_after=100)
    with pytest.raises(Stalled):
        await it.hls(INDEX, stall_s=0.3)
    assert it.note.exists()


class TestResume:
    async def stop_in(self, it, resources, index):
        it.origin.held.clear()
        resources[index].fail(Fault(hold_after=20_000))
        task = asyncio.create_task(it.hls(INDEX))
        await it.origin.held.wait()
        await it.has_told(lambda done, _: done >= len(b"".join(SEGMENTS[:index])))
        await cancelled(task)
        assert open_files(it.folder) == []

    @pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
    async def test_cancelled_at_random_points_it_ends_with_the_same_bytes(self, it, key):
        resources = put_vod(it.origin, SEGMENTS, key=key)
        for index in sorted(random.Random(3).sample(range(12), 10)):
            await self.stop_in(it, resources, index)
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, WHOLE)
        # Finished segments were never asked for again: only those in flight were.
        assert len(it.origin.asked("/vod/0.bin")) <= 2
        assert fetched.resumed_bytes >= len(b"".join(SEGMENTS[:10]))

    async def test_it_goes_on_at_the_next_segment(self, it):
        resources = put_vod(it.origin, SEGMENTS)
        await self.stop_in(it, resources, 6)
        it.origin.requests.clear()
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, WHOLE)
        assert fetched.resumed_bytes == len(b"".join(SEGMENTS[:6]))
        assert not it.origin.asked("/vod/5.bin")

    async def test_a_playlist_with_new_signatures_goes_on_after_a_comparison(self, it):
        resources = put_vod(it.origin, SEGMENTS, query="?token=1")
        await self.stop_in(it, resources, 6)
        it.origin.requests.clear()
        put_vod(it.origin, SEGMENTS, query="?token=2")
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, WHOLE)
        assert fetched.resumed_bytes == len(b"".join(SEGMENTS[:6]))
        assert len(it.origin.asked("/vod/5.bin")) == 1
        assert not it.origin.asked("/vod/4.bin")

    async def test_other_content_under_new_signatures_is_fetched_from_the_start(self, it):
        resources = put_vod(it.origin, SEGMENTS, query="?token=1")
        await self.stop_in(it, resources, 6)
        others = [adts(noise(len(segment) - 4, seed=99)) for segment in SEGMENTS]
        put_vod(it.origin, others, query="?token=2")
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, b"".join(others))
        assert fetched.resumed_bytes == 0

    @pytest.mark.parametrize("count", [5, 11])
    async def test_another_playlist_is_fetched_from_the_start(self, it, count):
        resources = put_vod(it.origin, SEGMENTS)
        await self.stop_in(it, resources, 6)
        put_vod(it.origin, SEGMENTS[:count])
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, b"".join(SEGMENTS[:count]))
        assert fetched.resumed_bytes == 0

    @pytest.mark.parametrize(
        "damage",
        [
            lambda it: it.note.write_text("{}"),
            lambda it: it.part.write_bytes(b"short"),
            lambda it: it.part.unlink(),
        ],
    )
    async def test_a_damaged_state_means_starting_over(self, it, damage):
        resources = put_vod(it.origin, SEGMENTS)
        await self.stop_in(it, resources, 6)
        damage(it)
        fetched = await it.hls(INDEX)
        it.assert_whole(fetched, WHOLE)
        assert fetched.resumed_bytes == 0

    async def test_init_sections_are_not_repeated(self, it):
        boxes = [b"\0\0\0\x08moof" + segment for segment in SEGMENTS]
        init = b"\0\0\0\x08ftyp" + b"init"
        resources = put_vod(it.origin, boxes, inits={0: init})
        await self.stop_in(it, resources, 6)
        it.assert_whole(await it.hls(INDEX), init + b"".join(boxes))
        assert len(it.origin.asked("/vod/init0.mp4")) == 1
