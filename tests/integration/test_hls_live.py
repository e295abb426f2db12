"""Live HLS: what a list held when somebody could have looked is in the file, and what is not is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.domain.errors import (
    BlockedAddress,
    DiskFull,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotFound,
    ParserFailure,
    SizeLimit,
    Stalled,
)
from core.net.hls import live as live_module
from core.net.hls.playlist import MediaPlaylist, Segment
from core.net.hls.reading import parse_playlist
from core.net.hls.recorded import save_recorded
from core.net.hls.spool import Spool
from core.net.hls.timeline import file_name
from tests.fakes.hls import LiveList, adts, encrypted
from tests.fakes.media import hls_fmp4, id3_timestamp, made_once, run_ffmpeg
from tests.fakes.origin import Fault
from tests.fakes.transfer import cancelled, noise, open_files

SEGMENTS = [adts(noise(3_000 + 7 * i, seed=i)) for i in range(40)]
WHOLE = b"".join(SEGMENTS)
INDEX = "/live/index.m3u8"


@dataclass
class Known:
    """What a source may know about a broadcast."""

    over: bool = False
    found: Sequence[MediaPlaylist] = ()
    asked: int = 0
    error: JobError | None = None
    reached: list[bool] = field(default_factory=list)

    def name_of(self, segment: Segment) -> str:
        return file_name(segment)

    async def is_over(self) -> bool:
        self.asked += 1
        return self.over

    async def lists(
        self, reaches_end: Callable[[MediaPlaylist], bool], *, target_s: float
    ) -> Sequence[MediaPlaylist]:
        assert target_s > 0
        if self.error:
            raise self.error
        self.reached = [reaches_end(each) for each in self.found]
        return self.found


def part_of(it) -> Path:
    return it.folder / "media.live"


def listed(text: str, url: str) -> MediaPlaylist:
    playlist = parse_playlist(text, url)
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def whole_list(live: LiveList, prefix: str = "/whole") -> MediaPlaylist:
    """A list of all segments at another address, which serves them all."""
    for number in range(live.shown):
        live.origin.put(f"{prefix}/{live.name(live.first + number)}", live.segments[number])
    return listed(live.text(0, is_over=True, query="?type=replay"), live.origin.url(f"{prefix}/all.m3u8"))


async def asked(live: LiveList, number: int, times: int = 1) -> None:
    await live.is_heard(number)
    await live.origin.wait_for_requests(live.segment(number), times)


# A window that moves.


@pytest.mark.parametrize(("window", "keeps"), [(4, 0), (4, None), (None, None)])
async def test_a_window_that_moves_is_recorded_from_first_to_last(it, window, keeps):
    live = LiveList(it.origin, SEGMENTS, window=window, keeps=keeps)
    task = asyncio.create_task(it.live(INDEX))
    await live.run()
    live.end()
    fetched = await task
    assert it.path.read_bytes() == WHOLE
    assert sorted(item.name for item in it.folder.iterdir()) == ["media"]
    assert (fetched.container, fetched.missing_segments, fetched.size_bytes) == ("aac", 0, len(WHOLE))
    assert fetched.duration_s == pytest.approx(40 * 0.05)
    assert fetched.fetched_bytes >= len(WHOLE)
    assert it.told[-1] == (len(WHOLE), None)
    assert all(len(it.origin.asked(live.segment(number))) == 1 for number in range(40))


async def test_id3_tags_and_encryption_are_taken_off(it):
    key = bytes(range(16))
    plain = [id3_timestamp(i) + segment for i, segment in enumerate(SEGMENTS[:6])]
    sealed = [encrypted(data, key, (50 + i).to_bytes(16, "big")) for i, data in enumerate(plain)]
    live = LiveList(it.origin, sealed, first=50)
    it.origin.put("/live/key.bin", key)
    live.lines_before.append('#EXT-X-KEY:METHOD=AES-128,URI="key.bin"')
    live.show(6)
    live.end()
    await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[2:6])


async def test_an_init_section_stands_before_what_needs_it_and_the_film_plays(it):
    folder = made_once(hls_fmp4, "hls_fmp4").parent
    parts = [path.read_bytes() for path in sorted(folder.glob("*.m4s"))]
    it.origin.put("/live/init.mp4", (folder / "init.mp4").read_bytes())
    live = LiveList(it.origin, parts, window=2)
    live.lines_before.append('#EXT-X-MAP:URI="init.mp4"')
    task = asyncio.create_task(it.live(INDEX))
    await live.run()
    live.end()
    fetched = await task
    assert it.path.read_bytes() == (folder / "init.mp4").read_bytes() + b"".join(parts)
    assert fetched.container == "mp4"
    run_ffmpeg("-xerror", "-i", it.path, "-f", "null", "-")


async def test_numbers_that_begin_anew_go_on_at_the_end(it):
    live = LiveList(it.origin, SEGMENTS[:10], first=100)
    live.show(10)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 9)
    again = LiveList(it.origin, SEGMENTS[10:16])
    again.show(3)
    await asked(again, 2)
    again.show(3)
    again.end()
    await task
    assert it.path.read_bytes() == b"".join([*SEGMENTS[6:16]])


async def test_a_segment_of_another_kind_is_left_out_and_told(it):
    live = LiveList(it.origin, [*SEGMENTS[:3], b"\0\0\0\x08moofadvertisement", *SEGMENTS[4:6]])
    live.show(3)
    task = asyncio.create_task(it.live(INDEX))
    await it.has_told(lambda done, _total: done == len(b"".join(SEGMENTS[:3])))
    live.show(3)
    await asked(live, 5)
    live.end()
    fetched = await task
    assert it.path.read_bytes() == b"".join([*SEGMENTS[:3], *SEGMENTS[4:6]])
    assert (fetched.missing_segments, fetched.missing_s) == (1, pytest.approx(0.05))


# Outages.


async def test_an_outage_loses_nothing_that_the_list_still_holds_afterwards(it):
    live = LiveList(it.origin, SEGMENTS, window=8, keeps=0)
    live.show(10)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 9)
    it.origin.is_away = True
    live.show(7)
    await it.origin.wait_for_requests(INDEX, len(it.origin.asked(INDEX)) + 3)
    it.origin.is_away = False
    await asked(live, 16)
    live.end()
    fetched = await task
    assert it.path.read_bytes() == b"".join(SEGMENTS[2:17])
    assert fetched.missing_segments == 0


async def test_what_left_the_list_during_an_outage_is_a_gap_that_is_told(it):
    live = LiveList(it.origin, SEGMENTS, keeps=0)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 3)
    it.origin.is_away = True
    live.show(10)
    await it.origin.wait_for_requests(INDEX, len(it.origin.asked(INDEX)) + 2)
    it.origin.is_away = False
    await asked(live, 13)
    live.end()
    fetched = await task
    assert it.path.read_bytes() == b"".join([*SEGMENTS[:4], *SEGMENTS[10:14]])
    assert (fetched.missing_segments, fetched.missing_s) == (6, pytest.approx(6 * 0.05))


async def test_a_gap_is_filled_from_a_list_of_the_whole_and_so_is_what_was_before_us(it):
    live = LiveList(it.origin, SEGMENTS, keeps=0)
    live.show(8)
    known = Known()
    task = asyncio.create_task(it.live(INDEX, broadcast=known))
    await asked(live, 7)
    it.origin.is_away = True
    live.show(12)
    await it.origin.wait_for_requests(INDEX, len(it.origin.asked(INDEX)) + 2)
    it.origin.is_away = False
    await asked(live, 19)
    known.found = [whole_list(live)]
    live.end()
    fetched = await task
    assert it.path.read_bytes() == b"".join(SEGMENTS[:20])
    assert (fetched.missing_segments, known.reached) == (0, [True])
    assert not it.origin.asked("/whole/5.bin"), "what was recorded is not fetched again"


async def test_of_several_lists_the_later_ones_bring_what_the_first_has_not(it):
    live = LiveList(it.origin, SEGMENTS, window=2)
    live.show(6)
    originals, copies = whole_list(live, "/originals"), whole_list(live, "/copies")
    it.origin.remove("/originals/1.bin")
    it.origin.resource(live.path).always = Fault(status=404)
    known = Known(over=True, found=[originals, copies])
    await it.live(INDEX, broadcast=known)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:6])
    assert [len(it.origin.asked(f"/copies/{number}.bin")) for number in range(6)] == [0, 1, 0, 0, 0, 0]


async def test_a_list_that_shares_nothing_with_the_recording_is_left_alone(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    strange = listed("#EXTM3U\n#EXTINF:1,\nother.bin\n#EXT-X-ENDLIST\n", it.origin.url("/o/all.m3u8"))
    live.end()
    await it.live(INDEX, broadcast=Known(found=[strange]))
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])
    assert not it.origin.asked("/o/other.bin")


async def test_a_segment_that_fails_is_tried_as_long_as_the_list_names_it(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(3)
    it.origin.resource(live.segment(1)).fail(Fault(status=404), times=2).fail(Fault(drop_after=5), times=2)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 1, 5)
    live.end()
    assert (await task).missing_segments == 0
    assert it.path.read_bytes() == b"".join(SEGMENTS[:3])


async def test_an_outage_that_lasts_has_the_class_of_the_last_failure_and_keeps_what_is_there(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX, outage_s=0.3))
    await asked(live, 3)
    it.origin.is_away = True
    with pytest.raises(NetworkFailure):
        await task
    assert part_of(it).read_bytes() == b"".join(SEGMENTS[:4])
    it.origin.is_away = False
    live.end()
    await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


# The end.


@pytest.mark.parametrize("status", [None, 404, 410, 403])
async def test_a_list_that_stands_still_or_is_gone_is_over_where_nobody_knows_better(it, status):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX, outage_s=0.3))
    await asked(live, 3)
    if status:
        it.origin.resource(live.path).always = Fault(status=status)
    assert (await task).missing_segments == 0
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_the_source_is_asked_when_the_list_stands_still(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    known = Known(over=True)
    await it.live(INDEX, outage_s=60, broadcast=known)
    assert known.asked == 1
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_what_stands_still_although_it_runs_is_stalled(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    known = Known()
    with pytest.raises(Stalled):
        await it.live(INDEX, outage_s=1.0, broadcast=known)
    assert 1 <= known.asked < 8
    saved = await save_recorded(it.path)
    assert saved is not None
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_a_list_that_moves_on_while_no_segment_can_be_had_is_an_outage_too(it):
    live = LiveList(it.origin, [b""] * 200)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX, outage_s=0.3))
    going_on = asyncio.create_task(live.run())
    with pytest.raises(NetworkFailure, match="empty"):
        await task
    await cancelled(going_on)


async def test_a_segment_that_a_whole_list_names_and_that_cannot_be_had_now_is_no_gap(it, monkeypatch):
    monkeypatch.setattr("core.net.hls.collect._TRIES", 2)
    live = LiveList(it.origin, SEGMENTS, window=2)
    live.show(4)
    known = Known(found=[whole_list(live)])
    it.origin.resource("/whole/1.bin").always = Fault(status=503)
    live.end()
    with pytest.raises(HttpFailure):
        await it.live(INDEX, broadcast=known)
    it.origin.resource("/whole/1.bin").always = Fault()
    await it.live(INDEX, broadcast=known)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_lists_that_cannot_be_had_now_are_a_failure_of_their_class(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    live.end()
    with pytest.raises(HttpFailure):
        await it.live(INDEX, broadcast=Known(error=HttpFailure("later", remote_status=503)))
    assert part_of(it).read_bytes() == b"".join(SEGMENTS[:4])


async def test_a_broadcast_of_which_nothing_came_is_not_found(it):
    LiveList(it.origin, SEGMENTS).end()
    with pytest.raises(NotFound):
        await it.live(INDEX)
    assert await save_recorded(it.path) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<html>", ParserFailure),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", ParserFailure),
        ("#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/a.aac\n", BlockedAddress),
    ],
)
async def test_what_can_never_be_recorded_is_an_error_at_once(it, text, error):
    it.origin.put(INDEX, text.encode())
    with pytest.raises(error):
        await it.live(INDEX, outage_s=60)


async def test_a_missing_list_is_an_error_at_once_where_there_is_nothing_to_lose(it):
    with pytest.raises(NotFound):
        await it.live(INDEX, outage_s=60)


# Stopped, and going on.


async def test_stopped_at_any_segment_it_goes_on_and_fills_what_it_missed(it):
    live = LiveList(it.origin, SEGMENTS, window=6, keeps=0)
    for _ in range(5):
        live.show(4)
        task = asyncio.create_task(it.live(INDEX))
        await it.has_told(lambda done, _total, want=live.shown: done >= len(b"".join(SEGMENTS[:want])))
        await cancelled(task)
        assert not open_files(it.folder)
        live.show(1)
    live.end()
    fetched = await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:25])
    assert fetched.missing_segments == 0
    assert fetched.resumed_bytes > 0
    assert max(len(it.origin.asked(live.segment(number))) for number in range(25)) == 1


@pytest.mark.parametrize("lost_bytes", [1, 40, 200, 10_000])
async def test_a_log_or_a_part_that_a_crash_cut_off_costs_what_it_lost_and_no_more(it, lost_bytes):
    live = LiveList(it.origin, SEGMENTS, window=None)
    live.show(20)
    task = asyncio.create_task(it.live(INDEX))
    await it.has_told(lambda done, _total: done == len(b"".join(SEGMENTS[:20])))
    await cancelled(task)
    log = it.folder / "media.live.log"
    log.write_bytes(log.read_bytes()[:-lost_bytes])
    with part_of(it).open("r+b") as part:
        part.truncate(part_of(it).stat().st_size - lost_bytes)
    live.end()
    fetched = await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:20])
    assert fetched.missing_segments == 0


async def test_a_recording_is_saved_as_far_as_it_came_when_nobody_goes_on(it):
    live = LiveList(it.origin, SEGMENTS, first=7)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 3)
    it.origin.is_away = True
    live.show(5)
    await it.origin.wait_for_requests(INDEX, len(it.origin.asked(INDEX)) + 1)
    it.origin.is_away = False
    await it.has_told(lambda done, _total: done >= len(b"".join([*SEGMENTS[:4], *SEGMENTS[5:9]])))
    await cancelled(task)
    saved = await save_recorded(it.path)
    assert saved is not None
    assert it.path.read_bytes() == b"".join([*SEGMENTS[:4], *SEGMENTS[5:9]])
    assert (saved.missing_segments, saved.missing_s) == (1, pytest.approx(0.05))
    assert sorted(item.name for item in it.folder.iterdir()) == ["media"]


async def test_what_had_come_is_kept_when_it_is_stopped_before_it_was_written(it, monkeypatch):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    it.origin.resource(live.segment(0)).always = Fault(hold_after=100)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 3)
    await it.origin.held.wait()
    await it.origin.wait_for_requests(INDEX, 3)
    await cancelled(task)
    assert part_of(it).read_bytes() == b"".join(SEGMENTS[1:4])
    it.origin.release.set()
    live.end()
    await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_a_full_disk_is_said_and_nothing_that_was_kept_is_lost(it, monkeypatch):
    live = LiveList(it.origin, SEGMENTS)
    live.show(3)
    task = asyncio.create_task(it.live(INDEX))
    await it.has_told(lambda done, _total: done == len(b"".join(SEGMENTS[:3])))

    def full(*_):
        raise DiskFull("no room")

    monkeypatch.setattr(Spool, "add_blocking", full)
    live.show(1)
    with pytest.raises(DiskFull):
        await task
    monkeypatch.undo()
    live.end()
    await it.live(INDEX)
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_a_recording_that_becomes_too_large_is_refused_and_kept(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    with pytest.raises(SizeLimit):
        await it.live(INDEX, max_bytes=5_000)
    assert await save_recorded(it.path) is not None


async def test_a_list_that_does_not_answer_is_given_up_and_asked_again(it, monkeypatch):
    monkeypatch.setattr(live_module, "_MIN_ANSWER_S", 0.2)
    live = LiveList(it.origin, SEGMENTS)
    live.show(4)
    task = asyncio.create_task(it.live(INDEX))
    await asked(live, 3)
    it.origin.resource(live.path).latency_s = 30
    await it.origin.wait_for_requests(INDEX, len(it.origin.asked(INDEX)) + 1)
    live.end()
    await task
    assert it.path.read_bytes() == b"".join(SEGMENTS[:4])


async def test_gaps_that_the_list_itself_tells_of_do_not_end_the_recording(it):
    live = LiveList(it.origin, SEGMENTS)
    live.show(3)
    text = live.text(0, is_over=True).replace("1.bin", "#EXT-X-GAP\n1.bin")
    it.origin.put(live.path, text.encode())
    fetched = await it.live(INDEX)
    assert it.path.read_bytes() == SEGMENTS[0] + SEGMENTS[2]
    assert fetched.missing_segments == 1
