"""`reeldeck` alone: the dashboard, on the running engine or on one started behind it."""

from __future__ import annotations

import sys

from core.domain.errors import InvalidRequest
from tui.console.loading import loading
from tui.terminal import prepare_environment


def dashboard(*, is_ascii: bool = False) -> int:
    """Attach the dashboard, drawn with ASCII only where that is asked for; its exit code.

    Raises:
        InvalidRequest: Nobody looks at a terminal here.
        EngineUnreachable: No engine runs, and none could be started.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidRequest(
            "the dashboard needs a terminal",
            hint="Without one use: reeldeck status, reeldeck jobs, reeldeck get URL, reeldeck --help",
        )
    prepare_environment()
    with loading():
        # Textual reads the environment when it is imported, and takes a while.
        from tui.console.attach import attach  # noqa: PLC0415
    return attach(is_ascii=is_ascii)
