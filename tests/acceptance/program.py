"""The shipped program, started as its users start it, in a home of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.settings import Settings

REELDECK = Path(sys.executable).with_name("reeldeck")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects of `--json` output."""
        return [json.loads(line) for line in self.out.splitlines()]


class Program:
    """`reeldeck` with all its folders below *home*, allowed to talk to loopback."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(("REELDECK_", "XDG_"))
        } | {
            "HOME": str(home),
            "NO_COLOR": "1",
            "PYTHONWARNINGS": "error",
            "REELDECK_CONFIG": str(home / "config.toml"),
            "REELDECK_PATHS__DATA_DIR": str(home / "data"),
            "REELDECK_NETWORK__ALLOW_ADDRESSES": '["127.0.0.0/8"]',
            "REELDECK_LIMITS__MIN_FREE_DISK_BYTES": "1048576",
            "REELDECK_RETRIES__BACKOFF_S": "[0.1, 0.2, 0.4]",
        }
        (home / "config.toml").touch(mode=0o600)

    @property
    def archive(self) -> Path:
        return self.home / "data" / "archive"

    @property
    def database(self) -> Path:
        return self.home / "data" / "reeldeck.db"

    @property
    def socket(self) -> Path:
        """Where its engine listens."""
        return socket_path(Settings.model_validate({"paths": {"data_dir": self.home / "data"}}))

    async def run(self, *arguments: str, stdin: str | None = None, **env: str) -> Answer:
        """Run one command to its end."""
        process = await asyncio.create_subprocess_exec(
            str(REELDECK),
            *arguments,
            env=self.env | env,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin.encode() if stdin is not None else None)
        assert process.returncode is not None
        return Answer(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def serve(self, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A running engine; ended by SIGTERM unless the test ended it."""
        process = await asyncio.create_subprocess_exec(
            str(REELDECK), "serve",
            env=self.env | env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        first = await process.stdout.readline()
        assert first, "serve ended without a word"
        drained = asyncio.create_task(process.stdout.read())
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()
            await drained

    @asynccontextmanager
    async def client(self) -> AsyncIterator[HttpEngineClient]:
        """Speaks to the running engine; where a test waits, that is lighter than starting commands."""
        client = HttpEngineClient(self.socket)
        try:
            yield client
        finally:
            await client.close()

    async def job(self, job_id: int) -> dict[str, Any]:
        """A job as `reeldeck job ID --json` shows it."""
        return (await self.run("job", str(job_id), "--json")).rows[0]

    async def until(self, job_id: int, **facts: Any) -> dict[str, Any]:
        """The same, once it is so; woken by the engine's own stream. No other end than that is waited for."""
        async with asyncio.timeout(60), self.client() as client, aclosing(client.stream()) as frames:
            async for _frame in frames:
                job = await client.job(job_id)
                if all(getattr(job, name) == value for name, value in facts.items()):
                    break
                assert not job.status.is_final, job
        return await self.job(job_id)


def children_of(process: asyncio.subprocess.Process) -> list[psutil.Process]:
    """All descendants of a running program."""
    return psutil.Process(process.pid).children(recursive=True)
