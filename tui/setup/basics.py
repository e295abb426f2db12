"""Folders and ffmpeg."""

from __future__ import annotations

from pathlib import Path

from core.config.edit import ConfigFile
from core.config.settings import Settings
from core.domain.errors import ConfigError, InvalidRequest
from core.media.ffmpeg import locate
from core.ops.doctor import why_unwritable
from core.store.sqlite import locate as database_path
from tui.setup.answers import Answers


def set_folders(answers: Answers, file: ConfigFile, settings: Settings) -> None:
    """Ask where things are kept; write what is not as it was."""
    paths = settings.paths
    archive = paths.archive
    if database_path(paths.data_dir, settings.store.url).exists():
        answers.say(f"Database and working files are in {paths.data_dir}.")
    else:
        data_dir = answers.ask(
            "Folder for the database and working files", _folder, default=str(paths.data_dir)
        )
        if data_dir != paths.data_dir:
            file.set(("paths", "data_dir"), str(data_dir))
            archive = paths.archive_dir or data_dir / "archive"
    chosen = answers.ask("Folder for finished files", _folder, default=str(archive))
    if chosen != archive:
        file.set(("paths", "archive_dir"), str(chosen))
    file.write_blocking()


def _folder(answer: str) -> Path:
    folder = Path(answer).expanduser()
    if not folder.is_absolute():
        raise InvalidRequest(f"{answer} is no full path", hint="Begin with / or ~.")
    if reason := why_unwritable(folder):
        raise InvalidRequest(reason, hint="Name another folder, or change its owner or mode.")
    return folder


def tell_ffmpeg(answers: Answers, settings: Settings) -> None:
    """Say which ffmpeg is used; one that is missing is no reason to stop here."""
    try:
        found = locate(settings.media.ffmpeg_path)
    except ConfigError as error:
        answers.say(f"ffmpeg: {error.detail}. {error.hint}")
    else:
        answers.say(f"ffmpeg {found.version} ({found.origin}): {found.path}")
