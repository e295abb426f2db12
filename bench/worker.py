"""`python -m bench.worker OPTIONS`: Reeldeck, warm, doing work that is asked for line by line.

A request is `{"work": …, "folder": …, …}`, an answer `{"wall_s", "cpu_s", "rss_bytes"}` or `{"error"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from core.config.settings import Settings
from core.domain.errors import ReeldeckError
from core.domain.job import JobStatus, Kind, Request
from core.domain.media import Role, Tags, Track, Transport
from core.engine.engine import Engine
from core.media.ffmpeg import locate
from core.media.postprocess import Input, Wanted, postprocess
from core.media.prober import Prober
from core.net.address.gate import AddressGate
from core.net.hls.fetch import fetch_hls
from core.net.http.client import HttpClient
from core.net.progress import Fetched
from core.net.transfer.file import fetch_file

Answer = Mapping[str, Any]


class Worker:
    """A client and an engine that are up.

    Args:
        engine: The engine, whose settings hold for the client too.
    """

    def __init__(self, engine: Engine, http: HttpClient, *, connections: int, segments: int) -> None:
        self._engine = engine
        self._http = http
        self._connections = connections
        self._segments = segments
        self._ffmpeg = locate(None)
        self._prober = Prober()

    async def bytes(self, folder: Path, *, url: str) -> None:
        """The ranged transfer as other tools do it: nothing is hashed, nothing waits for the disk."""
        with _unflushed():
            await self._fetch(Role.MUXED, url, folder / "out", is_hashed=False)

    async def file(self, folder: Path, *, url: str) -> None:
        """The ranged transfer alone, digest and flush included."""
        await self._fetch(Role.MUXED, url, folder / "out", is_hashed=True)

    async def _fetch(self, role: Role, url: str, path: Path, *, is_hashed: bool) -> Fetched:
        return await fetch_file(
            self._http,
            Track(role=role, transport=Transport.HTTP, url=url),
            path,
            progress=_ignore,
            connections=self._connections,
            stall_s=60,
            is_hashed=is_hashed,
        )

    async def hls(self, folder: Path, *, url: str) -> None:
        """The segment transfer alone."""
        await fetch_hls(
            self._http,
            Track(role=Role.MUXED, transport=Transport.HLS, url=url),
            folder / "out",
            progress=_ignore,
            window=self._segments,
            stall_s=60,
        )

    async def job(self, folder: Path, *, url: str, kind: str = "auto", source: str | None = None) -> None:
        """A whole job, from the request to the file in its place."""
        request = Request(url=url, kind=Kind(kind), source=source, out_dir=str(folder), force=True)
        await self._finish(request)

    async def jobs(self, folder: Path, *, urls: list[str]) -> None:
        """Whole jobs, all at once."""
        requests = [Request(url=url, out_dir=str(folder), force=True) for url in urls]
        await asyncio.gather(*map(self._finish, requests))

    async def merge(self, folder: Path, *, video: str, audio: str) -> None:
        """Picture and sound side by side, and into one file."""
        making = folder / "making"
        making.mkdir()
        tracks = {Role.VIDEO: video, Role.AUDIO: audio}
        fetched = await asyncio.gather(
            *(self._fetch(role, url, making / role, is_hashed=False) for role, url in tracks.items())
        )
        inputs = [
            Input(role=role, path=one.path, info=await self._prober.probe(one.path, measure=False))
            for role, one in zip(tracks, fetched, strict=True)
        ]
        wanted = Wanted(
            kind=Kind.VIDEO, container="mp4", audio_format="m4a", audio_bitrate="high", tags=Tags()
        )
        made = await postprocess(
            self._ffmpeg,
            inputs,
            wanted,
            making / "output",
            timeout_s=60,
            stall_s=60,
            progress=lambda _share: None,
        )
        made.path.rename(folder / "out")
        shutil.rmtree(making)

    async def _finish(self, request: Request) -> None:
        job = (await self._engine.submit(request)).job
        async for _ in self._engine.stream():
            job = await self._engine.job(job.id)
            if job.status.is_final:
                break
        if job.status is not JobStatus.COMPLETED:
            raise ValueError(f"{job.status}: {job.error_type} {job.error_message}")

    async def close(self) -> None:
        """End what was started."""
        await self._prober.close()

    async def nothing(self, folder: Path) -> None:
        """Say that the process is up."""


@contextlib.contextmanager
def _unflushed() -> Iterator[None]:
    """Take what makes a file outlive a power cut out of transfers."""
    with mock.patch.multiple(os, fsync=mock.DEFAULT, fdatasync=mock.DEFAULT, create=True):
        yield


def _ignore(_done: int, _total: int | None, /, *, recorded_s: float | None = None) -> None:  # noqa: ARG001 -- Progress
    return None


async def main(options: Mapping[str, Any]) -> None:
    """Answer requests until there are no more."""
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        network, limits = dict(options), options.get("limits", {})
        network.pop("limits", None)
        settings = Settings.model_validate(
            {
                "paths": {"data_dir": folder},
                "network": {"allow_addresses": ("127.0.0.0/8",), **network},
                "limits": limits,
            }
        )
        engine = Engine(settings)
        await engine.start()
        http = HttpClient(
            AddressGate(settings.network.allow_addresses),
            network=settings.network,
            timeouts=settings.timeouts,
        )
        worker = Worker(
            engine,
            http,
            connections=settings.network.max_connections_per_file,
            segments=settings.network.max_connections_per_host,
        )
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(await _answer(worker, json.loads(line))), flush=True)
        finally:
            await worker.close()
            await http.close()
            await engine.stop()


async def _answer(worker: Worker, request: dict[str, Any]) -> Answer:
    work: Callable[..., Awaitable[None]] = getattr(worker, request.pop("work"))
    _forget_peak()
    began, spent_s = time.perf_counter(), _cpu_s()
    try:
        await work(Path(request.pop("folder")), **request)
    except (ReeldeckError, ValueError) as error:
        return {"error": str(error)}
    return {"wall_s": time.perf_counter() - began, "cpu_s": _cpu_s() - spent_s, "rss_bytes": _peak_bytes()}


def _forget_peak() -> None:
    """Let the peak be that of the next work, where the system can do so (Linux, proc(5))."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _cpu_s() -> float:
    """Of this process and its children, ended or not."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = psutil.Process()
    living = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return ended.ru_utime + ended.ru_stime + sum(times.user + times.system for times in living)


def _peak_bytes() -> int:
    """The most memory that this process held since the last request."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
