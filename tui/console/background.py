"""Start the engine behind the dashboard, as tmux starts its server: in a session of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

from core.config.settings import Settings
from core.domain.errors import EngineRunning, EngineUnreachable
from core.domain.interface import EngineInterface
from core.domain.text import for_terminal

LOG_FILE = "serve.log"
#: An engine with a million jobs is ready in two seconds; a slow disk may take longer.
START_WITHIN_S = 30.0
LOOK_AGAIN_S = 0.05
_SHOWN_LINES = 5


async def ensure_engine(settings: Settings, client: EngineInterface) -> None:
    """Return when *client*'s engine answers; start it first when none does.

    Raises:
        EngineUnreachable: It could not be started; the detail holds its last words.
    """
    if await _answers(client):
        return
    log = settings.paths.log / LOG_FILE
    process = start_detached(log)
    try:
        async with asyncio.timeout(START_WITHIN_S):
            while not await _answers(client):
                code = process.poll()
                # Somebody else started one at the same moment: theirs is as good.
                if code is not None and code != EngineRunning.exit_code:
                    raise EngineUnreachable(f"it did not start: {last_words(log)}", hint=f"See {log}.")
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        detail = f"it does not answer after {START_WITHIN_S:.0f} s: {last_words(log)}"
        raise EngineUnreachable(detail, hint=f"See {log}.") from None
    # It outlives us, and nobody here waits for it.
    process.returncode = 0


async def _answers(client: EngineInterface) -> bool:
    try:
        await client.status()
    except EngineUnreachable:
        return False
    return True


def start_detached(log: Path) -> subprocess.Popen[bytes]:
    """Run `reeldeck serve` in a session of its own, with its words going to *log*."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "tui.cli", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        os.close(output)


def last_words(log: Path) -> str:
    """The end of *log* in one line."""
    with log.open(encoding="utf-8", errors="replace") as stream:
        lines = [text.strip() for text in deque(stream, maxlen=_SHOWN_LINES) if text.strip()]
    return for_terminal(" | ".join(lines)) or "it said nothing"
