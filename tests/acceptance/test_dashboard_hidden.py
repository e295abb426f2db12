"""Whether anybody can see the dashboard, as a real tmux says it."""

from __future__ import annotations

import asyncio
import os

import pytest

from bench.dashboard_terminal import Terminal as Window
from tests.acceptance.terminal import TMUX, Terminal
from tui.multiplexer import is_hidden

WITHIN_S = 10.0


@pytest.mark.needs_tmux
@pytest.mark.skipif(TMUX is None, reason="tmux is not installed: apt-get install tmux")
async def test_a_pane_is_hidden_unless_its_window_is_shown_to_somebody(tmp_path_factory):
    socket = tmp_path_factory.mktemp("t") / "s"
    terminal = Terminal(socket)
    await terminal.start(["true"], {}, columns=80, lines=24)
    environ = {"PATH": os.environ["PATH"], "TMUX": f"{socket},0,0", "TMUX_PANE": "%0"}
    window = Window((80, 24))
    try:
        assert await is_hidden(environ)
        client = await window.start(
            [str(TMUX), "-u", "-S", str(socket), "attach"],
            {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )
        await window.until(lambda: "ended with 0" in "".join(window.lines))
        assert not await is_hidden(environ)
        await terminal._tmux("new-window", "exec cat")
        assert await is_hidden(environ), "another window is in front of it"
        await terminal._tmux("last-window")
        assert not await is_hidden(environ)
        await terminal._tmux("detach-client")
        await asyncio.wait_for(client.wait(), WITHIN_S)
        assert await is_hidden(environ)
    finally:
        await terminal.close()
        window.close()


@pytest.mark.parametrize(
    "environ", [{}, {"TMUX": "/nowhere,0,0", "TMUX_PANE": "%0", "PATH": "/bin:/usr/bin"}]
)
async def test_without_tmux_nothing_is_hidden(environ):
    assert not await is_hidden(environ)
