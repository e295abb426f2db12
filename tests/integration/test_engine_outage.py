"""Our own network goes away and comes back: no source is blamed, no job is lost, nobody has to act."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from core.domain.job import JobStatus, Request
from core.engine import openings
from core.net import reach
from core.net.address import gate
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Origin
from tests.integration.conftest import until

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


class Network:
    """Names of the test's zone, as long as there is a network."""

    is_up = True
    asked = 0

    async def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        if not self.is_up:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host == "dead.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ["127.0.0.1"]


@pytest.fixture
def network(monkeypatch) -> Network:
    made = Network()
    monkeypatch.setattr(gate, "resolve_by_system", made.resolve)
    monkeypatch.setattr(reach, "FIRST_PROBE_S", 0.2)
    monkeypatch.setattr(openings, "TRIAL_S", 0.05)
    return made


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    return origin


async def away(engine, *, is_away: bool) -> None:
    async with asyncio.timeout(10):
        async for _frame in engine.stream():
            if (await engine.status())["network"]["is_away"] is is_away:
                return


async def test_an_outage_here_blames_nobody_and_all_go_on_after_it(run_engine, site, network):
    network.is_up = False
    async with run_engine(retries={"max_retries": 2, "backoff_s": (0.05,)}) as engine:
        requests = [Request(url=f"http://host{n}.test:{site.port}/tone.mp3") for n in range(8)]
        ids = [answer.job.id for answer in await engine.submit_many(requests)]
        await away(engine, is_away=True)
        rows = await engine.sources()
        assert {host["host"] for row in rows for host in row["hosts"]} == set()
        asked = network.asked
        network.is_up = True
        for job_id in ids:
            job = await until(engine, job_id, DONE, FAILED)
            assert job.status is DONE, job.error_message
            assert job.retry_count <= 1
        assert network.asked > asked
        assert not (await engine.status())["network"]["is_away"]


async def test_a_long_outage_uses_up_no_retries(run_engine, site, network):
    network.is_up = False
    async with run_engine(retries={"max_retries": 1, "backoff_s": (0.05,)}) as engine:
        requests = [Request(url=f"http://host{n}.test:{site.port}/tone.mp3") for n in range(3)]
        ids = [answer.job.id for answer in await engine.submit_many(requests)]
        await away(engine, is_away=True)
        waits = set()
        for job_id in ids * 3:
            # Whoever pushes a job meanwhile does it no harm.
            await engine.retry(job_id)
            async for _frame in engine.stream():
                job = await engine.job(job_id)
                if job.waiting_for or job.status.is_final:
                    waits.add(job.waiting_for)
                    break
        assert waits <= {"network", "retry"}
        network.is_up = True
        for job_id in ids:
            assert (await until(engine, job_id, DONE, FAILED)).status is DONE


async def test_hosts_that_are_gone_for_good_fail_as_ever(run_engine, site, network):
    async with run_engine(retries={"max_retries": 1, "backoff_s": (0.05,)}) as engine:
        job_id = (await engine.submit(Request(url="http://dead.test/a.mp3"))).job.id
        assert (await until(engine, job_id, DONE, FAILED)).error_type == "NETWORK_ERROR"
        assert not (await engine.status())["network"]["is_away"]
