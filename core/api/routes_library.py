"""The library over HTTP: what was fetched, searched."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from core.api.context import Engine
from core.api.encoding import JsonResponse

router = APIRouter(prefix="/library", tags=["library"])


@router.get("", summary="Search what was fetched, the best first")
async def search_library(
    engine: Engine,
    q: Annotated[
        str,
        Query(max_length=500, description='Words and filters: `tafsir by:"Ibn Kathir" duration>1h -part2`'),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
) -> Response:
    """A page; everything, the newest first, without `q`.

    `meant` tells the words that were looked for where nothing has those that were asked for.
    """
    page = await engine.library(q, limit=limit, after=after or None)
    items = [item.to_json() for item in page.items]
    return JsonResponse({"items": items, "next": page.next, "meant": page.meant})
