"""The engine itself over HTTP: how it is, what it knows, its live stream, and its end."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, WebSocket
from fastapi import Path as PathParam
from starlette.responses import HTMLResponse, Response
from starlette.websockets import WebSocketDisconnect, WebSocketState

from core.api.callers import caller_of
from core.api.context import Asking, Engine, OpenStreams, require_local, require_socket
from core.api.encoding import JsonResponse, listing
from core.api.metrics import CONTENT_TYPE, render
from core.api.openapi import page
from core.api.problems import ProblemResponse
from core.api.schemas import JobRequest, LimitBody, Url, Word
from core.api.stream import (
    NOT_ALLOWED,
    TRY_LATER,
    EventStream,
    first_message,
    parse_last_event_id,
    serve_websocket,
)
from core.domain.errors import LimitReached, ReeldeckError
from core.domain.job import Kind
from core.domain.job import Request as Wanted

router = APIRouter()
health_router = APIRouter(tags=["engine"])

LastEventId = Annotated[str | None, Query(max_length=20, description="As the header Last-Event-ID")]


@health_router.head("/health", include_in_schema=False)
@health_router.get("/health", summary="Whether the engine works")
async def health(engine: Engine) -> Response:
    """200 while it does; 503 with a problem when its database does not answer."""
    status = await engine.status()
    facts = status["engine"]
    return JsonResponse({"status": "ok", "state": facts["state"], "version": facts["version"]})


@health_router.get("/metrics", summary="Figures for Prometheus")
async def metrics(request: Request, engine: Engine, streams: OpenStreams) -> Response:
    """Jobs by state and source, speed, disk, load and the API's own answers, as text."""
    found, tasks = await engine.status(), len(asyncio.all_tasks())
    text = render(found, request.app.state.traffic, streams=streams.count, tasks=tasks)
    return Response(text, headers={"content-type": CONTENT_TYPE})


@router.get("/status", tags=["engine"], summary="The engine at a glance")
async def status(engine: Engine) -> Response:
    """Counts, speed, disk, load, Telegram, sources and limits."""
    return JsonResponse(await engine.status())


@router.get("/sources", tags=["engine"], summary="The sources that are known")
async def sources(engine: Engine) -> Response:
    """Name, label, whether enabled, limits, how many jobs run."""
    return listing(await engine.sources())


@router.get("/history", tags=["engine"], summary="What ended on each of the last days")
async def history(engine: Engine, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Response:
    """Completed and failed jobs and their bytes, by day of the engine's clock and source."""
    return listing([figures.to_json() for figures in await engine.history(days=days)])


@router.get("/metadata", tags=["engine"], summary="What a link leads to")
async def metadata(
    request: Request,
    engine: Engine,
    url: Annotated[Url, Query()],
    kind: Kind = Kind.AUTO,
    quality: Word = "best",
    format: Word | None = None,  # noqa: A002 -- the parameter's name is the interface
    profile: Word | None = None,
    source: Word | None = None,
) -> Response:
    """Title, duration, size and formats, without downloading it."""
    body = JobRequest(url=url, kind=kind, quality=quality, format=format, profile=profile, source=source)
    require_local(request, body)
    return JsonResponse((await engine.preview(body.to_request())).to_json())


@router.get("/spaces/{space_id}/metadata", tags=["engine"], summary="What an X Space is")
async def space_metadata(
    space_id: Annotated[str, PathParam(pattern=r"^[A-Za-z0-9]{1,32}$")],
    engine: Engine,
    profile: Word | None = None,
) -> Response:
    """As `/metadata` of its link."""
    wanted = Wanted(url=f"https://x.com/i/spaces/{space_id}", profile=profile)
    return JsonResponse((await engine.preview(wanted)).to_json())


@router.get("/limits", tags=["engine"], summary="The limits that can be changed while the engine runs")
async def limits(engine: Engine) -> Response:
    """As they hold now, as they are configured, and between what they can be changed."""
    return listing([limit.to_json() for limit in await engine.limits()])


@router.put("/limits/{name}", tags=["engine"], summary="Let another limit hold from now on")
async def set_limit(name: Word, body: LimitBody, engine: Engine) -> Response:
    """The limit as it holds now. It outlives the engine, until `null` brings the configured one back."""
    return JsonResponse((await engine.set_limit(name, body.value)).to_json())


@router.post("/stop", tags=["engine"], status_code=202, summary="Stop the engine (Unix socket only)")
async def stop(request: Request, engine: Engine) -> Response:
    """202; running jobs are put back and go on at the next start."""
    require_socket(request, "stopping is")
    await engine.stop_engine()
    return JsonResponse({"stopping": True}, status_code=202)


@router.get("/events", tags=["stream"], summary="The live stream as server-sent events")
async def events(
    request: Request, engine: Engine, streams: OpenStreams, caller: Asking, last_event_id: LastEventId = None
) -> Response:
    """Stored events with their `id`, and `progress` without one; Last-Event-ID replays what was missed."""
    return EventStream(engine, streams, caller, parse_last_event_id(request.headers, last_event_id))


@router.websocket("/ws")
async def websocket_stream(
    websocket: WebSocket, engine: Engine, streams: OpenStreams, last_event_id: LastEventId = None
) -> None:
    """The live stream over a WebSocket: event objects, and objects with the type `progress`.

    A client that cannot send headers sends its token as the first message: `{"token": "…"}`.
    """
    try:
        last_seq = parse_last_event_id(websocket.headers, last_event_id)
        caller = caller_of(websocket.scope)
        if caller is None:
            with streams.lobby():
                await websocket.accept()
                caller = await first_message(websocket, websocket.scope["state"]["admit"])
        with streams.slot(caller) as end:
            if websocket.application_state is WebSocketState.CONNECTING:
                await websocket.accept()
            await serve_websocket(websocket, engine, end, last_seq)
    except WebSocketDisconnect:
        return  # before it said who it is
    except ReeldeckError as error:
        if websocket.application_state is WebSocketState.CONNECTING:
            await websocket.send_denial_response(ProblemResponse(error))
        else:
            code = TRY_LATER if isinstance(error, LimitReached) else NOT_ALLOWED
            await websocket.close(code, error.summary)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The API's description for people."""
    return HTMLResponse(page(request.app.openapi()))
