"""The dialog that makes a folder's files part of the library."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.errors import InvalidRequest
from core.domain.library import Imported
from tui.completion import PathSuggester, absolute
from tui.figures import import_progress, import_summary
from tui.screens.form import FormScreen
from tui.widgets.choice import Choice
from tui.widgets.safe_input import SafeInput

_FOLDER, _FILES = "folder", "files"
_STAY, _MOVE = "stay as they are", "move into the archive"


class ImportScreen(FormScreen):
    """Enters the sounds and films below a folder. Answers with what came of it, or None."""

    TITLE_TEXT, VERB = "Add your own files to the library", "import them"
    _is_sure = False

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """Which folder, and what becomes of its files."""
        return {
            _FOLDER: SafeInput(
                id="import-folder", placeholder="on the engine's machine", suggester=PathSuggester()
            ),
            _FILES: Choice(_FILES, (_STAY, _MOVE), id="import-files"),
        }

    def advice(self, name: str) -> str:
        """What it is about."""
        if name == _FOLDER:
            return "Every sound and film below it, by its content."
        if self.text(_FILES) == _STAY:
            return "Nothing is moved, nothing is changed: the library learns where they are."
        return "They are moved into the archive and named as downloads are; one that is there twice stays."

    def changed(self) -> None:
        """It is asked again."""
        self._is_sure = False

    async def act(self) -> str | None:
        """Enter them; before any is moved, that is said."""
        typed = self.text(_FOLDER)
        if not typed:
            raise InvalidRequest("which folder?", hint="Type its path.")
        folder, is_moving = absolute(typed), self.text(_FILES) == _MOVE
        if is_moving and not self._is_sure:
            self._is_sure = True
            self.tell(
                f"All sounds and films below {folder} leave it for the archive. Enter again does it.", "warn"
            )
            return None
        figures, problems = Imported(), list[str]()
        self.tell("Looking through the folder …")
        async for figures in self.deck.client.import_folder(folder, is_moving=is_moving):
            problems += figures.problems
            self.tell(f"{import_progress(figures)} … ended early, it goes on when it is asked for again.")
        told = import_summary(figures, twice="Operations, Duplicates")
        if not problems:
            return told
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        self.tell(told, "warn", f"{problems[0]}{more}")
        return None
