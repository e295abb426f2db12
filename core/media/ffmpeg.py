"""Which ffmpeg to use."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.domain.errors import ConfigError

Origin = Literal["configured", "PATH", "bundled"]

_VERSION_LINE = re.compile(r"ffmpeg version (\S+)")
_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg that runs here."""

    path: Path
    #: As it names itself: `9.0.2-static`, `5.1.9-0+deb12u1`, `N-117000-g0123456789`.
    version: str
    origin: Origin


def locate(configured: Path | None) -> Ffmpeg:
    """The ffmpeg of the configuration, else the one on PATH, else the bundled one.

    The first call runs it for its version (some 30 ms); later ones answer from memory.

    Raises:
        ConfigError: The configured one does not run, or there is none at all.
    """
    return _locate(configured, os.environ.get("PATH", ""))


@functools.lru_cache(maxsize=8)
def _locate(configured: Path | None, search_path: str) -> Ffmpeg:
    if configured is not None:
        found = _try(configured.expanduser(), "configured")
        if found is None:
            raise ConfigError(
                f"media.ffmpeg_path is {configured}, which does not run as ffmpeg",
                hint="Correct media.ffmpeg_path, or remove it to use the one from PATH or the bundled one.",
            )
        return found
    on_path = shutil.which("ffmpeg", path=search_path)
    # One from PATH that does not even start is as good as none.
    found = _try(Path(on_path), "PATH") if on_path else None
    found = found or _bundled()
    if found is None:
        raise ConfigError(
            "there is no ffmpeg",
            hint="Install it (Debian, Ubuntu: sudo apt install ffmpeg) or name one in media.ffmpeg_path.",
        )
    return found


def _bundled() -> Ffmpeg | None:
    try:
        import imageio_ffmpeg  # noqa: PLC0415 -- only where nothing better is installed

        return _try(Path(imageio_ffmpeg.get_ffmpeg_exe()), "bundled")
    except (ImportError, RuntimeError):  # no wheel for this platform; a wheel without a binary
        return None


def _try(path: Path, origin: Origin) -> Ffmpeg | None:
    try:
        answer = subprocess.run(  # noqa: S603 -- its owner named it, or installed it
            [path.absolute(), "-hide_banner", "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION_LINE.match(answer.stdout.decode(errors="replace"))
    return Ffmpeg(path.absolute(), version[1], origin) if version else None
