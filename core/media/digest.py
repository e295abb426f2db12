"""SHA-256 of a file, beside the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

from core.domain.errors import MediaFailure

#: Large enough that hashing, not calls, takes the time; small enough to stay in the cache.
_BLOCK_BYTES = 1024 * 1024


async def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of *path*, computed in a thread; a cancelled caller stops it at the next block.

    Raises:
        MediaFailure: The file cannot be read.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_sha256, path, stop)
    except OSError as error:
        raise MediaFailure(f"{path.name} cannot be read: {error.strerror}") from error
    finally:
        stop.set()


def _sha256(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while not stop.is_set() and (count := file.readinto(buffer)):
            digest.update(buffer[:count])
    return digest.hexdigest()
