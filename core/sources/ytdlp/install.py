"""The command that installs a package where this very program runs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

#: Brings a newer yt-dlp with its scripts for YouTube; what is installed stays as it is.
UPDATE = "reeldeck ytdlp update"


def install_command(
    *packages: str,
    prefix: Path | None = None,
    python: Path | None = None,
    has_module: Callable[[str], object] = find_spec,
) -> str:
    """How to install or update *packages*, for people to copy.

    Args:
        packages: Their names in the package index.
        prefix: Root of the environment (default: ours).
        python: Its interpreter.
        has_module: Whether the environment can import something.
    """
    prefix, python = prefix or Path(sys.prefix), python or Path(sys.executable)
    names = shlex.join(packages)
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx runpip {shlex.quote(prefix.name)} install -U {names}"
    if has_module("pip"):
        return f"{shlex.quote(str(python))} -m pip install -U {names}"
    # Environments that uv made have no pip.
    return f"uv pip install --python {shlex.quote(str(python))} -U {names}"
