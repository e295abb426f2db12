"""Fetch another yt-dlp, try it, and let the workers load it only when it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from core.domain.errors import ConfigError, ExtractorFailure, NetworkFailure
from core.media.child import python_path, python_worker
from core.sources.ytdlp.options import ENVIRONMENT
from core.sources.ytdlp.overlay import Overlay, bundled
from core.store.folder import private_folder

_FETCH_S = 600.0
_START_S = 60.0
_SHOWN = 400
_SCRIPTS = re.compile(r"yt-dlp-ejs==([\w.]+)")


def update_blocking(overlay: Overlay, which: str | None) -> str:
    """Fetch yt-dlp and the scripts that belong to it; the version that workers load from now on.

    Args:
        overlay: Where to.
        which: The version; None is the newest.

    Raises:
        ConfigError: Nothing here can install packages.
        NetworkFailure: It cannot be fetched, or there is no such version.
        ExtractorFailure: It does not work here; all is as it was.
    """
    if which is not None:
        overlay.path_of(which)
    private_folder(overlay.folder)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=overlay.folder))
    try:
        _install(draft, f"yt-dlp=={which}" if which else "yt-dlp")
        if scripts := _wanted_scripts(draft):
            _install(draft, f"yt-dlp-ejs=={scripts}")
        found = try_blocking(draft)
        overlay.path_of(found)
        if found == bundled():
            overlay.drop()
        else:
            overlay.adopt(draft, found)
        return found
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def try_blocking(folder: Path) -> str:
    """Start a worker that loads yt-dlp from *folder*; the version that it tells.

    Raises:
        ExtractorFailure: It does not start, or loads another one.
    """
    env = {**os.environ, **ENVIRONMENT, "PYTHONPATH": python_path(folder)}
    try:
        done = subprocess.run(  # noqa: S603 -- our own worker
            python_worker("core.sources.ytdlp.worker"),
            env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_S, check=False,
        )  # fmt: skip
        told = str(json.loads(done.stdout.splitlines()[0])["ready"]["version"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, IndexError) as error:
        raise ExtractorFailure(
            "the yt-dlp that was fetched does not start", hint="All is as it was. Try another version."
        ) from error
    own = next((each.version for each in distributions(path=[str(folder)]) if each.name == "yt-dlp"), None)
    if own is None or _plain(own) != _plain(told):
        raise ExtractorFailure(f"the workers would load yt-dlp {told}", hint="All is as it was.")
    return own


def _plain(which: str) -> list[int]:
    # Packages drop the zeros that yt-dlp itself writes: 2026.03.01 is 2026.3.1.
    return [int(part) for part in re.findall(r"\d+", which)]


def _wanted_scripts(folder: Path) -> str | None:
    """The version of yt-dlp-ejs that the yt-dlp in *folder* refuses to do without."""
    for each in distributions(path=[str(folder)]):
        if each.name == "yt-dlp":
            found = (_SCRIPTS.match(need) for need in each.requires or ())
            return next((match[1] for match in found if match), None)
    return None


def _install(folder: Path, package: str) -> None:
    if find_spec("pip"):
        tool = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    elif uv := shutil.which("uv"):
        tool = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise ConfigError("there is neither pip nor uv here", hint="Install one: python -m ensurepip")
    # No code of a package runs while it is installed, and nothing else comes along.
    command = [*tool, "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 -- as above; the version was looked at
            [*command, package], capture_output=True, text=True, timeout=_FETCH_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NetworkFailure(f"{package} was not fetched within {_FETCH_S:g} s") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise NetworkFailure(
            f"{package} cannot be fetched: {reason[-1][:_SHOWN]}", hint="Check the network and the version."
        )
