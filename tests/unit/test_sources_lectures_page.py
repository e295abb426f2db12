from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.config.sources import Site
from core.domain.errors import ParserFailure
from core.sources.lectures.html import parse_html
from core.sources.lectures.layouts import LAYOUTS, Layout, layout_of
from core.sources.lectures.page import LecturePage, fold, number_in, parse_page
from tests.fakes import lectures as site

WAY2ALLAH, ISLAMWAY = LAYOUTS["way2allah"], LAYOUTS["islamway"]
ITEM = "https://way2allah.com/khotab-item-7.htm"
LESSON = "https://ar.islamway.net/lesson/7/slug"
CUSTOM = Layout(title="h1", audio="a.audio", items="a.item", next="a.next", number=".no")


def custom(body: str, *, layout: Layout = CUSTOM, url: str = "https://a.example/x/y") -> LecturePage:
    return parse_page(f"<html><body>{body}</body></html>", url, layout)


def test_a_way2allah_lecture_is_read() -> None:
    mirrors = [
        ("/khotab-mirror-7-1.htm", "جودة عالية", site.SOUND),
        ("khotab-mirror-7-2.htm", "720p", site.FILM),
    ]
    page = parse_page(site.way2allah_lecture(mirrors=mirrors), ITEM, WAY2ALLAH)
    assert (page.title, page.lecturer, page.series, page.number) == (
        site.TITLE,
        site.LECTURER,
        site.SERIES,
        3,
    )
    assert [mirror.url for mirror in page.audio] == [
        "https://way2allah.com/khotab-download-7.htm",
        "https://way2allah.com/khotab-mirror-7-1.htm",
    ]
    assert [(mirror.url, mirror.lines) for mirror in page.video] == [
        ("https://way2allah.com/khotab-mirror-7-2.htm", 720)
    ]
    assert page.items == ()


def test_the_own_file_of_a_way2allah_film_is_a_video() -> None:
    page = parse_page(site.way2allah_lecture(icon=site.FILM), ITEM, WAY2ALLAH)
    assert page.audio == ()
    assert [mirror.url for mirror in page.video] == ["https://way2allah.com/khotab-download-7.htm"]


def test_a_way2allah_series_holds_the_lectures_of_its_main_column() -> None:
    html = site.way2allah_series(
        [("/khotab-item-1.htm", "الأول"), ("khotab-item-2.htm", "الثاني")], following="s2.htm"
    )
    page = parse_page(html, "https://way2allah.com/khotab-series-5.htm", WAY2ALLAH)
    assert [(item.url, item.title) for item in page.items] == [
        ("https://way2allah.com/khotab-item-1.htm", "الأول"),
        ("https://way2allah.com/khotab-item-2.htm", "الثاني"),
    ]
    assert (page.title, page.lecturer) == (site.SERIES, site.LECTURER)
    assert page.next == "https://way2allah.com/s2.htm"


def test_an_islamway_lecture_is_read() -> None:
    html = site.islamway_lecture(
        [("//media.islamway.net/lessons/1/3-32.mp3", "MP3 32kbps"), ("/f/3.mp4", "480p")]
    )
    page = parse_page(html, LESSON, ISLAMWAY)
    assert (page.title, page.lecturer, page.series, page.number) == (
        site.TITLE,
        site.LECTURER,
        site.SERIES,
        3,
    )
    [audio], [video] = page.audio, page.video
    assert (audio.url, audio.kbps) == ("https://media.islamway.net/lessons/1/3-32.mp3", 32)
    assert (video.url, video.lines) == ("https://ar.islamway.net/f/3.mp4", 480)


def test_an_islamway_collection_is_a_series_though_it_links_to_files() -> None:
    html = site.islamway_series([("/lesson/1/a", "الأول"), ("/lesson/2/b", "الثاني")])
    page = parse_page(html, "https://ar.islamway.net/collection/5/slug", ISLAMWAY)
    assert [item.title for item in page.items] == ["الأول", "الثاني"]
    assert page.audio == page.video == ()


@pytest.mark.parametrize(
    ("layout", "url", "missing"),
    [
        (WAY2ALLAH, ITEM, ["title (.page-title)", "audio (", "video ("]),
        (WAY2ALLAH, "https://way2allah.com/khotab-series-5.htm", ["title (", "items ("]),
        (ISLAMWAY, LESSON, ["title (h1)", "audio (", "video ("]),
        (CUSTOM, "https://a.example/", ["title (h1)", "audio (a.audio)", "items (a.item)"]),
        (Layout(), "https://a.example/", ["title (not set)", "audio (not set)"]),
    ],
)
def test_a_changed_page_is_a_parser_failure_that_names_what_is_missing_and_where(
    layout: Layout, url: str, missing: list[str]
) -> None:
    with pytest.raises(ParserFailure) as caught:
        parse_page(site.changed_page(), url, layout)
    assert all(words in caught.value.detail for words in missing)
    assert url.split("/")[2] in caught.value.detail


def test_a_page_that_lacks_only_its_files_does_not_blame_the_title() -> None:
    with pytest.raises(ParserFailure) as caught:
        custom("<h1>A</h1>")
    assert "title" not in caught.value.detail


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("f.mp3", "https://a.example/x/f.mp3"),
        ("../f.mp3", "https://a.example/f.mp3"),
        ("/f.mp3", "https://a.example/f.mp3"),
        ("//b.example/f.mp3", "https://b.example/f.mp3"),
        (" http://b.example/f.mp3\n", "http://b.example/f.mp3"),
        ("/ملف.mp3", "https://a.example/%D9%85%D9%84%D9%81.mp3"),
    ],
)
def test_addresses_are_joined_to_the_page(address: str, url: str) -> None:
    assert custom(f"<h1>A</h1><a class=audio href='{address}'>x</a>").audio[0].url == url


def test_a_base_element_moves_relative_addresses() -> None:
    page = custom("<base href='//c.example/d/'><h1>A</h1><a class=audio href=f.mp3>x</a>")
    assert page.audio[0].url == "https://c.example/d/f.mp3"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:audio/mp3,x",
        "file:///etc/passwd",
        "",
        "#top",
        "http://[bad",
        "http://u:p@b.example/x",
    ],
)
def test_what_is_no_web_address_is_no_mirror(address: str) -> None:
    page = custom(f"<h1>A</h1><a class=audio href='{address}'>x</a><a class=audio href=ok.mp3>y</a>")
    assert [mirror.url for mirror in page.audio] == ["https://a.example/x/ok.mp3"]


def test_an_address_counts_once() -> None:
    page = custom("<h1>A</h1>" + "<a class=audio href=f.mp3>x</a>" * 3)
    assert len(page.audio) == 1


@pytest.mark.parametrize(
    ("label", "kbps", "lines"),
    [
        ("128 kbps", 128, None), ("٦٤ كيلو بت", 64, None), ("mp3-32k", 32, None),
        ("1080p", None, 1080), ("جودة عالية", 128, 720), ("جودة منخفضة", 32, 240),
        ("عالية 256kbps", 256, 720), ("تحميل", None, None),
    ],
)  # fmt: skip
def test_the_label_tells_the_quality(label: str, kbps: int | None, lines: int | None) -> None:
    [mirror] = custom(f"<h1>A</h1><a class=audio href=f>{label}</a>").audio
    assert (mirror.kbps, mirror.lines) == (kbps, lines)


@pytest.mark.parametrize(
    ("text", "anywhere", "number"),
    [
        ("الدرس الثالث ٣", False, 3), ("الحلقة (١٢)", False, 12), ("شرح المتن ۱۷", False, 17),
        ("Lesson 4: on 2019", False, 4), ("حوادث 1990 عام", False, None), ("حوادث 1990 عام", True, 1990),
        ("5 / 30", True, 5),
        ("", True, None), ("9" * 400, True, None), ("الدَّرْسُ ٧ من", False, 7),
    ],
)  # fmt: skip
def test_numbers_are_understood_in_any_digits(text: str, anywhere: bool, number: int | None) -> None:
    assert number_in(text, anywhere=anywhere) == number


def test_a_number_has_its_own_field_where_there_is_one() -> None:
    page = custom("<h1>The year 1990</h1><b class=no>رقم ٤</b><a class=audio href=f.mp3>x</a>")
    assert page.number == 4


@pytest.mark.parametrize(
    ("heading", "title"),
    [("فضل العلم - أحمد", "فضل العلم"), ("فضل أحمد العلم", "فضل أحمد العلم"), ("أحمد", "أحمد")],
)
def test_the_lecturer_behind_a_heading_is_not_part_of_the_title(heading: str, title: str) -> None:
    layout = replace(CUSTOM, lecturer=".who")
    body = f"<h1>{heading}</h1><i class=who>أحمد</i><a class=audio href=f.mp3>x</a>"
    assert custom(body, layout=layout).title == title


def test_a_page_of_too_many_tags_is_refused() -> None:
    with pytest.raises(ParserFailure, match="too many tags"):
        custom("<li>x" * 100_000)


def test_text_is_folded_to_nfc_and_keeps_tashkeel() -> None:
    assert fold("  أ\u200f\n قِصَّةُ\t\xa0x ") == "أ\u200f قِصَّةُ x"
    assert len(fold("x " * 100_000)) <= 500


def test_a_selector_may_name_a_meta_element() -> None:
    body = "<meta property='og:title' content='قِصَّة'><a class=audio href=f.mp3>x</a>"
    assert custom(body, layout=replace(CUSTOM, title="meta[property='og:title']")).title == "قِصَّة"


def test_a_site_may_replace_selectors_of_a_layout() -> None:
    layout = layout_of(Site(name="a", hosts=("a.example",), layout="islamway", title=".t"))
    assert layout == replace(ISLAMWAY, title=".t")


def test_a_selector_that_is_none_is_named_with_where_to_mend_it() -> None:
    with pytest.raises(ParserFailure) as caught:
        custom("<h1>A</h1>", layout=replace(CUSTOM, audio="a[href"))
    assert "audio" in caught.value.detail
    assert "sources.tariq_allah.sites" in caught.value.hint


HOSTILE = {
    "deep": "<div>" * 1_000_000,
    "formatting": "".join(f"<b a={n}><p>" for n in range(100_000)),
    "open": "<" * 5_000_000,
    "comments": "<!--" * 1_000_000,
    "tables": "<table>" * 500_000,
    "long attribute": f"<a href='{'x' * 4_000_000}'>",
    "entities": "&amp;" * 1_000_000,
    "nul": "\0" * 100_000,
    "attributes": "<a " + " ".join(f"a{n}=1" for n in range(8000)) + ">",
    "nothing": "",
    "doctype": "<!DOCTYPE html>",
    "surrogate": "<p>\ud800</p>",
    "xml": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_ends_soon_as_one_that_cannot_be_read(name: str) -> None:
    began = time.process_time()
    with pytest.raises(ParserFailure):
        custom(HOSTILE[name])
    assert time.process_time() - began < 10


def test_a_tag_of_very_many_attributes_is_refused() -> None:
    tag = "<a " + "".join(f"a{n}=1 b='>' " for n in range(400_000)) + ">"
    with pytest.raises(ParserFailure, match="too long"):
        custom(tag)


def test_an_embedded_picture_may_be_long() -> None:
    picture = f"<img src='data:image/png;base64,{'A' * 1_000_000}'>"
    assert custom(f"{picture}<h1>A</h1><a class=audio href=f.mp3>x</a>").title == "A"


def test_very_many_links_are_cut() -> None:
    page = custom("<h1>A</h1>" + "".join(f"<a class=item href={n}>x</a>" for n in range(6000)))
    assert len(page.items) == 5000


def test_scripts_and_comments_are_not_seen() -> None:
    root = parse_html("<!-- <h1>no</h1> --><script>'<h1>no</h1>'</script><h1>yes</h1>", host="a")
    assert [element.text for element in root.iter("h1")] == ["yes"]
