"""A few warm yt-dlp processes, and the queue in front of them.

A worker does one thing at a time. When its answer is late, or nobody wants it any more, it is killed with all
that it started, and another takes its place: nothing inside yt-dlp can be cancelled otherwise.
"""

from __future__ import annotations

import asyncio
import glob
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.config.settings import Network, Timeouts
from core.domain.debugging import is_debugged
from core.domain.errors import ExtractorFailure, StageTimeout, Stalled
from core.media.child import WorkerProcess, python_path, python_worker
from core.net.pace import PAYER
from core.net.progress import Progress
from core.sources.ytdlp import options as ytdlp_options
from core.sources.ytdlp.errors import Cause, classify

log = logging.getLogger("reeldeck.sources")

#: An idle worker keeps about 50 MB; after this long it is not worth them.
IDLE_S = 300.0
_WORKER_MODULE = "core.sources.ytdlp.worker"


class _Worker:
    """One process and its place in the conversation."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.version = ""
        self.requests = 0
        #: Between a request and its answer.
        self.is_busy = False
        self.expiry: asyncio.TimerHandle | None = None

    async def receive(self) -> dict[str, Any]:
        message = await self.process.receive()
        if message is None:
            await self.process.close(grace_s=0)
            code = self.process.returncode or 0
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
            raise ExtractorFailure(f"the yt-dlp process ended unexpectedly ({how})")
        return message

    async def result(
        self, request: Mapping[str, Any], progress: Progress | None, stall_s: float | None
    ) -> Any:
        """Ask, pass progress on, and wait for the end. *stall_s* bounds the time between two messages."""
        self.requests += 1
        self.is_busy = True
        self.process.send({"id": self.requests, **request})
        while True:
            async with asyncio.timeout(stall_s):
                message = await self.receive()
            if "log" in message:
                log.debug("yt-dlp", extra={"said": message["log"]})
            elif "progress" not in message:
                break
            elif progress:
                progress(*message["progress"])
        self.is_busy = False
        if "error" in message:
            raise classify([Cause.from_json(cause) for cause in message["error"]], version=self.version)
        return message["result"]


class YtdlpPool:
    """Runs yt-dlp's extraction and its downloads.

    Processes start when they are first needed, at most *size* for each of the two, so that long downloads
    never keep links from being resolved. Requests are served in the order in which they came.

    Args:
        size: Processes at most, for each purpose.
        proxy_url: The engine's proxy with its token: the processes' only way to the network.
        ffmpeg_path: The engine's ffmpeg.
        tmp_dir: Working folder of the processes.
        network: User agent and certificates.
        timeouts: `metadata_s` for an extraction; `download_s` and `stall_s` for a download; `read_s`.
        recycle_after: Requests after which a process is replaced: yt-dlp leaks.
        idle_s: An idle process ends after this long.
        newer: The folder of a yt-dlp to load instead of the one that is installed, asked for at each start.
    """

    def __init__(  # noqa: PLR0913 -- each is a setting of its own
        self,
        *,
        size: int,
        proxy_url: str,
        ffmpeg_path: Path,
        tmp_dir: Path,
        network: Network,
        timeouts: Timeouts,
        recycle_after: int = 50,
        idle_s: float = IDLE_S,
        newer: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._common = ytdlp_options.common(
            network=network, timeouts=timeouts, proxy_url=proxy_url, ffmpeg_path=ffmpeg_path
        )
        self._environment = ytdlp_options.environment(network)
        self._tmp_dir = tmp_dir
        self._timeouts = timeouts
        self._recycle_after = recycle_after
        self._idle_s = idle_s
        self._newer = newer
        self._extractions = asyncio.Semaphore(size)
        self._downloads = asyncio.Semaphore(size)
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._is_closed = False
        #: The end of what the last worker that failed wrote, unfiltered: for debugging, never for a log.
        self.stderr_tail = ""

    @property
    def pids(self) -> frozenset[int]:
        """The processes that live now."""
        return frozenset(worker.process.pid for worker in self._workers)

    async def extract(
        self, url: str, *, options: Mapping[str, Any], proxy_url: str | None = None
    ) -> dict[str, Any]:
        """What yt-dlp finds behind *url*: its information dict, JSON values only.

        Args:
            url: The link.
            options: From `options.extraction` and `options.for_source`.
            proxy_url: The engine's proxy for this source, where it has one of its own.

        Raises:
            StageTimeout: It took longer than `timeouts.metadata_s`.
            JobError: It failed.
        """
        request = {"op": "extract", "url": url, "options": self._options(options, proxy_url)}
        async with self._extractions:
            found: dict[str, Any] = await self._ask(request, limit_s=self._timeouts.metadata_s)
        return found

    async def download(
        self,
        info: Mapping[str, Any],
        format_id: str,
        path: Path,
        *,
        progress: Progress,
        cookie_file: Path | None = None,
        options: Mapping[str, Any] | None = None,
        proxy_url: str | None = None,
    ) -> Path:
        """Fetch one format of an extracted video to *path*, from the start.

        What an ended process left is thrown away: yt-dlp joins fragments and notes how many it has joined
        in two steps, so after a kill in between the next run would join one of them twice.

        Args:
            info: What `extract` gave, at least with this format.
            format_id: Which.
            path: The file, whose folder exists.
            progress: Told four times a second.
            cookie_file: A private copy, as for `extract`.
            options: From `options.for_source`.
            proxy_url: As for `extract`.

        Raises:
            StageTimeout: It took longer than `timeouts.download_s`.
            Stalled: Nothing came for `timeouts.stall_s`.
            JobError: It failed.
        """
        request = {
            "op": "download",
            "info": info,
            "format_id": format_id,
            "path": str(path),
            "options": self._options(
                {**ytdlp_options.download(path, cookie_file=cookie_file), **(options or {})}, proxy_url
            ),
        }
        async with self._downloads:
            await asyncio.to_thread(_discard_leftovers_blocking, path)
            return Path(
                await self._ask(
                    request,
                    limit_s=self._timeouts.download_s,
                    progress=progress,
                    stall_s=self._timeouts.stall_s,
                )
            )

    async def close(self) -> None:
        """Kill what is at work and end what is idle; no process is left."""
        self._is_closed = True
        await asyncio.gather(*(self._end(worker) for worker in tuple(self._workers)))
        await asyncio.gather(*self._endings)

    def _options(self, options: Mapping[str, Any], proxy_url: str | None) -> dict[str, Any]:
        way_out = {"proxy": proxy_url} if proxy_url else {}
        return {**self._common, "verbose": is_debugged(PAYER.get()), **options, **way_out}

    async def _ask(
        self,
        request: Mapping[str, Any],
        *,
        limit_s: float,
        progress: Progress | None = None,
        stall_s: float | None = None,
    ) -> Any:
        limit = asyncio.timeout(limit_s)
        try:
            async with limit, self._worker() as worker:
                return await worker.result(request, progress, stall_s)
        except TimeoutError as error:
            if limit.expired():
                raise StageTimeout(f"yt-dlp took longer than {limit_s:g} s") from error
            raise Stalled(f"yt-dlp made no progress for {stall_s:g} s") from error

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[_Worker]:
        """A worker of one's own. It is idle again when its answer came, good or bad, and otherwise gone."""
        worker = await self._take()
        try:
            yield worker
        finally:
            is_worn = worker.requests >= self._recycle_after
            if worker.is_busy:
                self.stderr_tail = worker.process.stderr_tail
            if worker.is_busy or is_worn or self._is_closed:
                await self._end(worker)
            else:
                self._rest(worker)

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.expiry:
                worker.expiry.cancel()
            if worker.process.returncode is None:
                return worker
            await self._end(worker)
        return await self._start()

    async def _start(self) -> _Worker:
        await asyncio.to_thread(self._tmp_dir.mkdir, parents=True, exist_ok=True)
        newer = await asyncio.to_thread(self._newer)
        if newer is not None:
            try:
                return await self._start_with({"PYTHONPATH": python_path(newer)})
            except ExtractorFailure as error:
                # A part of it may be gone or broken; links are to be resolved all the same.
                log.warning("the newer yt-dlp does not start", extra={"reason": str(error)})
        return await self._start_with({})

    async def _start_with(self, environment: Mapping[str, str]) -> _Worker:
        # It starts programs itself (a JavaScript runtime), which must not outlive the engine either.
        process = await WorkerProcess.start(
            python_worker(_WORKER_MODULE),
            cwd=self._tmp_dir,
            env={**self._environment, **environment},
            guard=True,
        )
        worker = _Worker(process)
        self._workers.add(worker)
        if self._is_closed:
            await self._end(worker)
            raise ExtractorFailure("yt-dlp is being shut down")
        try:
            worker.version = (await worker.receive())["ready"]["version"]
        except BaseException:
            self.stderr_tail = process.stderr_tail
            await self._end(worker)
            raise
        return worker

    def _rest(self, worker: _Worker) -> None:
        self._idle.append(worker)
        worker.expiry = asyncio.get_running_loop().call_later(self._idle_s, self._expire, worker)

    def _expire(self, worker: _Worker) -> None:
        self._idle.remove(worker)
        ending = asyncio.create_task(self._end(worker))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _end(self, worker: _Worker) -> None:
        if worker.expiry:
            worker.expiry.cancel()
        self._workers.discard(worker)
        await worker.process.close(grace_s=0)


def _discard_leftovers_blocking(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(path.name)}.*"):
        left.unlink()
