"""Auth profiles over HTTP: paths and health, never what is in a cookie file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
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


@router.delete("/{profile_id:int}", status_code=204, summary="Forget an auth profile (Unix socket only)")
async def remove(request: Request, profile_id: ProfileId, engine: Engine) -> Response:
    """204; the cookie file stays."""
    require_socket(request, "removing a login is")
    await engine.remove_profile(profile_id)
    return Response(status_code=204)


@router.post("/{profile_id:int}/check", summary="Ask whether an auth profile is still taken")
async def check(
    profile_id: ProfileId,
    engine: Engine,
    *,
    afresh: Annotated[bool, Query(description="Ask the site although its last answer still holds")] = False,
) -> Response:
    """The profile as it is then: its file is read again, and its site is asked.

    `checked` is null where the site has no way to ask. A site that does not answer is an error of its class:
    it says nothing of the profile, which stays as it is.
    """
    return JsonResponse((await engine.check_profile(profile_id, afresh=afresh)).to_json())
