"""Pages of an engine's owner: tokens, who changed what, who is told of jobs, and whether all is right."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.domain.token import AuditEntry, IssuedToken, Token
from tui import administration as told
from tui.actions import bindings_of
from tui.here import Check
from tui.present import Line
from tui.screens.listing import ListingScreen
from tui.screens.new_token import NewTokenScreen
from tui.screens.text import TextScreen
from tui.situation import Situation

#: Changes that are listed.
CHANGES = 500


class TokensScreen(ListingScreen[Token]):
    """The bearer tokens of the HTTP API."""

    PAGE = "tokens"
    BINDINGS = bindings_of(PAGE)
    TITLE_TEXT, WHAT = "Tokens", "the tokens"
    ABOUT = "who may ask over TCP; this machine's socket needs none"
    COLUMNS = told.TOKEN_COLUMNS

    async def fetch(self) -> Sequence[Token]:
        """Those that are valid first, each kind the newest first."""
        found = await self.deck.client.tokens()
        return sorted(found, key=lambda token: (token.revoked is not None, -token.id))

    def key_of(self, entry: Token) -> Hashable:
        """Its number."""
        return entry.id

    def row_of(self, entry: Token, width: int, now: float) -> Line:
        """Name, scopes, times."""
        return told.token_row(entry, now, width)

    def detail_of(self, entry: Token, width: int, now: float) -> list[Line]:
        """All that may be known of it."""
        return told.token_detail(entry, now, width)

    def nothing(self) -> Sequence[Line]:
        """How to make one."""
        return told.nothing("There are no tokens", (self.key("add_token"), "make one"))

    def situation(self) -> Situation:
        """Whether the token under the cursor can be ended."""
        is_valid = self.chosen is not None and self.chosen.revoked is None
        return replace(super().situation(), shown=int(is_valid))

    def do_add_token(self) -> None:
        """Ask for its name and what it opens; show it, this once. Not in a browser."""
        if self.deck.here is not None and self.deck.here.is_in_browser:
            self.deck.say("A browser makes no tokens: reeldeck tokens create NAME, in a terminal", "warn")
            return

        def made(issued: IssuedToken | None) -> None:
            if issued is None:
                return
            self.load()
            title = f"The token {issued.token.name}. Keep it now: it is not shown again"
            self.app.push_screen(TextScreen(self.deck, issued.secret, title))

        self.app.push_screen(NewTokenScreen(self.deck), made)

    def do_revoke(self) -> None:
        """End the token under the cursor; always asked."""
        token = self.chosen
        if token is None:
            return

        async def work() -> str:
            ended = await self.deck.client.revoke_token(token.id)
            return f"{ended.name} opens nothing any more"

        question = f"End the token {token.name}? Whoever has it is shut out at once, with open streams."
        self.ask(question, "end it", 1, lambda: self.command(work()))


class AuditScreen(ListingScreen[AuditEntry]):
    """What was changed from outside."""

    PAGE = "audit"
    BINDINGS = bindings_of(PAGE)
    TITLE_TEXT, WHAT = "Changes", "the record"
    ABOUT = "who did what, the newest first; kept for 90 days"
    COLUMNS = told.AUDIT_COLUMNS

    async def fetch(self) -> Sequence[AuditEntry]:
        """The newest."""
        return (await self.deck.client.audit(limit=CHANGES)).items

    def key_of(self, entry: AuditEntry) -> Hashable:
        """Its number."""
        return entry.id

    def row_of(self, entry: AuditEntry, width: int, now: float) -> Line:
        """When, who, what."""
        return told.change_row(entry, now, width)

    def detail_of(self, entry: AuditEntry, width: int, now: float) -> list[Line]:
        """With the jobs that it changed."""
        return told.change_detail(entry, now, width)

    def nothing(self) -> Sequence[Line]:
        """Nothing was changed."""
        return told.nothing("Nothing was changed yet")


class WebhooksScreen(ListingScreen[Mapping[str, Any]]):
    """Who is told when jobs end."""

    PAGE = "webhooks"
    BINDINGS = bindings_of(PAGE)
    TITLE_TEXT, WHAT = "Webhooks", "the receivers"
    ABOUT = "who is told when jobs end"
    COLUMNS = told.RECEIVER_COLUMNS

    async def fetch(self) -> Sequence[Mapping[str, Any]]:
        """In the order of the configuration."""
        return await self.deck.client.webhooks()

    def key_of(self, entry: Mapping[str, Any]) -> Hashable:
        """The engine's name for it."""
        return str(entry["id"])

    def row_of(self, entry: Mapping[str, Any], width: int, now: float) -> Line:  # noqa: ARG002 -- counts do not age
        """Host, what waits, how it is."""
        return told.receiver_row(entry, width)

    def detail_of(self, entry: Mapping[str, Any], width: int, now: float) -> list[Line]:
        """What waits, and why."""
        return told.receiver_detail(entry, now, width)

    def nothing(self) -> Sequence[Line]:
        """How to name some."""
        return told.nothing(
            "Nobody is told", ("webhooks.urls", "names them in the configuration: docs/api.md")
        )

    def do_test_webhook(self) -> None:
        """Send the receiver under the cursor a message of the type `test`."""
        receiver = self.chosen

        async def work() -> str:
            assert receiver is not None
            await self.deck.client.test_webhook(receiver["id"])
            return f"{receiver['host']} took it"

        if receiver is not None:
            self.command(work())

    def do_send_webhooks(self) -> None:
        """Try at once what waits for the receiver under the cursor."""
        receiver = self.chosen

        async def work() -> str:
            assert receiver is not None
            row = await self.deck.client.send_webhooks(receiver["id"])
            return f"{receiver['host']}: {row['waiting']} tried now"

        if receiver is not None:
            self.command(work())


class CheckupScreen(ListingScreen[Check]):
    """What `reeldeck doctor` sees."""

    PAGE = "checkup"
    BINDINGS = bindings_of(PAGE)
    TITLE_TEXT, WHAT = "Check-up", "what is there"
    ABOUT = "ffmpeg, disk, clock, database, logins, Telegram, yt-dlp"
    COLUMNS = told.CHECK_COLUMNS

    async def fetch(self) -> Sequence[Check]:
        """What is worst comes first."""
        here = self.deck.here
        if here is None:
            return []
        return sorted(await here.check_up(), key=lambda check: ("fail", "warn", "ok").index(check.level))

    def key_of(self, entry: Check) -> Hashable:
        """Its name."""
        return entry.name

    def row_of(self, entry: Check, width: int, now: float) -> Line:  # noqa: ARG002 -- a check does not age
        """How it is, and what is there."""
        return told.check_row(entry, width)

    def detail_of(self, entry: Check, width: int, now: float) -> list[Line]:  # noqa: ARG002 -- as above
        """And what to do."""
        return told.check_detail(entry, width)

    def nothing(self) -> Sequence[Line]:
        """It is another machine's."""
        return told.nothing("Only the engine's own machine can be checked", ("$", "reeldeck doctor, there"))

    def summary(self) -> Line:
        """How many are not well."""
        bad = sum(check.level != "ok" for check in self.entries or ())
        return ((f"{bad} to look at", "warn"),) if bad else ()

    def do_check_again(self) -> None:
        """Look again."""
        self.entries = None
        self.load()
        self.paint()
