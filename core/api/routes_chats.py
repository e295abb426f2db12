"""Chats and deliveries over HTTP: whose links are taken, and how far files are on their way to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.responses import Response

from core.api.context import Engine
from core.api.encoding import JsonResponse, listing
from core.api.schemas import MAX_ID, After, ChatBody, Maintenance, Word
from core.domain.delivery import DeliveryState

router = APIRouter()


class _Signed(IntegerConvertor):
    """A whole number in a path; groups and channels have a minus. So that no word is taken for one."""

    regex = "-?[0-9]+"

    def to_string(self, value: int) -> str:
        """As it stands in a path."""
        return str(value)


register_url_convertor("signed", _Signed())

ChatId = Annotated[int, Path(ge=-MAX_ID, le=MAX_ID, description="As Telegram's clients show it")]
DeliveryId = Annotated[int, Path(ge=1, le=MAX_ID)]
TopicId = Annotated[int, Query(ge=0, le=MAX_ID, description="A forum topic; 0 is the whole chat")]


@router.get("/chats", tags=["chats"], summary="The chats that have rules")
async def chats(engine: Engine) -> Response:
    """Chats before their topics, and as `backlog` how many files wait to be sent, by chat."""
    found = await engine.chats()
    backlog = {str(chat_id): count for chat_id, count in found.backlog.items()}
    return JsonResponse(
        {"items": [rules.to_json() for rules in found.rules], "next": None, "backlog": backlog}
    )


@router.get("/chats/known", tags=["chats"], summary="The account's chats and topics")
async def known_chats(engine: Engine) -> Response:
    """Watched or not; their mode is off here."""
    return listing([rules.to_json() for rules in await engine.known_chats()])


@router.get("/chats/find", tags=["chats"], summary="A chat by its id, @name or link")
async def find_chat(engine: Engine, name: Annotated[Word, Query()]) -> Response:
    """With its rules, where it has some."""
    return JsonResponse((await engine.find_chat(name)).to_json())


@router.put("/chats/{chat_id:signed}", tags=["chats"], summary="Watch a chat or topic by these rules")
async def set_chat(chat_id: ChatId, body: ChatBody, engine: Engine) -> Response:
    """The rules as they are now. How far the chat was read stays."""
    return JsonResponse((await engine.set_chat(body.to_rules(chat_id))).to_json())


@router.delete("/chats/{chat_id:signed}", tags=["chats"], status_code=204, summary="Watch a chat no more")
async def forget_chat(chat_id: ChatId, engine: Engine, topic_id: TopicId = 0) -> Response:
    """204. Its topics' rules go with it; its jobs and files stay."""
    await engine.forget_chat(chat_id, topic_id)
    return Response(status_code=204)


@router.get("/deliveries", tags=["deliveries"], summary="Files on their way to chats, newest first")
async def deliveries(
    engine: Engine,
    state: DeliveryState | None = None,
    job: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    chat: Annotated[int | None, Query(ge=-MAX_ID, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: After = None,
) -> Response:
    """A page; `next` is the cursor of the following one."""
    page = await engine.deliveries(state=state, job_id=job, chat_id=chat, limit=limit, after=after or None)
    return listing([delivery.to_json() for delivery in page.items], page.next)


@router.post("/deliveries/{delivery_id:int}/retry", tags=["deliveries"], summary="Send a file again")
async def retry_delivery(delivery_id: DeliveryId, engine: Engine) -> Response:
    """The delivery, which had failed, as it is then."""
    return JsonResponse((await engine.retry_delivery(delivery_id)).to_json())


@router.post("/maintenance", tags=["engine"], summary="Take nothing new, or take it again")
async def set_maintenance(body: Maintenance, engine: Engine) -> Response:
    """What runs and waits goes on; requests are refused with LIMIT_REACHED while it is on."""
    await engine.set_maintenance(is_on=body.on)
    return JsonResponse({"on": body.on})
