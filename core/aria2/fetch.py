"""Plain files by aria2c, under the contract of `fetch_file`: the same file, or an error of the tree."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.aria2.words import (
    CANNOT_RESUME,
    DISK_TROUBLE,
    NO_SPACE,
    Aria2c,
    Readout,
    arguments,
    control_bytes,
    meaning,
    order,
    suits,
)
from core.domain.errors import DiskFull, JobError, MediaFailure, NetworkFailure, SizeLimit, Stalled, Unknown
from core.domain.media import Track
from core.media.process_group import ProcessGroup, ResourceLimits
from core.net.http.client import HttpClient
from core.net.progress import Fetched, Progress
from core.net.seats import Seats, seating_of
from core.net.transfer.blocking import run_blocking
from core.net.transfer.digest import PrefixDigest
from core.net.transfer.file import fetch_file
from core.net.transfer.part import PartFile
from core.net.transfer.remote import RemoteFile, is_page, probe_remote, strong_validator
from core.net.transfer.resume import source_hash
from core.net.transfer.retries import retried
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container

#: Asked to end, it writes down within this time how far it is; it does so every second anyway.
_GRACE_S = 1.0
_TICK_S = 0.25
#: Its own files and pipes beside the connections.
_OPEN_FILES = 256
#: Large enough for its own note beside a small file.
_SMALLEST_LIMIT_BYTES = 2**20
_IS_WHOLE = "is_whole"
#: Exit status of `exec_shim` when there is no such program (any more).
_CANNOT_RUN = 127


async def fetch_with_aria2c(
    aria2c: Aria2c,
    http: HttpClient,
    track: Track,
    path: Path,
    *,
    progress: Progress,
    connections: int,
    max_bytes: int = 0,
    stall_s: float,
) -> Fetched:
    """Download *track* to *path* by aria2c, going on from what an earlier attempt left beside it.

    What is not for aria2c goes to `fetch_file`: what that has begun, logins, hosts that serve small ranges
    only, servers that tell neither size nor version, and everything when the program cannot be run. aria2c
    does not look whether a file changes while it is fetched; so this does, before and after.

    Args:
        aria2c: The program.
        http: Looks at the file first, and again in the end or when aria2c failed: errors have its words.
        track: What to fetch.
        path: Where the whole file goes; its folder exists. Unfinished, it is `<path>.part`.
        progress: Told what is on disk, once a second.
        connections: At most so many at once, and no more than its host has to spare.
        max_bytes: As for `fetch_file`.
        stall_s: As for `fetch_file`.

    Raises:
        JobError: As `fetch_file` does.
    """
    part = PartFile(path)
    note = await run_blocking(part.read_note)
    is_begun_by_us = note is not None and note.get("source") == source_hash(track)
    if suits(track) and not is_begun_by_us:
        remote = await retried(lambda: probe_remote(http, track.url, track.headers))
        if (version := _Version.of(remote)) is not None:
            run = _Run(aria2c, http, track, part, path, version)
            with contextlib.suppress(_NoSuchProgram):
                async with _seated(http.seats, version.url, path.parent, connections) as seats:
                    return await run.fetch(
                        arguments(aria2c, seats),
                        note,
                        progress=progress,
                        max_bytes=max_bytes,
                        stall_s=stall_s,
                    )
    return await fetch_file(
        http,
        track,
        path,
        progress=progress,
        connections=connections,
        max_bytes=max_bytes,
        stall_s=stall_s,
    )


@contextlib.asynccontextmanager
async def _seated(seats: Seats, url: str, asker: Hashable, connections: int) -> AsyncIterator[int]:
    """Wait for one of the host's connections, and take more, up to *connections*; how many they are.

    Half of those that are free stay so: aria2c gives none up for others before it is done.
    """
    host = seating_of(url)
    taken = 0
    try:
        for _ in range(max(1, min(connections, seats.free(host) // 2))):
            await seats.take(host, asker)
            taken += 1
        yield taken
    finally:
        for _ in range(taken):
            seats.leave(host, asker)


class _NoSuchProgram(Exception):
    """aria2c has gone since it was found. Control flow."""


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of a file that can be known again."""

    validator: str
    total: int
    #: Where it was seen, after redirects.
    url: str = field(compare=False)

    @classmethod
    def of(cls, remote: RemoteFile) -> _Version | None:
        """The version that a look at the server showed; None when aria2c could not be trusted with it."""
        seen = {"etag": remote.etag or "", "last-modified": remote.last_modified or ""}
        validator = strong_validator(seen)
        is_web_page = is_page(remote.content_type) or sniff_container(remote.head) == "html"
        if validator is None or not remote.size_bytes or not remote.accepts_ranges or is_web_page:
            return None
        return cls(validator, remote.size_bytes, remote.url)


class _Run:
    """One run of aria2c, for one version."""

    def __init__(
        self, aria2c: Aria2c, http: HttpClient, track: Track, part: PartFile, path: Path, version: _Version
    ) -> None:
        self._aria2c = aria2c
        self._http = http
        self._track = track
        self._part = part
        self._path = path.with_name(path.name + ".part")
        self._control = path.with_name(path.name + ".part.aria2")
        self._version = version

    async def fetch(
        self,
        argv: list[str],
        note: Mapping[str, Any] | None,
        *,
        progress: Progress,
        max_bytes: int,
        stall_s: float,
    ) -> Fetched:
        total = self._version.total
        if max_bytes and total > max_bytes:
            raise SizeLimit(f"{total} bytes; the limit is {max_bytes}")
        try:
            resumed_bytes = await run_blocking(self._resume_blocking, note)
            progress(resumed_bytes, total)
            if resumed_bytes < total:
                await self._run(argv, Readout(resumed_bytes), progress, stall_s)
            fetched = await self._finish(resumed_bytes)
        finally:
            self._part.close()
        progress(total, total)
        return fetched

    def _resume_blocking(self, note: Mapping[str, Any] | None) -> int:
        """Make sure that what is there is of this version, or nothing; how many bytes of it are good."""
        ours = self._note()
        if note is not None and note == ours | {_IS_WHOLE: True}:
            return self._version.total
        if note == ours and self._control.is_file():
            done_bytes = control_bytes(self._control.read_bytes())
            if done_bytes is not None:
                # The last byte is aria2c's to tell.
                return min(done_bytes, self._version.total - 1)
        self._discard_blocking()
        self._part.open()
        self._part.note_blocking(ours)
        self._part.close()
        return 0

    def _note(self) -> dict[str, Any]:
        """What the part is of. aria2c flushes nothing: what it wrote before the machine went down is void."""
        return {
            "source": f"aria2c {source_hash(self._track)}",
            "validator": self._version.validator,
            "total": self._version.total,
            "boot": _boot_id(),
        }

    def _discard_blocking(self) -> None:
        self._part.discard_blocking()
        self._control.unlink(missing_ok=True)

    async def _run(self, argv: list[str], readout: Readout, progress: Progress, stall_s: float) -> None:
        child = await ProcessGroup.start(
            argv,
            cwd=self._path.parent,
            env=None,
            limits=ResourceLimits(
                open_files=_OPEN_FILES, file_bytes=max(self._version.total, _SMALLEST_LIMIT_BYTES)
            ),
            stdout=readout,
            stdin=True,
        )
        try:
            child.write(order(self._aria2c, self._track, self._version.url, self._path))
            child.close_stdin()
            await self._watch(child, readout, progress, stall_s)
        finally:
            await child.end(grace_s=_GRACE_S)
            progress(readout.done_bytes, self._version.total)
        status = child.returncode or 0
        if status == _CANNOT_RUN:
            raise _NoSuchProgram
        if status:
            raise await self._failure(status)

    async def _watch(self, child: ProcessGroup, readout: Readout, progress: Progress, stall_s: float) -> None:
        """Until it has ended.

        Raises:
            Stalled: No byte for *stall_s*.
        """
        seen_bytes, since = readout.done_bytes, time.monotonic()
        while child.returncode is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_TICK_S, stall_s / 2)):
                    await child.wait()
            progress(readout.done_bytes, self._version.total)
            now = time.monotonic()
            if readout.done_bytes != seen_bytes:
                seen_bytes, since = readout.done_bytes, now
            elif now - since > stall_s:
                raise Stalled(f"no byte for {stall_s:g} s")

    async def _failure(self, status: int) -> JobError:
        """Why it failed: as our own client finds it, where the server says so."""
        if status == NO_SPACE:
            return DiskFull("aria2c found no space")
        if status in DISK_TROUBLE:
            return Unknown(f"aria2c could not write the file (status {status})")
        if status == CANNOT_RESUME:
            await run_blocking(self._discard_blocking)
        try:
            await probe_remote(self._http, self._track.url, self._track.headers)
        except JobError as error:
            return error
        return NetworkFailure(f"aria2c gave up: {meaning(status)}")

    async def _finish(self, resumed_bytes: int) -> Fetched:
        """Prove what aria2c has brought, and publish it."""
        total = self._version.total
        self._part.open()
        if self._part.size_bytes != total:
            await run_blocking(self._discard_blocking)
            raise NetworkFailure(f"aria2c brought {self._part.size_bytes} of {total} bytes")
        await run_blocking(self._part.note_blocking, self._note() | {_IS_WHOLE: True})
        remote = await retried(lambda: probe_remote(self._http, self._track.url, self._track.headers))
        if _Version.of(remote) != self._version:
            await run_blocking(self._discard_blocking)
            raise NetworkFailure("the file changed while it was fetched")
        try:
            sha256 = await PrefixDigest(self._part.fd, self._track.checksum).finish(total)
        except MediaFailure:
            await run_blocking(self._discard_blocking)
            raise
        container = sniff_container(self._part.read_at(SNIFF_BYTES, 0))
        await run_blocking(self._part.publish_blocking)
        return Fetched(
            path=self._part.path,
            size_bytes=total,
            sha256=sha256,
            fetched_bytes=total - resumed_bytes,
            resumed_bytes=resumed_bytes,
            container=container,
        )


def _boot_id() -> str:
    """Which start of the machine this is; empty where that cannot be known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
