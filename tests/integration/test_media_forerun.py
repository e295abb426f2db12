"""What comes as HLS is remuxed while it arrives, with the result of remuxing it afterwards."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import JobError
from core.domain.events import EventType
from core.domain.job import JobStatus, Kind
from core.domain.media import Role, Tags
from core.media import forerun, index_room
from core.media.arrival import Arrival
from core.media.faststart import read_layout
from core.media.ffmpeg import locate
from core.media.forerun import run_ahead
from core.media.postprocess import Input, Wanted, plan, postprocess
from core.media.prober import Prober
from tests.fakes.media import hls_ts, packets, run_ffmpeg, video_mp4
from tests.fakes.origin import Fault, Origin, Resource
from tests.integration.conftest import finish

WANTED = Wanted(kind=Kind.VIDEO, tags=Tags(title="A film", artist="Somebody"))


@pytest.fixture(autouse=True)
def _small_films(monkeypatch):
    monkeypatch.setattr(forerun, "PROBE_BYTES", 20_000)


def _stream(folder: Path) -> bytes:
    """A film as a transport stream."""
    film, stream = video_mp4(folder / "film.mp4", 4.0), folder / "film.ts"
    run_ffmpeg("-i", film, "-c", "copy", "-f", "mpegts", stream)
    return stream.read_bytes()


class _Download:
    """A file that grows by hand."""

    def __init__(self, folder: Path, data: bytes) -> None:
        self.arrival = Arrival(Role.MUXED, folder / "0-muxed")
        self.data = data
        self._part = folder / "0-muxed.part"
        self._part.touch()

    def bring(self, there_bytes: int) -> bool:
        self._part.write_bytes(self.data[:there_bytes])
        return self.arrival.tell(there_bytes)

    def end(self) -> Path:
        self.bring(len(self.data))
        self._part.replace(self.arrival.path)
        self.arrival.tell(len(self.data), is_whole=True)
        return self.arrival.path

    def begin(
        self, prober: Prober, wanted: Wanted = WANTED, *, duration_s: float | None = 4.0
    ) -> asyncio.Task[forerun.Early | None]:
        out = self._part.with_name("early")
        limits = {"duration_s": duration_s, "timeout_s": 30}
        return asyncio.create_task(run_ahead(locate(None), prober, [self.arrival], wanted, out, **limits))


async def _until_piped(folder: Path) -> None:
    while not list(folder.glob("early.*.fifo")):  # noqa: ASYNC110 -- nobody tells of it
        await asyncio.sleep(0.01)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def _afterwards(prober: Prober, path: Path, out: Path) -> Path:
    info = await prober.probe(path, measure=False)
    made = await postprocess(
        locate(None),
        [Input(Role.MUXED, path, info)],
        WANTED,
        out,
        timeout_s=30,
        stall_s=30,
        progress=lambda _share: None,
    )
    return made.path


async def test_the_result_is_what_remuxing_the_whole_file_makes(prober, tmp_path):
    download = _Download(tmp_path, _stream(tmp_path))
    running = download.begin(prober)
    for there in range(0, len(download.data), 7_001):
        download.bring(there)
        await asyncio.sleep(0)
    await _until_piped(tmp_path)
    whole = download.end()
    early = await running
    assert early is not None
    after = await _afterwards(prober, whole, tmp_path / "after")
    assert packets(early.path) == packets(after)
    assert await prober.tags(early.path) == await prober.tags(after)
    assert read_layout(early.path).is_faststart
    assert early.sha256 == _digest(early.path)
    recipe = plan([Input(Role.MUXED, whole, await prober.probe(whole, measure=False))], WANTED)
    assert early.fits(recipe, WANTED)
    assert not early.fits(recipe, replace(WANTED, tags=Tags(title="Another")))
    assert not list(tmp_path.glob("*.fifo"))


@pytest.fixture
def planned(monkeypatch) -> asyncio.Event:
    """Set when the beginning has been looked at."""
    event = asyncio.Event()

    def told(*arguments):
        event.set()
        return plan(*arguments)

    monkeypatch.setattr(forerun, "plan", told)
    return event


async def test_raw_sound_is_wrapped_as_soon_as_it_is_whole(prober, tmp_path, planned):
    sound = tmp_path / "sound.aac"
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:duration=20", "-c:a", "aac", "-f", "adts", sound)
    download = _Download(tmp_path, sound.read_bytes())
    download.bring(len(download.data) // 2)
    running = download.begin(prober, replace(WANTED, kind=Kind.AUDIO))
    await planned.wait()
    download.end()
    early = await running
    assert early is not None
    assert early.path.suffix == ".m4a"
    assert early.sha256 == _digest(early.path)
    assert early.seen.info.duration_s == pytest.approx(20.0, abs=0.1)
    assert (await prober.tags(early.path)).title == "A film"


async def test_sound_that_gets_its_name_just_when_it_is_to_be_wrapped_is_wrapped(
    prober, tmp_path, planned, monkeypatch
):
    sound = tmp_path / "sound.aac"
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:duration=20", "-c:a", "aac", "-f", "adts", sound)
    download = _Download(tmp_path, sound.read_bytes())
    download.bring(len(download.data) // 2)
    running = download.begin(prober, replace(WANTED, kind=Kind.AUDIO))
    wrap = forerun.wrap_blocking
    tried = []

    def named_first(path, *arguments):
        tried.append(path)
        if len(tried) == 1:
            path.replace(download.arrival.path)
        return wrap(path, *arguments)

    monkeypatch.setattr(forerun, "wrap_blocking", named_first)
    await planned.wait()
    download.bring(len(download.data))
    download.arrival.tell(len(download.data), is_whole=True)
    assert await running is not None
    assert [path.name for path in tried] == ["0-muxed.part", "0-muxed"]


async def test_raw_sound_that_changes_its_form_is_left_to_the_usual_way(prober, tmp_path, planned):
    parts = []
    for rate in ("44100", "48000"):
        path = tmp_path / f"{rate}.aac"
        form = ("-c:a", "aac", "-ar", rate, "-f", "adts")
        run_ffmpeg("-f", "lavfi", "-i", "sine=440:duration=20", *form, path)
        parts.append(path.read_bytes())
    download = _Download(tmp_path, b"".join(parts))
    download.bring(len(parts[0]))
    running = download.begin(prober, replace(WANTED, kind=Kind.AUDIO))
    await planned.wait()
    download.end()
    assert await running is None
    assert not list(tmp_path.glob("early*"))


async def test_frames_that_are_shown_in_another_order_than_they_come_keep_their_times(prober, tmp_path):
    """To begin sooner ffmpeg decodes key frames alone; it must make of them what it makes of all."""
    film, stream, made = (tmp_path / name for name in ("film.mp4", "film.ts", "made.mp4"))
    video_mp4(film, 4.0)
    codec = (
        "-c:v",
        "libx264",
        "-bf",
        "4",
        "-x264-params",
        "b-pyramid=normal:ref=4:open-gop=1",
        "-c:a",
        "copy",
    )
    run_ffmpeg("-i", film, *codec, "-f", "mpegts", stream)
    run_ffmpeg("-f", "mpegts", "-i", stream, "-c", "copy", "-bsf:a", "aac_adtstoasc", made)
    download = _Download(tmp_path, stream.read_bytes())
    download.bring(len(download.data) // 2)
    running = download.begin(prober)
    await _until_piped(tmp_path)
    download.end()
    early = await running
    assert early is not None
    assert packets(early.path) == packets(made)


async def test_sound_that_changes_its_form_later_on_is_left_to_the_usual_way(prober, tmp_path):
    parts = []
    for offset, rate in (("0", "48000"), ("10", "44100")):
        path = tmp_path / f"{offset}.ts"
        form = ("-c:v", "libx264", "-c:a", "aac", "-ar", rate, "-output_ts_offset", offset, "-f", "mpegts")
        run_ffmpeg("-i", video_mp4(tmp_path / "film.mp4", 4.0), *form, path)
        parts.append(path.read_bytes())
    download = _Download(tmp_path, b"".join(parts))
    download.bring(len(parts[0]))
    running = download.begin(prober)
    await _until_piped(tmp_path)
    download.end()
    assert await running is None


async def test_what_is_whole_before_it_could_begin_is_left_to_the_usual_way(prober, tmp_path):
    download = _Download(tmp_path, _stream(tmp_path))
    running = download.begin(prober)
    download.end()
    assert await running is None


async def test_what_has_to_be_converted_is_left_to_the_usual_way(prober, tmp_path):
    download = _Download(tmp_path, _stream(tmp_path))
    download.bring(len(download.data) // 2)
    assert await download.begin(prober, replace(WANTED, kind=Kind.AUDIO)) is None


async def test_without_a_length_to_count_on_the_index_comes_in_front_all_the_same(prober, tmp_path):
    download = _Download(tmp_path, _stream(tmp_path))
    download.bring(len(download.data) // 2)
    running = download.begin(prober, duration_s=None)
    await _until_piped(tmp_path)
    download.end()
    early = await running
    assert early is not None
    assert read_layout(early.path).is_faststart


async def test_an_index_that_outgrows_its_room_is_an_error_of_the_tree(prober, tmp_path, monkeypatch):
    monkeypatch.setattr(index_room, "_TAGS_BYTES", 0)
    download = _Download(tmp_path, _stream(tmp_path))
    download.bring(len(download.data) // 2)
    running = download.begin(prober, duration_s=0.1)
    await _until_piped(tmp_path)
    download.end()
    with pytest.raises(ExceptionGroup) as failed:
        await running
    assert isinstance(failed.value.exceptions[0], JobError)


async def test_a_file_that_is_begun_anew_is_noticed(tmp_path):
    download = _Download(tmp_path, b"x" * 1000)
    assert download.bring(500)
    assert not download.bring(0)


async def test_a_file_that_goes_on_after_its_end_is_noticed(tmp_path):
    arrival = Arrival(Role.MUXED, tmp_path / "0-muxed")
    assert arrival.tell(500, is_whole=True)
    assert arrival.tell(500, is_whole=True)
    assert not arrival.tell(700)


async def test_cancelled_it_leaves_neither_a_pipe_nor_a_process(prober, tmp_path, monkeypatch):
    ended = []
    run_ffmpeg_ = forerun.run_ffmpeg

    async def run(*arguments) -> None:
        try:
            await run_ffmpeg_(*arguments)
        finally:
            ended.append(True)

    monkeypatch.setattr(forerun, "run_ffmpeg", run)
    download = _Download(tmp_path, _stream(tmp_path))
    download.bring(len(download.data) // 2)
    running = download.begin(prober)
    await _until_piped(tmp_path)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert ended
    assert not list(tmp_path.glob("*.fifo"))


async def test_ffmpeg_that_gives_up_is_an_error_of_the_tree(prober, tmp_path, monkeypatch):
    download = _Download(tmp_path, _stream(tmp_path))
    monkeypatch.setattr(forerun, "postprocess_argv", lambda ffmpeg, *_, **__: [str(ffmpeg.path), "-nonsense"])
    download.bring(len(download.data) // 2)
    with pytest.raises(ExceptionGroup) as failed:
        await download.begin(prober)
    assert isinstance(failed.value.exceptions[0], JobError)


async def _film_in_segments(origin: Origin, folder: Path) -> tuple[str, Resource]:
    """A film of some segments; its playlist's address, and its last segment.

    ffmpeg looks at five seconds of a film before it begins to write: what comes before the last is longer.
    """
    folder.mkdir()
    hls_ts(folder, seconds=9.0)
    served = origin.put_folder("/film", folder)
    return origin.url("/film/index.m3u8"), served[max(path.name for path in folder.glob("*.ts"))]


async def test_a_job_takes_what_was_made_while_its_segments_came(run_engine, origin, tmp_path):
    url, last = await _film_in_segments(origin, tmp_path / "film")
    last.fail(Fault(hold_after=1000))
    async with run_engine() as engine:
        running = asyncio.create_task(finish(engine, url))
        tmp = engine.settings.paths.tmp
        while not list(tmp.glob("*/early.mp4")):
            assert not running.done()
            await asyncio.sleep(0.02)
        origin.release.set()
        job = await running
        told = {event.type: event.data for event in await engine.events(job.id)}
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert told[EventType.POSTPROCESS_FINISHED]["was_ahead"]
    run_ffmpeg("-xerror", "-i", Path(job.file_path), "-f", "null", "-")


async def test_a_job_whose_remux_ahead_fails_is_processed_in_the_usual_way(
    run_engine, origin, tmp_path, monkeypatch
):
    url, _ = await _film_in_segments(origin, tmp_path / "film")
    monkeypatch.setattr(forerun, "postprocess_argv", lambda ffmpeg, *_, **__: [str(ffmpeg.path), "-nonsense"])
    async with run_engine() as engine:
        job = await finish(engine, url)
        told = {event.type: event.data for event in await engine.events(job.id)}
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert not told[EventType.POSTPROCESS_FINISHED]["was_ahead"]
