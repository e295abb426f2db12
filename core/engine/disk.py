"""Keep the disks from filling up: no new work below the reserve, and parked jobs go on when there is room."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import DiskFull

#: Set aside while there is room and given up when there is none, so that the database can still say so.
BALLAST_BYTES = 8 * 1024**2
#: After a write failed for want of space, this much more must be free before the job tries again.
REGAINED_BYTES = 8 * 1024**2
#: A write that failed with more than this free did not fail for want of space.
AMPLE_BYTES = 64 * 1024**2
#: … but for want of rights, or of a quota that nobody shows us; it is tried again after this long.
LOOK_AGAIN_S = 10.0
#: A look that showed so much more than is needed holds for the files of the next moment.
PLENTY_BYTES = 1024**3
PLENTY_S = 1.0


def free_bytes(folder: Path) -> int:
    """Space that this user may still write on *folder*'s disk; its nearest existing parent counts."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


class DiskGuard:
    """Watches the disks of *folders* against a reserve; *ballast* is a file beside the database."""

    def __init__(self, folders: Sequence[Path], *, ballast: Path, min_free_bytes: int) -> None:
        self._folders = folders
        self._ballast = ballast
        self._min_free_bytes = min_free_bytes
        self._needed_bytes = min_free_bytes
        self._not_before = 0.0
        #: A write failed since the last look.
        self._is_settling = False
        #: When the last look was, what it showed, and what was let in since.
        self._looked_at, self._seen_bytes, self._let_in_bytes = -PLENTY_S, 0, 0

    @property
    def min_free_bytes(self) -> int:
        """The reserve."""
        return self._min_free_bytes

    def reserve(self, min_free_bytes: int) -> None:
        """Let another reserve hold from now on."""
        self._needed_bytes += min_free_bytes - self._min_free_bytes
        self._min_free_bytes = min_free_bytes

    async def free(self) -> int:
        """Free bytes on the fullest of the disks."""
        free = await asyncio.to_thread(lambda: min(free_bytes(folder) for folder in self._folders))
        self._looked_at, self._seen_bytes, self._let_in_bytes = time.monotonic(), free, 0
        return free

    async def hold_ballast(self) -> None:
        """Set the ballast aside, unless that would be what makes the disk full."""
        await asyncio.to_thread(self._hold_ballast_blocking)

    def _hold_ballast_blocking(self) -> None:
        needed = self._min_free_bytes + 2 * BALLAST_BYTES
        if self._ballast.exists() or free_bytes(self._ballast.parent) < needed:
            return
        try:
            with self._ballast.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError:
            self._ballast.unlink(missing_ok=True)

    async def drop_ballast(self) -> None:
        """Give the ballast up, so that the database can grow on a full disk."""
        await asyncio.to_thread(self._ballast.unlink, missing_ok=True)

    async def require(self, size_bytes: int | None) -> None:
        """Raise DiskFull unless a download of *size_bytes* leaves the reserve untouched."""
        if size_bytes is not None and self._has_plenty(size_bytes):
            self._let_in_bytes += size_bytes
            return
        free = await self.free()
        if free < self._min_free_bytes + (size_bytes or 0):
            self.failed(free, size_bytes)
            raise DiskFull(
                f"{free // 1024**2} MiB are free, {(size_bytes or 0) // 1024**2} MiB are needed "
                f"and {self._min_free_bytes // 1024**2} MiB stay reserved"
            )

    def _has_plenty(self, size_bytes: int) -> bool:
        left = self._seen_bytes - self._let_in_bytes - size_bytes
        is_fresh = time.monotonic() - self._looked_at < PLENTY_S
        return is_fresh and left > self._min_free_bytes + PLENTY_BYTES

    def failed(self, free: int, size_bytes: int | None = None) -> None:
        """Remember that *free* bytes were not enough."""
        needed = self._min_free_bytes + size_bytes if size_bytes else free + REGAINED_BYTES
        self._needed_bytes = max(self._needed_bytes, needed)

    def failed_now(self) -> None:
        """A write failed, with as much free as there is now."""
        free = min(free_bytes(folder) for folder in self._folders)
        if free < self._needed_bytes > self._min_free_bytes:
            return  # what is missing is known already
        if free < self._min_free_bytes + AMPLE_BYTES:
            self.failed(free)
            self._is_settling = True
        else:
            self._not_before = time.monotonic() + LOOK_AGAIN_S

    async def has_recovered(self) -> bool:
        """Whether parked jobs may try again: room, and folders that take a file."""
        free = await self.free()
        if self._is_settling and free < self._min_free_bytes + AMPLE_BYTES:
            # What the failed download and the ballast gave back is no more room than there was.
            self.failed(free)
        self._is_settling = False
        if time.monotonic() < self._not_before or free < self._needed_bytes:
            return False
        if not await asyncio.to_thread(self._are_writable_blocking):
            return False
        self._needed_bytes = self._min_free_bytes
        return True

    def _are_writable_blocking(self) -> bool:
        try:
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder) as probe:
                    probe.write(b"reeldeck")
        except OSError:
            return False
        return True
