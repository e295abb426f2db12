"""The one task that writes: it takes what is waiting, commits it together, and tells what it did.

A transaction never runs in a caller's task. Tortoise 1.1.9 loses its connection for good when a task is
cancelled while it opens one, and jobs are cancelled all the time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from core.domain.acting import ACTING
from core.domain.errors import ReeldeckError, StoreFailure
from core.domain.job import JobStatus
from core.store.acting import written_down
from core.store.sqlite import StoreClient, as_store_error, is_driver_error
from core.store.transaction import Committed, Transaction

log = logging.getLogger("reeldeck.store")

T = TypeVar("T")
Command = Callable[[Transaction], Awaitable[T]]

#: A transaction takes no further command beyond either: readers wait for it.
MAX_COMMANDS = 256
MAX_TRANSACTION_S = 0.015


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    command: Command[T]
    answer: asyncio.Future[T]

    def give(self, answer: T | ReeldeckError) -> None:
        if isinstance(answer, ReeldeckError):
            self.refuse(answer)
        elif not self.answer.done():
            self.answer.set_result(answer)

    def refuse(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(as_store_error(error) if is_driver_error(error) else error)
            # Nobody may be waiting any more, and asyncio would complain that nobody looked.
            self.answer.exception()


class Writer:
    """Runs commands, in the order in which they came, in as few transactions as possible.

    Args:
        client: The connection; closed with the writer.
        counts: Jobs by state, as they are now.
        last_seq: Highest event number ever given.
        on_commit: Told what each transaction changed, in order, before its callers go on.

    Attributes:
        counts: Jobs by state after the last commit.
        last_seq: Number of the newest committed event.
        commit_count: Transactions committed so far.
        queued_count: Those among them in which a job became QUEUED.
    """

    def __init__(
        self,
        client: StoreClient,
        *,
        counts: Mapping[JobStatus, int],
        last_seq: int,
        on_commit: Callable[[Committed], None],
    ) -> None:
        self._client = client
        self._on_commit = on_commit
        self.counts = counts
        self.last_seq = last_seq
        self.commit_count = self.queued_count = 0
        self._waiting: deque[_Waiting[Any]] = deque()
        self._taken: list[_Waiting[Any]] = []
        self._wake = asyncio.Event()
        self._is_closing = False
        self._task = asyncio.create_task(self._run(), name="store-writer")

    async def run(self, command: Command[T]) -> T:
        """Run *command* in a transaction; returns its answer once that is committed.

        What it changes for somebody (`core.domain.acting`) is written down with it.

        A caller that is cancelled stops waiting; the command runs all the same. A command may be run again
        when another one spoils their common transaction, so it must do nothing outside the database.

        Raises:
            ReeldeckError: What the command raised.
            DiskFull: The database cannot grow.
            StoreFailure: It cannot be written, or is closed.
        """
        acting = ACTING.get()
        if acting is None or acting.is_over:
            return await self._answer(command)
        answer, has_changed = await self._answer(partial(written_down, command=command, acting=acting))
        acting.is_written |= has_changed
        return answer

    async def _answer(self, command: Command[T]) -> T:
        if self._is_closing or self._task.done():
            raise StoreFailure("the store is closed", hint="Start the engine again.")
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        # Without the shield a cancelled caller would cancel the future that the writer answers on.
        return await asyncio.shield(waiting.answer)

    async def close(self) -> None:
        """Commit what is waiting, take nothing more, let go of the connection."""
        self._is_closing = True
        self._wake.set()
        await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            while self._waiting or not self._is_closing:
                if self._waiting:
                    self._taken = []
                    await self._transact(self._waiting, self._taken)
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            # Somebody waits only where the task was ended together with its loop.
            for left in (*self._taken, *self._waiting):
                left.refuse(StoreFailure("the store was stopped", hint="Start the engine again."))
            # An open connection has a thread that would keep a failing process from its end.
            await self._client.close()

    async def _transact(self, waiting: deque[_Waiting[Any]], taken: list[_Waiting[Any]]) -> None:
        """Run some of *waiting* in one transaction; when that fails, each of them in its own.

        What is under way is in *taken*.
        """
        try:
            transaction, answers = await self._client.transact(
                lambda connection: _at_once(_run_some(Transaction(connection, self.last_seq), waiting, taken))
            )
        except Exception as error:  # noqa: BLE001 -- whatever it is, its callers get it and the writer lives on
            if len(taken) > 1:
                for one in taken:
                    await self._transact(deque([one]), [])
                return
            # Where nothing was taken the transaction could not even begin, which is nobody's fault alone.
            for one in taken or waiting:
                one.refuse(error)
            if not taken:
                waiting.clear()
        else:
            self._committed(transaction)
            for one, answer in zip(taken, answers, strict=True):
                one.give(answer)

    def _committed(self, transaction: Transaction) -> None:
        self.commit_count += 1
        self.queued_count += transaction.has_queued
        self.last_seq = transaction.last_seq
        if transaction.moves:
            self.counts = counted({s: n + transaction.moves[s] for s, n in self.counts.items()})
        outcome = transaction.outcome()
        if outcome is not None:
            try:
                self._on_commit(outcome)
            except Exception:
                # What is committed stays so, whatever its listener makes of it.
                log.exception("a listener failed on what was committed")


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what awaits nothing but a transaction, which never lets anybody wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("a command awaits something else than its transaction")


async def _run_some(
    transaction: Transaction, waiting: deque[_Waiting[Any]], taken: list[_Waiting[Any]]
) -> tuple[Transaction, list[Any]]:
    """Move commands from *waiting* to *taken* and run them, until it is time to commit."""
    answers: list[Any] = []
    until = time.monotonic() + MAX_TRANSACTION_S
    while waiting and len(taken) < MAX_COMMANDS and (not taken or time.monotonic() < until):
        taken.append(waiting.popleft())
        mark = transaction.mark
        try:
            answers.append(await taken[-1].command(transaction))
        except ReeldeckError as refusal:
            if transaction.mark != mark:
                raise  # half done: only a rollback of the whole transaction takes it back
            answers.append(refusal)
    await transaction.flush()
    return transaction, answers


def counted(counts: Mapping[JobStatus, int]) -> Mapping[JobStatus, int]:
    """A number for every state, read-only."""
    return MappingProxyType({status: counts.get(status, 0) for status in JobStatus})
