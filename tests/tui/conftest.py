"""Dashboards without a terminal, on an engine in memory or a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from core.client.http import HttpEngineClient
from core.config.settings import Settings
from core.engine.engine import Engine
from tests.fakes.api import serving
from tests.fakes.engine import FakeEngine
from tests.fakes.origin import Origin
from tui.app import ReeldeckApp
from tui.state import JobIndex

#: A whole test takes a fraction of this, also on a busy machine.
PATIENCE_S = 20.0


@dataclass
class Dashboard:
    """What a person sees and does."""

    app: ReeldeckApp
    pilot: Pilot[None]

    @property
    def index(self) -> JobIndex:
        return self.app.deck.index

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await self.pilot.pause(0.005)
        except TimeoutError:
            pytest.fail(f"waited in vain; the screen shows:\n{self.text}")

    async def shows(self, *texts: str) -> None:
        """Wait until all of *texts* are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def paste(self, text: str) -> None:
        """What a terminal sends for a paste."""
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()


def calls(engine: FakeEngine, method: str) -> list[Any]:
    """Arguments of the calls of *method* so far."""
    return [arguments for name, arguments in engine.calls if name == method]


Open = Callable[..., AbstractAsyncContextManager[Dashboard]]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def dashboard(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a dashboard; it is loaded when the context is entered."""
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)

    @asynccontextmanager
    async def start(
        size: tuple[int, int] = (80, 24), *, waits: bool = True, **options: Any
    ) -> AsyncIterator[Dashboard]:
        app = ReeldeckApp(engine, repaints_hz=50, **({"backoff_s": (0.02,)} | options))
        async with app.run_test(size=size) as pilot:
            shown = Dashboard(app, pilot)
            if waits:
                await shown.until(lambda: app.deck.sync.is_loaded)
                await shown.until(lambda: "Loading" not in shown.text)
            yield shown

    return start


@pytest.fixture
async def origin():
    async with Origin() as running:
        yield running


@pytest.fixture
def on_engine(tmp_path: Path):
    """Open a dashboard on a real engine: `async with on_engine() as (engine, dashboard)`."""

    @asynccontextmanager
    async def run(size: tuple[int, int] = (140, 40), **sections: dict[str, Any]):
        settings = Settings.model_validate(
            {
                "paths": {"data_dir": tmp_path / "data"},
                "limits": {"min_free_disk_bytes": 1024**2},
                "network": {"allow_addresses": ("127.0.0.0/8",)},
                "retries": {"max_retries": 0},
                **sections,
            }
        )
        engine = Engine(settings)
        await engine.start()
        try:
            async with serving(engine, tmp_path / "api") as server:
                client = HttpEngineClient(server.path)
                app = ReeldeckApp(client)
                try:
                    async with app.run_test(size=size) as pilot:
                        yield engine, Dashboard(app, pilot)
                finally:
                    await client.close()
        finally:
            await engine.stop()

    return run
