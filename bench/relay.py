"""`python -m bench.relay LISTEN TARGET ROUND_TRIP_S`: makes a loopback server as slow to answer as a far one.

Every byte is passed on half a round trip late, in either direction, however much is under way; the first
request of a connection is a round trip later still, as the connection itself would be.
"""

from __future__ import annotations

import asyncio
import sys

READ_BYTES = 1 << 20


async def main(listen: int, target: int, round_trip_s: float) -> None:
    """Relay until the process is ended."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(
            "127.0.0.1", target, limit=READ_BYTES
        )
        await asyncio.gather(
            _carry(reader, upstream_writer, round_trip_s / 2, extra_s=round_trip_s),
            _carry(upstream_reader, writer, round_trip_s / 2),
        )

    server = await asyncio.start_server(serve, "127.0.0.1", listen, backlog=1024, limit=READ_BYTES)
    async with server:
        await server.serve_forever()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float, *, extra_s: float = 0.0
) -> None:
    """Pass on what is read, *delay_s* late; nothing overtakes what came before it."""
    loop = asyncio.get_running_loop()
    due = loop.time() + extra_s
    try:
        while data := await reader.read(READ_BYTES):
            due = max(due, loop.time() + delay_s)
            loop.call_at(due, writer.write, data)
    except ConnectionError:
        pass
    loop.call_at(max(due, loop.time() + delay_s), writer.close)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
