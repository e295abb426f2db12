"""The picture of a thing, fetched for its file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.domain.errors import MediaFailure, NetworkFailure, SizeLimit, StageTimeout
from core.media.prober import Prober
from core.net.http.client import HttpClient
from core.net.http.response import raise_for_status

#: Name of the finished picture in the folder that it is fetched to.
COVER = "cover.jpg"
#: Larger ones are no covers.
MAX_BYTES = 16 * 1024**2
#: A file is not kept waiting longer for its picture.
TIMEOUT_S = 15.0


async def fetch_cover(http: HttpClient, prober: Prober, url: str, folder: Path) -> Path:
    """Fetch the picture at *url* and return it as a JPEG in *folder*, which must exist.

    Whatever kind of picture it was, it is decoded in the prober's process and encoded anew.

    Raises:
        JobError: There is none to be had; the file is as good without.
    """
    raw, result = folder / "cover.part", folder / COVER
    try:
        async with asyncio.timeout(TIMEOUT_S):
            data = await _read(http, url)
            await asyncio.to_thread(raw.write_bytes, data)
            picture = await prober.cover(raw)
            await asyncio.to_thread(raw.write_bytes, picture)
            await asyncio.to_thread(raw.replace, result)
    except TimeoutError as error:
        raise StageTimeout(f"the cover did not come within {TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise MediaFailure(f"the cover could not be stored: {error.strerror}") from error
    finally:
        raw.unlink(missing_ok=True)
    return result


async def _read(http: HttpClient, url: str) -> bytes:
    data = bytearray()
    async with http.stream(url) as response:
        raise_for_status(response, allow=frozenset({200}))
        async for chunk in response.chunks():
            data += chunk
            if len(data) > MAX_BYTES:
                raise SizeLimit(f"the cover has more than {MAX_BYTES // 1024**2} MiB")
    if not data:
        raise NetworkFailure("the cover is empty")
    return bytes(data)
