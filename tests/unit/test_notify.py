"""What a service manager is told, in which words, and when nothing."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from core.domain.errors import DiskFull, StoreFailure
from core.ops.notify import Notifier, keep_alive, status_line

STATUS = {
    "counts": {"RUNNING": 3, "QUEUED": 12, "PENDING": 1},
    "speed_bps": 0.0,
    "engine": {"state": "running"},
}


@pytest.fixture
def heard():
    """A socket in Linux's abstract namespace, and its name in the environment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"reeldeck-test-{os.getpid()}"
        listener.bind(f"\0{name}")
        listener.settimeout(5)
        yield listener, {"NOTIFY_SOCKET": f"@{name}"}


async def status():
    return STATUS


def test_assignments_are_lines_and_a_value_stays_in_its_own(heard):
    listener, env = heard
    notifier = Notifier(env)
    notifier.tell(READY="1", STATUS="fine\nWATCHDOG=1\x00" + "x" * 500)
    lines = listener.recv(4096).decode().split("\n")
    assert lines[0] == "READY=1"
    assert [line.partition("=")[0] for line in lines] == ["READY", "STATUS"]
    assert len(lines[1]) < 250
    notifier.close()
    notifier.tell(READY="1")


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
async def test_without_a_socket_nothing_is_told(env):
    notifier = Notifier(env)
    assert not notifier.is_heard
    notifier.tell(READY="1")
    await keep_alive(notifier, status, status)


def test_a_service_manager_that_has_gone_is_no_error(tmp_path):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    notifier.tell(READY="1")
    notifier.close()


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_watchdog_is_believed_only_when_it_means_this_process(env, seconds):
    assert Notifier(env).watchdog_s == seconds


@pytest.mark.parametrize(
    ("fault", "lives"), [(None, True), (DiskFull("no room"), True), (StoreFailure("closed"), False)]
)
async def test_a_full_disk_is_alive_and_a_broken_store_is_not(heard, fault, lives):
    listener, env = heard
    notifier = Notifier(env | {"WATCHDOG_USEC": "100000"})

    async def beat():
        if fault is not None:
            raise fault

    task = asyncio.create_task(keep_alive(notifier, beat, status))
    first = await asyncio.to_thread(listener.recv, 4096)
    task.cancel()
    assert (b"WATCHDOG=1" in first) is lives
    assert b"STATUS=" in first
    notifier.close()


def test_the_status_is_one_line_that_says_what_matters():
    assert status_line(STATUS) == "3 running, 12 queued, 1 waiting"
    busy = STATUS | {"speed_bps": 2_500_000.0, "engine": {"state": "disk_low"}}
    assert status_line(busy).endswith("/s, disk low")
