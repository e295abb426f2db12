"""The dialog that writes a backup while the engine goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from core.domain.errors import InvalidRequest
from tui.completion import PathSuggester, absolute
from tui.screens.form import FormScreen
from tui.widgets.choice import Choice
from tui.widgets.safe_input import SafeInput

_FILE = "file"


class BackupScreen(FormScreen):
    """Answers with what is in the backup, or None."""

    TITLE_TEXT, VERB = "Back up jobs, library and configuration", "write it"

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """Where to."""
        name = f"~/reeldeck-{time.strftime('%Y-%m-%d', time.localtime(time.time()))}.tar"
        return {_FILE: SafeInput(id="backup-file", value=name, suggester=PathSuggester())}

    def advice(self, name: str) -> str:  # noqa: ARG002 -- there is one field
        """What is in it."""
        return (
            "The engine goes on meanwhile. Downloaded files and secrets are not in it;"
            " with Telegram's login: reeldeck backup --with-secrets FILE."
        )

    async def act(self) -> str:
        """Write it."""
        here = self.deck.here
        if here is None:
            raise InvalidRequest("backups are written on the engine's machine", hint="reeldeck backup FILE")
        if not self.text(_FILE):
            raise InvalidRequest("which file?", hint="Type its path.")
        to = Path(absolute(self.text(_FILE)))
        self.tell("Copying the database …")
        return f"{to}: {await here.back_up(to)}"
