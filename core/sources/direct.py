"""Links that are the media themselves: files and HLS playlists, told by their content, not by their name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from core.auth.cookies import login_headers
from core.domain.errors import (
    AuthRequired,
    FormatNotFound,
    HttpFailure,
    InvalidRequest,
    MediaFailure,
    RetryPolicy,
    UnsupportedSource,
)
from core.domain.job import Kind, Request
from core.domain.media import Entry, Resolution, Role, Tags, Track, Transport
from core.links.normalise import normalise
from core.links.short import unwrap
from core.net.hls.playlist import MasterPlaylist, MediaPlaylist
from core.net.hls.reading import MAX_PLAYLIST_CHARS, parse_playlist
from core.net.hls.variant import choose_variant
from core.net.http.client import Page
from core.net.transfer.remote import RemoteFile, probe_remote
from core.net.transfer.sniff import sniff_container
from core.sources.base import Elsewhere, Matcher, NotHandled, Source, SourceContext
from core.sources.link_lists import MAX_LIST_BYTES, is_hls, may_be_list, parse_list
from core.sources.quality import Quality, parse_quality

AUDIO_EXTENSIONS = frozenset({"aac", "flac", "m4a", "m4b", "mp3", "oga", "ogg", "opus", "wav"})
#: Names of what this source takes without asking others first. MPEG-DASH is yt-dlp's.
MEDIA_EXTENSIONS = AUDIO_EXTENSIONS | {
    "avi", "flv", "m3u8", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "ts", "webm", "wmv",
}  # fmt: skip

#: Extensions that are no part of a title.
_NAMELESS_EXTENSIONS = MEDIA_EXTENSIONS | {"m3u", "pls", "txt"}
#: What `sniff_container` calls an HLS playlist.
_PLAYLIST = "m3u8"
#: What it calls media, with the kind where the container tells it: most hold sound alone, too.
_CONTAINERS = {
    **dict.fromkeys(("mp4", "ts", "webm", "mkv", "ogg", "avi", "flv", _PLAYLIST), Kind.AUTO),
    **dict.fromkeys(("aac", "mp3", "flac", "wav"), Kind.AUDIO),
}
#: Further media: ASF (wmv), MPEG programme streams.
_MORE_CONTAINERS = ((b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"), (b"\x00\x00\x01\xba", "mpg"))
#: What people link to by mistake, for a message that says so.
_OTHER_FILES = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"Rar!", "a rar archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_PICTURES = frozenset({"jpeg", "png", "gif", "webp"})
#: ISO base media brands of sound files (ISO 14496-12 §4.3; Apple's M4A and M4B).
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_OGG_SOUND = re.compile(rb"OpusHead|\x01vorbis|Speex   |\x7fFLAC")
#: What packagers call every playlist: the folder's name says more.
_NAMELESS = frozenset(
    {"index", "master", "playlist", "manifest", "prog_index", "chunklist", "main", "stream"}
)
_MARKUP = re.compile(rb"\s*<", re.DOTALL)


class Direct(Source):
    """Media files, HLS playlists and lists of links at any address.

    Args:
        is_sites_own: Whether a site's own source takes an address: where one redirects there, that source
            is to be asked.
    """

    name = "direct"
    label = "Media files and HLS playlists"
    matchers = (Matcher(extensions=MEDIA_EXTENSIONS), Matcher())

    def __init__(self, is_sites_own: Callable[[str], bool] = lambda _url: False) -> None:
        self._is_sites_own = is_sites_own

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Look at the first bytes.

        Raises:
            Elsewhere: It redirects to a site that has a source of its own.
            NotHandled: It is a web page, an MPEG-DASH manifest or other markup, or is not shown to us and not
                named like media.
            MediaFailure: There is nothing in it.
            UnsupportedSource: It is something else than media.
            FormatNotFound: *request* wants what there is not.
            JobError: It cannot be read.
        """
        quality = parse_quality(request.quality, request.kind, max_height=context.settings.media.max_height)
        remote = await self._look(request, context)
        if sniff_container(remote.head) is None and may_be_list(remote.head, remote.content_type):
            page = await _text(request.url, context, max_bytes=MAX_LIST_BYTES)
            if entries := await asyncio.to_thread(parse_list, page.text, page.url):
                return self._list(request, page, entries)
        container, kind = _media_type(remote)
        if request.format is not None:
            raise FormatNotFound("a file or playlist has no formats with ids", hint="Leave the format out.")
        if container == _PLAYLIST:
            page = await _text(request.url, context)
            if not is_hls(page.text) and (
                entries := await asyncio.to_thread(parse_list, page.text, page.url)
            ):
                return self._list(request, page, entries)
            return await self._playlist(request, page, quality, context)
        title = _title(remote.filename, remote.url)
        track = Track(
            role=Role.AUDIO if kind is Kind.AUDIO else Role.MUXED,
            transport=Transport.HTTP,
            url=request.url,
            container=container,
            size_bytes=remote.size_bytes,
        )
        return self._resolution(request, title, kind, (track,))

    async def _look(self, request: Request, context: SourceContext) -> RemoteFile:
        url = request.url
        is_at_site = request.source is not None or self._is_sites_own(url)
        try:
            return await probe_remote(
                context.http,
                url,
                await login_headers(context.login, url),
                on_redirect=None if is_at_site else self._stop_at_sites,
            )
        except (AuthRequired, HttpFailure) as error:
            is_named_like_media = self.matchers[0].matches(urlsplit(url))
            if is_named_like_media or error.retry_policy is RetryPolicy.BACKOFF:
                raise
            # A page may open itself to yt-dlp, which brings cookies and the site's own ways.
            raise NotHandled from error

    def _stop_at_sites(self, url: str) -> None:
        try:
            target = unwrap(normalise(url))
        except InvalidRequest:
            return  # asking for it says what is wrong with it
        if self._is_sites_own(target):
            raise Elsewhere(target)

    def _list(self, request: Request, page: Page, entries: tuple[Entry, ...]) -> Resolution:
        if len(entries) == 1 and request.source is None:
            raise Elsewhere(entries[0].url)
        title = _title(None, page.url)
        tags = Tags(title=title, source_url=request.url)
        return Resolution(source=self.name, title=title, entries=entries, tags=tags)

    async def _playlist(
        self, request: Request, page: Page, quality: Quality, context: SourceContext
    ) -> Resolution:
        title = _title(None, page.url)
        playlist = await asyncio.to_thread(parse_playlist, page.text, page.url)
        if isinstance(playlist, MediaPlaylist):
            track = _hls_track(Role.MUXED, request.url, playlist)
            return self._resolution(request, title, Kind.AUTO, (track,), track.duration_s)
        return await self._master(request, playlist, title, quality, context)

    async def _master(
        self,
        request: Request,
        master: MasterPlaylist,
        title: str | None,
        quality: Quality,
        context: SourceContext,
    ) -> Resolution:
        max_height = context.settings.media.max_height
        choice = choose_variant(master, quality=request.quality, kind=quality.kind, max_height=max_height)
        roles = [(Role.AUDIO, choice.audio_url)] if choice.audio_url else []
        if choice.video_url and not (roles and quality.kind is Kind.AUDIO):
            roles = [(Role.VIDEO if roles else Role.MUXED, choice.video_url), *roles]
        playlists = [await _media_playlist(url, context) for _, url in roles]
        tracks = tuple(
            _hls_track(role, url, playlist) for (role, url), playlist in zip(roles, playlists, strict=True)
        )
        durations = [track.duration_s for track in tracks if track.duration_s is not None]
        has_picture = choice.video_url is not None and choice.variant.height is not None
        kind = Kind.AUDIO if roles[0][0] is Role.AUDIO else Kind.VIDEO if has_picture else Kind.AUTO
        return self._resolution(request, title, kind, tracks, max(durations, default=None))

    def _resolution(
        self,
        request: Request,
        title: str | None,
        kind: Kind,
        tracks: tuple[Track, ...],
        duration_s: float | None = None,
    ) -> Resolution:
        return Resolution(
            source=self.name,
            title=title,
            kind=kind,
            duration_s=duration_s,
            tracks=tracks,
            tags=Tags(title=title, source_url=request.url),
        )


def _hls_track(role: Role, url: str, playlist: MediaPlaylist) -> Track:
    """A track of segments; one that still grows has no length yet. Raises NotFound when it has nothing."""
    if not playlist.is_live:
        playlist.require_complete()
    return Track(
        role=role,
        transport=Transport.HLS,
        url=url,
        duration_s=None if playlist.is_live else playlist.duration_s,
        is_live=playlist.is_live,
    )


async def _text(url: str, context: SourceContext, *, max_bytes: int = MAX_PLAYLIST_CHARS) -> Page:
    return await context.http.text(url, headers=await login_headers(context.login, url), max_bytes=max_bytes)


async def _media_playlist(url: str, context: SourceContext) -> MediaPlaylist:
    """A playlist of segments, which a master names."""
    page = await _text(url, context)
    playlist = await asyncio.to_thread(parse_playlist, page.text, page.url)
    if not isinstance(playlist, MediaPlaylist):
        raise UnsupportedSource("the playlist leads to another list of playlists")
    return playlist


def _media_type(remote: RemoteFile) -> tuple[str, Kind]:
    """Container, or that it is a playlist, and kind."""
    head, sniffed = remote.head, sniff_container(remote.head)
    if not head:
        raise MediaFailure("the file is empty")
    if sniffed == "html" or (sniffed is None and _MARKUP.match(head)):
        raise NotHandled
    for magic, container in _MORE_CONTAINERS:
        if head.startswith(magic):
            return container, Kind.AUTO
    if sniffed in _PICTURES:
        raise UnsupportedSource(f"this is a picture ({sniffed}), not sound or film")
    if sniffed not in _CONTAINERS:
        other = next((words for magic, words in _OTHER_FILES if head.startswith(magic)), None)
        named = f" (the server calls it {remote.content_type[:60]})" if remote.content_type else ""
        raise UnsupportedSource(f"this is {other or 'no media that we know'}{'' if other else named}")
    is_sound = (sniffed == "mp4" and head[8:12] in _AUDIO_BRANDS) or (
        sniffed == "ogg" and _OGG_SOUND.search(head[:512]) is not None and b"theora" not in head[:512]
    )
    return sniffed, Kind.AUDIO if is_sound else _CONTAINERS[sniffed]


def _title(filename: str | None, url: str) -> str | None:
    """The file's name without its extension; remote text, as any title."""
    path = PurePosixPath(unquote(urlsplit(url).path))
    name = filename or path.name
    stem = name.rpartition(".")[0] if PurePosixPath(name).suffix.lower()[1:] in _NAMELESS_EXTENSIONS else name
    if stem.lower() in _NAMELESS and path.parent.name:
        stem = path.parent.name
    return stem.strip() or None
