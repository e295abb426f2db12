"""Both ends of `bench.telegram`, each in a process of its own.

`python -m bench.telegram_ends serve OPTIONS` is a Telegram on loopback with one account and one file; it
prints where it is, and ends with its standard input. `python -m bench.telegram_ends run OPTIONS` does one
transfer there, and prints what that took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.tl.functions.messages import SendMediaRequest
from telethon.tl.types import InputMediaUploadedDocument, InputPeerSelf

from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH, API_ID
from userbot.transfer.download import download_file
from userbot.transfer.upload import upload_file
from userbot.transfer.window import Window


async def serve(*, folder: str, file: str, round_trip_s: float) -> None:
    """Be Telegram until nobody listens any more."""
    home, data = Path(folder), await asyncio.to_thread(Path(file).read_bytes)
    async with FakeTelegram(home) as telegram:
        account = telegram.add_user("Alice")
        session = home / "account.session"
        client = telegram.client(session)
        await telegram.log_in(client, account)
        await client.disconnect()
        post = telegram.post(account, account, file=data)
        del data
        telegram.latency_s = round_trip_s
        (number,) = post.numbers.values()
        told = {"session": str(session), "public_key": telegram.public_key, "message": number}
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def run(*, session: str, public_key: str, message: int, way: str, path: str) -> dict[str, float]:
    """One transfer: wall and CPU seconds, and by how many bytes the process grew."""
    rsa.add_key(public_key, old=False)
    client = TelegramClient(session, API_ID, API_HASH)
    await client.connect()
    found = await client.get_messages("me", ids=message)
    before, cpu, began = _grown(), time.process_time(), time.perf_counter()
    uploaded = await WAYS[way](client, found, Path(path))
    took = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "rss_bytes": _grown() - before,
    }
    if uploaded is not None:  # so that the file exists, and can be compared
        media = InputMediaUploadedDocument(uploaded, "application/octet-stream", [])
        await client(SendMediaRequest(InputPeerSelf(), media, ""))
    await client.disconnect()
    return took


def _grown() -> int:
    """The largest that this process was, in bytes. getrusage counts what its parent was before it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


async def _telethon_up(client: TelegramClient, _: Any, path: Path) -> Any:
    return await client.upload_file(str(path))


async def _telethon_down(client: TelegramClient, message: Any, path: Path) -> None:
    await client.download_media(message, str(path))


async def _reeldeck_up(client: TelegramClient, _: Any, path: Path) -> Any:
    return await upload_file(client, path, file_name=path.name, window=Window())


async def _reeldeck_down(client: TelegramClient, message: Any, path: Path) -> None:
    await download_file(
        client,
        message.document,
        size_bytes=message.document.size,
        path=path,
        window=Window(),
        progress=_ignore,
    )


def _ignore(done: int, total: int | None, *, recorded_s: float | None = None) -> None:
    """Progress that nobody looks at."""


WAYS = {
    "telethon up": _telethon_up,
    "telethon down": _telethon_down,
    "reeldeck up": _reeldeck_up,
    "reeldeck down": _reeldeck_down,
}

if __name__ == "__main__":
    end, options = sys.argv[1], json.loads(sys.argv[2])
    if end == "serve":
        asyncio.run(serve(**options))
    else:
        print(json.dumps(asyncio.run(run(**options))))
