"""What pages have in common whose rows are about jobs that need not be in the list: they open them."""

from __future__ import annotations

from core.domain.errors import ReeldeckError
from tui.screens.detail import DetailScreen
from tui.screens.page import PageScreen


class OpeningScreen(PageScreen):
    """A page that opens jobs by their numbers."""

    def open_job(self, job_id: int) -> None:
        """Show everything about a job; one that is not known here is asked for first."""
        if job_id in self.deck.index.known:
            self.app.push_screen(DetailScreen(self.deck, job_id))
        else:
            self.run_worker(self._fetch(job_id), group="command", exclusive=True)

    async def _fetch(self, job_id: int) -> None:
        try:
            self.deck.index.upsert([await self.deck.client.job(job_id)])
        except ReeldeckError as error:
            self.deck.say_error(error)
        else:
            if self.is_current:
                self.app.push_screen(DetailScreen(self.deck, job_id))
