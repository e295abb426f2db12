from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links.find import find_links
from core.links.normalise import normalise

VIDEO = "https://youtu.be/dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "text",
    [
        VIDEO,
        f"Look: {VIDEO}.",
        f"({VIDEO})",
        f"(see {VIDEO}!)",
        f"<{VIDEO}>",
        f'<a href="{VIDEO}">x</a>',
        f"[title]({VIDEO})",
        f"[{VIDEO}]({VIDEO})",
        f"**{VIDEO}**",
        f"‘{VIDEO}’, he said",
        f"“{VIDEO}”",
        f"شاهد {VIDEO}، وشكرا",
        f"شاهد{VIDEO}؟",
        f"\u202b{VIDEO}\u202c",
        f"{VIDEO}\u200f انظر",
        f"看{VIDEO}。好",
        f"{VIDEO}…",
        f"`{VIDEO}`",
        f"{VIDEO}\n{VIDEO}",
        "youtu.be/dQw4w9WgXcQ",
        "(youtu.be/dQw4w9WgXcQ)",
        "شاهدyoutu.be/dQw4w9WgXcQ",
        f"【{VIDEO}】",
        f"［{VIDEO}］",
        f"｛{VIDEO}｝",
        f"«{VIDEO}»",
        f"{VIDEO}\u200c",
        f"\u2066{VIDEO}\u2069",
        f"({VIDEO}؛",
        f"[شاهد]({VIDEO})",
        f"> {VIDEO}\r\n",
    ],
)
def test_a_link_is_found_without_what_surrounds_it(text: str) -> None:
    assert find_links(text) == [VIDEO]


def test_links_come_in_their_order() -> None:
    text = "first https://b.example/1 then http://a.example/2, then www.youtube.com/watch?v=abc."
    assert find_links(text) == [
        "https://b.example/1",
        "http://a.example/2",
        "https://www.youtube.com/watch?v=abc",
    ]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (f"{VIDEO}https://b.example/1", [VIDEO, "https://b.example/1"]),
        (f"[https://a.example/x]({VIDEO})", ["https://a.example/x", VIDEO]),
        ("t.co/AbC and bit.ly/x", ["https://t.co/AbC", "https://bit.ly/x"]),
        (
            "https://web.archive.org/web/2020/https://a.example/b",
            ["https://web.archive.org/web/2020/https://a.example/b"],
        ),
        ("https://a.example/?u=https://b.example/", ["https://a.example/?u=https://b.example/"]),
    ],
)
def test_neighbours_are_told_apart(text: str, links: list[str]) -> None:
    assert find_links(text) == links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://en.example/wiki/A_(b)", "https://en.example/wiki/A_(b)"),
        ("(https://en.example/wiki/A_(b))", "https://en.example/wiki/A_(b)"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://a.example/?x=1&amp;y=2", "https://a.example/?x=1&y=2"),
        ("https://ar.example/lesson/محاضرة", "https://ar.example/lesson/محاضرة"),
        ("https://youtu.be/dQw4w9WgXc_", "https://youtu.be/dQw4w9WgXc_"),
    ],
)
def test_what_belongs_to_a_link_stays(text: str, expected: str) -> None:
    assert find_links(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no link here",
        "https://",
        "write to me@youtube.com/x",
        "linux.com/a and example.com/b",
        "youtube.com",
        "notyoutube.com/watch?v=1",
        "ftp://example.com/a",
        "https://...",
    ],
)
def test_what_is_no_link_is_not_found(text: str) -> None:
    assert [link for link in find_links(text) if normalise(link)] == []


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    for link in find_links(text):
        assert "://" in link
        assert not any(char.isspace() for char in link)


@given(st.text(st.characters(categories=["L", "N"])), st.text(" \n،؛)]}>\"'!?.,", min_size=1))
def test_words_and_punctuation_around_a_link_never_get_into_it(word: str, punctuation: str) -> None:
    assert find_links(f"{word} {VIDEO}{punctuation} {word}") == [VIDEO]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="&"), max_size=60))
def test_a_link_that_was_found_is_found_again_as_it_is(text: str) -> None:
    for link in find_links(f"https://a.example/{text}"):
        assert find_links(link) == [link]
