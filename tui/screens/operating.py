"""What can be done with the whole of it, from the page of operations and from where one would look for it."""

from __future__ import annotations

import asyncio

from core.domain.errors import IllegalTransition, NoSuchJob, ReeldeckError
from core.domain.job import JobStatus
from core.domain.pages import all_jobs
from tui.screens.form import FormScreen
from tui.screens.page import PageScreen

_FINAL = frozenset(status for status in JobStatus if status.is_final)
#: Jobs that are forgotten at the same time.
_AT_ONCE = 8


class OperatingScreen(PageScreen):
    """A screen from which these begin. Each page and dialog is imported when it is wanted."""

    def open_form(self, form: FormScreen) -> None:
        """Open a dialog; what it answers is said."""

        def answered(told: object) -> None:
            if told:
                self.deck.say(str(told), "good")
                self.deck.sync.look()

        self.app.push_screen(form, answered)

    def do_collect(self) -> None:
        """What a chat already holds."""
        from tui.screens.collect import CollectScreen  # noqa: PLC0415

        self.open_form(CollectScreen(self.deck))

    def do_import_folder(self) -> None:
        """What a folder already holds."""
        from tui.screens.import_folder import ImportScreen  # noqa: PLC0415

        self.open_form(ImportScreen(self.deck))

    def do_duplicates(self) -> None:
        """What is there twice."""
        from tui.screens.duplicates import DuplicatesScreen  # noqa: PLC0415

        self.app.push_screen(DuplicatesScreen(self.deck))

    def do_backup(self) -> None:
        """A copy of the database."""
        from tui.screens.back_up import BackupScreen  # noqa: PLC0415

        self.open_form(BackupScreen(self.deck))

    def do_checkup(self) -> None:
        """Whether all is right here."""
        from tui.screens.administration import CheckupScreen  # noqa: PLC0415

        self.app.push_screen(CheckupScreen(self.deck))

    def do_webhooks(self) -> None:
        """Who is told when jobs end."""
        from tui.screens.administration import WebhooksScreen  # noqa: PLC0415

        self.app.push_screen(WebhooksScreen(self.deck))

    def do_tokens(self) -> None:
        """Who may ask over TCP."""
        from tui.screens.administration import TokensScreen  # noqa: PLC0415

        self.app.push_screen(TokensScreen(self.deck))

    def do_audit(self) -> None:
        """Who did what."""
        from tui.screens.administration import AuditScreen  # noqa: PLC0415

        self.app.push_screen(AuditScreen(self.deck))

    def do_clear(self) -> None:
        """Forget all finished jobs; always asked."""
        count = sum(self.deck.sync.counts.get(status, 0) for status in _FINAL)
        what = "1 finished job" if count == 1 else f"{count} finished jobs"
        if not count:
            self.deck.say("There is no finished job", "warn")
            return
        question = f"Forget {what}, failed and cancelled ones too? Their files stay, and so does the library."

        def act() -> None:
            self.run_worker(self._clear(), group="command")

        self.ask(question, "forget", count, act)

    async def _clear(self) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def forget(job_id: int) -> bool:
            async with slots:
                try:
                    await self.deck.client.delete(job_id)
                except (NoSuchJob, IllegalTransition):
                    return False  # somebody was quicker: it is gone, or it runs again
                return True

        try:
            ids = [job.id async for job in all_jobs(self.deck.client, statuses=_FINAL)]
            forgotten = await asyncio.gather(*map(forget, ids))
        except ReeldeckError as error:
            self.deck.say_error(error)
        else:
            count = sum(forgotten)
            self.deck.say(f"Forgot {count} finished job{'s' * (count != 1)}; their files stay", "good")
            self.deck.sync.look()
