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
from pathlib import PurePosixPath
from typing import TypeGuard
from urllib.parse import SplitResult, urlsplit

from core.domain.errors import HttpFailure, InvalidRequest, NotFound, NotYetAvailable, ParserFailure
from core.domain.job import Kind
from core.net.hls.playlist import MasterPlaylist, MediaPlaylist, parse_playlist
from core.net.hls.variant import choose_variant
from core.net.http.client import HttpClient

#: For so long after the end a whole list may still be in the making.
_SETTLING_S = 600.0
_LOOK_AGAIN_S = 60.0
_GONE = frozenset({403, 404, 410})


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
            playlist = await _load(http, candidate, headers)
            if isinstance(playlist, MasterPlaylist):
                playlist = await _original(http, playlist, headers)
        except ParserFailure:
            if candidate == url:
                raise
            continue  # the others are guesses
        if is_whole(playlist):
            return playlist
    if ended_s_ago is not None and ended_s_ago < _SETTLING_S:
        raise NotYetAvailable(
            "the Space has just ended, and X is still preparing its replay", retry_after_s=_LOOK_AGAIN_S
        )
    raise NotFound("X has no complete list of this Space's recording (any more)")


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


def is_whole(playlist: MasterPlaylist | MediaPlaylist | None) -> TypeGuard[MediaPlaylist]:
    """Whether it is a list of segments that has an end."""
    return isinstance(playlist, MediaPlaylist) and bool(playlist.segments) and not playlist.is_live


async def _load(
    http: HttpClient, url: str, headers: Mapping[str, str]
) -> MasterPlaylist | MediaPlaylist | None:
    """A playlist, None when there is none at this address."""
    try:
        page = await http.text(url, headers=headers)
    except InvalidRequest as error:
        raise ParserFailure(f"X names a playlist at an unusable address: {error.detail}") from error
    except (HttpFailure, NotFound) as error:
        if error.remote_status in _GONE:
            return None
        raise
    return await asyncio.to_thread(parse_playlist, page.text, page.url)


async def _original(
    http: HttpClient, master: MasterPlaylist, headers: Mapping[str, str]
) -> MasterPlaylist | MediaPlaylist | None:
    """The list behind a master: of the chunks as they were sent where it is offered, else transcoded."""
    url = choose_variant(master, quality="best", kind=Kind.AUTO).variant.url
    transcoded = await _load(http, url, headers)
    beside_master = urlsplit(master.url)
    if "/non_transcode/" in beside_master.path and "/transcode/" in urlsplit(url).path:
        name = PurePosixPath(urlsplit(url).path).name
        original = await _load(http, _beside(beside_master, name, urlsplit(url).query), headers)
        if is_whole(original) and _count(original) >= _count(transcoded):
            return original
    return transcoded


def _count(playlist: MasterPlaylist | MediaPlaylist | None) -> int:
    return len(playlist.segments) if isinstance(playlist, MediaPlaylist) else 0


def _beside(parts: SplitResult, name: str, query: str) -> str:
    folder = parts.path.rpartition("/")[0]
    return parts._replace(path=f"{folder}/{name}", query=query, fragment="").geturl()
