"""Dashboards without a terminal, on an engine in memory or a real one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet

from core.client.http import HttpEngineClient
from core.config.settings import Settings
from core.engine.engine import Engine
from tests.fakes import scene
from tests.fakes.api import serving
from tests.fakes.engine import FakeEngine
from tests.fakes.origin import Origin
from tests.tui.person import PATIENCE_S, Dashboard
from tui.app import ReeldeckApp

__all__ = ["PATIENCE_S", "Dashboard"]


def calls(engine: FakeEngine, method: str) -> list[Any]:
    """Arguments of the calls of *method* so far."""
    return [arguments for name, arguments in engine.calls if name == method]


Open = Callable[..., AbstractAsyncContextManager[Dashboard]]


@pytest.fixture(scope="session", autouse=True)
def _styles_are_parsed_once() -> Iterator[None]:
    """Every dashboard would parse the same style sheets anew: a fifth of what a test takes."""
    parse = Stylesheet._parse_rules
    known: dict[Any, Any] = {}

    def parse_once(sheet: Stylesheet, css: str, **facts: Any) -> Any:
        key = (css, *facts.values(), *sheet._variables.items())
        if key not in known:
            known[key] = parse(sheet, css, **facts)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def dashboard_on(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a dashboard on an engine in memory; it is loaded when the context is entered."""
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)

    @asynccontextmanager
    async def start(
        engine: FakeEngine, size: tuple[int, int] = (80, 24), *, waits: bool = True, **options: Any
    ) -> AsyncIterator[Dashboard]:
        app = ReeldeckApp(engine, repaints_hz=50, **({"backoff_s": (0.02,)} | options))
        async with app.run_test(size=size) as pilot:
            shown = Dashboard(app, pilot)
            if waits:
                await shown.until(lambda: app.deck.sync.is_loaded)
                await shown.until(lambda: "Loading" not in shown.text)
                await shown.until(lambda: not app.screen._is_coming)  # what it found then was sent
            yield shown

    return start


@pytest.fixture
def dashboard(engine: FakeEngine, dashboard_on: Open) -> Open:
    """The same, on the test's own engine."""
    return partial(dashboard_on, engine)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time of day, in a list; it stands still."""
    now = [scene.NOW]
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: now[0])
    yield now
    monkeypatch.undo()
    time.tzset()


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
