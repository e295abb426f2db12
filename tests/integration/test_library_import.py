"""Folders that are there already become part of the library; their files stay as they are."""

from __future__ import annotations

import os
import shutil
from contextlib import aclosing
from pathlib import Path

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import InvalidRequest
from core.domain.job import Kind
from core.domain.library import Imported
from tests.fakes.api import plain_client, serving
from tests.fakes.media import audio_mp3, audio_opus, made_once, run_ffmpeg, video_mp4
from tests.integration.conftest import finish

FIGURES = ("added", "copies", "known", "found_again", "refused", "moved")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs, a film and what is none of them."""
    root = tmp_path / "mine"
    (root / "Lectures" / "Ibn Baz").mkdir(parents=True)
    (root / ".hidden").mkdir()
    tone, film = made_once(audio_mp3, "tone.mp3"), made_once(video_mp4, "clip.mp4")
    shutil.copy(film, root / "الدرس الأول.mp4")
    tags = (
        "title=Sabr",
        "artist=Ibn Baz",
        "date=20190401",
        "track=3/12",
        "comment=https://youtu.be/aqz-KE-bpKQ",
    )
    metadata = [part for tag in tags for part in ("-metadata", tag)]
    run_ffmpeg("-i", tone, "-c", "copy", *metadata, root / "Lectures" / "Ibn Baz" / "03.mp3")
    shutil.copy(tone, root / ".hidden" / "none.mp3")
    (root / "notes.txt").write_text("none")
    (root / "broken.mp3").write_bytes(b"no sound at all")
    (root / "link.mp3").symlink_to(tone)
    os.mkfifo(root / "pipe.mp3")
    return root


async def imported(engine, folder: Path, **options) -> Imported:
    """The last figures, with all problems."""
    problems: list[str] = []
    async for figures in engine.import_folder(str(folder), **options):
        problems += figures.problems
        last = figures
    assert last.is_done
    assert (last.seen, last.seen_bytes) == (last.total, last.total_bytes)
    assert sum(getattr(last, name) for name in FIGURES if name not in {"copies", "moved"}) == last.total
    assert len(problems) == last.refused
    return last


def told(figures: Imported) -> dict[str, int]:
    return {name: getattr(figures, name) for name in FIGURES if getattr(figures, name)}


def everything(folder: Path) -> dict[str, tuple[int, float]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime) for path in folder.rglob("*") if path.is_file()
    }


async def test_a_folder_is_entered_with_what_its_files_say_and_stays_as_it_is(run_engine, folder) -> None:
    before = everything(folder)
    async with run_engine() as engine:
        assert told(await imported(engine, folder)) == {"added": 2, "refused": 1}
        assert told(await imported(engine, folder)) == {"known": 2, "refused": 1}
        (song,) = (await engine.library("sabr by:baz duration>1s")).items
        assert (song.artist, song.album, song.track_number) == ("Ibn Baz", "Ibn Baz", 3)
        assert (song.date, song.kind, song.source_type) == ("2019-04-01", Kind.AUDIO, "import")
        assert (song.url, song.media_id) == ("https://youtu.be/aqz-KE-bpKQ", "youtube:aqz-KE-bpKQ")
        assert [item.id for item in (await engine.library("source:import before:2020")).items] == [song.id]
        (film,) = (await engine.library("درس kind:video")).items
        assert (film.title, film.album, film.url, film.height) == ("الدرس الأول", None, "", 180)
        assert (film.job_id, film.file_path) == (None, str(folder / "الدرس الأول.mp4"))
    assert everything(folder) == before


async def test_over_the_socket_it_is_told_while_it_goes_on(run_engine, folder, tmp_path) -> None:
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        try:
            assert told(await imported(client, folder)) == {"added": 2, "refused": 1}
            for wrong in (folder / "nothing", folder / "notes.txt"):
                with pytest.raises(InvalidRequest):
                    await imported(client, wrong)
        finally:
            await client.close()
        async with plain_client(server.path) as http:
            answer = await http.post("/api/v1/library/import", json={"folder": "relative"})
            assert answer.status_code == 422


async def test_whoever_ends_it_early_goes_on_from_there(run_engine, folder) -> None:
    async with run_engine() as engine:
        async with aclosing(engine.import_folder(str(folder))) as figures:
            await anext(figures)
            with pytest.raises(InvalidRequest):
                await imported(engine, folder)
        assert told(await imported(engine, folder)) == {"added": 2, "refused": 1}


async def test_a_file_that_was_changed_is_read_again(run_engine, folder) -> None:
    song = folder / "Lectures" / "Ibn Baz" / "03.mp3"
    async with run_engine() as engine:
        await imported(engine, folder)
        os.utime(song, (1, 1))
        assert told(await imported(engine, folder)) == {"known": 2, "refused": 1}
        run_ffmpeg("-i", made_once(audio_opus, "tone.ogg"), song)
        assert told(await imported(engine, folder)) == {"added": 1, "known": 1, "refused": 1}
        assert [item.title for item in (await engine.library("sabr")).items] == []


async def test_what_was_fetched_already_is_a_copy_and_a_lost_file_is_found_again(
    run_engine, origin, tmp_path
) -> None:
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/tone.mp3"))
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(job.file_path, other / "copy.mp3")
        assert told(await imported(engine, other)) == {"added": 1, "copies": 1}
        (same,) = (await engine.copies()).items
        assert [Path(item.file_path).name for item in same.items] == [Path(job.file_path).name, "copy.mp3"]
        # The archive goes to another disk; it is found there by what it holds.
        elsewhere = tmp_path / "elsewhere"
        shutil.move(Path(job.file_path).parent, elsewhere)
        assert told(await imported(engine, elsewhere)) == {"found_again": 1}
        assert (await engine.job(job.id)).file_path == str(elsewhere / Path(job.file_path).name)
        assert (await engine.library_entry(same.items[0].id)).is_there


async def test_moved_into_the_archive_it_is_named_as_what_is_fetched(run_engine, folder) -> None:
    film = folder / "الدرس الأول.mp4"
    async with run_engine() as engine:
        archive = engine.settings.paths.archive
        assert told(await imported(engine, folder)) == {"added": 2, "refused": 1}
        shutil.copy(film, folder / "twin.mp4")
        # What was entered where it lay goes along; of two that are the same neither does.
        counts = {"added": 1, "copies": 1, "known": 2, "refused": 1, "moved": 1}
        assert told(await imported(engine, folder, is_moving=True)) == counts
        (song,) = (await engine.library("sabr")).items
        assert song.file_path == str(archive / "import" / "Ibn Baz" / "Sabr.mp3")
        assert Path(song.file_path).is_file()
        assert len(list(folder.glob("*.mp4"))) == 2
        assert told(await imported(engine, archive)) == {"known": 1}


async def test_an_imported_file_is_sent_as_its_own_job_without_its_path(run_engine, folder) -> None:
    async with run_engine(telegram={"enabled": True}) as engine:
        await imported(engine, folder)
        (film,) = (await engine.library("kind:video")).items
        sent = await engine.send_item(film.id, "-100")
        job = await engine.job(sent.job_id)
        assert (job.title, job.url, job.source_type) == ("الدرس الأول", "", "import")
        assert str(folder) not in str([event.data for event in await engine.events(job.id)])
