"""Digests of a file that is still arriving: the part from its start that is there is hashed meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable

from core.domain.errors import MediaFailure, Unknown
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking

_STEP_BYTES = 16 * 2**20
_BUFFER_BYTES = 2**20
_LOOK_S = 0.05


class PrefixDigest:
    """SHA-256 of the file behind *fd*, and whatever its published *checksum* (`algorithm:hex`) is of.

    Raises:
        Unknown: The checksum is of a kind that this Python does not know.
    """

    def __init__(self, fd: int, checksum: str | None) -> None:
        self._fd = fd
        self._hashed_bytes = 0
        self._sha256 = hashlib.sha256()
        algorithm, _, self._expected = (checksum or "").lower().partition(":")
        self._published = self._sha256
        if self._expected and algorithm != "sha256":
            try:
                self._published = hashlib.new(algorithm, usedforsecurity=False)
            except ValueError as error:
                raise Unknown(f"checksums of the kind {algorithm!r} cannot be computed") from error

    async def follow(self, prefix_bytes: Callable[[], int]) -> None:
        """Hash what *prefix_bytes* says is there for good, for ever."""
        while True:
            if prefix_bytes() - self._hashed_bytes >= _STEP_BYTES:
                await run_blocking(self._hash_blocking, self._hashed_bytes + _STEP_BYTES)
            else:
                await asyncio.sleep(_LOOK_S)

    async def finish(self, size_bytes: int) -> str:
        """The SHA-256 of the whole file, in hex.

        Raises:
            MediaFailure: It is not what was published.
        """
        while self._hashed_bytes < size_bytes:
            await run_blocking(self._hash_blocking, min(self._hashed_bytes + _STEP_BYTES, size_bytes))
        if self._expected and self._published.hexdigest() != self._expected:
            raise MediaFailure(f"its {self._published.name} is not the one that the source publishes")
        return self._sha256.hexdigest()

    def _hash_blocking(self, end: int) -> None:
        buffer = memoryview(bytearray(_BUFFER_BYTES))
        while self._hashed_bytes < end:
            with disk.errors("cannot read"):
                count = os.preadv(
                    self._fd, [buffer[: min(_BUFFER_BYTES, end - self._hashed_bytes)]], self._hashed_bytes
                )
            if not count:
                raise Unknown("the unfinished file has become shorter")
            self._sha256.update(buffer[:count])
            if self._published is not self._sha256:
                self._published.update(buffer[:count])
            self._hashed_bytes += count
