"""`reeldeck` alone: the dashboard, on the running engine or on one started behind it."""

from __future__ import annotations

import sys

from core.domain.errors import InvalidRequest


def dashboard() -> None:
    """Attach the dashboard.

    Raises:
        InvalidRequest: Nobody looks at a terminal here.
        EngineUnreachable: No engine runs, and none could be started.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidRequest(
            "the dashboard needs a terminal",
            hint="Without one use: reeldeck status, reeldeck jobs, reeldeck get URL, reeldeck --help",
        )
    # Textual and the client take a while: not before it is sure that they are needed.
    from tui.attach import attach  # noqa: PLC0415

    attach()
