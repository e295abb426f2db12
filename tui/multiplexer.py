"""Whether tmux shows its pane to anybody: a dashboard that nobody can see need not be painted.

That a terminal has lost the focus says nothing: people look at one window while they type into another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

#: Seen are the active window of a session that somebody is attached to, and there all panes but those behind
#: one that fills it (tmux(1), FORMATS).
_FORMAT = (
    "#{?session_attached,#{?window_active,#{?window_zoomed_flag,#{?pane_active,seen,hidden},seen},hidden},"
    "hidden}"
)
ANSWER_S = 2.0


async def is_hidden(environ: Mapping[str, str]) -> bool:
    """Nobody sees the pane that this program runs in. False where there is no tmux, or it does not say."""
    pane = environ.get("TMUX_PANE")
    if not pane or not environ.get("TMUX"):
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", "display-message", "-p", "-t", pane, _FORMAT,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return False
    try:
        async with asyncio.timeout(ANSWER_S):
            answer, _ = await process.communicate()
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer.strip() == b"hidden"
