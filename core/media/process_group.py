"""One process group: started behind `exec_shim`, listened to, ended as a whole. For `core.media.child`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.domain.errors import Unknown

#: How much of what a child wrote is kept, in bytes.
TAIL_BYTES = 64 * 1024

_SHIM = Path(__file__).with_name("exec_shim.py")
#: Variables that a child gets from us; secrets may be in any other.
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME")
#: After a child and its group are gone its pipes close by themselves, unless something left the group.
_PIPES_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimits:
    """What one process may use; None leaves the limit as it is. It never writes a core file."""

    open_files: int | None = 1024
    #: Address space.
    memory_bytes: int | None = None
    #: Largest file it may write.
    file_bytes: int | None = None
    cpu_s: int | None = None

    def shim_options(self) -> list[str]:
        """As `exec_shim` wants them."""
        named = {
            "CORE": 0,
            "NOFILE": self.open_files,
            "AS": self.memory_bytes,
            "FSIZE": self.file_bytes,
            "CPU": self.cpu_s,
        }
        return [f"{name}={value}" for name, value in named.items() if value is not None]


NO_LIMITS = ResourceLimits(open_files=None)


class Sink(Protocol):
    """Where what a child writes goes."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Whatever it raises ends the child."""

    def close(self) -> None:
        """There are no more."""


class Tail:
    """Keeps the last `TAIL_BYTES` of a stream."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._data += data
        del self._data[:-TAIL_BYTES]

    def close(self) -> None:
        """There are no more; nothing changes."""

    def text(self) -> str:
        """As text, whatever it was."""
        return self._data.decode(errors="replace")


class ProcessGroup(asyncio.SubprocessProtocol):
    """One process group led by one process, as asyncio tells of it.

    asyncio's own `Process.wait` also waits for the pipes, which a grandchild may hold open for ever; so this
    listens itself: once the leader is gone, whatever else is in its group is killed.
    """

    def __init__(self, stdout: Sink) -> None:
        loop = asyncio.get_running_loop()
        #: Of the leader; it is the group's and the session's id too.
        self.pid: int
        #: None while the leader lives; then its exit status, or the negative number of its signal.
        self.returncode: int | None = None
        self.stderr = Tail()
        self._stdout = stdout
        self._fault: Exception | None = None
        self._exited: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.SubprocessTransport

    @classmethod
    async def start(
        cls,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str] | None,
        limits: ResourceLimits,
        stdout: Sink,
        guard: bool = False,
        stdin: bool = False,
    ) -> ProcessGroup:
        """Start *argv*; the rest is described at `run_child` and `WorkerProcess.start`."""
        shim = [sys.executable, "-I", "-S", str(_SHIM), str(os.getpid()), *limits.shim_options()]
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            _, child = await asyncio.get_running_loop().subprocess_exec(
                lambda: cls(stdout),
                *shim,
                *(["guard"] if guard else []),
                "--",
                *map(str, argv),
                stdin=pipe if stdin else null,
                stdout=pipe,
                stderr=pipe,
                cwd=cwd,
                env=_environment(env),
                start_new_session=True,
            )
        except OSError as error:
            raise Unknown(f"{Path(argv[0]).name} could not be started: {error.strerror}") from error
        return child

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: it runs."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self.pid = transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by asyncio: it wrote something."""
        if fd == 2:
            self.stderr.feed(data)
            return
        try:
            self._stdout.feed(data)
        except Exception as error:  # noqa: BLE001 -- wait() raises it again; the loop would only log it
            self._fault = self._fault or error
            self.signal_group(signal.SIGKILL)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Called by asyncio: nobody writes to that pipe any more."""
        if fd != 1:
            return
        try:
            self._stdout.close()
        except Exception as error:  # noqa: BLE001 -- as above
            self._fault = self._fault or error

    def process_exited(self) -> None:
        """Called by asyncio: the leader ended."""
        self.signal_group(signal.SIGKILL)
        self.returncode = self._transport.get_returncode()
        self._exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Called by asyncio: the leader ended and all pipes are closed."""
        self._closed.set_result(None)

    def write(self, data: bytes) -> None:
        """Send *data* to stdin; nothing happens when nobody reads there any more."""
        self._stdin.write(data)

    def close_stdin(self) -> None:
        """Let it read the end of stdin."""
        self._stdin.close()

    @property
    def _stdin(self) -> asyncio.WriteTransport:
        transport = self._transport.get_pipe_transport(0)
        assert isinstance(transport, asyncio.WriteTransport)
        return transport

    def signal_group(self, number: signal.Signals) -> None:
        """Signal all of its processes, while there are any."""
        if self.returncode is not None:  # the number may be another group's by now
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # EPERM is how macOS says it
            os.killpg(self.pid, number)

    async def wait(self) -> None:
        """Until it exited and all it wrote was seen; raises what a listener of its output raised."""
        await asyncio.shield(self._exited)
        await asyncio.wait([self._closed], timeout=_PIPES_S)
        if self._fault:
            raise self._fault

    async def end(self, *, grace_s: float, ask: bool = True) -> None:
        """Ask (TERM), wait, kill, wait; nothing interrupts it. Returns at once when it is gone already."""
        await _uninterrupted(self._end(grace_s, ask=ask))

    async def _end(self, grace_s: float, *, ask: bool) -> None:
        try:
            if ask:
                self.signal_group(signal.SIGTERM)
            await asyncio.wait([self._exited], timeout=grace_s)
        finally:  # also when the loop itself is being shut down
            self.signal_group(signal.SIGKILL)
        await asyncio.wait([self._exited])
        await asyncio.wait([self._closed], timeout=_PIPES_S)
        self._transport.close()


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await *work* to its end even when cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled:
        raise cancelled


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(added or {})}
