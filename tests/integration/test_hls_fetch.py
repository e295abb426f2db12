"""HLS: what is written is what a player would have played, in order and complete."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import (
    BlockedAddress,
    HttpFailure,
    MediaFailure,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    SizeLimit,
)
from core.net.hls import fetch as hls_module
from tests.fakes import media
from tests.fakes.hls import adts, put_vod
from tests.fakes.media import id3_timestamp, made_once
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, fetcher, noise

SEGMENTS = [adts(noise(30_000 + 7 * i, seed=i)) for i in range(12)]
WHOLE = b"".join(SEGMENTS)
KEY = bytes(range(16))
INDEX = "/vod/index.m3u8"


async def test_segments_are_joined_in_order_whatever_order_they_come_in(it):
    for index, resource in enumerate(put_vod(it.origin, SEGMENTS)):
        resource.latency_s = 0.03 * (index % 3)
    fetched = await it.hls(INDEX)
    it.assert_whole(fetched, WHOLE)
    assert (fetched.container, fetched.duration_s) == ("aac", 48.0)
    assert it.told[-1] == (len(WHOLE), len(WHOLE))


@pytest.mark.parametrize("iv", [None, bytes(range(16, 32))])
async def test_aes_128_is_decrypted_and_its_key_fetched_once(it, iv):
    put_vod(it.origin, SEGMENTS, key=KEY, iv=iv, first_sequence=900)
    it.assert_whole(await it.hls(INDEX), WHOLE)
    assert len(it.origin.asked("/vod/key.bin")) == 1


async def test_large_encrypted_segments_are_decrypted_too(it):
    segments = [adts(noise(MIB + i, seed=i)) for i in range(3)]
    put_vod(it.origin, segments, key=KEY)
    it.assert_whole(await it.hls(INDEX), b"".join(segments))


@pytest.mark.parametrize("key", [None, KEY])
async def test_byte_ranges_of_one_file_are_fetched_each_for_itself(it, key):
    resource = put_vod(it.origin, SEGMENTS, is_one_file=True, key=key)[0]
    it.assert_whole(await it.hls(INDEX), WHOLE)
    assert it.origin.bytes_sent("/vod/all.bin") == len(resource.body)


async def test_a_server_that_ignores_byte_ranges_is_borne(it):
    put_vod(it.origin, SEGMENTS[:3], is_one_file=True)[0].always = Fault(ignore_range=True)
    it.assert_whole(await it.hls(INDEX), b"".join(SEGMENTS[:3]))


async def test_an_init_section_stands_once_before_what_needs_it(it):
    boxes = [b"\0\0\0\x08moof" + segment for segment in SEGMENTS]
    inits = {0: b"\0\0\0\x08ftyp" + b"first", 5: b"\0\0\0\x08ftyp" + b"second"}
    put_vod(it.origin, boxes, inits=inits, discontinuities={5})
    fetched = await it.hls(INDEX)
    it.assert_whole(fetched, inits[0] + b"".join(boxes[:5]) + inits[5] + b"".join(boxes[5:]))
    assert fetched.container == "mp4"
    assert [len(it.origin.asked(f"/vod/init{i}.mp4")) for i in (0, 5)] == [1, 1]


async def test_id3_tags_in_front_of_packed_audio_are_taken_off(it):
    tagged = [id3_timestamp(i) * (i % 3) + segment for i, segment in enumerate(SEGMENTS)]
    put_vod(it.origin, tagged)
    it.assert_whole(await it.hls(INDEX), WHOLE)


@pytest.mark.parametrize(
    ("make", "container"),
    [
        (media.hls_audio, "aac"),
        (media.hls_ts, "ts"),
        (media.hls_fmp4, "mp4"),
        (media.hls_byterange, "ts"),
        (media.hls_aes, "ts"),
    ],
)
async def test_what_ffmpeg_makes_can_be_played_afterwards(it, make, container):
    playlist = made_once(make, make.__name__)
    it.origin.put_folder("/real", playlist.parent)
    fetched = await it.hls("/real/index.m3u8")
    assert fetched.container == container
    media.run_ffmpeg("-xerror", "-i", it.path, "-f", "null", "-")


async def test_big_segments_do_not_fill_the_memory(it, monkeypatch):
    """While the first segment is held, the others stop when the room is full."""
    monkeypatch.setattr(hls_module, "_AHEAD_BYTES", 2 * MIB)
    segments = [adts(noise(4 * MIB, seed=i)) for i in range(6)]
    resources = put_vod(it.origin, segments)
    resources[0].fail(Fault(hold_after=1000))
    seen = []
    write = hls_module._HlsTransfer._release

    def watched(self, slot):
        seen.append(self._ahead_bytes)
        write(self, slot)

    monkeypatch.setattr(hls_module._HlsTransfer, "_release", watched)
    task = asyncio.create_task(it.hls(INDEX, window=6))
    await it.origin.wait_for_requests("/vod/1.bin", 1)
    it.origin.release.set()
    it.assert_whole(await task, b"".join(segments))
    assert max(seen) < 2 * MIB + 6 * MIB


async def test_no_more_than_the_window_is_asked_for_ahead(it):
    resources = put_vod(it.origin, SEGMENTS)
    resources[0].fail(Fault(hold_after=10))
    task = asyncio.create_task(it.hls(INDEX, window=3))
    await it.origin.held.wait()
    await it.origin.wait_for_requests("/vod/2.bin", 1)
    await it.has_told(lambda *_: True)
    assert not it.origin.asked("/vod/3.bin")
    it.origin.release.set()
    it.assert_whole(await task, WHOLE)


async def test_more_segments_are_asked_for_at_once_while_that_pays(it):
    segments = [adts(noise(20_000, seed=i)) for i in range(150)]
    for resource in put_vod(it.origin, segments):
        resource.latency_s = 0.05
    active = []
    in_flight = hls_module._HlsTransfer._start_reading

    def watched(self, group):
        in_flight(self, group)
        active.append(len(self._ahead))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hls_module._HlsTransfer, "_start_reading", watched)
        it.assert_whole(await it.hls(INDEX, window=16), b"".join(segments))
    assert max(active) == 16


async def test_an_estimate_of_the_whole_is_told_on_the_way(it):
    resources = put_vod(it.origin, SEGMENTS)
    resources[6].fail(Fault(hold_after=10))
    task = asyncio.create_task(it.hls(INDEX))
    await it.origin.held.wait()
    await it.has_told(lambda _, total: total is not None and abs(total - len(WHOLE)) < 2000)
    it.origin.release.set()
    await task


class TestRefused:
    async def test_a_live_playlist_is_not_yet_available(self, it):
        put_vod(it.origin, SEGMENTS[:2], end="")
        with pytest.raises(NotYetAvailable, match="live"):
            await it.hls(INDEX)

    async def test_a_master_is_no_media_playlist(self, it):
        it.origin.put("/m.m3u8", b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")
        with pytest.raises(ParserFailure, match="master"):
            await it.hls("/m.m3u8")

    async def test_a_page_is_no_playlist(self, it):
        it.origin.put("/m.m3u8").always = Fault(html=True)
        with pytest.raises(ParserFailure):
            await it.hls("/m.m3u8")

    async def test_drm_is_protected_content(self, it):
        it.origin.put(
            "/m.m3u8", b'#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:1,\na\n#EXT-X-ENDLIST'
        )
        with pytest.raises(ProtectedContent):
            await it.hls("/m.m3u8")

    @pytest.mark.parametrize(
        "lines",
        [
            "#EXTINF:1,\nhttp://10.0.0.1/a.ts",
            '#EXT-X-KEY:METHOD=AES-128,URI="http://169.254.169.254/k"\n#EXTINF:1,\na.ts',
            '#EXT-X-MAP:URI="http://192.168.1.1/i"\n#EXTINF:1,\na.ts',
        ],
    )
    async def test_private_addresses_in_a_playlist_are_blocked(self, it, lines):
        it.origin.put("/a.ts", b"x" * 100)
        it.origin.put("/m.m3u8", f"#EXTM3U\n{lines}\n#EXT-X-ENDLIST".encode())
        with pytest.raises(BlockedAddress):
            await it.hls("/m.m3u8")

    async def test_a_link_that_cannot_be_used_is_the_playlists_fault(self, it):
        it.origin.put("/m.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://user:word@127.0.0.1/a.ts\n#EXT-X-ENDLIST")
        with pytest.raises(ParserFailure):
            await it.hls("/m.m3u8")

    async def test_a_wrong_key_is_a_media_failure_and_nothing_is_kept(self, it):
        put_vod(it.origin, SEGMENTS, key=KEY)
        it.origin.put("/vod/key.bin", b"another key 1234")
        with pytest.raises(MediaFailure):
            await it.hls(INDEX)
        assert list(it.folder.iterdir()) == []

    async def test_something_else_than_a_key_is_an_http_failure(self, it, monkeypatch):
        monkeypatch.setattr("core.net.transfer.retries.BASE_WAIT_S", 0.001)
        put_vod(it.origin, SEGMENTS, key=KEY)
        it.origin.put("/vod/key.bin", b"<html>sign in</html>")
        with pytest.raises(HttpFailure, match="key"):
            await it.hls(INDEX)

    async def test_segments_of_several_kinds_make_no_file(self, it):
        put_vod(it.origin, [SEGMENTS[0], b"\0\0\0\x08moof" + b"x" * 99])
        with pytest.raises(MediaFailure, match="mp4"):
            await it.hls(INDEX)

    async def test_the_size_limit_holds(self, it):
        put_vod(it.origin, SEGMENTS)
        with pytest.raises(SizeLimit):
            await it.hls(INDEX, max_bytes=100_000)

    async def test_an_infinite_segment_meets_the_limit(self, it):
        put_vod(it.origin, SEGMENTS)[0].always = Fault(infinite=True)
        with pytest.raises(SizeLimit):
            await it.hls(INDEX, max_bytes=3 * MIB)


async def test_logins_do_not_go_to_other_hosts_but_what_players_send_does(it, tmp_path):
    async with fetcher(tmp_path / "cdn") as cdn:
        put_vod(cdn.origin, SEGMENTS[:2])
        put_vod(it.origin, SEGMENTS[:2])
        text = f"#EXTM3U\n#EXTINF:4,\n/vod/0.bin\n#EXTINF:4,\n{cdn.origin.url('/vod/1.bin')}\n#EXT-X-ENDLIST"
        it.origin.put("/m.m3u8", text.encode())
        headers = {"Authorization": "Bearer x", "Cookie": "a=b", "Referer": "https://page.example/"}
        await it.hls("/m.m3u8", headers=headers)
        own, other = it.origin.asked("/vod/0.bin")[0].headers, cdn.origin.asked("/vod/1.bin")[0].headers
    assert own["authorization"] == "Bearer x"
    assert other["referer"] == "https://page.example/"
    assert not {"authorization", "cookie"} & set(other)
