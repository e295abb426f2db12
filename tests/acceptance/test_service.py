"""The engine as a service: what systemd hears of it, when it hears nothing, and how quickly it ends."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.fakes.media import audio_m4a, made_once
from tests.fakes.origin import Fault

#: The shipped program, whose loop stands still when it is told to.
HANGS = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))\n"
    "sys.argv = ['reeldeck', 'serve']\n"
    "from tui.cli import main\n"
    "main()\n"
)
WATCHDOG_S = 0.9
UNIT = Path(__file__).resolve().parents[2] / "packaging" / "systemd" / "reeldeck.service"


class ServiceManager:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    async def hears(self, word: str, *, within_s: float = 20) -> str:
        """The next message with *word* in it."""
        async with asyncio.timeout(within_s):
            while True:
                heard = (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()
                if word in heard:
                    return heard

    async def hears_no_sign_of_life(self) -> None:
        """Return when there was none for twice the time after which the engine would be ended."""
        while True:
            try:
                # Some may be on their way.
                await self.hears("WATCHDOG=1", within_s=2 * WATCHDOG_S)
            except TimeoutError:
                return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    made = ServiceManager(tmp_path / "notify.sock")
    yield made
    made.close()


@asynccontextmanager
async def serving(reeldeck, manager) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGS, env=reeldeck.env | manager.env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await manager.hears("READY=1")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_loop_that_hangs_gives_no_sign_of_life(reeldeck, manager):
    async with serving(reeldeck, manager) as engine:
        for _ in range(3):
            assert "STATUS=0 running, 0 queued" in await manager.hears("WATCHDOG=1")
        engine.send_signal(signal.SIGUSR1)
        await manager.hears_no_sign_of_life()
        assert engine.returncode is None


async def test_a_database_that_hangs_gives_no_sign_of_life_until_it_goes_on(reeldeck, manager):
    async with serving(reeldeck, manager) as engine:
        await manager.hears("WATCHDOG=1")
        with closing(sqlite3.connect(reeldeck.database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            assert "the store does not answer" in await manager.hears("STATUS=the store")
            await manager.hears_no_sign_of_life()
            holder.execute("ROLLBACK")
        await manager.hears("WATCHDOG=1")
        engine.send_signal(signal.SIGTERM)
        await manager.hears("STOPPING=1")
        assert await engine.wait() == 0


async def test_with_work_under_way_it_ends_within_ten_seconds(reeldeck, manager, origin):
    song = made_once(audio_m4a, "tone.m4a").read_bytes()
    for number in range(4):
        origin.put(f"/{number}.m4a", song + bytes(2_000_000)).always = Fault(hold_after=1_200_000)
    async with serving(reeldeck, manager) as engine:
        added = await reeldeck.run("add", *(origin.url(f"/{number}.m4a") for number in range(4)))
        assert added.code == 0
        await origin.held.wait()
        engine.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await engine.wait() == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_file_is_valid_and_leaves_little_open(tmp_path):
    unit = tmp_path / "reeldeck.service"
    # It is looked at without being installed.
    unit.write_text(UNIT.read_text().replace("/opt/reeldeck/bin/reeldeck", "/bin/true"))
    for command in (["verify"], ["security", "--offline=true", "--threshold=30"]):
        done = subprocess.run(
            ["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-400:] + done.stderr
