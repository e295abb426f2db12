"""Keeps the note of an unfinished file current while its transfer runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.net.transfer.blocking import run_blocking
from core.net.transfer.part import PartFile

#: After so many new bytes, or so many seconds, they are flushed and claimed: what a crash can cost.
CLAIM_BYTES = 8 * 2**20
CLAIM_S = 1.0
#: At most this share of the time goes into flushing: a link faster than the disk is not held up, and what a
#: crash then costs is fetched again as fast.
_MAX_SHARE = 0.5

#: Says what is written at this moment; None when nothing could be resumed from. Never kept here: whoever
#: says it has the journal, and a circle would hold all that a job was until garbage is looked for.
Note = Callable[[], Mapping[str, Any] | None]


class Journal:
    """Claims what was written, again and again, off the event loop.

    Args:
        part: The file.
    """

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._claimed: Mapping[str, Any] | None = None
        self._unclaimed_bytes = 0
        self._is_due = asyncio.Event()

    def wrote(self, size: int) -> None:
        """*size* more bytes were written."""
        self._unclaimed_bytes += size
        if self._unclaimed_bytes >= CLAIM_BYTES:
            self._is_due.set()

    async def keep(self, note: Note) -> None:
        """Claim whenever it is due, for ever."""
        took_s = 0.0
        while True:
            await asyncio.sleep(min(took_s * (1 / _MAX_SHARE - 1), CLAIM_S))
            with contextlib.suppress(TimeoutError):  # the second is over: claim what there is
                async with asyncio.timeout(CLAIM_S):
                    await self._is_due.wait()
            began = time.monotonic()
            await self.claim(note)
            took_s = time.monotonic() - began

    async def claim(self, note: Note) -> None:
        """Flush and claim what is written now, if there is anything new."""
        self._is_due.clear()
        self._unclaimed_bytes = 0
        written = note()
        if written is not None and written != self._claimed:
            await run_blocking(self._part.note_blocking, written)
            self._claimed = written
