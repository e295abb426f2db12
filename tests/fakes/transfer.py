"""What tests of transfers share: a client for loopback, and a record of what a transfer told."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.config.settings import Network, Timeouts
from core.domain.media import Role, Track, Transport
from core.net.address.gate import AddressGate
from core.net.hls.fetch import fetch_hls
from core.net.hls.live import Broadcast, record_hls
from core.net.http.client import HttpClient
from core.net.progress import Fetched
from core.net.transfer.file import fetch_file
from tests.fakes.origin import Origin

MIB = 2**20


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes in which no two stretches are alike."""
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def loopback_client(**timeouts: float) -> HttpClient:
    """A client that may talk to loopback."""
    limits = Timeouts(**{"connect_s": 5, "read_s": 5, **timeouts})
    return HttpClient(AddressGate(("127.0.0.0/8",)), network=Network(), timeouts=limits)


@dataclass
class Fetcher:
    """Fetches from *origin* into *folder*, the same path each time."""

    origin: Origin
    http: HttpClient
    folder: Path
    told: list[tuple[int, int | None]] = field(default_factory=list)
    recorded_s: float | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def path(self) -> Path:
        return self.folder / "media"

    @property
    def part(self) -> Path:
        return self.folder / "media.part"

    @property
    def note(self) -> Path:
        return self.folder / "media.part.json"

    def track(self, path: str, **facts: Any) -> Track:
        transport = Transport.HLS if path.endswith(".m3u8") else Transport.HTTP
        url = path if "://" in path else self.origin.url(path)
        return Track(**{"role": Role.MUXED, "transport": transport, "url": url, **facts})

    def _tell(self, done: int, total: int | None, *, recorded_s: float | None = None) -> None:
        self.recorded_s = recorded_s
        self.told.append((done, total))
        self._news.set()

    async def has_told(self, is_enough: Callable[[int, int | None], bool]) -> None:
        """Return once the transfer has told what *is_enough*; what it told is forgotten then."""
        while not any(is_enough(done, total) for done, total in self.told):
            self._news.clear()
            await self._news.wait()
        self.told.clear()

    async def file(
        self, path: str, *, connections: int = 4, max_bytes: int = 0, stall_s: float = 5, **facts: Any
    ) -> Fetched:
        return await fetch_file(
            self.http,
            self.track(path, **facts),
            self.path,
            progress=self._tell,
            connections=connections,
            max_bytes=max_bytes,
            stall_s=stall_s,
        )

    async def hls(
        self, path: str, *, window: int = 8, max_bytes: int = 0, stall_s: float = 5, **facts: Any
    ) -> Fetched:
        return await fetch_hls(
            self.http,
            self.track(path, **facts),
            self.path,
            progress=self._tell,
            window=window,
            max_bytes=max_bytes,
            stall_s=stall_s,
        )

    async def live(
        self, path: str, *, outage_s: float = 5, max_bytes: int = 0, broadcast: Broadcast | None = None
    ) -> Fetched:
        return await record_hls(
            self.http,
            self.track(path, is_live=True),
            self.path,
            progress=self._tell,
            window=8,
            outage_s=outage_s,
            max_bytes=max_bytes,
            broadcast=broadcast,
        )

    def assert_whole(self, fetched: Fetched, data: bytes) -> None:
        """The file is there, is *data*, and nothing else is."""
        assert sorted(item.name for item in self.folder.iterdir()) == ["media"]
        assert self.path.read_bytes() == data
        assert fetched.size_bytes == len(data)
        # Playlists are processed afterwards: their digest would be nobody's.
        assert fetched.sha256 in {None, sha256(data)}


@asynccontextmanager
async def fetcher(folder: Path, **timeouts: float) -> AsyncIterator[Fetcher]:
    """A fetcher with an origin and a client of its own, which are closed afterwards."""
    folder.mkdir(exist_ok=True)
    http = loopback_client(**timeouts)
    async with Origin() as origin:
        try:
            yield Fetcher(origin, http, folder)
        finally:
            await http.close()


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and wait until it has ended so."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise AssertionError("it was not cancelled: it had ended")


def open_files(folder: Path) -> list[str]:
    """Descriptors of this process that point into *folder*."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue  # the listing's own
        if target.startswith(str(folder)):
            found.append(target)
    return found
