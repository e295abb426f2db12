"""What previews found, kept for the downloads that follow; in memory alone, as logins may have opened it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.domain.job import Kind, Request
from core.domain.media import Resolution
from core.links.normalise import normalise

#: Sites change, and so do the addresses that they give.
MAX_AGE_S = 3600.0
#: An address is used no more this long before its site ends it: the download has to begin with it.
MARGIN_S = 60.0
MAX_ENTRIES = 256
#: As text; in memory it is a few times as much.
MAX_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Known:
    """What was found."""

    found: Resolution
    #: The login that it was found with, None for a guest.
    profile_id: int | None
    #: Seconds since the epoch.
    found_at: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Key:
    """Whatever changes what a source finds."""

    url: str
    kind: Kind
    quality: str
    format: str | None
    profile: str | None
    source: str | None


class MetadataCache:
    """Resolutions by what was asked for, the longest unused ones thrown out first.

    Args:
        clock: Seconds since the epoch.
        max_entries: How many are kept.
        max_bytes: How large all of them may be, as text.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._known: OrderedDict[_Key, Known] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def size_bytes(self) -> int:
        """Size of all that is kept, as text."""
        return self._size_bytes

    def get(self, request: Request) -> Known | None:
        """What was found for the very same request, while it can be used."""
        key = _key(request)
        known = self._known.get(key)
        if known is None:
            return None
        if not self._is_fresh(known.found, known.found_at):
            self._drop(key)
            return None
        self._known.move_to_end(key)
        return known

    async def put(self, request: Request, found: Resolution, profile_id: int | None) -> None:
        """Keep what was just found, unless it is live or too large."""
        found_at = self._clock()
        # In a thread: a list of thousands of items takes a while to be written out.
        size_bytes = len(await asyncio.to_thread(repr, found))
        is_live = any(track.is_live for track in found.tracks)
        self.forget(request)
        if is_live or size_bytes > self._max_bytes or not self._is_fresh(found, found_at):
            return
        self._known[_key(request)] = Known(found, profile_id, found_at, size_bytes)
        self._size_bytes += size_bytes
        while len(self._known) > self._max_entries or self._size_bytes > self._max_bytes:
            self._drop(next(iter(self._known)))

    def forget(self, request: Request) -> None:
        """It did not work, or is to be looked up anew."""
        self._drop(_key(request))

    def _drop(self, key: _Key) -> None:
        if (known := self._known.pop(key, None)) is not None:
            self._size_bytes -= known.size_bytes

    def _is_fresh(self, found: Resolution, found_at: float) -> bool:
        ends = found_at + MAX_AGE_S
        if found.expires is not None:
            ends = min(ends, found.expires - MARGIN_S)
        return self._clock() < ends


def _key(request: Request) -> _Key:
    return _Key(
        normalise(request.url),
        request.kind,
        request.quality,
        request.format,
        request.profile,
        request.source,
    )
