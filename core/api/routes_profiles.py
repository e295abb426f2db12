"""Auth profiles over HTTP: paths and health, never what is in a cookie file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from core.api.context import Engine, require_socket
from core.api.encoding import JsonResponse, listing
from core.api.schemas import MAX_ID, ProfileRequest

router = APIRouter(prefix="/profiles", tags=["profiles"])

ProfileId = Annotated[int, Path(ge=1, le=MAX_ID)]


@router.get("", summary="The auth profiles of all sources")
async def profiles(engine: Engine) -> Response:
    """Name, path, health, counters and last use of each."""
    return listing([profile.to_json() for profile in await engine.profiles()])


@router.post("", status_code=201, summary="Add an auth profile (Unix socket only)")
async def add(request: Request, body: ProfileRequest, engine: Engine) -> Response:
    """Use the cookie file at a path on the engine's machine; it is checked first, and stays where it is."""
    require_socket(request, "adding a login is")
    profile = await engine.add_profile(body.source, body.cookie_file, body.name)
    return JsonResponse(profile.to_json(), status_code=201)


@router.delete("/{profile_id}", status_code=204, summary="Forget an auth profile (Unix socket only)")
async def remove(request: Request, profile_id: ProfileId, engine: Engine) -> Response:
    """204; the cookie file stays."""
    require_socket(request, "removing a login is")
    await engine.remove_profile(profile_id)
    return Response(status_code=204)


@router.post("/{profile_id}/check", summary="Read an auth profile's file again")
async def check(profile_id: ProfileId, engine: Engine) -> Response:
    """The profile as it is then."""
    return JsonResponse((await engine.check_profile(profile_id)).to_json())
