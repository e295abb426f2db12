"""The shipped engine with a long past, and downloads that go on for minutes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import loader
from bench.media import CACHE
from core.client.http import HttpEngineClient
from core.domain.job import Request
from core.store import migrations
from tests.acceptance.program import Program
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Origin

LIVE = 16
#: Each of them gets so much a second, and a bit more than the one before it.
LIVE_BPS, MORE_BPS = 64 * 1024, 4 * 1024
#: What would change the dashboard, and is not the terminal's.
_NOT_OURS = {
    "NO_COLOR", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "SSH_CONNECTION", "SSH_TTY", "TMUX",
}  # fmt: skip
#: More than any measurement takes at that rate.
LIVE_BYTES = 24 * 2**20


@dataclass(frozen=True, slots=True)
class Served:
    """An engine that runs."""

    #: What a dashboard has to be started with.
    env: Mapping[str, str]
    client: HttpEngineClient
    origin: Origin
    #: Where that engine listens.
    socket: Path

    async def begin(self) -> list[int]:
        """Let downloads run; their ids, once all of them move."""
        film = made_once(video_mp4, "clip.mp4").read_bytes()
        body = film + bytes(LIVE_BYTES - len(film))
        requests = []
        for number in range(LIVE):
            path = f"/talk-{number}.mp4"
            self.origin.put(path, body).rate_bps = LIVE_BPS + number * MORE_BPS
            requests.append(Request(url=self.origin.url(path), force=True))
        answers = await self.client.submit_many(requests)
        ids = [answer.job.id for answer in answers if not isinstance(answer, Exception)]
        missing = set(ids)
        async for frame in self.client.stream():
            missing -= {job.id for job in frame.jobs if job.rate}
            if not missing:
                break
        return ids

    async def end(self, ids: Sequence[int]) -> None:
        """End them."""
        await asyncio.gather(*(self.client.cancel(job_id) for job_id in ids))


def _made(jobs: int) -> Path:
    """Where a store of so many jobs is kept: for this schema, as this loader fills it."""
    sources = sorted([*Path(migrations.__path__[0]).glob("*.py"), Path(loader.__file__), Path(__file__)])
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
    return CACHE / "dashboard" / f"{jobs}-{digest}"


async def _stored(jobs: int) -> Path:
    """A folder with a store of so many jobs, none of which wants to run; made once."""
    made = _made(jobs)
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=made.parent))
        await loader.load(making, jobs)
        await asyncio.to_thread(_keep, making, made)
    return made


def _keep(making: Path, made: Path) -> None:
    with contextlib.closing(sqlite3.connect(making / "reeldeck.db")) as database, database:
        database.execute(
            "UPDATE jobs SET status = 'PAUSED', waiting_for = NULL WHERE status IN ('QUEUED', 'PENDING')"
        )
    making.rename(made)


async def _run(env: Mapping[str, str], code: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=env)
    assert await process.wait() == 0


@contextlib.asynccontextmanager
async def engine(home: Path, jobs: int) -> AsyncIterator[Served]:
    """`reeldeck serve` on a store of so many *jobs*, none of which wants to run."""
    program = Program(home)
    await asyncio.to_thread(shutil.copytree, await _stored(jobs), home / "data")
    env = {name: text for name, text in program.env.items() if name not in _NOT_OURS}
    env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    # What is installed was compiled long before somebody starts it.
    env["PYTHONPYCACHEPREFIX"] = str(CACHE / "dashboard" / "compiled")
    await _run(env, "import bench.dashboard_peer, tui.console.attach, tui.screens.jobs")
    limits = {
        "REELDECK_LIMITS__MAX_PARALLEL_JOBS": str(LIVE + 1),
        "REELDECK_LIMITS__MAX_PARALLEL_JOBS_PER_SOURCE": str(LIVE + 1),
        "REELDECK_NETWORK__MAX_CONNECTIONS_PER_FILE": "1",
        "REELDECK_NETWORK__MAX_CONNECTIONS_PER_HOST": str(LIVE + 1),
    }
    async with Origin() as origin, program.serve(**limits) as process:
        client = HttpEngineClient(program.socket)
        try:
            yield Served(env, client, origin, program.socket)
        finally:
            await client.close()
            process.send_signal(signal.SIGTERM)
