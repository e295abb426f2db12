from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.config.settings import Settings
from core.domain.errors import InvalidRequest, UnsupportedSource
from core.domain.job import Request
from core.domain.media import Resolution
from core.sources.base import Matcher, Source, SourceContext
from core.sources.registry import Registry


def registry(**sources: Any) -> Registry:
    return Registry(Settings.model_validate({"sources": sources}))


def names(url: str, *, forced: str | None = None, **sources: Any) -> list[str]:
    return [source.name for source in registry(**sources).candidates(url, forced=forced)]


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/film.mp4",
        "https://cdn.example/film.MP4?token=1",
        "https://cdn.example/live/master.m3u8",
        "https://www.youtube.com/file.mp3",
    ],
)
def test_what_is_named_like_media_goes_to_direct_first(url: str) -> None:
    assert names(url)[0] == "direct"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://youtu.be/dQw4w9WgXcQ", "youtube"),
        ("https://music.youtube.com/watch?v=dQw4w9WgXcQ", "youtube"),
        ("https://m.facebook.com/reel/1", "facebook"),
        ("https://vimeo.com/1", "vimeo"),
        ("https://soundcloud.com/a/b", "soundcloud"),
        ("https://dai.ly/x1", "dailymotion"),
        ("https://clips.twitch.tv/Slug", "twitch"),
        ("https://www.tiktok.com/@a/video/1", "tiktok"),
        ("https://www.instagram.com/reel/C/", "instagram"),
        ("https://old.reddit.com/r/a/comments/b/", "reddit"),
        ("https://x.com/someone/status/1", "x_posts"),
        ("https://x.com/i/spaces/1eaKbrPAqbwKX", "x"),
        ("https://twitter.com/i/web/status/1", "x_posts"),
    ],
)
def test_pages_of_known_sites_go_to_their_source(url: str, name: str) -> None:
    assert names(url)[0] == name


@pytest.mark.parametrize(
    "url",
    ["https://example.com/watch", "https://notyoutube.com/watch", "https://x.com/someone"],
)
def test_anything_else_is_looked_at_by_direct_and_then_given_to_ytdlp(url: str) -> None:
    assert names(url) == ["direct", "ytdlp"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://t.co/AbC", ["short_links", "direct", "ytdlp"]),
        ("https://sub.rebrand.ly/x", ["short_links", "direct", "ytdlp"]),
        ("https://short.example/x", ["short_links", "direct", "ytdlp"]),
        ("https://fb.watch/abc", ["short_links", "facebook"]),
        ("https://vm.tiktok.com/ZM", ["short_links", "tiktok"]),
        ("https://www.facebook.com/share/r/abc", ["short_links", "facebook"]),
    ],
)
def test_what_only_leads_elsewhere_is_followed_first(url: str, expected: list[str]) -> None:
    found = names(url, short_links={"hosts": ["short.example"]})
    assert [name for name in found if name in expected] == expected
    assert found[0] == "short_links"


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", True),
        ("https://t.co/AbC", True),
        ("https://archive.org/download/item/film.mp4", True),
        ("https://vimeo.com/1", True),  # switched off: asking for it says so
        ("https://cdn.example/film.mp4", False),
        ("https://example.com/page", False),
    ],
)
def test_links_of_sites_with_a_source_of_their_own_are_known(url: str, is_own: bool) -> None:
    assert registry(vimeo={"enabled": False}).is_sites_own(url) is is_own


def test_a_source_that_is_switched_off_is_left_out() -> None:
    assert names("https://cdn.example/film.mp4", direct={"enabled": False}) == ["ytdlp"]


def test_a_site_that_is_switched_off_is_not_taken_by_another() -> None:
    with pytest.raises(UnsupportedSource) as caught:
        names("https://youtu.be/dQw4w9WgXcQ", youtube={"enabled": False})
    assert "YouTube is switched off" in caught.value.detail
    assert "[sources.youtube]" in caught.value.hint


def test_nobody_left_is_an_unsupported_source() -> None:
    off = {"enabled": False}
    with pytest.raises(UnsupportedSource):
        names("https://example.com/", direct=off, ytdlp=off)


def test_a_source_can_be_forced_on_a_link_that_it_would_not_take() -> None:
    assert names("https://cdn.example/film.mp4", forced="youtube") == ["youtube"]


def test_a_forced_source_must_exist_and_be_on() -> None:
    with pytest.raises(InvalidRequest) as caught:
        names("https://example.com/", forced="nothing")
    assert "ytdlp" in caught.value.hint
    with pytest.raises(UnsupportedSource):
        names("https://example.com/", forced="ytdlp", ytdlp={"enabled": False})


def test_a_link_that_is_none_is_invalid() -> None:
    with pytest.raises(InvalidRequest):
        names("file:///etc/passwd")


def test_names_are_unique_and_lead_to_their_source() -> None:
    known = registry()
    every = [source.name for source in known.all()]
    assert len(every) == len(set(every))
    assert [known.named(name).name for name in every] == every
    assert all(source.label for source in known.all())


class Fixed(Source):
    """A source of nothing but matchers."""

    def __init__(self, name: str, *matchers: Matcher) -> None:
        self.name = self.label = name
        self.matchers = matchers

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        raise AssertionError("never asked")


def test_the_more_exactly_a_source_matches_the_earlier_it_is_asked() -> None:
    mp3 = frozenset({"mp3"})
    sources: list[Source] = [
        Fixed("anything", Matcher()),
        Fixed("site", Matcher(hosts=("a.example",))),
        Fixed("files", Matcher(extensions=mp3)),
        Fixed("files of the site", Matcher(hosts=("a.example",), extensions=mp3), Matcher()),
    ]
    found = Registry(Settings(), sources).candidates("https://a.example/1.mp3")
    assert [source.name for source in found] == ["files of the site", "files", "site", "anything"]


@pytest.mark.parametrize(
    ("matcher", "url", "matches"),
    [
        (Matcher(), "https://a.example/", True),
        (Matcher(hosts=("a.example",)), "https://www.a.example/", True),
        (Matcher(hosts=("a.example",)), "https://ba.example/", False),
        (Matcher(hosts=("127.0.0.1:81",)), "http://127.0.0.1:81/", True),
        (Matcher(hosts=("127.0.0.1:81",)), "http://127.0.0.1:82/", False),
        (Matcher(path=re.compile("^/é/")), "https://a.example/%C3%A9/1", True),
        (Matcher(path=re.compile("^/b/")), "https://a.example/c/b/", False),
        (Matcher(extensions=frozenset({"mp4"})), "https://a.example/x.MP4?y.mp3", True),
        (Matcher(extensions=frozenset({"mp4"})), "https://a.example/mp4", False),
        (Matcher(extensions=frozenset({"mp4"})), "https://a.example/x.mp4/y", False),
    ],
)
def test_a_matcher_asks_for_all_its_conditions(matcher: Matcher, url: str, matches: bool) -> None:
    assert matcher.matches(urlsplit(url)) is matches
