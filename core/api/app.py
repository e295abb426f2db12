"""The HTTP application: puts the routes together in front of any engine."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection

from fastapi import FastAPI
from starlette.types import ASGIApp

from core.api import problems, routes_engine, routes_groups, routes_jobs, routes_profiles
from core.api.doorkeeper import Doorkeeper, TokenCheck
from core.api.labels import GroupLabels
from core.api.openapi import describe
from core.api.stream import Streams
from core.domain.interface import EngineInterface

PREFIX = "/api/v1"


def create_app(
    engine: EngineInterface,
    *,
    streams: Streams | None = None,
    token_check: TokenCheck | None = None,
    allowed_hosts: Collection[str] = (),
) -> ASGIApp:
    """The application that serves *engine*.

    Args:
        engine: Answers everything.
        streams: The server's, so that it can end them; made here when nobody else needs it.
        token_check: Judges the bearer tokens of TCP; without one only the Unix socket is served.
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
    app.include_router(routes_jobs.router, prefix=PREFIX)
    app.include_router(routes_groups.router, prefix=PREFIX)
    app.include_router(routes_engine.router, prefix=PREFIX)
    app.include_router(routes_profiles.router, prefix=PREFIX)
    app.include_router(routes_engine.health_router)
    problems.install(app)
    describe(app)
    return Doorkeeper(app, version=version, token_check=token_check, allowed_hosts=allowed_hosts)
