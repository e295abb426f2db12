"""`python -m bench.dashboard_peer`: the same list as anybody would make it first, of Textual's DataTable."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from core.domain.errors import EngineUnreachable
from core.domain.figures import percent_text, rate_text, span_text
from core.domain.job import Job
from core.domain.snapshot import JobQuery
from core.domain.wording import state_word, title_of

#: Widths are given, as measuring cells would freeze it for minutes.
_COLUMNS = {"STATE": 9, "ID": 7, "SOURCE": 11, "TITLE": 50, "PROGRESS": 8, "SPEED": 8, "LEFT": 7}
_PAGE = 500


def cells(job: Job) -> list[str]:
    """A row."""
    share = percent_text(job.progress) if job.progress is not None else ""
    facts = [state_word(job), str(job.id), job.source_type, title_of(job)]
    return [*facts, share, rate_text(job.rate), span_text(job.eta_s)]


class Peer(App[None]):
    """Shows all jobs, and each change as it comes."""

    BINDINGS: ClassVar = [("q", "quit", "Quit"), ("j", "down", "Down")]

    def __init__(self, client: HttpEngineClient) -> None:
        super().__init__()
        self._client = client
        self._shown: dict[int, list[str]] = {}

    def compose(self) -> ComposeResult:
        """A title, the list, the keys."""
        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to load."""
        for name, width in _COLUMNS.items():
            self._table.add_column(name, key=name, width=width)
        self.run_worker(self._follow())

    @property
    def _table(self) -> DataTable[Any]:
        return self.query_one(DataTable)

    def action_down(self) -> None:
        """The next row."""
        self._table.action_cursor_down()

    async def _follow(self) -> None:
        query = JobQuery(limit=_PAGE)
        while True:
            page = await self._client.jobs(query)
            self._shown |= {job.id: cells(job) for job in page.items}
            if page.next is None:
                break
            query = JobQuery(limit=_PAGE, after=page.next)
        for job_id, row in self._shown.items():
            self._table.add_row(*row, key=str(job_id))
        self.title = f"{len(self._shown)} jobs"
        while True:
            # While it was busy with rows its connections went stale.
            with suppress(EngineUnreachable):
                async for frame in self._client.stream():
                    for job in frame.jobs:
                        self._show(job)

    def _show(self, job: Job) -> None:
        old, new = self._shown.get(job.id), cells(job)
        self._shown[job.id] = new
        if old is None:
            self._table.add_row(*new, key=str(job.id))
            # What runs is to be seen: newest last is where rows are added.
            self._table.move_cursor(row=self._table.row_count - 1)
            return
        for name, before, after in zip(_COLUMNS, old, new, strict=True):
            if before != after:
                self._table.update_cell(str(job.id), name, after)


async def main() -> None:
    """Run until somebody leaves it."""
    client = HttpEngineClient(socket_path(load_settings()))
    try:
        await Peer(client).run_async()
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main())
