"""Both ends of `bench.telegram`, each in a process of its own.

`python -m bench.telegram_ends serve OPTIONS` is a Telegram on loopback with one account and some messages; it
prints where it is, and ends with its standard input. `python -m bench.telegram_ends run OPTIONS` does one
piece of work there, and prints what that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.tl.functions.messages import SendMediaRequest
from telethon.tl.types import DocumentAttributeAudio, InputMediaUploadedDocument, InputPeerSelf

from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH, API_ID
from userbot.transfer.download import download_file
from userbot.transfer.upload import upload_file
from userbot.transfer.window import Window

CHAT = "lectures"
Work = Callable[[], Awaitable[Any]]


async def serve(*, folder: str, file: str, messages: int, round_trip_s: float) -> None:
    """Be Telegram until nobody listens any more: a chat with so many messages, each with that file."""
    home, data = Path(folder), await asyncio.to_thread(Path(file).read_bytes)
    async with FakeTelegram(home) as telegram:
        account = telegram.add_user("Alice")
        session = home / "account.session"
        client = telegram.client(session)
        await telegram.log_in(client, account)
        await client.disconnect()
        chat = telegram.add_supergroup("Lectures", account, username=CHAT)
        sound = [DocumentAttributeAudio(8)]
        for number in range(messages):
            telegram.post(
                account, chat, f"Lecture {number}", file=data, mime_type="audio/mp4", attributes=sound
            )
        del data
        telegram.latency_s = round_trip_s
        print(json.dumps({"session": str(session), "public_key": telegram.public_key}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def run(*, session: str, public_key: str, way: str, path: str) -> dict[str, float]:
    """One piece of work: wall and CPU seconds, and by how many bytes the process grew."""
    rsa.add_key(public_key, old=False)
    client = TelegramClient(session, API_ID, API_HASH)
    await client.connect()
    (newest,) = await client.get_messages(CHAT, limit=1)
    async with _ready(way, client, newest, Path(path)) as work:
        before, cpu, began = _peak_bytes(), time.process_time(), time.perf_counter()
        uploaded = await work()
        took = {
            "wall_s": time.perf_counter() - began,
            "cpu_s": time.process_time() - cpu,
            "rss_bytes": _peak_bytes() - before,
        }
    if uploaded is not None:  # so that the file exists, and can be compared
        media = InputMediaUploadedDocument(uploaded, "application/octet-stream", [])
        await client(SendMediaRequest(InputPeerSelf(), media, ""))
    await client.disconnect()
    return took


def _peak_bytes() -> int:
    """The largest that this process was. getrusage counts what its parent was before it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


async def _telethon_up(client: TelegramClient, _: Any, path: Path) -> Any:
    return await client.upload_file(str(path))


async def _telethon_down(client: TelegramClient, newest: Any, path: Path) -> None:
    await client.download_media(newest, str(path))


async def _telethon_loop(client: TelegramClient, _: Any, path: Path) -> None:
    async for message in client.iter_messages(CHAT):
        if message.document is not None:
            await client.download_media(message, str(path / f"{message.id}.m4a"))


async def _reeldeck_up(client: TelegramClient, _: Any, path: Path) -> Any:
    return await upload_file(client, path, file_name=path.name, window=Window())


async def _reeldeck_down(client: TelegramClient, newest: Any, path: Path) -> None:
    await download_file(
        client,
        newest.document,
        size_bytes=newest.document.size,
        path=path,
        window=Window(),
        progress=lambda _done, _total, *, recorded_s=None: None,  # noqa: ARG005 -- Progress
    )


@contextlib.asynccontextmanager
async def _collecting(client: TelegramClient, path: Path) -> AsyncIterator[Work]:
    """Jobs like all others, of an engine that is up: probed, filed, and to be found in the library."""
    from core.config.settings import Settings  # noqa: PLC0415 -- not to weigh on the others
    from core.domain.events import Event, EventType  # noqa: PLC0415 -- as above
    from core.domain.messenger import Collect  # noqa: PLC0415 -- as above
    from core.engine.engine import Engine  # noqa: PLC0415 -- as above
    from userbot.collect import Collector  # noqa: PLC0415 -- as above
    from userbot.source import TelegramSource  # noqa: PLC0415 -- as above

    ended, wanted, are_done = 0, -1, asyncio.Event()

    def on_event(event: Event, _job: object) -> None:
        nonlocal ended
        ended += event.type in {EventType.JOB_COMPLETED, EventType.JOB_FAILED}
        if ended == wanted:
            are_done.set()

    async def collect() -> None:
        nonlocal wanted
        collector, added = Collector(client=client, engine=engine, keep=source.keep), 0
        async for figures in collector.collect(Collect(chat=f"@{CHAT}")):
            added = figures.added
        wanted = added
        if ended < wanted:
            await are_done.wait()

    source = TelegramSource()
    source.client = client
    paths = {"data_dir": path / "data", "archive_dir": path / "archive"}
    engine = Engine(Settings.model_validate({"paths": paths}), more_sources=[source], on_event=on_event)
    await engine.start()
    try:
        yield collect
    finally:
        await engine.stop()


@contextlib.asynccontextmanager
async def _ready(way: str, client: TelegramClient, newest: Any, path: Path) -> AsyncIterator[Work]:
    if way == "reeldeck collect":
        async with _collecting(client, path) as collect:
            yield collect
    else:
        yield partial(WAYS[way], client, newest, path)


WAYS = {
    "telethon up": _telethon_up,
    "telethon down": _telethon_down,
    "telethon loop": _telethon_loop,
    "reeldeck up": _reeldeck_up,
    "reeldeck down": _reeldeck_down,
}

if __name__ == "__main__":
    end, options = sys.argv[1], json.loads(sys.argv[2])
    if end == "serve":
        asyncio.run(serve(**options))
    else:
        print(json.dumps(asyncio.run(run(**options))))
