"""Playlists, series and channels over HTTP: all jobs of one, seen and acted on together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParam
from starlette.responses import Response

from core.api.context import Engine
from core.api.encoding import JsonResponse, listing
from core.api.schemas import MAX_ID, Action, After

router = APIRouter(prefix="/groups", tags=["groups"])

GroupId = Annotated[int, PathParam(ge=1, le=MAX_ID)]


@router.get("", summary="List groups, newest first")
async def list_groups(
    engine: Engine,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: After = None,
) -> Response:
    """A page; `next` is the cursor of the following one. The jobs of one: `GET /jobs?group=ID`."""
    page = await engine.groups(limit=limit, after=after or None)
    return listing(page.items, page.next)


@router.get("/{group_id:int}", summary="One group")
async def show_group(group_id: GroupId, engine: Engine) -> Response:
    """Title, entries that were found, and how many jobs are in each state."""
    return JsonResponse(await engine.group(group_id))


@router.post("/{group_id:int}/{action}", summary="Pause, resume, cancel or retry all jobs of a group")
async def act_on_group(group_id: GroupId, action: Action, engine: Engine) -> Response:
    """The group as it is then, and how many jobs were moved; a playlist still being expanded stops too."""
    return JsonResponse(await engine.control_group(group_id, action))
