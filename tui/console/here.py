"""The machine that a dashboard runs on: backups are written there, and the installation is checked there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from core.config.load import load_settings
from tui.here import Check
from tui.terminal import BROWSER


class ThisMachine:
    """Implements `tui.here.Here` by what the commands of the same names do."""

    @property
    def is_in_browser(self) -> bool:
        """A tab of `reeldeck web` shows it."""
        return os.environ.get("TERM_PROGRAM") == BROWSER

    async def back_up(self, to: Path) -> str:
        """Write a backup without secrets; what is in it, in a line."""
        # All of it takes a while to import, and the first screen does not wait for that.
        from tui.commands.backup import told, write_backup  # noqa: PLC0415

        return told(await write_backup(load_settings(), to, with_secrets=False))

    async def check_up(self) -> Sequence[Check]:
        """Check this installation."""
        # In a thread: the page stands on the screen meanwhile.
        doctor = await asyncio.to_thread(import_module, "tui.commands.doctor")
        return [Check(each.name, each.level.value, each.detail, each.fix) for each in await doctor.findings()]
