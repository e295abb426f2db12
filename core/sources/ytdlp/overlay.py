"""A newer yt-dlp than the one that Reeldeck came with, in a folder that only the workers look into.

Sites change within days, Reeldeck is released within months. What Reeldeck is tested with stays installed as
it is; a newer yt-dlp lies before it, and is taken away again by naming another one.

    DATA_DIR/ytdlp/2026.12.01/     yt_dlp, yt_dlp_ejs and their metadata
    DATA_DIR/ytdlp/active.json     {"current": …, "previous": …, "bundled": …}

A worker that starts reads which one it is. These functions block for a moment.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.domain.errors import InvalidRequest, StoreFailure
from core.store.folder import private_file, private_folder, settle_blocking

_VERSION = re.compile(r"\d{4}(\.\d{1,10}){2,3}")
_ACTIVE = "active.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which yt-dlp the workers load. None stands for the one that Reeldeck came with."""

    current: str | None = None
    #: What a way back leads to.
    previous: str | None = None
    #: The version that Reeldeck came with when this was chosen.
    bundled: str = ""


class Overlay:
    """The versions below one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "ytdlp"

    def choice(self) -> Choice:
        """What was chosen, as far as it still holds.

        A Reeldeck that comes with the same or a newer one replaces what was chosen before.
        """
        try:
            told = json.loads((self.folder / _ACTIVE).read_text())
            chosen = Choice(*(told[name] for name in ("current", "previous", "bundled")))
        except (OSError, ValueError, TypeError, KeyError):
            return Choice()
        if not all(isinstance(each, str | None) for each in (chosen.current, chosen.previous)):
            return Choice()
        ours = bundled()
        if chosen.current is None or not self.path_of(chosen.current).is_dir():
            return Choice(None, chosen.previous, ours)
        if ours != chosen.bundled and number(chosen.current) <= number(ours):
            return Choice()
        return chosen

    def path(self) -> Path | None:
        """The folder to look into first; None where nothing was chosen."""
        current = self.choice().current
        return None if current is None else self.path_of(current)

    def path_of(self, which: str) -> Path:
        """The folder of a version.

        Raises:
            InvalidRequest: It is no version.
        """
        if not _VERSION.fullmatch(which):
            raise InvalidRequest(f"{which!r} is no version of yt-dlp", hint="They look like 2026.10.26.")
        return self.folder / which

    def adopt(self, draft: Path, which: str) -> None:
        """Let the workers load what lies in *draft*, a folder below ours; delete what is two choices old.

        Raises:
            StoreFailure: It cannot be stored.
        """
        before = self.choice()
        place = self.path_of(which)
        if draft != place:
            # Workers that run from a folder of this name have a newer one under it, which is the same.
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
        previous = before.previous if before.current == which else before.current
        self._write(Choice(which, previous, bundled()))
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in {which, previous}:
                shutil.rmtree(path, ignore_errors=True)

    def drop(self) -> None:
        """Let the workers load what Reeldeck came with.

        Raises:
            StoreFailure: It cannot be stored.
        """
        if (before := self.choice().current) is not None:
            self._write(Choice(None, before, bundled()))

    def go_back(self) -> Choice:
        """Use what was used before; once more, and it is as it was.

        Raises:
            InvalidRequest: There is nothing to go back to.
            StoreFailure: It cannot be stored.
        """
        now = self.choice()
        if now.previous is not None and not self.path_of(now.previous).is_dir():
            now = replace(now, previous=None)
        if now.current == now.previous:
            raise InvalidRequest("nothing else was used before", hint="See: reeldeck ytdlp status")
        back = Choice(now.previous, now.current, bundled())
        self._write(back)
        return back

    def _write(self, choice: Choice) -> None:
        private_folder(self.folder)
        draft = self.folder / f".{_ACTIVE}"
        private_file(draft)
        draft.write_text(json.dumps(asdict(choice)))
        settle_blocking(draft, self.folder / _ACTIVE)


def bundled() -> str:
    """The version that Reeldeck came with.

    Raises:
        StoreFailure: There is none.
    """
    try:
        return version("yt-dlp")
    except PackageNotFoundError as error:
        raise StoreFailure("yt-dlp is not installed", hint="Install Reeldeck again.") from error


def number(which: str) -> tuple[int, ...]:
    """A version as something that has an order."""
    return tuple(map(int, re.findall(r"\d+", which)))
