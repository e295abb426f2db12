"""One faulty transfer, drawn from its number, and what it is held to."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import JobError, StageTimeout
from core.net.progress import Fetched
from tests.campaign.faults import COMMON, RANGED, VERSIONED, Draws, Kind, give_version
from tests.fakes.hls import adts, put_vod
from tests.fakes.origin import Resource
from tests.fakes.transfer import MIB, Fetcher, fetcher, open_files

KIB = 1024
#: What the engine's settings would be, brought down to the size of the files.
CONNECT_S, READ_S, STALL_S, DOWNLOAD_S = 0.5, 0.5, 1.0, 8.0
MAX_BYTES = 4 * MIB
#: What is fetched twice at most: the file anew as often as a transfer begins again …
_RESTARTS = 2
#: … and for each answer what is compared with what is known, or was on its way for nobody.
_OVERLAP_BYTES = 64 * KIB


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transfer ended."""

    number: int
    #: Name of the error's class, None when it came whole at once.
    error: str | None
    answers: int
    met: tuple[str, ...]
    took_s: float
    size_bytes: int
    #: Received beyond the size, of those that came whole at once.
    twice_bytes: int
    #: What is wrong with all this.
    complaint: str | None


async def transfer(seed: int, number: int, folder: Path) -> Outcome:
    """Run one; even numbers are files, odd ones HLS."""
    chance = random.Random(f"{seed}/{number}")
    async with fetcher(folder, connect_s=CONNECT_S, read_s=READ_S) as it:
        trial = _Trial(it, chance, number)
        trial.put_hls() if number % 2 else trial.put_file()
        return await trial.run()


class _Trial:
    def __init__(self, it: Fetcher, chance: random.Random, number: int) -> None:
        self._it, self._chance, self._number = it, chance, number
        self._share = chance.choice([0.05, 0.2, 0.5, 0.8, 1.0])
        self._draws: list[Draws] = []
        self._fetch: Callable[[], Awaitable[Fetched]]
        self._expected: Callable[[], bytes]
        #: A joined playlist has none: what is kept is remuxed from it.
        self._is_hashed = True
        it.origin.put_redirect("/circle", it.origin.url("/circle"))

    def put_file(self) -> None:
        """A file of some size with some validators, or none."""
        chance, origin = self._chance, self._it.origin
        size = chance.choice(
            [chance.randint(1, 64 * KIB), 64 * KIB, 300_000, chance.randint(MIB // 2, 2 * MIB)]
        )
        etag, modified = chance.choice(
            [('"1"', "x"), ('"1"', None), (None, "x"), ('W/"1"', None), (None, None)]
        )
        file = origin.put("/file", chance.randbytes(size), etag=etag, last_modified=modified)
        give_version(file, chance)
        file.rate_bps = chance.choice([None, None, 4 * MIB])
        self._draw(file, "/file", [*COMMON, *RANGED, *VERSIONED])
        connections = chance.choice([1, 4, 16])
        self._expected = lambda: file.body
        self._fetch = lambda: self._it.file(
            "/file", connections=connections, max_bytes=MAX_BYTES, stall_s=STALL_S
        )

    def put_hls(self) -> None:
        """A playlist, perhaps with a key, perhaps with one file of which the segments are ranges."""
        chance, origin = self._chance, self._it.origin
        segments = [
            adts(chance.randbytes(chance.choice([10, 5_000, 60_000, 150_000])))
            for _ in range(chance.randint(1, 12))
        ]
        key, is_one_file = chance.choice([None, chance.randbytes(16)]), chance.random() < 0.3
        put_vod(origin, segments, key=key, is_one_file=is_one_file)
        for path in origin.paths:
            if path.startswith("/vod"):
                kinds = [*COMMON, *RANGED] if path.endswith("all.bin") else COMMON
                self._draw(origin.resource(path), path, kinds)
        window = chance.choice([1, 4, 16])
        self._is_hashed = False
        self._expected = lambda: b"".join(segments)
        self._fetch = lambda: self._it.hls(
            "/vod/index.m3u8", window=window, max_bytes=MAX_BYTES, stall_s=STALL_S
        )

    def _draw(self, resource: Resource, path: str, kinds: list[Kind] | tuple[Kind, ...]) -> None:
        origin = self._it.origin
        alias = f"/alias{path}"
        origin.alias(alias, resource)
        draws = Draws(self._chance, resource, kinds, self._share, origin.url(alias), origin.url("/circle"))
        resource.draw = draws
        self._draws.append(draws)

    @property
    def _met(self) -> list[Kind]:
        return [kind for draws in self._draws for kind in draws.met]

    async def run(self) -> Outcome:
        """Fetch; and when that fails fetch again from a server that does nothing wrong any more."""
        began = time.monotonic()
        error, fetched = await self._try()
        took_s = time.monotonic() - began
        met, answers = self._met, sum(draws.answers for draws in self._draws)
        complaint = self._judge(error, fetched, took_s)
        if error is not None and complaint is None:
            for draws in self._draws:
                draws.share = 0.0
            error_after, fetched = await self._try()
            complaint = f"does not heal: {error_after!r}" if fetched is None else self._judge_file(fetched)
        size_bytes = len(self._expected())
        return Outcome(
            number=self._number,
            error=type(error).__name__ if error else None,
            answers=answers,
            met=tuple(kind.name for kind in met),
            took_s=took_s,
            size_bytes=size_bytes,
            twice_bytes=max(0, fetched.fetched_bytes - size_bytes) if fetched and not error else 0,
            complaint=complaint and f"{complaint} ({took_s:.1f} s; met {[kind.name for kind in met]})",
        )

    async def _try(self) -> tuple[BaseException | None, Fetched | None]:
        try:
            async with asyncio.timeout(DOWNLOAD_S):
                return None, await self._fetch()
        except TimeoutError:
            return StageTimeout("as the engine says it"), None
        except Exception as error:  # noqa: BLE001 -- what is not of the tree is a complaint
            return error, None

    def _judge(self, error: BaseException | None, fetched: Fetched | None, took_s: float) -> str | None:
        if took_s > 1.5 * DOWNLOAD_S:
            return f"took {took_s:.1f} s"
        if error is not None:
            return self._judge_error(error)
        assert fetched is not None
        return self._judge_file(fetched) or self._judge_traffic(fetched)

    def _judge_error(self, error: BaseException) -> str | None:
        possible = {possible for kind in self._met for possible in kind.errors}
        if not isinstance(error, JobError):
            return f"outside the tree: {error!r}"
        if type(error) not in possible:
            return f"does not fit: {error!r}"
        if self._it.path.exists():
            return f"failed, and there is a file: {error!r}"
        return "left files open" if open_files(self._it.path) else None

    def _judge_file(self, fetched: Fetched) -> str | None:
        data = self._it.path.read_bytes()
        if data != self._expected():
            return f"wrong bytes: {len(data)} where there are {len(self._expected())}"
        if fetched.sha256 != (hashlib.sha256(data).hexdigest() if self._is_hashed else None):
            return "wrong digest"
        left = sorted(path.name for path in self._it.folder.iterdir())
        return f"left {left}" if left != ["media"] else None

    def _judge_traffic(self, fetched: Fetched) -> str | None:
        answers = sum(draws.answers for draws in self._draws)
        largest = max(len(draws.resource.body) for draws in self._draws)
        again = (_RESTARTS if self._number % 2 == 0 else len(self._met)) * (largest + 4096)
        endless = sum(kind.name == "never ends" for kind in self._met)  # a read takes a MiB of it at most
        most = len(self._expected()) + again + answers * _OVERLAP_BYTES + endless * MIB
        return (
            f"received {fetched.fetched_bytes} bytes, {most} at most"
            if fetched.fetched_bytes > most
            else None
        )
