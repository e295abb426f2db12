"""What questions to the API cost with 100,000 stored jobs and 8 downloads running: time, and CPU."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import psutil

from bench.figures import Figure, at_most, tell
from bench.library import Corpus, load_blocking
from bench.loader import CHATS, load
from core.client.http import HttpEngineClient
from core.domain.job import JobStatus, Request
from core.domain.snapshot import JobQuery
from tests.acceptance.program import Program
from tests.fakes.media import audio_m4a, made_once
from tests.fakes.origin import Origin

JOBS, FILES = 100_000, 100_000
DOWNLOADS = 8
#: Each question is asked so often.
ASKED = 60
LIMIT_MS = 30.0  # H2: p95
#: An answer may take so long where much else runs: that is a figure, not a failure.
PATIENCE_S = 60.0
#: All downloads together, so that they last longer than the questions.
PACE_BPS, FILE_BYTES = 4_000_000, 64 * 2**20
#: CPU of the downloads alone is measured for so long.
REST_S = 3.0


async def measure() -> list[Figure]:
    """The 95th percentile of each question and of all, and the CPU of one, beside that of the downloads."""
    began, corpus = time.perf_counter(), Corpus()
    async with Origin() as origin, _engine(corpus) as (path, process):
        client = HttpEngineClient(path)
        try:
            await _download(client, origin)
            tell(
                Figure(
                    work="jobs and files stored, downloads running",
                    measured=time.perf_counter() - began,
                    unit="s",
                )
            )
            taken, cpu_ms, busy = await _asked(path, process, _questions(corpus))
            running = (await client.jobs(JobQuery(statuses=frozenset({JobStatus.RUNNING})))).items
        finally:
            await client.close()
        assert len(running) == DOWNLOADS, "the downloads have ended too early"
    every = [one for times in taken.values() for one in times]
    return [
        *(at_most(f"p95, {name}", _p95(times), "ms", limit=LIMIT_MS) for name, times in taken.items()),
        Figure(work="median of all", measured=statistics.median(every), unit="ms"),
        at_most("p95 of all", _p95(every), "ms", limit=LIMIT_MS),
        *(Figure(work=f"CPU, {name}", measured=each, unit="ms") for name, each in cpu_ms.items()),
        Figure(work="CPU of the downloads alone", measured=busy * 100, unit="% of a core"),
    ]


@asynccontextmanager
async def _engine(corpus: Corpus) -> AsyncIterator[tuple[Path, psutil.Process]]:
    """The shipped program on a database with history."""
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        program = Program(Path(folder))
        await load(program.database.parent, JOBS)
        await asyncio.to_thread(_add_files_blocking, program.database, corpus)
        limits = {
            "REELDECK_LIMITS__MAX_PARALLEL_JOBS": str(DOWNLOADS),
            "REELDECK_LIMITS__MAX_PARALLEL_JOBS_PER_SOURCE": str(DOWNLOADS),
            "REELDECK_LIMITS__BANDWIDTH_BPS": str(PACE_BPS),
        }
        async with program.serve(**limits) as process:
            yield program.socket, psutil.Process(process.pid)


def _add_files_blocking(database: Path, corpus: Corpus) -> None:
    """A library, a delivery of each job, and nothing that would run."""
    load_blocking(database, corpus, FILES)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE jobs SET status = 'PAUSED' WHERE status = 'QUEUED'")
        connection.execute("INSERT INTO settings (name, value) VALUES ('library_filled', 'null')")
        connection.execute(
            "INSERT INTO deliveries (job_id, chat_id, reply_to, state, random_id, part_index,"
            " upload_parts_done, attempt, created, updated)"
            " SELECT id, chat_id, id, 'SENT', id, 0, 0, 1, created, created FROM jobs"
        )


async def _download(client: HttpEngineClient, origin: Origin) -> None:
    """Begin downloads that last."""
    content = made_once(audio_m4a, "tone.m4a").read_bytes() + bytes(FILE_BYTES)
    for number in range(DOWNLOADS):
        origin.put(f"/{number}.m4a", content)
        await client.submit(Request(url=origin.url(f"/{number}.m4a")))
    async for _frame in client.stream():
        page = await client.jobs(JobQuery(statuses=frozenset({JobStatus.RUNNING})))
        if sum(job.bytes_done > 0 for job in page.items) == DOWNLOADS:
            return


def _questions(corpus: Corpus) -> Mapping[str, Callable[[], str]]:
    """Paths, made anew each time."""
    chance = random.Random(3)

    def job() -> int:
        return chance.randrange(1, JOBS)

    return {
        "newest jobs": lambda: "/jobs",
        "jobs, far down": lambda: f"/jobs?after={job()}",
        "running jobs": lambda: "/jobs?status=running",
        "failed jobs of a source": lambda: "/jobs?status=failed&source=archive_org&limit=50",
        "jobs of a chat": lambda: f"/jobs?chat=-{chance.randrange(CHATS) + 1}&limit=50",
        "a word that many jobs have": lambda: "/jobs?q=somebody",
        "a word that few jobs have": lambda: "/jobs?q=rare&limit=50",
        "a job": lambda: f"/jobs/{job()}",
        "a job's events": lambda: f"/jobs/{job()}/events",
        "groups": lambda: "/groups?limit=20",
        "newest deliveries": lambda: "/deliveries",
        "failed deliveries": lambda: "/deliveries?state=FAILED",
        "deliveries of a chat": lambda: f"/deliveries?chat=-{chance.randrange(CHATS) + 1}&limit=50",
        "newest files": lambda: "/library",
        "files with a word": lambda: f"/library?q={corpus.some(chance, 1)[0]}&limit=20",
        "files with a common word, filtered": lambda: f"/library?q={corpus.words[0]}+duration>1h&limit=20",
        "the engine at a glance": lambda: "/status",
    }


async def _asked(
    path: Path, process: psutil.Process, questions: Mapping[str, Callable[[], str]]
) -> tuple[Mapping[str, list[float]], Mapping[str, float], float]:
    """Milliseconds by question, the CPU of each that the downloads do not take, and their share of a core."""
    began, spent_s = time.perf_counter(), _cpu_s(process)
    await asyncio.sleep(REST_S)
    busy = (_cpu_s(process) - spent_s) / (time.perf_counter() - began)
    taken: dict[str, list[float]] = {name: [] for name in questions}
    cpu_ms: dict[str, float] = {}
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost/api/v1", timeout=PATIENCE_S
    ) as http:
        for name, question in questions.items():
            (await http.get(question())).raise_for_status()  # the first one fills caches
            began, spent_s = time.perf_counter(), _cpu_s(process)
            for _ in range(ASKED):
                asked = time.perf_counter()
                answer = await http.get(question())
                taken[name].append((time.perf_counter() - asked) * 1000)
                answer.raise_for_status()
            spent_s = _cpu_s(process) - spent_s - busy * (time.perf_counter() - began)
            cpu_ms[name] = spent_s * 1000 / ASKED
            tell(
                Figure(work=f"p95, {name}, CPU {cpu_ms[name]:.1f} ms", measured=_p95(taken[name]), unit="ms")
            )
    return taken, cpu_ms, busy


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
