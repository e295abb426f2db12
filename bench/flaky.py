"""`python -m bench.flaky LISTEN ROOT`: an origin that refuses, asks to wait, and cuts, in a seeded order.

10 % of the answers are 503, 8 % are 429 with `Retry-After: 1`, 62 % of the others are cut after 1 to 32 MiB.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from pathlib import Path

SEED = 7
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)
_BLOCK_BYTES = 1 << 20


class Flaky:
    """The origin of one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._chance = random.Random(SEED)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while await self._answer(await reader.readuntil(b"\r\n\r\n"), writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> bool:
        method, target, _ = head.split(b" ", 2)
        path = self._root / target.decode().lstrip("/")
        if not path.is_file():
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        draw = self._chance.random()
        if draw < 0.18:
            refusal = b"503 Unavailable" if draw < 0.10 else b"429 Too Many\r\nRetry-After: 1"
            writer.write(b"HTTP/1.1 " + refusal + b"\r\nContent-Length: 0\r\n\r\n")
            return True
        size, found = path.stat().st_size, _RANGE.search(head)
        start = int(found[1]) if found else 0
        end = min(int(found[2]) + 1 if found and found[2] else size, size)
        status = b"206 Partial Content" if found else b"200 OK"
        fields = b'Content-Length: %d\r\nAccept-Ranges: bytes\r\nETag: "1"\r\n' % (end - start)
        if found:
            fields += b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, size)
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + fields + b"\r\n")
        if method == b"HEAD":
            return True
        cut = start + self._chance.randint(1, 32) * 2**20 if self._chance.random() < 0.62 else end
        await _send(path, start, min(cut, end), writer)
        return cut >= end


async def _send(path: Path, start: int, end: int, writer: asyncio.StreamWriter) -> None:
    with path.open("rb") as file:
        file.seek(start)
        while start < end:
            block = file.read(min(_BLOCK_BYTES, end - start))
            start += len(block)
            writer.write(block)
            await writer.drain()


async def main(listen: int, root: Path) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Flaky(root).serve, "127.0.0.1", listen, limit=_BLOCK_BYTES)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
