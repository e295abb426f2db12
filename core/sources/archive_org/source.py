"""archive.org, by its metadata API: files with the checksums that it publishes, items, collections."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from core.domain.errors import (
    AuthRequired,
    ConfigError,
    InvalidRequest,
    JobError,
    NotFound,
    ProtectedContent,
    UnsupportedSource,
)
from core.domain.job import Kind, Request
from core.domain.media import Entry, FormatInfo, Resolution, Role, Tags, Track, Transport
from core.links.normalise import normalise
from core.sources.archive_org.choice import choose
from core.sources.archive_org.collection import members
from core.sources.archive_org.item import FILM_EXTENSIONS, SOUND_EXTENSIONS, File, Item, Work, parse_item
from core.sources.base import Matcher, NotHandled, Source, SourceContext
from core.sources.quality import Quality, parse_quality

BASE = "https://archive.org"
#: The API's word for the kind of item that holds items.
COLLECTION = "collection"
#: Pages and files of items; the last form is what downloads are redirected to.
_PATH = re.compile(
    r"\A/(?:(?:details|embed|stream)|(?P<exact>download|\d{1,3}/items))"
    r"/(?P<id>[A-Za-z0-9][\w.-]{0,199})(?:/(?P<file>.*))?\Z",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link names."""

    identifier: str
    #: As it stands in the link, percent-encoded; empty for the whole item.
    file: str
    #: This very file, not the film or recording that it is a form of.
    is_exact: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What the file may be called: some of the site's own links write `+` for a space."""
        return unquote(self.file), unquote_plus(self.file)


def parse_link(url: str) -> Link | None:
    """Which item and file a link of the site names; None when it is of another kind."""
    found = _PATH.match(urlsplit(url).path)
    if found is None:
        return None
    return Link(found["id"], (found["file"] or "").rstrip("/"), is_exact=found["exact"] is not None)


class ArchiveOrg(Source):
    """Films and recordings of the Internet Archive.

    Args:
        base: `sources.archive_org.base`, which replaces the public site's address. Raises ConfigError when it
            is none.
    """

    name = "archive_org"
    label = "archive.org"

    def __init__(self, base: str | None = None) -> None:
        try:
            self._base = normalise(base or BASE).rstrip("/")
        except InvalidRequest as error:
            raise ConfigError(f"sources.archive_org.base: {error.detail}") from error
        address = urlsplit(self._base)
        if address.path or address.query:
            raise ConfigError("sources.archive_org.base is more than a scheme, a host and a port")
        hosts = ("archive.org", address.netloc)
        # The first goes before `direct`, which takes whatever is named like media.
        self.matchers = (
            Matcher(hosts=hosts, path=_PATH, extensions=FILM_EXTENSIONS | SOUND_EXTENSIONS),
            Matcher(hosts=hosts, path=_PATH),
        )

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Read the item's metadata, and choose.

        Raises:
            NotHandled: A file that is not listed, or not as media: its content tells more.
            NotFound: No such item or file, or it was taken down.
            AuthRequired: Only some people may have it.
            ProtectedContent: It is only played on the site.
            UnsupportedSource: There is nothing to see or hear in the item or collection.
            ParserFailure: The API's answer is not understood.
            JobError: What the server or the network did, or `FormatNotFound`.
        """
        link = parse_link(request.url)
        if link is None:
            raise NotHandled
        quality = parse_quality(request.quality, request.kind, max_height=context.settings.media.max_height)
        page = await context.http.text(f"{self._base}/metadata/{link.identifier}")
        item = await asyncio.to_thread(parse_item, page.text, link.identifier)
        if item.mediatype == COLLECTION and not link.file:
            return await self._collection(item, quality.kind, context)
        works = _named(item, link)
        if item.is_restricted or not any(work.open_files for work in works):
            raise _refusal(item)
        works = [work for work in works if work.open_files]
        if quality.kind is Kind.VIDEO:
            # Where there is none the choice says so.
            works = [work for work in works if work.has_film] or works[:1]
        if len(works) == 1:
            return self._one(item, works[0], choose(works[0], quality, format_=request.format), quality)
        return self._many(item, works, limit=context.settings.limits.max_playlist_items)

    async def _collection(self, item: Item, kind: Kind, context: SourceContext) -> Resolution:
        limit = context.settings.limits.max_playlist_items
        found = await members(context.http, self._base, item.identifier, kind, limit=limit)
        if not found.items:
            what = {Kind.AUDIO: "to hear", Kind.VIDEO: "to see"}.get(kind, "to see or hear")
            raise UnsupportedSource(f"there is nothing {what} in the collection {item.identifier}")
        entries = tuple(
            Entry(url=f"{self._base}/details/{each.identifier}", title=each.title, media_id=each.identifier)
            for each in found.items
        )
        return self._list(item, entries, total=found.total)

    def _one(self, item: Item, work: Work, file: File, quality: Quality) -> Resolution:
        title = _title(item, work)
        kind = quality.kind
        if kind is not Kind.AUDIO:
            kind = Kind.VIDEO if file.is_film and file.lines else Kind.AUTO
        return Resolution(
            source=self.name,
            media_id=_media_id(item, work),
            title=title,
            kind=kind,
            duration_s=file.duration_s,
            tracks=(self._track(item, file),),
            formats=tuple(_format(each, is_chosen=each is file) for each in work.open_files),
            tags=Tags(
                title=title,
                artist=work.artist or item.artist,
                album=work.album or (item.title if item.title != title else None),
                track_number=work.track_number,
                date=item.date,
                source_url=self._page(item, work),
            ),
            thumbnail_url=self._thumbnail(item),
        )

    def _many(self, item: Item, works: list[Work], *, limit: int) -> Resolution:
        entries = tuple(
            Entry(
                url=self._page(item, work),
                title=work.title or work.stem,
                media_id=_media_id(item, work),
                duration_s=work.duration_s,
            )
            for work in works[:limit]
        )
        return self._list(item, entries, total=len(works))

    def _list(self, item: Item, entries: tuple[Entry, ...], *, total: int | None) -> Resolution:
        return Resolution(
            source=self.name,
            media_id=item.identifier,
            title=item.title or item.identifier,
            entries=entries,
            total_entries=total,
            tags=Tags(
                title=item.title,
                artist=item.artist,
                album=item.title,
                date=item.date,
                source_url=f"{self._base}/details/{item.identifier}",
            ),
            thumbnail_url=self._thumbnail(item),
        )

    def _track(self, item: Item, file: File) -> Track:
        return Track(
            role=Role.MUXED if file.is_film else Role.AUDIO,
            transport=Transport.HTTP,
            url=f"{self._base}/download/{item.identifier}/{_encoded(file.name)}",
            container=file.extension,
            size_bytes=file.size_bytes,
            duration_s=file.duration_s,
            format_id=file.format or None,
            checksum=file.checksum,
        )

    def _page(self, item: Item, work: Work) -> str:
        """Where people see it; the source takes it back as the link of this one work."""
        return f"{self._base}/details/{_encoded(_media_id(item, work))}"

    def _thumbnail(self, item: Item) -> str:
        return f"{self._base}/services/img/{item.identifier}"


def _named(item: Item, link: Link) -> list[Work]:
    """The works that a link names: all, those of a folder, or one, reduced to the file that it names."""
    if not link.file:
        if not item.works:
            raise _nothing(item)
        return list(item.works)
    for name in link.names:
        for work in item.works:
            if work.name == name and not link.is_exact:
                return [work]
            if files := tuple(file for file in work.files if file.name == name):
                return [replace(work, files=files)]
        if inside := [work for work in item.works if work.name.startswith(f"{name}/")]:
            return inside
    if link.is_exact:
        raise NotHandled
    raise NotFound(f"the item {item.identifier} has no film or recording of this name")


def _nothing(item: Item) -> UnsupportedSource:
    kind = f" (it is of the kind {item.mediatype[:40]!r})" if item.mediatype else ""
    return UnsupportedSource(f"there is nothing to see or hear in the item {item.identifier}{kind}")


def _refusal(item: Item) -> JobError:
    if item.is_stream_only:
        return ProtectedContent("archive.org only plays it on its own pages")
    return AuthRequired(
        "archive.org shows it only to people who borrow it or whom its owner lets in",
        hint="Reeldeck cannot borrow items. Look for another copy of it on archive.org.",
    )


def _title(item: Item, work: Work) -> str:
    """An item with one work is named for it; one with several is their album."""
    own = work.title or work.stem
    return item.title or own if len(item.works) == 1 else own


def _media_id(item: Item, work: Work) -> str:
    return item.identifier if len(item.works) == 1 else f"{item.identifier}/{work.name}"


def _format(file: File, *, is_chosen: bool) -> FormatInfo:
    return FormatInfo(
        id=file.name,
        role=Role.MUXED if file.is_film else Role.AUDIO,
        container=file.extension,
        height=file.lines,
        bitrate_bps=round(file.bitrate_kbps * 1000) if file.bitrate_kbps else None,
        size_bytes=file.size_bytes,
        note=file.format or None,
        is_chosen=is_chosen,
    )


def _encoded(path: str) -> str:
    """Percent-encoded but for the slashes between folders."""
    return quote(path, safe="/")
