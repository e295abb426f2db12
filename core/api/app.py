"""The HTTP application: puts the routes together in front of any engine."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection

from fastapi import FastAPI
from starlette.types import ASGIApp

from core.api import (
    problems,
    routes_backup,
    routes_chats,
    routes_collect,
    routes_engine,
    routes_groups,
    routes_jobs,
    routes_library,
    routes_profiles,
    routes_tokens,
    routes_webhooks,
)
from core.api.callers import PREFIX, Callers, TokenCheck
from core.api.doorkeeper import Doorkeeper, Record
from core.api.labels import GroupLabels
from core.api.metrics import Traffic
from core.api.openapi import describe
from core.api.stream import Streams
from core.domain.interface import EngineInterface


def create_app(
    engine: EngineInterface,
    *,
    streams: Streams | None = None,
    token_check: TokenCheck | None = None,
    record: Record | None = None,
    requests_per_s: float = 0.0,
    allowed_hosts: Collection[str] = (),
) -> ASGIApp:
    """The application that serves *engine*.

    Args:
        engine: Answers everything.
        streams: The server's, so that it can end them; made here when nobody else needs it.
        token_check: Judges the bearer tokens of TCP; without one only the Unix socket is served.
        record: Writes down what was changed.
        requests_per_s: What each token may ask; 0 = any number.
        allowed_hosts: Host names that TCP answers to beside those of loopback.
    """
    version = importlib.metadata.version("reeldeck")
    app = FastAPI(
        title="Reeldeck",
        version=version,
        description=(
            "Jobs of the download engine. Errors are problem documents; times are ISO 8601 UTC. "
            f"What happens is told live by {PREFIX}/events, and by the WebSocket {PREFIX}/ws."
        ),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # FastAPI's page loads scripts from elsewhere; ours stands in routes_engine
        redoc_url=None,
        redirect_slashes=False,
        # No exporter that the environment names may see requests or exceptions.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.engine = engine
    app.state.labels = GroupLabels(engine)
    app.state.streams = streams or Streams()
    app.state.traffic = Traffic()
    app.include_router(routes_jobs.router, prefix=PREFIX)
    app.include_router(routes_groups.router, prefix=PREFIX)
    app.include_router(routes_library.router, prefix=PREFIX)
    app.include_router(routes_engine.router, prefix=PREFIX)
    app.include_router(routes_backup.router, prefix=PREFIX)
    app.include_router(routes_chats.router, prefix=PREFIX)
    app.include_router(routes_collect.router, prefix=PREFIX)
    app.include_router(routes_profiles.router, prefix=PREFIX)
    app.include_router(routes_tokens.router, prefix=PREFIX)
    app.include_router(routes_webhooks.router, prefix=PREFIX)
    app.include_router(routes_engine.health_router)
    problems.install(app)
    describe(app)
    return Doorkeeper(
        app,
        version=version,
        callers=Callers(token_check, rate_per_s=requests_per_s),
        traffic=app.state.traffic,
        record=record,
        allowed_hosts=allowed_hosts,
    )
