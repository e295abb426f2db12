"""What integration tests share: an origin, and a real engine over a real store that may talk to loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config.settings import Settings
from core.domain.job import Job, JobStatus, Request
from core.engine.engine import Engine
from core.media.prober import Prober
from core.net.transfer import retries
from core.store.store import Committed, Store
from tests.fakes.api import plain_client, serving
from tests.fakes.engine import FakeEngine
from tests.fakes.origin import Origin
from tests.fakes.stored import opened
from tests.fakes.transfer import Fetcher, fetcher

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as running:
        yield running


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Fetcher]:
    """Transfers from an origin of their own into `job`."""
    async with fetcher(tmp_path / "job") as running:
        yield running


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries within a transfer follow each other at once."""
    monkeypatch.setattr(retries, "BASE_WAIT_S", 0.001)
    monkeypatch.setattr(retries, "MAX_WAIT_S", 0.02)


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    running = Prober()
    yield running
    await running.close()


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings below a folder of the test, with loopback allowed and waits made short."""

    def make(**sections: dict[str, Any]) -> Settings:
        values: dict[str, dict[str, Any]] = {
            "paths": {"data_dir": tmp_path / "data"},
            "limits": {"min_free_disk_bytes": 1024**2},
            "network": {"allow_addresses": LOOPBACK},
            "retries": {"backoff_s": (0.05, 0.1, 0.2)},
            "timeouts": {"read_s": 5, "stall_s": 5, "connect_s": 5},
        }
        for name, section in sections.items():
            values[name] = values.get(name, {}) | section
        return Settings.model_validate(values)

    return make


@pytest.fixture
def run_engine(make_settings: Callable[..., Settings]):
    """`async with run_engine(limits={…}) as engine` on the test's data directory."""

    @asynccontextmanager
    async def run(*, only_submitted: bool = False, **sections: dict[str, Any]) -> AsyncIterator[Engine]:
        engine = Engine(make_settings(**sections), only_submitted=only_submitted)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    return run


@pytest.fixture
def told() -> list[Committed]:
    """What `store` told after its commits."""
    return []


@pytest.fixture
async def store(tmp_path: Path, told: list[Committed]) -> AsyncIterator[Store]:
    """A store of its own, without an engine."""
    async with opened(tmp_path / "data", told) as running:
        yield running


@pytest.fixture
def engine() -> FakeEngine:
    """An engine in memory, for tests of what speaks to one."""
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API of `engine`, asked in plain HTTP."""
    async with serving(engine, tmp_path) as server, plain_client(server.path) as client:
        yield client


async def until(engine: Engine, job_id: int, *statuses: JobStatus) -> Job:
    """The job, once it is in one of *statuses*; woken by the engine's own stream."""
    async for _frame in engine.stream():
        job = await engine.job(job_id)
        if job.status in statuses:
            if job.status.is_final:
                # Its end is stored; what it leaves behind is cleared away a moment later.
                runs = [task for task in asyncio.all_tasks() if task.get_name() == f"job-{job_id}"]
                await asyncio.gather(*runs, return_exceptions=True)
            return job
    raise AssertionError("the stream ended")


async def finish(engine: Engine, url: str, **options: Any) -> Job:
    """Submit *url* and wait for its end."""
    submitted = await engine.submit(Request(url=url, **options))
    return await until(engine, submitted.job.id, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
