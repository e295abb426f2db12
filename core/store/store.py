"""The database of one data directory, opened: the owner of the connection and of the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, cast

from tortoise.context import TortoiseContext

from core.domain.errors import StoreFailure
from core.domain.job import JobStatus
from core.store import queries, schema
from core.store.acknowledgements import Acknowledgements
from core.store.audit import AuditTrail
from core.store.chats import Chats
from core.store.copies import CopyList
from core.store.copying import copy_blocking
from core.store.deliveries import Deliveries
from core.store.entering import Entries
from core.store.events import Events
from core.store.folder import private_file, private_folder
from core.store.groups import Groups
from core.store.jobs import Jobs
from core.store.library import Library
from core.store.profiles import AuthProfiles
from core.store.retention import Retention
from core.store.sqlite import (
    StoreClient,
    connection_config,
    faults,
    locate,
    require_wal,
)
from core.store.switches import Switches
from core.store.tags import Tags
from core.store.tokens import Tokens
from core.store.transaction import Committed, Transaction
from core.store.webhooks import WebhookOutbox
from core.store.writer import Writer, counted

__all__ = ["Committed", "Store"]


class Store:
    """Everything that is stored. Open it with `Store.open`, under a `DataDirLock`.

    Attributes:
        path: The database file.
        jobs: The jobs.
        events: What happened to them.
        groups: Playlists.
        switches: Run-time settings.
        profiles: Logins.
        library: Finished files, to be searched.
        copies: Those of them that are the same.
        tags: What people call them.
        entries: Those of them that nobody fetched.
        tokens: Who may ask over TCP.
        audit: What was changed from outside.
        chats: Whose links are taken.
        deliveries: Who gets which file, and how far that is.
        acknowledgements: What messages were told of it.
        webhooks: Who elsewhere is told when jobs end.
        retention: Files that are old enough to go.
    """

    def __init__(self, path: Path, client: StoreClient, writer: Writer) -> None:
        self.path = path
        self._client = client
        self._writer = writer
        self.jobs = Jobs(client, writer)
        self.events = Events(client, writer)
        self.groups = Groups(client, writer)
        self.switches = Switches(client, writer)
        self.profiles = AuthProfiles(client, writer)
        self.library = Library(client, writer)
        self.copies = CopyList(client, writer)
        self.tags = Tags(client, writer)
        self.entries = Entries(client, writer)
        self.tokens = Tokens(client, writer)
        self.audit = AuditTrail(client, writer)
        self.chats = Chats(client, writer)
        self.deliveries = Deliveries(client, writer)
        self.acknowledgements = Acknowledgements(client, writer)
        self.webhooks = WebhookOutbox(client, writer)
        self.retention = Retention(client, writer)

    @classmethod
    async def open(cls, data_dir: Path, url: str | None, *, on_commit: Callable[[Committed], None]) -> Self:
        """Open the database, after making or upgrading it where needed.

        Args:
            data_dir: The engine's folder; made (0700) when it is not there.
            url: The setting `store.url`; None is `reeldeck.db` in *data_dir*.
            on_commit: Told what each transaction changed, in order, once it is safe on disk and before those
                who asked for it go on. It must be quick.

        Raises:
            StoreFailure: It cannot be used; says what to do.
            DiskFull: There is no room for it.
            ConfigError: *url* is not supported.
        """
        path = locate(data_dir, url)
        private_folder(data_dir)
        private_file(path)
        context = TortoiseContext()
        config = {"connections": {"default": connection_config(path)}, "apps": schema.APPS}
        with context:
            await context.init(config=config)
            client = cast("StoreClient", context.connections.get("default"))
            try:
                await require_wal(client)
                await schema.upgrade(client, path)
                counts = counted(await queries.counts(client))
                last_seq = await _last_seq(client)
            except BaseException:
                await client.close()
                raise
        writer = Writer(client, counts=counts, last_seq=last_seq, on_commit=on_commit)
        # A task that is cancelled before its first step never closes what it was given: let it begin.
        await asyncio.sleep(0)
        return cls(path, client, writer)

    async def close(self) -> None:
        """Commit what is waiting and let go of the file. A second time nothing happens."""
        await self._writer.close()

    @property
    def queued_count(self) -> int:
        """Grows whenever a job became QUEUED: until then a claim that brought nothing would bring nothing."""
        return self._writer.queued_count

    @property
    def counts(self) -> Mapping[JobStatus, int]:
        """Jobs by state as of the last commit; every state has a number."""
        return self._writer.counts

    @property
    def commit_count(self) -> int:
        """Transactions committed since the store was opened."""
        return self._writer.commit_count

    async def next_epoch(self) -> int:
        """Count this start of an engine; returns a number higher than that of any start before."""
        return await self._writer.run(_next_epoch)

    async def copy_to(self, path: Path) -> None:
        """Write the database as it is now to the new file *path*; nobody waits for it.

        Raises:
            StoreFailure: It cannot be written.
            DiskFull: It does not fit.
        """
        await asyncio.to_thread(copy_blocking, self.path, path, is_live=True)

    async def touch(self) -> None:
        """Write something, to see whether that still works.

        Raises:
            StoreFailure: It does not.
            DiskFull: There is no room for it.
        """
        await self._writer.run(_touch)

    async def check(self) -> None:
        """Look the whole database through and write to it. Everything else waits meanwhile.

        Raises:
            StoreFailure: Something is wrong with it.
            DiskFull: It cannot grow.
        """
        if found := await faults(self._client):
            raise StoreFailure(
                f"{len(found)} faults, the first: {found[0]}", hint="Put back a backup: reeldeck restore FILE"
            )
        await self.touch()


async def _last_seq(client: StoreClient) -> int:
    """The highest event number ever given, deleted or not."""
    rows = await client.rows(
        "SELECT event_floor AS seq FROM engine UNION ALL SELECT COALESCE(MAX(seq), 0) FROM job_events"
    )
    return max(int(row["seq"]) for row in rows)


async def _next_epoch(transaction: Transaction) -> int:
    (row,) = await transaction.rows("UPDATE engine SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch")
    return int(row["epoch"])


async def _touch(transaction: Transaction) -> None:
    await transaction.execute("UPDATE engine SET epoch = epoch WHERE id = 1")
