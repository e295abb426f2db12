"""The terminal that the dashboard runs in: what it needs, and whether it is still there.

Must not import Textual: some of its settings are read once, when it is imported.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping

#: Repaints per second with data: the eye reads no faster, and every one costs bytes on the line.
LOCAL_HZ = 4.0
REMOTE_HZ = 2.0
#: … in a terminal that somebody may look at, but does not type into.
UNFOCUSED_HZ = 1.0
#: What TERM_PROGRAM says in a tab of a browser (`reeldeck web`).
BROWSER = "reeldeck-web"


def is_remote(environ: Mapping[str, str]) -> bool:
    """Whether the screen is at the other end of an SSH connection."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def prepare_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set what Textual reads at import, unless somebody chose it: no animation, few frames, a patient Esc."""
    remote = is_remote(environ)
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_FPS", "15" if remote else "30")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    environ.setdefault("ESCDELAY", "150" if remote else "50")


def wants_ascii(environ: Mapping[str, str], *, is_coerced: bool = sys.flags.utf8_mode == 1) -> bool:
    """Whether the locale says that the terminal shows nothing but ASCII.

    Args:
        environ: The environment.
        is_coerced: Python found the locale C when it was started, and has put another LC_CTYPE into the
            environment (PEP 538, 540): that is nobody's word on the terminal.
    """
    own = "" if is_coerced else environ.get("LC_CTYPE")
    locale = environ.get("LC_ALL") or own or environ.get("LANG") or ""
    return environ.get("TERM") == "dumb" or locale.upper() in {"C", "POSIX"}


def is_terminal_gone() -> bool:
    """Whether the terminal has vanished, as it does when an SSH connection breaks."""
    try:
        return not os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ else True
    except (OSError, ValueError):
        return True


def terminal_size() -> tuple[int, int] | None:
    """Columns and lines of the terminal this instant; None where they cannot be known."""
    try:
        size = os.get_terminal_size(sys.__stdin__.fileno()) if sys.__stdin__ else None
    except (OSError, ValueError):
        return None
    return (size.columns, size.lines) if size and size.columns and size.lines else None


def file_browser(environ: Mapping[str, str]) -> str | None:
    """The program that shows a folder to whoever sits before this machine; None over SSH."""
    if is_remote(environ):
        return None
    if sys.platform == "darwin":
        return shutil.which("open")
    has_screen = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    return shutil.which("xdg-open") if has_screen else None
