"""From the playlist that the API names to the list that holds the whole recording.

Forms, as twspace-dl, twspace-crawler and yt-dlp know them. All lie in one folder
`…/Transcoding/v1/hls/<key>/{non_transcode|transcode}/<region>/…/audio-space/`:

* `playlist_<digits>.m3u8?type=replay`: the whole list, which the API names for most replays;
* `dynamic_playlist.m3u8?type=live`: the last few chunks only; the API may go on naming it after the end;
* `master_playlist.m3u8`, without parameters: leads to a whole list below a `transcode/<token>/` folder;
* `master_dynamic_<digits>.m3u8`: the same for video; `playlist_<digits>` beside it has the original chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

from core.domain.errors import HttpFailure, InvalidRequest, JobError, NotFound, NotYetAvailable, ParserFailure
from core.domain.job import Kind
from core.net.hls.playlist import MasterPlaylist, MediaPlaylist
from core.net.hls.reading import parse_playlist
from core.net.hls.variant import choose_variant
from core.net.http.client import HttpClient, raise_for_status

#: For so long after the end a whole list may still be in the making.
_SETTLING_S = 600.0
_LOOK_AGAIN_S = 60.0
#: Statuses of a list or chunk that is not there (any more).
GONE = frozenset({403, 404, 410})


async def find_replay(
    http: HttpClient, url: str, headers: Mapping[str, str], *, ended_s_ago: float | None
) -> MediaPlaylist:
    """The whole list of an ended Space.

    Args:
        http: Fetches.
        url: What the API named.
        headers: Sent along.
        ended_s_ago: Seconds since the Space ended, None when that is not known.

    Raises:
        NotYetAvailable: It ended so recently that its list may still come.
        NotFound: There is no whole list (any more).
        JobError: A list cannot be read.
    """
    for candidate in list_urls(url):
        try:
            lists = await lists_behind(http, candidate, headers)
        except ParserFailure:
            if candidate == url:
                raise
            continue  # the others are guesses
        whole = [playlist for playlist in lists if is_whole(playlist)]
        if whole:
            return max(whole, key=lambda playlist: len(playlist.segments))
    if ended_s_ago is not None and ended_s_ago < _SETTLING_S:
        raise NotYetAvailable(
            "the Space has just ended, and X is still preparing its replay", retry_after_s=_LOOK_AGAIN_S
        )
    raise NotFound("X has no complete list of this Space's recording (any more)")


async def chunk_list(http: HttpClient, url: str, headers: Mapping[str, str]) -> MediaPlaylist:
    """The list of chunks at an address, or behind the master there.

    Raises:
        NotFound: There is none.
        JobError: It cannot be read.
    """
    found = await _load(http, url, headers)
    if isinstance(found, MasterPlaylist):  # Spaces with video
        found = await _load(http, choose_variant(found, quality="best", kind=Kind.AUTO).variant.url, headers)
    if not isinstance(found, MediaPlaylist):
        raise NotFound("X has no list of this Space's chunks")
    return found


def list_urls(url: str) -> list[str]:
    """Where the whole list may be, the best first."""
    parts = urlsplit(url)
    name = PurePosixPath(parts.path).name
    guesses = []
    if name.startswith("master_dynamic_"):
        guesses.append(_beside(parts, name.replace("master_dynamic_", "playlist_", 1), parts.query))
    if "dynamic" in name:
        guesses.append(_beside(parts, "master_playlist.m3u8", ""))
    return [*guesses, url]


async def lists_behind(http: HttpClient, url: str, headers: Mapping[str, str]) -> list[MediaPlaylist]:
    """The lists of chunks at an address, or behind the master there: those as they were sent first.

    Raises:
        JobError: There is something that cannot be read.
    """
    found = await _load(http, url, headers)
    if not isinstance(found, MasterPlaylist):
        return [found] if found else []
    transcoded = choose_variant(found, quality="best", kind=Kind.AUTO).variant.url
    urls = [transcoded]
    if is_original(found.url) and "/transcode/" in urlsplit(transcoded).path:
        urls.insert(0, in_folder_of(found.url, transcoded))
    lists = [await _load(http, each, headers) for each in urls]
    return [each for each in lists if isinstance(each, MediaPlaylist)]


def originals_of(playlist: MediaPlaylist, base: str) -> MediaPlaylist:
    """The chunks that a list names, as they were sent: in the folder of *base*, which needs no signature."""
    chunks = (replace(each, url=in_folder_of(base, each.url).partition("?")[0]) for each in playlist.segments)
    return replace(playlist, segments=tuple(chunks))


async def has_originals(http: HttpClient, playlist: MediaPlaylist, headers: Mapping[str, str]) -> bool:
    """Whether the first and the last chunk of a list are there; those between were deleted with them."""
    for chunk in (playlist.segments[0], playlist.segments[-1]):  # a whole list has some
        try:
            async with http.stream(chunk.url, headers={**headers, "Range": "bytes=0-0"}) as response:
                raise_for_status(response)
        except JobError:
            return False  # the copies are there in any case
    return True


def is_original(url: str) -> bool:
    """Whether it lies where the chunks are kept as they were sent."""
    return "/non_transcode/" in urlsplit(url).path


def in_folder_of(base: str, url: str) -> str:
    """The file that *url* names, with its query, in the folder of *base*."""
    parts = urlsplit(url)
    return _beside(urlsplit(base), PurePosixPath(parts.path).name, parts.query)


def is_whole(playlist: MediaPlaylist) -> bool:
    """Whether it has an end, and something before that."""
    return bool(playlist.segments) and not playlist.is_live


async def _load(
    http: HttpClient, url: str, headers: Mapping[str, str]
) -> MasterPlaylist | MediaPlaylist | None:
    """A playlist, None when there is none at this address."""
    try:
        page = await http.text(url, headers=headers)
    except InvalidRequest as error:
        raise ParserFailure(f"X names a playlist at an unusable address: {error.detail}") from error
    except (HttpFailure, NotFound) as error:
        if error.remote_status in GONE:
            return None
        raise
    return await asyncio.to_thread(parse_playlist, page.text, page.url)


def _beside(parts: SplitResult, name: str, query: str) -> str:
    folder = parts.path.rpartition("/")[0]
    return parts._replace(path=f"{folder}/{name}", query=query, fragment="").geturl()
