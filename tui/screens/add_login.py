"""The dialog that takes a cookie file as a login."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from textual.suggester import SuggestFromList

from core.domain.profile import Profile
from tui.completion import PathSuggester, absolute, paths_like_blocking
from tui.screens.form import FormScreen
from tui.widgets.choice import Choice
from tui.widgets.safe_input import SafeInput

_SOURCE, _FILE, _NAME = "source", "file", "name"


class AddLoginScreen(FormScreen):
    """Asks for source, file and name; answers with the profile that was made of them, or None."""

    TITLE_TEXT, VERB = "Add a login", "add"

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """Whose cookies, where they are, and what to call them."""
        return {
            _SOURCE: SafeInput(
                id="login-source",
                placeholder="the site's name, as on the page of sources",
                suggester=SuggestFromList(self._sources),
            ),
            _FILE: SafeInput(
                id="login-file", placeholder="cookies.txt, on the engine's machine", suggester=PathSuggester()
            ),
            _NAME: SafeInput(id="login-name", value="main"),
        }

    @property
    def _sources(self) -> list[str]:
        told = self.deck.sync.status.get("sources", ())
        return sorted(str(source.get("name")) for source in told if source.get("enabled"))

    def advice(self, name: str) -> str:
        """What begins like what is typed."""
        if name == _NAME:
            return "Tells several logins of a source apart; one of the same name is replaced."
        if name == _FILE:
            self.run_worker(self._tell_files(), group="paths", exclusive=True)
            return ""
        return _offer("sources", [each for each in self._sources if each.startswith(self.text(_SOURCE))])

    async def _tell_files(self) -> None:
        paths = await asyncio.to_thread(paths_like_blocking, self.text(_FILE) or "~/")
        files = [path.rstrip("/").rpartition("/")[2] + "/" * path.endswith("/") for path in paths]
        if self.chosen == _FILE:
            self.tell(_offer("files", files))

    async def act(self) -> Profile | None:
        """Have the file looked at, once there is something in every field; else go to the empty one."""
        empty = next((name for name in (_SOURCE, _FILE, _NAME) if not self.text(name)), None)
        if empty is not None:
            self.choose(empty)
            return None
        self.tell("Looking at the file …")
        return await self.deck.client.add_profile(
            self.text(_SOURCE), absolute(self.text(_FILE)), self.text(_NAME)
        )


def _offer(what: str, names: Sequence[str]) -> str:
    return f"{what.capitalize()}: {', '.join(names)}" if names else f"No {what} begin like this."
