"""Links of archive.org, its metadata as values, and which file of a work is taken."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.config.settings import Settings
from core.domain.errors import ConfigError, FormatNotFound, HttpFailure, NotFound, ParserFailure
from core.domain.job import Kind
from core.links.normalise import normalise
from core.sources.archive_org.choice import choose
from core.sources.archive_org.item import Item, Work, parse_item
from core.sources.archive_org.source import ArchiveOrg, Link, parse_link
from core.sources.quality import parse_quality
from core.sources.registry import Registry
from tests.fakes.archive_org import Stored, answer, derived, upload


def item(*files: Stored, top: dict[str, Any] | None = None, **about: Any) -> Item:
    return parse_item(json.dumps(answer("thing", files, top or {}, **about)), "thing")


def names(found: Item) -> list[str]:
    return [work.name for work in found.works]


def work(*files: Stored) -> Work:
    [only] = item(*files).works
    return only


def taken(of: Work, quality: str = "best", kind: Kind = Kind.AUTO, **options: Any) -> str:
    return choose(of, parse_quality(quality, kind), **options).name


# Links.


@pytest.mark.parametrize(
    ("path", "identifier", "file", "is_exact"),
    [
        ("details/Cops1922", "Cops1922", "", False),
        ("details/Cops1922/", "Cops1922", "", False),
        ("details/Cops1922?start=12&autoplay=1#reviews", "Cops1922", "", False),
        ("details/a.b_c-d/disc1/01%20Intro.mp3?x=1", "a.b_c-d", "disc1/01 Intro.mp3", False),
        ("embed/Cops1922", "Cops1922", "", False),
        ("stream/Cops1922/Cops-v2.mp4", "Cops1922", "Cops-v2.mp4", False),
        ("download/Cops1922", "Cops1922", "", True),
        ("download/Cops1922/Cops-v2.mp4", "Cops1922", "Cops-v2.mp4", True),
        ("12/items/Cops1922/Cops-v2.mp4", "Cops1922", "Cops-v2.mp4", True),
        ("download/x/%D9%85%2520%23%3F.mp3", "x", "م%20#?.mp3", True),
    ],
)
@pytest.mark.parametrize("host", ["https://archive.org/", "http://www.archive.org/"])
def test_every_shape_of_link_names_its_item_and_file(
    host: str, path: str, identifier: str, file: str, is_exact: bool
) -> None:
    url = normalise(host + path)
    found = parse_link(url)
    assert found is not None
    assert (found.identifier, found.names[0], found.is_exact) == (identifier, file, is_exact)
    assert Registry(Settings()).candidates(url)[0].name == "archive_org"


@pytest.mark.parametrize(
    "url",
    [
        "https://archive.org/",
        "https://archive.org/details/@somebody",
        "https://archive.org/search?query=film",
        "https://web.archive.org/web/2020/https://archive.org/details/Cops1922",
        "https://notarchive.org/details/Cops1922",
        "https://archive.org.example/details/Cops1922",
        "https://blog.archive.org/2011/03/31/how-archive-org-items-are-structured/",
    ],
)
def test_other_pages_are_left_to_others(url: str) -> None:
    assert "archive_org" not in [source.name for source in Registry(Settings()).candidates(url)]


def test_a_plus_may_stand_for_a_space_or_for_itself() -> None:
    assert Link("x", "a+b%20c", is_exact=True).names == ("a+b c", "a b c")


@pytest.mark.parametrize("name", ["film.mp4", "page"])
def test_another_base_is_matched_beside_the_real_one_with_its_port(name: str) -> None:
    source = ArchiveOrg("http://127.0.0.1:8123/")

    def matches(url: str) -> bool:
        return any(matcher.matches(urlsplit(url)) for matcher in source.matchers)

    assert matches(f"http://127.0.0.1:8123/details/x/{name}")
    assert matches(f"https://archive.org/details/x/{name}")
    assert not matches(f"http://127.0.0.1:8124/details/x/{name}")


@pytest.mark.parametrize(
    "base", ["ftp://archive.org", "https://mirror.example/archive", "https://a.example/?b"]
)
def test_a_base_that_is_no_address_of_a_site_is_a_fault_of_the_configuration(base: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.archive_org\.base"):
        ArchiveOrg(base)


# Items.


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("{}", NotFound, "no item thing"),
        ('{"is_dark": true, "metadata": {}, "files": []}', NotFound, "taken the item down"),
        ('{"is_dark": "true"}', NotFound, "taken the item down"),
        ("<html>", ParserFailure, "no JSON"),
        ("[" * 100_000, ParserFailure, "no JSON"),
        ("1" * 5000, ParserFailure, "no JSON"),
        ("[]", ParserFailure, "no JSON object"),
        ('{"files": []}', ParserFailure, "`metadata`"),
        ('{"metadata": [], "files": []}', ParserFailure, "`metadata`"),
        ('{"metadata": {}}', ParserFailure, "`files`"),
        ('{"metadata": {}, "files": {"a": 1}}', ParserFailure, "`files`"),
        ('{"metadata": {}, "files": [{"title": "x"}, 7]}', ParserFailure, "`name`"),
        ('{"metadata": {}, "servers_unavailable": true}', HttpFailure, "servers that hold the item"),
    ],
)
def test_an_answer_without_an_item_says_what_is_the_matter(
    text: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        parse_item(text, "thing")


def test_an_item_tells_about_itself() -> None:
    about: dict[str, Any] = {
        "title": "  A talk ",
        "creator": ["One", "", "Two"],
        "date": "1977-05-08T00:00:00Z",
        "collection": ["opensource", "stream_only"],
        "access-restricted-item": "true",
    }
    found = item(**about)
    assert (found.title, found.artist, found.date) == ("A talk", "One, Two", "1977-05-08")
    assert (found.mediatype, found.is_stream_only, found.is_restricted) == ("audio", True, True)


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ({"date": "1977"}, "1977"),
        ({"date": "1977-05"}, "1977"),
        ({"date": 1977}, "1977"),
        ({"date": "[n.d.]", "year": "1980"}, "1980"),
        ({"date": "19770508"}, None),
        ({}, None),
    ],
)
def test_a_date_is_a_day_or_a_year(fields: dict[str, Any], date: str | None) -> None:
    assert item(**fields).date == date


@pytest.mark.parametrize(
    ("length", "duration_s"),
    [
        ("123.45", 123.45),
        ("5:03", 303.0),
        ("1:02:03.5", 3723.5),
        (7, 7.0),
        ("0", None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1:2:3:4", None),
        (float("nan"), None),
        (float("inf"), None),
        (["10.0"], 10.0),
        ({"a": 1}, None),
        (True, None),
        ("9" * 400, None),
    ],
)
def test_a_length_is_in_seconds_or_by_the_clock(length: Any, duration_s: float | None) -> None:
    assert work(upload("a.mp3", length=length)).duration_s == duration_s


def test_a_file_has_its_size_rate_and_the_stronger_of_its_digests() -> None:
    [file] = work(upload("a.mp3", b"x" * 1000, length="1", format="VBR MP3", track="3/12")).files
    assert (file.size_bytes, file.duration_s, file.bitrate_kbps, file.track_number) == (1000, 1.0, 8.0, 3)
    assert file.checksum is not None
    assert file.checksum.startswith("sha1:")


@pytest.mark.parametrize(
    ("fields", "checksum"),
    [
        ({"sha1": "nonsense", "md5": "A" * 32}, "md5:" + "a" * 32),
        ({"sha1": None, "md5": ["a" * 32]}, None),
    ],
)
def test_only_what_can_be_a_digest_is_compared(fields: dict[str, Any], checksum: str | None) -> None:
    [file] = work(upload("a.mp3", **fields)).files
    assert file.checksum == checksum


@pytest.mark.parametrize("size", ["", "x", "-1", "٣", "9" * 30, 1 << 80, True, [], None])
def test_a_size_that_is_none_is_unknown(size: Any) -> None:
    [file] = work(upload("a.mp3", size=size)).files
    assert file.size_bytes is None


def test_what_the_site_made_belongs_to_its_upload_also_over_several_steps() -> None:
    found = item(
        derived("a_64kb.mp3", "a.mp3"),
        derived("a.mp3", "a.wav"),
        upload("a.wav", title="First"),
        derived("b.mp4", "b.avi"),
        upload("b.avi"),
        upload("b.srt"),
    )
    assert names(found) == ["a.wav", "b.avi"]
    assert [file.name for file in found.works[0].files] == ["a.wav", "a_64kb.mp3", "a.mp3"]
    assert found.works[0].title == "First"


def test_uploads_that_differ_in_their_extension_only_are_one_work() -> None:
    assert names(item(upload("talk.mp3"), upload("talk.flac"), upload("other.mp3"))) == [
        "other.mp3",
        "talk.mp3",
    ]


def test_a_chain_that_runs_in_circles_has_an_end() -> None:
    found = item(derived("a.mp3", "b.mp3"), derived("b.mp3", "a.mp3"), derived("c.mp3", "c.mp3"))
    assert sum(len(work.files) for work in found.works) == 3


def test_an_upload_that_is_not_listed_still_names_its_work() -> None:
    assert work(derived("reel.mp4", "reel.mov", title="Reel")).name == "reel.mov"


def test_works_are_in_the_order_of_folders_discs_tracks_and_numbers_in_names() -> None:
    found = item(
        upload("b/1.mp3"),
        upload("a/z.mp3", disc="1", track="2"),
        upload("a/y.mp3", disc="2", track="1"),
        upload("a/x.mp3", disc="1", track="10"),
        upload("Part 10.mp3"),
        upload("part 9.mp3"),
    )
    assert names(found) == ["part 9.mp3", "Part 10.mp3", "a/z.mp3", "a/x.mp3", "a/y.mp3", "b/1.mp3"]


@pytest.mark.parametrize(
    "name", ["../up.mp3", "a//b.mp3", "/etc/a.mp3", "a/./b.mp3", "\ud800.mp3", "x" * 5000 + ".mp3", ["a.mp3"]]
)
def test_names_that_cannot_be_part_of_an_address_are_left_out(name: Any) -> None:
    assert names(item(Stored("x", b"", {"name": name}), upload("good.mp3"))) == ["good.mp3"]
    assert names(item(derived("good.mp3", name))) == ["good.mp3"]


def test_text_that_cannot_be_stored_or_has_no_end_is_mended() -> None:
    found = item(upload("a.mp3", title="\ud800" + "x" * 9000), title=7, creator={"a": 1})
    assert found.works[0].title is not None
    assert found.works[0].title.startswith("?xxx")
    assert len(found.works[0].title) == 500
    assert (found.title, found.artist) == (None, None)


# Choice.

FILM = work(
    upload("f.avi", b"x" * 90, format="AVI", width="1920", height="1080"),
    derived("f.mp4", "f.avi", b"x" * 30, format="h.264", width="640", height="480"),
    derived("f_512kb.mp4", "f.avi", b"x" * 10, format="512Kb MPEG4", width="320", height="240"),
    derived("f.ogv", "f.avi", b"x" * 20, format="Ogg Video", width="400", height="300"),
    derived("f.gif", "f.avi", format="Animated GIF"),
)
UPLOADED_MP4 = work(
    upload("g.mp4", b"x" * 90, format="MPEG4", width="1080", height="1920"),
    derived("g.ia.mp4", "g.mp4", b"x" * 30, format="h.264 IA", width="270", height="480"),
)
BARE_MP4 = work(
    upload("h.mp4", b"x" * 90, format="MPEG4"), derived("h.ia.mp4", "h.mp4", b"x" * 30, format="h.264 IA")
)
CONCERT = work(
    upload("c.flac", b"x" * 90_000, format="Flac", length="1"),
    derived("c.mp3", "c.flac", b"x" * 30_000, format="VBR MP3", length="1"),
    derived("c_64kb.mp3", "c.flac", b"x" * 8_000, format="64Kbps MP3", length="1"),
    derived("c.ogg", "c.flac", b"x" * 14_000, format="Ogg Vorbis", length="1"),
    derived("c.png", "c.flac", format="Spectrogram"),
)
LECTURE = work(
    upload("l.mp3", format="VBR MP3", bitrate="48"), derived("l_64kb.mp3", "l.mp3", format="64Kbps MP3")
)
TAPE = work(upload("t.wav", format="WAVE"), derived("t.mp3", "t.wav", format="VBR MP3"))


@pytest.mark.parametrize(
    ("of", "quality", "name"),
    [
        (FILM, "best", "f.mp4"),
        (FILM, "1080p", "f.mp4"),
        (FILM, "480p", "f.mp4"),
        (FILM, "360p", "f_512kb.mp4"),
        (FILM, "worst", "f_512kb.mp4"),
        (UPLOADED_MP4, "best", "g.mp4"),
        (UPLOADED_MP4, "1080p", "g.mp4"),
        (UPLOADED_MP4, "720p", "g.ia.mp4"),
        (UPLOADED_MP4, "240p", "g.ia.mp4"),
        (BARE_MP4, "best", "h.mp4"),
        (BARE_MP4, "480p", "h.ia.mp4"),
        (CONCERT, "best", "c.flac"),
        (CONCERT, "audio_320", "c.mp3"),
        (CONCERT, "audio_192", "c_64kb.mp3"),
        (CONCERT, "worst", "c_64kb.mp3"),
        (LECTURE, "best", "l.mp3"),
        (LECTURE, "audio_128", "l.mp3"),
        (TAPE, "best", "t.mp3"),
    ],
)
def test_the_best_file_within_the_quality_that_plays_everywhere_is_taken(
    of: Work, quality: str, name: str
) -> None:
    assert taken(of, quality) == name


def test_the_sound_of_a_film_is_taken_from_a_sound_file_or_a_film_of_middling_size() -> None:
    assert taken(UPLOADED_MP4, kind=Kind.AUDIO) == "g.ia.mp4"
    assert taken(work(upload("i.mp4"), upload("i.mp3")), kind=Kind.AUDIO) == "i.mp3"
    assert taken(work(upload("i.mp4"), upload("i.mp3"))) == "i.mp4"


def test_a_format_can_be_asked_for_by_its_name_or_the_files() -> None:
    assert taken(FILM, format_="ogg video") == "f.ogv"
    assert taken(FILM, format_="f.avi") == "f.avi"
    with pytest.raises(FormatNotFound) as caught:
        taken(CONCERT, format_="1080p")
    assert "VBR MP3" in caught.value.hint


def test_there_is_no_picture_in_a_recording() -> None:
    with pytest.raises(FormatNotFound, match="only sound"):
        taken(CONCERT, kind=Kind.VIDEO)


def test_private_files_are_never_taken() -> None:
    of = work(upload("p.mp4", private="true"), derived("p.ia.mp4", "p.mp4", format="h.264 IA"))
    assert taken(of) == "p.ia.mp4"
    with pytest.raises(FormatNotFound):
        taken(of, format_="p.mp4")


def test_an_ogg_file_is_a_film_when_its_format_says_so() -> None:
    assert work(upload("v.ogg", format="Ogg Video")).has_film
    assert not work(upload("v.ogg", format="Ogg Vorbis")).has_film
