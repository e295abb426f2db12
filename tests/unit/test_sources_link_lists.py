from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.media import Entry
from core.links.normalise import normalise
from core.sources.link_lists import MAX_ENTRIES, is_hls, may_be_list, parse_list

URL = "https://radio.example/lists/today.m3u"


def links(text: str, url: str = URL) -> list[str]:
    return [entry.url for entry in parse_list(text, url)]


def test_an_m3u_gives_titles_and_durations() -> None:
    text = (
        "\ufeff#EXTM3U\r\n#PLAYLIST:Lessons\r\n#EXTINF:125,Someone - First\r\nhttps://a.example/1.mp3\r\n"
        '#EXTINF:-1 tvg-id="x" group-title="A, B",Second\n#EXTVLCOPT:http-user-agent=x\n\n2.mp3\n/3.mp3\n'
    )
    assert parse_list(text, URL) == (
        Entry(url="https://a.example/1.mp3", title="Someone - First", duration_s=125.0),
        Entry(url="https://radio.example/lists/2.mp3", title="Second"),
        Entry(url="https://radio.example/3.mp3"),
    )


def test_a_pls_gives_titles_in_the_order_of_its_numbers() -> None:
    text = (
        "[Playlist]\nNumberOfEntries=2\nFile2=b.mp3\nTitle2=B=b\nLength2=-1\n"
        "File1=http://a.example/1\nTitle1=A\nLength1=60\nTitle3=nothing\nVersion=2\n"
    )
    assert parse_list(text, URL) == (
        Entry(url="http://a.example/1", title="A", duration_s=60.0),
        Entry(url="https://radio.example/lists/b.mp3", title="B=b"),
    )


def test_a_list_of_addresses_and_a_text_give_their_links_once() -> None:
    assert links("# seen\r\nhttps://a.example/1\r\nhttps://b.example/2\r\nhttps://a.example/1#x\r\n") == [
        "https://a.example/1",
        "https://b.example/2",
    ]
    assert links("Look (youtu.be/dQw4w9WgXcQ)، and: https://b.example/2!") == [
        "https://youtu.be/dQw4w9WgXcQ",
        "https://b.example/2",
    ]


def test_what_is_unusable_and_the_list_itself_are_left_out() -> None:
    text = f"#EXTM3U\nC:\\Music\\a.mp3\nfile:///etc/passwd\nhttp://[\n{URL}\nok.mp3\n"
    assert links(text) == ["https://radio.example/lists/ok.mp3"]


@pytest.mark.parametrize(
    "text", ["", "no links", '{"url": "https://a.example/1"}', '[ ["https://a.example"]]']
)
def test_other_text_holds_no_links(text: str) -> None:
    assert links(text) == []


def test_a_list_has_an_end() -> None:
    text = "".join(f"https://a.example/{number}\n" for number in range(MAX_ENTRIES + 10))
    assert len(links(text)) == MAX_ENTRIES


def test_segments_are_no_list() -> None:
    assert is_hls("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n")
    assert not is_hls("#EXTM3U\n#EXTINF:4,Title with #EXT-X- in it\na.mp3\n")


@pytest.mark.parametrize(
    ("head", "content_type", "expected"),
    [
        (b"https://a.example/1\n", "text/plain", True),
        (b"https://a.example/1\n", "text/uri-list", True),
        (b"https://a.example/1\n", "", True),
        ("محاضرة https://a.example/1".encode(), "text/plain", True),
        (b"var a = 'https://a.example/1'", "application/javascript", False),
        (b"[playlist]\nFile1=a", "audio/x-scpls", True),
        (b"\n[Playlist]\nFile1=a", "application/pls+xml", True),
        (b"https://a.example/\x00", "text/plain", False),
        (b"  \n", "text/plain", False),
        (b"<https://a.example/1>", "text/plain", True),
        (b'<MPD xmlns="urn:mpeg:dash"><BaseURL>https://a.example/</BaseURL>', "text/plain", False),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<rss>', "application/octet-stream", False),
    ],
)
def test_only_text_may_be_a_list(head: bytes, content_type: str, expected: bool) -> None:
    assert may_be_list(head, content_type) is expected


@given(st.text(), st.sampled_from(["", "#EXTM3U\n", "[playlist]\nFile1="]))
def test_any_text_can_be_read(text: str, beginning: str) -> None:
    for link in links(beginning + text):
        assert normalise(link) == link


@pytest.mark.parametrize("unit", ['#EXTINF:1 a="', '#EXTINF:1 "', "File1=", "[", "http://a.b"])
def test_a_hostile_list_takes_no_time(unit: str) -> None:
    began = time.process_time()
    parse_list("#EXTM3U\n" + unit * (2**20 // len(unit)), URL)
    parse_list(unit * (2**20 // len(unit)), URL)
    assert time.process_time() - began < 5
