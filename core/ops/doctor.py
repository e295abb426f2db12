"""What a healthy installation looks like: every check as a function from facts to a finding.

What lies above this layer (ffmpeg, the database, the engine) was asked by the caller, who hands in answers.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.aria2.words import find_aria2c
from core.auth.signing import read_secrets_blocking
from core.config.settings import Settings
from core.domain.errors import ReeldeckError
from core.sources.ytdlp.install import UPDATE, install_command
from core.sources.ytdlp.options import JS_RUNTIMES
from core.sources.ytdlp.overlay import Overlay

#: Sites change faster than this.
YTDLP_OLD = timedelta(days=60)
PYTHON_FLOOR = (3, 11)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Works, but not everything or not for long."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw."""

    name: str
    level: Level
    detail: str
    #: What to do about it; empty when it is ok.
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the checks judge."""

    settings: Settings
    config_file: Path
    #: Where the engine listens, or why it cannot.
    socket: Path | ReeldeckError
    now: datetime
    #: `path (version, origin)` of the ffmpeg that would be used, or why there is none.
    ffmpeg: str | ReeldeckError
    #: The answer of a running engine, or why there is none.
    engine: Mapping[str, Any] | ReeldeckError
    #: What the database check said.
    database: str | ReeldeckError
    #: What was found about Telegram.
    telegram: Finding | None = None


Check = Callable[[Facts], Finding]


def examine(facts: Facts) -> list[Finding]:
    """All findings, in the order in which people should read them. Blocks for up to some seconds."""
    findings = [check(facts) for check in CHECKS]
    return findings if facts.telegram is None else [*findings, facts.telegram]


def _python(_: Facts) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_FLOOR:
        return Finding("Python", Level.FAIL, found, "Install Python 3.11 or newer.")
    return Finding("Python", Level.OK, f"{found}, SQLite {sqlite3.sqlite_version}")


def _configuration(facts: Facts) -> Finding:
    file = facts.config_file
    return Finding(
        "Configuration", Level.OK, str(file) if file.exists() else f"defaults; {file} does not exist"
    )


def _clock(facts: Facts) -> Finding:
    shown = facts.now.astimezone().isoformat(timespec="seconds")
    released = _released("yt-dlp")
    if released and facts.now < released:
        return Finding(
            "Clock",
            Level.FAIL,
            f"{shown} is before the installed programs were made",
            "Set the clock: timedatectl",
        )
    return Finding("Clock", Level.OK, shown)


def _folders(facts: Facts) -> Finding:
    paths = facts.settings.paths
    folders = (paths.data_dir, paths.archive, paths.tmp, paths.log, paths.runtime)
    wrong = [reason for folder in folders if (reason := why_unwritable(folder))]
    if wrong:
        return Finding(
            "Folders", Level.FAIL, "; ".join(dict.fromkeys(wrong)), "Change its owner or mode, or [paths]."
        )
    return Finding("Folders", Level.OK, f"{paths.data_dir} and the others can be written to")


def why_unwritable(folder: Path) -> str | None:
    """What keeps us from writing into a folder that is there or could be made; None when nothing does."""
    nearest = _existing(folder)
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    try:
        # A mode promises nothing on a read-only or full disk.
        with tempfile.TemporaryFile(dir=nearest):
            return None
    except OSError as error:
        return f"{nearest} cannot be written to: {error.strerror}"


def _disk(facts: Facts) -> Finding:
    paths = facts.settings.paths
    places = {folder: _existing(folder) for folder in (paths.data_dir, paths.archive, paths.tmp)}
    free = {folder: shutil.disk_usage(place).free for folder, place in places.items()}
    least = min(free, key=lambda folder: free[folder])
    needed = facts.settings.limits.min_free_disk_bytes
    detail = f"{_gib(free[least])} free at {least}, {_gib(needed)} needed"
    if free[least] < needed:
        return Finding("Disk", Level.FAIL, detail, "Free some space, or lower limits.min_free_disk_bytes.")
    if places[paths.archive].stat().st_dev != places[paths.tmp].stat().st_dev:
        fix = "Put paths.tmp_dir on the disk of paths.archive_dir."
        return Finding("Disk", Level.WARN, f"{detail}; finished files are copied from disk to disk", fix)
    return Finding("Disk", Level.OK, detail)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"


def _ffmpeg(facts: Facts) -> Finding:
    if isinstance(facts.ffmpeg, ReeldeckError):
        return Finding("ffmpeg", Level.FAIL, facts.ffmpeg.detail, facts.ffmpeg.hint)
    return Finding("ffmpeg", Level.OK, facts.ffmpeg)


def _aria2c(facts: Facts) -> Finding:
    if not facts.settings.network.use_aria2c:
        return Finding("aria2c", Level.OK, "not asked for (network.use_aria2c)")
    if (program := find_aria2c()) is None:
        missing = "not installed: plain files are fetched by Reeldeck itself"
        fix = "Install it (apt install aria2), or set network.use_aria2c = false."
        return Finding("aria2c", Level.WARN, missing, fix)
    return Finding("aria2c", Level.OK, f"{_dots(_version_of(str(program)))} at {program}")


def _ytdlp(facts: Facts) -> Finding:
    released = _released("yt-dlp")
    if released is None:
        fix = f"Install it: {install_command('yt-dlp', 'yt-dlp-ejs')}"
        return Finding("yt-dlp", Level.FAIL, "not installed", fix)
    shown = version("yt-dlp")
    newer = Overlay(facts.settings.paths.data_dir).choice().current
    if newer is not None:
        released, shown = _day(newer) or released, f"{newer} (Reeldeck came with {shown})"
    age = facts.now - released
    detail = f"{shown}, {age.days} days old"
    if age > YTDLP_OLD:
        return Finding("yt-dlp", Level.WARN, detail, f"Update it: {UPDATE}")
    scripts, wanted = _version_of_package("yt-dlp-ejs"), _wanted_scripts()
    if newer is None and wanted and scripts != wanted:
        fix = f"Make them fit: {install_command(f'yt-dlp-ejs=={wanted}')}"
        return Finding("yt-dlp", Level.WARN, f"{detail}; its scripts are {scripts}, not {wanted}", fix)
    if find_spec("curl_cffi") is None:
        detail += "; a few sites let it in only with the extra reeldeck[impersonate]"
    return Finding("yt-dlp", Level.OK, detail)


def _released(package: str) -> datetime | None:
    """The day in a version such as 2026.10.26, None when the package is missing."""
    try:
        return _day(version(package))
    except PackageNotFoundError:
        return None


def _day(which: str) -> datetime | None:
    try:
        year, month, day = which.split(".")[:3]
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None


def _version_of_package(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _wanted_scripts() -> str | None:
    """The version of yt-dlp-ejs that the installed yt-dlp names, and refuses to do without."""
    found = (re.match(r"yt-dlp-ejs==([\w.]+)", each) for each in requires("yt-dlp") or ())
    return next((match[1] for match in found if match), None)


def _javascript(_: Facts) -> Finding:
    old = []
    # pip puts a runtime beside our own Python, where yt-dlp looks as well.
    where = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name, floor in JS_RUNTIMES.items():
        if program := shutil.which(name, path=where):
            found = _version_of(program)
            if found >= floor:
                return Finding("JavaScript", Level.OK, f"{name} {_dots(found)} at {program}")
            old.append(f"{name} {_dots(found)} is too old, {_dots(floor)} is needed")
    missing = "without a runtime for its scripts YouTube offers few formats, or none"
    fix = f"Install one: {install_command('deno')}  (the extra reeldeck[youtube] brings it along)"
    return Finding("JavaScript", Level.WARN, "; ".join([*old, missing]), fix)


def _version_of(program: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run(  # noqa: S603 -- found on PATH by its name
            [program, "--version"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    numbers = re.search(rb"(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, numbers.groups())) if numbers else ()


def _dots(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers)) or "of unknown version"


def _socket(facts: Facts) -> Finding:
    if isinstance(facts.socket, ReeldeckError):
        return Finding("Socket", Level.FAIL, facts.socket.detail, facts.socket.hint)
    return Finding("Socket", Level.OK, str(facts.socket))


def _engine(facts: Facts) -> Finding:
    if isinstance(facts.engine, ReeldeckError):
        return Finding("Engine", Level.WARN, str(facts.engine), facts.engine.hint)
    engine = facts.engine["engine"]
    return Finding("Engine", Level.OK, f"version {engine['version']} runs as process {engine['pid']}")


def _database(facts: Facts) -> Finding:
    if isinstance(facts.database, ReeldeckError):
        return Finding(
            "Database", Level.FAIL, facts.database.detail or str(facts.database), facts.database.hint
        )
    return Finding("Database", Level.OK, facts.database)


def _webhooks(facts: Facts) -> Finding:
    urls, file = facts.settings.webhooks.urls, facts.settings.webhooks.secret_file
    if not urls:
        return Finding("Webhooks", Level.OK, "not asked for (webhooks.urls)")
    try:
        read_secrets_blocking(file or Path())
    except ReeldeckError as error:
        return Finding("Webhooks", Level.FAIL, error.detail, error.hint)
    running = {} if isinstance(facts.engine, ReeldeckError) else facts.engine
    failing = [row for row in running.get("webhooks", ()) if row["failing_since"]]
    if not failing:
        return Finding("Webhooks", Level.OK, f"{len(urls)} receiver{'s' * (len(urls) != 1)}")
    rows = [f"{row['host']}: {row['waiting']} wait, {row['error_message']}" for row in failing]
    fix = "See to the receiver; messages are kept for five days, in order."
    return Finding("Webhooks", Level.WARN, "; ".join(rows), fix)


CHECKS: tuple[Check, ...] = (
    _python, _configuration, _clock, _folders, _disk, _ffmpeg,
    _aria2c, _ytdlp, _javascript, _socket, _database, _engine, _webhooks,
)  # fmt: skip
