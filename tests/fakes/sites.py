"""One loopback replica for each source, in the shape that the conformance tests drive them through.

async with DirectFile() as site:
    async with run_engine(**site.sections) as engine:
        job = await finish(engine, site.link, source=site.forced)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from html import escape
from typing import Any, Self
from urllib.parse import quote

from core.domain.errors import (
    AuthRequired,
    HttpFailure,
    JobError,
    MediaFailure,
    NotFound,
    NotYetAvailable,
    ParserFailure,
    ProtectedContent,
    RateLimited,
    UnsupportedSource,
)
from core.domain.job import Kind
from core.sources.ytdlp.source import SITES
from tests.fakes import lectures, media
from tests.fakes.archive_org import ArchiveOrg, Stored, answer, upload
from tests.fakes.origin import Fault, Origin, Resource
from tests.fakes.x import SPACE, FakeX

Way = Callable[[], object]


def film() -> bytes:
    """A film whose first bytes alone do not make it whole."""
    return media.made_once(_long_film, "long.mp4").read_bytes()


def song() -> bytes:
    """A song long enough to be interrupted."""
    return media.made_once(_long_song, "long.mp3").read_bytes()


def _long_film(path: Any) -> Any:
    return media.video_mp4(path, 20.0, size="640x360")


def _long_song(path: Any) -> Any:
    return media.audio_mp3(path, 30.0)


class Site(ABC):
    """A source's replica: one good link, and the ways in which the site can refuse it."""

    #: The source's name.
    source: str
    #: Public links that are the source's own, by every shape of host and path.
    takes: tuple[str, ...]
    #: Links of the same site, or like it, that are somebody else's.
    leaves: tuple[str, ...] = ()
    kind = Kind.AUDIO
    #: The only source to ask, where the link alone leads to another.
    forced: str | None = None
    #: Whether titles are the site's to choose, or the link's.
    has_titles = True

    def __init__(self) -> None:
        self.origin = Origin()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.origin)
        self.fill()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @abstractmethod
    def fill(self) -> None:
        """Put the site's pages and media up."""

    @property
    def sections(self) -> dict[str, Any]:
        """Sections of the configuration that lead the source here."""
        return {}

    @property
    @abstractmethod
    def link(self) -> str:
        """What a person would post."""

    @property
    @abstractmethod
    def media(self) -> tuple[Origin, str]:
        """Who serves the media (or a part near their end), and at which path."""

    @abstractmethod
    def retitle(self, title: str) -> None:
        """Give the media another title."""

    @property
    @abstractmethod
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        """What can go wrong: how to make it so, and the class it must end in."""

    @property
    def resource(self) -> Resource:
        """The media."""
        server, path = self.media
        return server.resource(path)

    def always(self, path: str, **fault: Any) -> Way:
        """A way to let *path* fail for good."""
        return lambda: setattr(self.origin.resource(path), "always", Fault(**fault))

    def always_media(self, **fault: Any) -> Way:
        """A way to let the media fail for good."""
        return lambda: setattr(self.resource, "always", Fault(**fault))


class DirectFile(Site):
    """A file at any address."""

    source = "direct"
    takes = ("https://a.example/film.mp4", "https://a.example/x/تلاوة.MP3?k=1", "http://b.example/live.m3u8")
    kind = Kind.VIDEO
    path = "/media/An evening.mp4"

    def fill(self) -> None:
        self.origin.put(self.path, film())

    @property
    def link(self) -> str:
        return self.origin.url(quote(self.path))

    @property
    def media(self) -> tuple[Origin, str]:
        return self.origin, self.path

    def retitle(self, title: str) -> None:
        self.origin.remove(self.path)
        self.path = f"/media/{title.replace('/', '|')}.mp4"
        self.fill()

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        return {
            "gone": (self.always(self.path, status=404), NotFound),
            "busy": (self.always(self.path, status=429, retry_after="900"), RateLimited),
            "members only": (self.always(self.path, status=401), AuthRequired),
            "broken": (self.always(self.path, status=500), HttpFailure),
            "an archive": (lambda: self.origin.put(self.path, b"PK\x03\x04" + bytes(500)), UnsupportedSource),
            "nothing": (lambda: self.origin.put(self.path, b""), MediaFailure),
            "no media inside": (lambda: self.origin.put(self.path, film()[:3000]), MediaFailure),
        }


class DirectPlaylist(Site):
    """A playlist at any address."""

    source = "direct"
    takes = ("https://a.example/index.m3u8?token=1",)
    folder = "/talk"

    def fill(self) -> None:
        self.origin.put_folder(self.folder, media.made_once(_long_playlist, "sound").parent)

    @property
    def link(self) -> str:
        return self.origin.url(f"{quote(self.folder)}/index.m3u8")

    @property
    def media(self) -> tuple[Origin, str]:
        return self.origin, max(path for path in self.origin.paths if not path.endswith(".m3u8"))

    def retitle(self, title: str) -> None:
        self.folder = f"/{title.replace('/', '|')}"
        self.fill()

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        playlist = f"{self.folder}/index.m3u8"
        drm = b'#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://1"\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n'
        return {
            "gone": (self.always(playlist, status=404), NotFound),
            "a segment that stays away": (self.always_media(status=404), HttpFailure),
            "copy protection": (lambda: self.origin.put(playlist, drm), ProtectedContent),
            "a segment that is a page": (self.always_media(html=True), HttpFailure),
        }


def _long_playlist(folder: Any) -> Any:
    return media.hls_audio(folder, 20.0, 1.0)


class Lectures(Site):
    """A lecture site."""

    source = "tariq_allah"
    takes = ("https://way2allah.com/khotab-item-7.htm", "https://ar.islamway.net/lesson/5/title")
    leaves = ("https://way2allah.com.example.org/khotab-item-7.htm",)
    page, file = "/khotab-item-7.htm", "/khotab-download-7.htm"

    def fill(self) -> None:
        lectures.put_page(self.origin, self.page, lectures.way2allah_lecture())
        self.origin.put(self.file, song(), content_type="audio/mpeg")

    @property
    def sections(self) -> dict[str, Any]:
        host = f"{self.origin.host}:{self.origin.port}"
        sites = [{"name": "Test", "hosts": [host], "layout": "way2allah"}]
        return {"sources": {"tariq_allah": {"sites": sites}}}

    @property
    def link(self) -> str:
        return self.origin.url(self.page)

    @property
    def media(self) -> tuple[Origin, str]:
        return self.origin, self.file

    def retitle(self, title: str) -> None:
        lectures.put_page(self.origin, self.page, lectures.way2allah_lecture(title=title))

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        return {
            "gone": (lambda: self.origin.remove(self.page), NotFound),
            "made anew": (
                lambda: lectures.put_page(self.origin, self.page, lectures.changed_page()),
                ParserFailure,
            ),
            "busy": (self.always(self.page, status=429, retry_after="900"), RateLimited),
            "broken": (self.always(self.page, status=502), HttpFailure),
            "a file that is gone": (self.always(self.file, status=404), NotFound),
        }


class Archive(Site):
    """archive.org."""

    source = "archive_org"
    takes = (
        "https://archive.org/details/talks",
        "https://www.archive.org/details/talks/1.mp3",
        "https://archive.org/download/talks/1.mp3",
    )
    leaves = ("https://web.archive.org/web/2020/https://example.org/", "https://blog.archive.org/2020/")
    item = "evening"

    def __init__(self) -> None:
        super().__init__()
        self.site = ArchiveOrg()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.site)
        self.origin = self.site.front
        self.fill()
        return self

    def fill(self) -> None:
        self._add(title="An evening")

    def _add(
        self, *, files: tuple[Stored, ...] = (), top: dict[str, Any] | None = None, **about: Any
    ) -> None:
        self.site.add(self.item, files or (upload("1.mp3", song(), format="VBR MP3"),), top=top, **about)

    @property
    def sections(self) -> dict[str, Any]:
        return {"sources": {"archive_org": {"base": self.site.base}}}

    @property
    def link(self) -> str:
        return f"https://archive.org/details/{self.item}"

    @property
    def media(self) -> tuple[Origin, str]:
        return self.site.node, f"/12/items/{self.item}/1.mp3"

    def retitle(self, title: str) -> None:
        self._add(title=title)

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        metadata = f"/metadata/{self.item}"
        false = Stored("1.mp3", song(), {"source": "original", "md5": "0" * 32, "sha1": "0" * 40})
        private = upload("1.mp3", song(), private="true")
        return {
            "no such item": (lambda: self.origin.remove(metadata), NotFound),
            "withdrawn": (lambda: self._add(top={"is_dark": True, "files": []}), NotFound),
            "private": (lambda: self._add(files=(private,)), AuthRequired),
            "busy": (self.always(metadata, status=429, retry_after="900"), RateLimited),
            "broken": (self.always(metadata, status=503), HttpFailure),
            "another shape": (lambda: self.site.publish(self.item, "[]"), ParserFailure),
            "no media": (
                lambda: self.site.publish(self.item, answer(self.item, [upload("a.pdf", b"%PDF")], {})),
                UnsupportedSource,
            ),
            "another file than published": (lambda: self._add(files=(false,)), MediaFailure),
        }


class Spaces(Site):
    """X Spaces."""

    source = "x"
    takes = (
        f"https://x.com/i/spaces/{SPACE}",
        f"https://twitter.com/i/spaces/{SPACE}?s=20",
        f"https://mobile.twitter.com/i/spaces/{SPACE}/peek",
    )
    leaves = ("https://x.com/amal/status/1700000000000000000", "https://x.com/i/spaces/short")

    def __init__(self) -> None:
        super().__init__()
        self.x = FakeX()
        self.origin = self.x

    def fill(self) -> None:
        self.x.put_space()
        self.x.put_replay(media.made_once(_long_playlist, "sound"))

    @property
    def sections(self) -> dict[str, Any]:
        return {"sources": {"x": {"api_base": self.x.url(""), "web_base": self.x.url("")}}}

    @property
    def link(self) -> str:
        return f"https://x.com/i/spaces/{SPACE}"

    @property
    def media(self) -> tuple[Origin, str]:
        return self.x, max(path for path in self.x.paths if path.endswith(".aac"))

    def retitle(self, title: str) -> None:
        self.x.put_space(title=title)

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        return {
            "canceled": (lambda: self.x.put_space(state="Canceled"), NotFound),
            "scheduled": (lambda: self.x.put_space(state="NotStarted"), NotYetAvailable),
            "no replay": (lambda: self.x.put_space(is_space_available_for_replay=False), NotFound),
            "hidden from guests": (lambda: setattr(self.x, "shows_guests", False), AuthRequired),
            "busy": (lambda: self.x.reply_next(429, None, {"retry-after": "900"}), RateLimited),
            "another shape": (lambda: self.x.put_space(state="Teleported"), ParserFailure),
            "a chunk that stays away": (self.always_media(status=404), HttpFailure),
        }


class Page(Site):
    """A page of a site that nobody has heard of, which yt-dlp looks through."""

    source = "ytdlp"
    takes = ("https://example.org/watch/5",)
    kind = Kind.VIDEO
    page, file = "/watch", "/files/film.mp4"
    title = "An evening"

    def fill(self) -> None:
        self.origin.put(self.file, film())
        self.retitle(self.title)

    @property
    def link(self) -> str:
        return self.origin.url(self.page)

    @property
    def media(self) -> tuple[Origin, str]:
        return self.origin, self.file

    def retitle(self, title: str) -> None:
        body = (
            f'<html><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f'<meta property="og:title" content="{escape(title)}"></head>'
            f'<body><video src="{self.origin.url(self.file)}"></video></body></html>'
        )
        self.origin.put(self.page, body.encode(), content_type="text/html; charset=utf-8")

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        empty = b"<html><title>x</title><body>nothing to see</body></html>"
        return {
            "gone": (self.always(self.page, status=404), NotFound),
            "members only": (self.always(self.page, status=401), AuthRequired),
            "busy": (self.always(self.page, status=429, retry_after="900"), RateLimited),
            "broken": (self.always(self.page, status=500), HttpFailure),
            "no media": (
                lambda: self.origin.put(self.page, empty, content_type="text/html"),
                UnsupportedSource,
            ),
            "a file that is gone": (self.always(self.file, status=404), NotFound),
        }


#: Links of each site that yt-dlp serves under a name of ours, and one that is not the site's.
_NAMED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "youtube": (
        (
            "https://www.youtube.com/watch?v=abcdefghijk",
            "https://youtu.be/abcdefghijk?t=5",
            "https://m.youtube.com/shorts/abcdefghijk",
            "https://music.youtube.com/playlist?list=PL0",
            "https://www.youtube-nocookie.com/embed/abcdefghijk",
            "https://www.youtube.com/@somebody",
        ),
        ("https://youtube.com.example.org/watch?v=abcdefghijk",),
    ),
    "facebook": (
        ("https://www.facebook.com/reel/1", "https://m.facebook.com/watch/?v=1"),
        ("https://notfacebook.com/reel/1",),
    ),
    "vimeo": (("https://vimeo.com/1", "https://player.vimeo.com/video/1"), ("https://vimeo.example.org/1",)),
    "soundcloud": (
        ("https://soundcloud.com/somebody/song", "https://m.soundcloud.com/somebody/sets/all"),
        ("https://soundcloud.example.org/a/b",),
    ),
    "dailymotion": (("https://www.dailymotion.com/video/x1", "https://dai.ly/x1"), ()),
    "twitch": (("https://www.twitch.tv/videos/1", "https://clips.twitch.tv/Some"), ()),
    "tiktok": (("https://www.tiktok.com/@a/video/1",), ()),
    "instagram": (("https://www.instagram.com/reel/Abc/",), ()),
    "reddit": (("https://www.reddit.com/r/a/comments/1/b/", "https://v.redd.it/abc"), ()),
    "x_posts": (
        ("https://x.com/amal/status/1", "https://twitter.com/i/web/status/1"),
        (f"https://x.com/i/spaces/{SPACE}",),
    ),
}


def _named(name: str) -> type[Page]:
    """The replica of a site that cannot be reached from here: its path through yt-dlp, at a page of ours."""
    takes, leaves = _NAMED[name]
    return type(
        name.title().replace("_", ""),
        (Page,),
        {"source": name, "forced": name, "takes": takes, "leaves": leaves},
    )


REPLICAS: tuple[type[Site], ...] = (
    DirectFile,
    DirectPlaylist,
    Archive,
    Lectures,
    Spaces,
    Page,
    *(_named(site.name) for site in SITES),
)
