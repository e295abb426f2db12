"""Bearer tokens over HTTP, and the record of what was changed from outside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParam
from starlette.responses import Response

from core.api.context import Engine, OpenStreams, require_socket
from core.api.encoding import JsonResponse, listing
from core.api.schemas import MAX_ID, After, TokenRequest

router = APIRouter(tags=["tokens"])

TokenId = Annotated[int, PathParam(ge=1, le=MAX_ID)]


@router.get("/tokens", summary="The bearer tokens of TCP")
async def tokens(engine: Engine) -> Response:
    """Name, scopes and last use of each, revoked ones too; never their secrets."""
    return listing([token.to_json() for token in await engine.tokens()])


@router.post("/tokens", status_code=201, summary="Make a bearer token (Unix socket only)")
async def create(request: Request, body: TokenRequest, engine: Engine) -> Response:
    """The token and its `secret`, which is told this once: only a hash of it is stored."""
    # A stolen token must not be able to make others that outlive it.
    require_socket(request, "making tokens is")
    issued = await engine.create_token(body.name, body.scopes)
    return JsonResponse(issued.token.to_json() | {"secret": issued.secret}, status_code=201)


@router.delete("/tokens/{token_id:int}", summary="End a bearer token (Unix socket only)")
async def revoke(request: Request, token_id: TokenId, engine: Engine, streams: OpenStreams) -> Response:
    """The token as it is then. It opens nothing any more, and its streams end."""
    require_socket(request, "ending tokens is")
    revoked = await engine.revoke_token(token_id)
    streams.end(token_id)
    return JsonResponse(revoked.to_json())


@router.get("/audit", summary="What was changed from outside, newest first")
async def audit(
    engine: Engine,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: After = None,
) -> Response:
    """Who did what and when; kept for 90 days."""
    page = await engine.audit(limit=limit, after=after or None)
    return listing([entry.to_json() for entry in page.items], page.next)
