"""The dashboard in a real terminal on a real engine: leaving it stops nothing, and it survives the engine."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

import psutil
import pytest

from core.domain.text import cell_width
from tests.acceptance.program import REELDECK
from tests.acceptance.terminal import BEFORE, TMUX, Terminal, open_terminal
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault

pytestmark = [
    pytest.mark.needs_tmux,
    pytest.mark.skipif(TMUX is None, reason="tmux is not installed: apt-get install tmux"),
]


def film() -> bytes:
    return made_once(video_mp4, "clip.mp4").read_bytes()


@pytest.fixture
def dashboard(reeldeck, tmp_path_factory):
    """Open a dashboard of the test's program; a socket's path must be short."""
    folder = tmp_path_factory.mktemp("t")
    unwanted = {"NO_COLOR", "PYTHONWARNINGS", "SSH_CONNECTION", "LC_ALL", "LC_CTYPE"}
    usual = {name: value for name, value in reeldeck.env.items() if name not in unwanted}
    usual |= {"LANG": "C.UTF-8", "TERM": "xterm-256color"}

    def start(name: str = "a", *, env: Mapping[str, str] = MappingProxyType({}), **size: int):
        return open_terminal(folder / name, [str(REELDECK)], usual | env, **size)

    return start


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (140, 40)])
async def test_it_starts_the_engine_shows_a_pasted_link_to_its_end_and_leaves_the_engine_running(
    reeldeck, origin, dashboard, columns, lines
):
    origin.put("/a-film.mp4", film())
    try:
        async with dashboard(columns=columns, lines=lines) as terminal:
            await terminal.shows("1 Jobs", "engine")
            await terminal.press("a")
            await terminal.type(origin.url("/a-film.mp4"))
            await terminal.shows("a-film.mp4")
            await terminal.press("Enter")
            await terminal.shows("done", "a-film")
            await terminal.press("q")
            await terminal.shows("ended with 0")
        status = await reeldeck.run("status", "--json")
        assert status.code == 0, "leaving the dashboard must not stop the engine"
    finally:
        await reeldeck.run("stop")


async def test_downloads_go_on_without_it_and_two_dashboards_show_the_same(reeldeck, origin, dashboard):
    origin.put("/held.mp4", film() + bytes(3_000_000)).always = Fault(hold_after=1_500_000)
    async with reeldeck.serve():
        added = await reeldeck.run("add", origin.url("/held.mp4"))
        assert added.code == 0
        async with dashboard("one") as one, dashboard("two", columns=140, lines=40) as two:
            await one.shows("held", "1")
            await two.shows("held")
            await one.press("q")
            await one.shows("ended with 0")
            origin.release.set()
            await two.shows("done", "held")
        done = await reeldeck.run("jobs", "--json")
        assert [row["status"] for row in done.rows] == ["COMPLETED"]


async def test_an_engine_that_dies_and_comes_back_is_found_again_with_the_list_kept(
    reeldeck, origin, dashboard
):
    origin.put("/kept.mp4", film())
    async with reeldeck.serve() as engine:
        assert (await reeldeck.run("add", origin.url("/kept.mp4"), "--wait")).code == 0
        async with dashboard() as terminal:
            await terminal.shows("done", "kept")
            engine.send_signal(signal.SIGKILL)
            await engine.wait()
            await terminal.shows("again", "kept")
            async with reeldeck.serve():
                await terminal.shows("● engine", "kept")
                origin.put("/later.mp4", film())
                assert (await reeldeck.run("add", origin.url("/later.mp4"))).code == 0
                await terminal.shows("later", "done")


#: Names that terminals disagree about.
NAMES = ("\u0645\u062d\u0627\u0636\u0631\u0629 \u0641\u064a.mp4", "東京の夜景を歩く.mp4",
         "cafe\u0301 👩‍👩‍👧‍👦 🏳️‍🌈 x.mp4", "\x1b[2J\x9b31m\u202egpj.mp4")  # fmt: skip
#: The keys of a walk, each with what is then shown.
WALK = {"2": "SITE", "3": "No logins", "4": "Telegram is off", "5": "TITLE", "6": "WHAT",
         ",": "max_parallel_jobs", "?": "keys of", "Escape": "CONFIGURED", "q": "LEVEL",
         ":": "a few letters"}  # fmt: skip


async def walk(terminal: Terminal) -> None:
    """Through all pages and back."""
    for key, shown in WALK.items():
        await terminal.press(key)
        await terminal.shows(shown)
    await terminal.press("Escape")
    await terminal.shows("LEVEL")
    await terminal.press("1")
    await terminal.shows("PROGRESS")


async def storm(terminal: Terminal) -> None:
    """Sizes one upon another."""
    for columns, lines in [(140, 40), (60, 15), (100, 30), (200, 60), (81, 25)] * 4:
        await terminal.resize(columns, lines)
    await terminal.resize(80, 24)
    screen = await terminal.shows("1 Jobs", "done", "q Leave")
    assert len(screen.splitlines()) <= 24


async def looks_plain(terminal: Terminal) -> None:
    """Neither colours nor anything but letters."""
    screen = await terminal.screen()
    assert not set(screen) & set("━─│▌●○·…▸✓")
    codes = re.findall(r"\x1b\[([0-9;]*)m", await terminal.colours())
    assert not [code for code in codes if re.search(r"(^|;)(3|4|9|10)[0-8](;|$)", code)]


async def leave(terminal: Terminal) -> None:
    """The shell is there again as it was."""
    await terminal.press("q")
    left = await terminal.shows("ended with 0")
    assert left.split() == f"{BEFORE} ended with 0".split(), left
    on = {name for name, value in (await terminal.modes()).items() if value == "1"}
    assert on == {"cursor_flag", "wrap_flag"}


async def test_every_terminal_shows_a_whole_screen_and_is_left_as_it_was(reeldeck, origin, dashboard):
    for name in NAMES:
        origin.put(f"/{name}", film())

    async def visit(name: str, env: Mapping[str, str], *ways: Callable[[Terminal], Awaitable[None]]) -> None:
        async with dashboard(name, env=env) as terminal:
            screen = await terminal.shows("Done 4", "KiB")
            rows = [line for line in screen.splitlines() if line[1:5] == "done"]
            # Whatever stands in the title, the notes begin in one column.
            assert len({cell_width(row[: row.rindex("KiB")]) for row in rows}) == 1, screen
            for way in (*ways, leave):
                await way(terminal)

    async with reeldeck.serve():
        links = [origin.url(f"/{quote(name)}") for name in NAMES]
        assert (await reeldeck.run("add", *links, "--wait")).code == 0
        async with asyncio.TaskGroup() as group:
            group.create_task(visit("screen", {"TERM": "screen-256color"}, walk, storm))
            group.create_task(visit("console", {"TERM": "linux"}, walk))
            group.create_task(visit("plain", {"NO_COLOR": "1", "LANG": "C"}, looks_plain))


async def test_it_ends_when_its_terminal_vanishes(reeldeck, dashboard):
    async with reeldeck.serve():
        async with dashboard() as terminal:
            await terminal.shows("engine")
            own = [
                process
                for process in psutil.process_iter(["cmdline", "environ"])
                if (process.info["environ"] or {}).get("HOME") == str(reeldeck.home)
                and "serve" not in (process.info["cmdline"] or [])
                and any("reeldeck" in word for word in process.info["cmdline"] or [])
            ]
            assert own
        _, alive = await asyncio.to_thread(psutil.wait_procs, own, 10)
        assert not alive
