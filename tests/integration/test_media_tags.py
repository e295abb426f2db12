"""Tags as players read them, in files made by ffmpeg."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from core.domain.errors import MediaFailure
from core.domain.media import Tags
from core.media.tags import normalised, write_tags
from core.media.words import MAX_CHARS
from tests.fakes import media
from tests.fakes.media import made_once

TAGS = Tags(
    title="محاضرة \u200f(١) 👨\u200d👩\u200d👧 e\u0301",
    artist="  الشيخ \t عبد\u00a0الله ",
    album="سلسلة",
    track_number=3,
    date="2024-03-01",
    source_url="https://x.test/status/1?a=b",
)
TITLE = "محاضرة \u200f(١) 👨\u200d👩\u200d👧 é"
ARTIST = "الشيخ عبد الله"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def copy_of(make, name: str, folder: Path) -> Path:
    return Path(shutil.copy(made_once(make, name), folder / name))


@pytest.mark.parametrize(("make", "name"), [(media.audio_m4a, "a.m4a"), (media.video_mp4, "film.mp4")])
async def test_mp4_carries_the_tags_and_the_cover(tmp_path, make, name):
    path = copy_of(make, name, tmp_path)
    cover = made_once(media.picture_jpeg, "cover.jpg").read_bytes()
    assert await write_tags(path, TAGS, cover)
    tags = MP4(path).tags
    assert tags["\xa9nam"] == [TITLE]
    assert tags["\xa9ART"] == [ARTIST]
    assert tags["\xa9alb"] == ["سلسلة"]
    assert tags["trkn"] == [(3, 0)]
    assert tags["\xa9day"] == ["2024-03-01"]
    assert tags["\xa9cmt"] == ["https://x.test/status/1?a=b"]
    assert bytes(tags["covr"][0]) == cover
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


async def test_mp3_carries_the_tags_and_the_cover_and_keeps_others(tmp_path):
    path = copy_of(media.audio_mp3, "a.mp3", tmp_path)
    before = ID3(path)
    assert before["TIT2"].text == ["Tone"]
    assert await write_tags(path, TAGS, PNG)
    tags = ID3(path)
    assert tags["TIT2"].text == [TITLE]
    assert tags["TPE1"].text == [ARTIST]
    assert tags["TALB"].text == ["سلسلة"]
    assert tags["TRCK"].text == ["3"]
    assert str(tags["TDRC"].text[0]) == "2024-03-01"
    assert tags.getall("COMM")[0].text == ["https://x.test/status/1?a=b"]
    assert tags.getall("APIC")[0].data == PNG
    assert tags["TSSE"] == before["TSSE"]


async def test_a_second_time_changes_only_what_is_known(tmp_path):
    path = copy_of(media.audio_m4a, "a.m4a", tmp_path)
    await write_tags(path, TAGS)
    await write_tags(path, Tags(title="neu"))
    tags = MP4(path).tags
    assert tags["\xa9nam"] == ["neu"]
    assert tags["\xa9ART"] == [ARTIST]


async def test_what_is_no_picture_is_no_cover(tmp_path):
    path = copy_of(media.audio_m4a, "a.m4a", tmp_path)
    await write_tags(path, TAGS, b"<html>")
    assert "covr" not in MP4(path).tags


@pytest.mark.parametrize(("make", "name"), [(media.audio_opus, "a.ogg"), (media.picture_jpeg, "cover.jpg")])
async def test_other_files_are_left_alone(tmp_path, make, name):
    path = copy_of(make, name, tmp_path)
    before = path.read_bytes()
    assert not await write_tags(path, TAGS)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


async def test_a_damaged_file_is_told_and_left_as_it_was(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(made_once(media.video_mp4, "film.mp4").read_bytes()[:3000])
    before = path.read_bytes()
    with pytest.raises(MediaFailure, match=r"film\.mp4\.tags\.mp4|film\.mp4"):
        await write_tags(path, TAGS)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]


async def test_a_file_that_is_gone_is_a_failure_of_ours(tmp_path):
    with pytest.raises(MediaFailure, match="No such file"):
        await write_tags(tmp_path / "gone.mp3", TAGS)


def test_texts_are_folded_cut_and_freed_of_tricks():
    tags = normalised(
        Tags(title="a\x00b\x1b[31m\n\u202egnp.exe\u2066", artist="x" * 10_000, album=" \n ", date="soon")
    )
    assert tags == {"title": "a b [31m gnp.exe", "artist": "x" * MAX_CHARS}


def test_a_lone_surrogate_is_written_as_a_question_mark():
    assert normalised(Tags(title="a\ud800")) == {"title": "a?"}


@pytest.mark.parametrize("date", ["2024", "2024-03-01"])
def test_dates_are_years_or_days(date):
    assert normalised(Tags(date=date)) == {"date": date}


@pytest.mark.parametrize("number", [0, -1, None])
def test_numbers_count_from_one(number):
    assert normalised(Tags(track_number=number)) == {}
