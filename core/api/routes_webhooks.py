"""Webhooks over HTTP: who is told when jobs end, and whether they take it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from core.api.context import Engine
from core.api.encoding import JsonResponse, listing

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

ReceiverId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="`id` of a receiver")]


@router.get("", summary="Who is told when jobs end")
async def list_receivers(engine: Engine) -> Response:
    """The receivers by their hosts, never their whole addresses; what waits for each, and what it met."""
    return listing(await engine.webhooks())


@router.post("/{receiver}/send", summary="Try at once what waits for a receiver")
async def send_now(receiver: ReceiverId, engine: Engine) -> Response:
    """The receiver as it was before; what waits is sent in order, as long as it is taken."""
    return JsonResponse(await engine.send_webhooks(receiver))


@router.post("/{receiver}/test", summary="Send a receiver a test")
async def send_test(receiver: ReceiverId, engine: Engine) -> Response:
    """The receiver, once it took a signed message of the type `test`; else a problem that says why not."""
    return JsonResponse(await engine.test_webhook(receiver))
