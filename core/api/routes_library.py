"""The library over HTTP: what was fetched, searched, sent again, and rid of what is there twice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from core.api.context import Asking, Engine, OpenStreams, require_socket
from core.api.encoding import JsonResponse, listing
from core.api.figures import Figures
from core.api.schemas import MAX_ID, DigestAfter, ImportBody, SearchAfter, SendBody, TagsBody

router = APIRouter(prefix="/library", tags=["library"])

ItemId = Annotated[int, Path(ge=1, le=MAX_ID)]
SearchText = Annotated[
    str, Query(max_length=500, description='Words and filters: `tafsir by:"Ibn Kathir" duration>1h -part2`')
]


@router.get("", summary="Search what was fetched, the best first")
async def search_library(
    engine: Engine,
    q: SearchText = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: SearchAfter = None,
) -> Response:
    """A page; everything, the newest first, without `q`.

    `meant` tells the words that were looked for where nothing has those that were asked for.
    """
    page = await engine.library(q, limit=limit, after=after or None)
    items = [item.to_json() for item in page.items]
    return JsonResponse({"items": items, "next": page.next, "meant": page.meant})


@router.get("/copies", summary="What is there more than once")
async def list_copies(
    engine: Engine,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: DigestAfter = None,
) -> Response:
    """A page of contents, each with the items that hold it, the oldest first."""
    page = await engine.copies(limit=limit, after=after or None)
    return JsonResponse({"items": [copies.to_json() for copies in page.items], "next": page.next})


@router.delete("/copies/{item_id:int}", summary="Delete a file of which there is another one")
async def delete_copy(item_id: ItemId, engine: Engine) -> Response:
    """The item that stands for both now, whose file was read whole before."""
    return JsonResponse((await engine.delete_copy(item_id)).to_json())


@router.post("/import", summary="Enter the files of a folder (Unix socket only)")
async def import_folder(
    body: ImportBody, request: Request, engine: Engine, streams: OpenStreams, caller: Asking
) -> Response:
    """Figures as JSON lines, the last one with `is_done`; a line with `error` when it ends early.

    Empty lines say that it goes on. Whoever hangs up ends it; asked for again, it goes on from there.
    """
    require_socket(request, "folders of this machine are read")
    figures = engine.import_folder(body.folder, is_moving=body.move)
    # The first says that it can be done at all; until then a refusal is an answer like any other.
    first = await anext(figures)
    return Figures(first, figures, streams, caller)


@router.get("/facets", summary="What a search finds, counted by property")
async def count_facets(engine: Engine, q: SearchText = "") -> Response:
    """How many are of which kind and source, and have which tags; of very many, among the newest."""
    return JsonResponse((await engine.facets(q)).to_json())


@router.get("/tags", summary="The tags of the library")
async def list_tags(engine: Engine) -> Response:
    """Every tag and how many files have it, those of the most files first."""
    return listing([{"name": tag.name, "count": tag.count} for tag in await engine.tags()])


@router.patch("/{item_id:int}", summary="Tag a file")
async def tag_item(item_id: ItemId, body: TagsBody, engine: Engine) -> Response:
    """The item as it is then. A tag that the library has is written as it is there."""
    item = await engine.tag_item(item_id, add=body.add_tags, remove=body.remove_tags)
    return JsonResponse(item.to_json())


@router.get("/{item_id:int}", summary="All about a file")
async def library_entry(item_id: ItemId, engine: Engine) -> Response:
    """The item, whether its file is there, and others of the same content."""
    return JsonResponse((await engine.library_entry(item_id)).to_json())


@router.post("/{item_id:int}/send", summary="Send a file to a chat")
async def send_item(item_id: ItemId, body: SendBody, engine: Engine) -> Response:
    """The delivery. While one is on its way there, it is that one."""
    return JsonResponse((await engine.send_item(item_id, body.chat, topic_id=body.topic_id)).to_json())
