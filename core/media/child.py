"""Children: programs that do the dangerous work, each in its own session, limited, and never left behind.

`run_child` runs one to its end; a `WorkerProcess` stays and answers JSON lines. Both end their whole process
group when they are done, cancelled or late, and die with the engine even when it is killed (`exec_shim`).
Start them from a thread that lives as long as they may: the kernel ties them to that thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core.domain.errors import StageTimeout
from core.media.process_group import NO_LIMITS, TAIL_BYTES, ProcessGroup, ResourceLimits, Tail

#: A child that was asked to end is killed after this long.
GRACE_S = 3.0
#: A message from a worker may be this long: yt-dlp's description of a long playlist has some MiB.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_SOURCE_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class ChildResult:
    """How a child ended. A negative `returncode` is the signal that ended it."""

    returncode: int
    stderr_tail: str
    #: Empty when lines were asked for.
    stdout_tail: str = ""


def python_worker(module: str) -> list[str]:
    """Arguments that run *module* of ours as a `WorkerProcess`, free of the user's Python settings."""
    return [sys.executable, "-s", "-P", "-m", module]


def python_path(*first: Path) -> str:
    """Where a `python_worker` looks for modules: in *first*, then here."""
    return os.pathsep.join(map(str, (*first, _SOURCE_ROOT)))


async def run_child(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    timeout_s: float,
    on_line: Callable[[str], None] | None = None,
    env: Mapping[str, str] | None = None,
    limits: ResourceLimits = NO_LIMITS,
) -> ChildResult:
    """Run a program to its end and return how it ended, whatever its exit status.

    Args:
        argv: Program and arguments; no shell sees them.
        cwd: Its working folder.
        timeout_s: It is ended when it takes longer.
        on_line: Gets each line of its standard output, as it comes.
        env: Added to the few variables that it gets anyway.
        limits: What it may use.

    Raises:
        StageTimeout: It took longer than *timeout_s*.
        Unknown: The system could not start a process.
    """
    output = Tail()
    child = await ProcessGroup.start(
        argv,
        cwd=cwd,
        env=env,
        limits=limits,
        stdout=_Lines(on_line) if on_line else output,
    )
    try:
        async with asyncio.timeout(timeout_s):
            await child.wait()
    except TimeoutError as error:
        raise StageTimeout(f"{Path(argv[0]).name} was stopped after {timeout_s:g} s") from error
    finally:
        await child.end(grace_s=GRACE_S)
    return ChildResult(child.returncode or 0, child.stderr.text(), output.text())


class WorkerProcess:
    """A child that stays and speaks JSON lines: objects in on stdin, objects out on stdout.

    It ends by itself when its stdin does. Its owner decides what a request is and how long an answer may take
    (`asyncio.timeout` around `receive`), and closes it when it does not like the answer.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._inbox = _Messages(self._messages, max_message_bytes)
        self._child: ProcessGroup

    @classmethod
    async def start(
        cls,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        limits: ResourceLimits = NO_LIMITS,
        guard: bool = False,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> Self:
        """Start *argv* (see `python_worker`).

        Args:
            argv: Program and arguments.
            cwd: Its working folder.
            env: Added to the few variables that it gets anyway.
            limits: What each process of it may use.
            guard: It starts processes itself, which must die with the engine too.
            max_message_bytes: A longer message ends it.

        Raises:
            Unknown: The system could not start a process.
        """
        worker = cls(max_message_bytes)
        worker._child = await ProcessGroup.start(
            argv,
            cwd=cwd,
            env={"PYTHONPATH": python_path(), **(env or {})},
            limits=limits,
            guard=guard,
            stdin=True,
            stdout=worker._inbox,
        )
        return worker

    @property
    def pid(self) -> int:
        """Process id, which is also its group's and session's."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, or the negative number of the signal that ended it; None while it lives."""
        return self._child.returncode

    @property
    def stderr_tail(self) -> str:
        """The end of what it wrote to stderr."""
        return self._child.stderr.text()

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand over one message. A worker that died meanwhile is noticed by `receive`."""
        self._child.write(json.dumps(message, ensure_ascii=True).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None, again and again, when none will come any more.

        Something that is no JSON object counts as the worker's end, and ends it. Safe to cancel.
        """
        line = await self._messages.get()
        if line is not None:
            self._inbox.taken(line)
            message = _object(line)
            if message is not None:
                return message
            self._child.signal_group(signal.SIGKILL)
        self._messages.put_nowait(None)
        return None

    async def close(self, *, grace_s: float = GRACE_S) -> None:
        """End it: by closing its stdin, after *grace_s* by force (0: at once). No process of it is left."""
        self._child.close_stdin()
        await self._child.end(grace_s=grace_s, ask=False)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # nested a thousand times
        return None
    return value if isinstance(value, dict) else None


class _Lines:
    """Cuts a stream into lines; one without end is handed over in pieces of some TAIL_BYTES."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"))
        if len(self._rest) >= TAIL_BYTES:
            self.close()

    def close(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._on_line(rest.decode(errors="replace"))


class _Messages:
    """Whole lines for a queue, with a bound on what waits; None marks the end."""

    def __init__(self, queue: asyncio.Queue[bytes | None], limit_bytes: int) -> None:
        self._queue = queue
        self._limit_bytes = limit_bytes
        self._parts: list[bytes] = []
        self._waiting_bytes = 0

    def feed(self, data: bytes) -> None:
        self._waiting_bytes += len(data)
        if self._waiting_bytes > self._limit_bytes:
            raise OverflowError(f"more than {self._limit_bytes} bytes wait")  # which ends the child
        *lines, rest = data.split(b"\n")
        for line in lines:
            # Joined only when whole: a long message comes in many pieces.
            self._queue.put_nowait(b"".join((*self._parts, line)))
            self._parts.clear()
        if rest:
            self._parts.append(rest)

    def taken(self, line: bytes) -> None:
        self._waiting_bytes -= len(line) + 1

    def close(self) -> None:
        self._queue.put_nowait(None)
