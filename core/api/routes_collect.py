"""Collections over HTTP: the media of a chat, with figures while it goes on."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from core.api.context import Asking, Engine, OpenStreams
from core.api.figures import Figures
from core.api.schemas import CollectBody

router = APIRouter()


@router.post("/collect", tags=["chats"], summary="Fetch the media of a chat")
async def collect(body: CollectBody, engine: Engine, streams: OpenStreams, caller: Asking) -> Response:
    """Figures as JSON lines, the last one with `is_done`; a line with `error` when it ends early.

    Empty lines say that it goes on. Whoever hangs up ends it; asked for again, it goes on from there.
    """
    figures = engine.collect(body.to_collect())
    # The first says that it can be done at all; until then a refusal is an answer like any other.
    first = await anext(figures)
    return Figures(first, figures, streams, caller)
