"""Jobs over HTTP: take a request apart, ask the engine, put the answer together. No rule lives here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as PathParam
from pydantic import ValidationError
from starlette.responses import Response

from core.api.context import Engine, Labels, require_local
from core.api.encoding import JsonResponse, event_view, job_view, listing
from core.api.files import MediaFile, open_blocking
from core.api.labels import GroupLabels, Label
from core.api.problems import DOCS_HINT, invalid, problem
from core.api.schemas import (
    MAX_ID,
    Action,
    After,
    BatchRequest,
    BulkAction,
    JobPatch,
    JobRequest,
    QueueOrder,
    Statuses,
    Switch,
)
from core.domain.errors import IllegalTransition, InvalidRequest, NotFound, ReeldeckError
from core.domain.job import Job, JobStatus
from core.domain.job import Request as Wanted
from core.domain.snapshot import JobQuery, Submitted

router = APIRouter(prefix="/jobs", tags=["jobs"])

#: Actions of one bulk request that are under way at the same time.
BULK_PARALLEL = 16
#: Of one job; `GET /deliveries?job=` has all.
MAX_DELIVERIES = 100

JobId = Annotated[int, PathParam(ge=1, le=MAX_ID)]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$", description="Same key, same job"),
]


async def _view(job: Job, labels: GroupLabels) -> dict[str, Any]:
    return job_view(job, await labels.of([job]))


@router.post(
    "",
    status_code=201,
    summary="Ask for one link",
    responses={200: {"description": "The job was there already"}},
)
async def submit(
    body: JobRequest,
    request: Request,
    engine: Engine,
    labels: Labels,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """201 with a new job, or 200 with the one that was there already."""
    require_local(request, body)
    answer = await engine.submit(body.to_request(idempotency_key=idempotency_key))
    shown = await _view(answer.job, labels) | {"joined": answer.joined}
    return JsonResponse(shown, status_code=200 if answer.joined else 201)


@router.post("/batch", summary="Ask for many links")
async def submit_batch(
    body: BatchRequest,
    request: Request,
    engine: Engine,
    labels: Labels,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """One answer for each item, in order: its job, or what is wrong with it.

    An Idempotency-Key counts for each item with the item's place.
    """
    asked: list[Wanted | ReeldeckError] = []
    for place, item in enumerate(body.items):
        key = f"{idempotency_key}#{place}" if idempotency_key else None
        asked.append(_judged(item, request, key))
    answers = iter(await engine.submit_many([each for each in asked if isinstance(each, Wanted)]))
    given = [next(answers) if isinstance(each, Wanted) else each for each in asked]
    groups = await labels.of(answer.job for answer in given if isinstance(answer, Submitted))
    items = [_batch_item(answer, groups) for answer in given]
    return JsonResponse({"items": items})


def _judged(item: object, request: Request, key: str | None) -> Wanted | ReeldeckError:
    try:
        body = JobRequest.model_validate(item)
        require_local(request, body)
        return body.to_request(idempotency_key=key)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        return invalid([{**each, "loc": ("item", *each["loc"])} for each in wrong])
    except ReeldeckError as error:
        return error


def _batch_item(answer: Submitted | ReeldeckError, groups: Mapping[int, Label]) -> dict[str, Any]:
    if isinstance(answer, Submitted):
        return {"job": job_view(answer.job, groups), "joined": answer.joined}
    return {"error": problem(answer)}


@router.post("/actions", summary="Pause, resume, cancel or retry many jobs")
async def act_on_many(body: BulkAction, engine: Engine, labels: Labels) -> Response:
    """One answer for each id, in order: the job as it is now, or why it refused."""
    actions: dict[Action, Callable[[int], Awaitable[Job]]] = {
        "pause": engine.pause,
        "resume": engine.resume,
        "cancel": engine.cancel,
        "retry": engine.retry,
    }
    act = actions[body.action]
    free = asyncio.Semaphore(BULK_PARALLEL)

    async def answer(job_id: int) -> dict[str, Any]:
        async with free:
            try:
                return {"id": job_id, "job": await _view(await act(job_id), labels)}
            except ReeldeckError as error:
                return {"id": job_id, "error": problem(error)}

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answer(job_id)) for job_id in body.ids]
    items = [task.result() for task in tasks]
    return JsonResponse({"items": items})


@router.post("/order", summary="Move queued jobs within the queue")
async def reorder(body: QueueOrder, engine: Engine, labels: Labels) -> Response:
    """All jobs whose place changed: they may have another `priority` and `position` now."""
    moved = await engine.reorder(body.ids, body.to)
    groups = await labels.of(moved)
    return listing([job_view(job, groups) for job in moved])


@router.get("", summary="List jobs, newest first")
async def list_jobs(  # noqa: PLR0913, PLR0917 -- each is a parameter of the query
    engine: Engine,
    labels: Labels,
    status: Annotated[
        list[Statuses] | None, Query(max_length=20, description="Repeatable, or with commas")
    ] = None,
    source: Annotated[str | None, Query(max_length=200)] = None,
    q: Annotated[str | None, Query(max_length=500, description="Words of the title or link")] = None,
    chat: Annotated[int | None, Query(ge=-MAX_ID, le=MAX_ID)] = None,
    group: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: After = None,
) -> Response:
    """A page; `next` is the cursor of the following one."""
    query = JobQuery(
        statuses=frozenset(JobStatus(name.upper()) for value in status or [] for name in value.split(",")),
        source=source or None,
        text=q or None,
        chat_id=chat,
        group_id=group,
        limit=limit,
        after=after or None,
    )
    page = await engine.jobs(query)
    groups = await labels.of(page.items)
    return listing([job_view(job, groups) for job in page.items], page.next)


@router.get("/{job_id:int}", summary="One job")
async def show_job(job_id: JobId, engine: Engine, labels: Labels) -> Response:
    """The job as it stands this instant, with who gets its file."""
    shown = await _view(await engine.job(job_id), labels)
    page = await engine.deliveries(job_id=job_id, limit=MAX_DELIVERIES)
    return JsonResponse(shown | {"deliveries": [each.to_json() for each in reversed(page.items)]})


@router.get("/{job_id:int}/events", summary="A job's timeline")
async def show_events(job_id: JobId, engine: Engine) -> Response:
    """All its events, oldest first; of more than 1,000 the last."""
    return listing([event_view(event) for event in await engine.events(job_id)])


@router.head("/{job_id:int}/file", include_in_schema=False)
@router.get(
    "/{job_id:int}/file",
    summary="The finished file",
    responses={206: {"description": "The range that was asked for"}},
)
async def show_file(job_id: JobId, engine: Engine) -> Response:
    """The file, or the range of bytes that the request asks for."""
    job = await engine.job(job_id)
    if job.status is not JobStatus.COMPLETED:
        raise IllegalTransition(
            f"job {job_id} is {job.status.value} and has no file yet", hint="Wait for it."
        )
    if job.file_path is None:
        hint = "A playlist's own job has none; see the jobs of its group."
        if not job.is_list:
            hint = "It was kept for as long as the chat or archive.retention_days wants; download it again."
        raise NotFound(f"job {job_id} has no file", hint=hint)
    path = Path(job.file_path)
    file, facts = await asyncio.to_thread(open_blocking, path)
    return MediaFile(file, facts, path.name)


@router.post("/{job_id:int}/pause", summary="Hold a job")
async def pause(job_id: JobId, engine: Engine, labels: Labels) -> Response:
    """The job, once it stands still."""
    return JsonResponse(await _view(await engine.pause(job_id), labels))


@router.post("/{job_id:int}/resume", summary="Let a paused job go on")
async def resume(job_id: JobId, engine: Engine, labels: Labels) -> Response:
    """The job; it goes on from where it stopped."""
    return JsonResponse(await _view(await engine.resume(job_id), labels))


@router.post("/{job_id:int}/cancel", summary="End a job")
async def cancel(
    job_id: JobId,
    engine: Engine,
    labels: Labels,
    keep_s: Annotated[int, Query(ge=0, le=60, description="Seconds in which a retry goes on from it")] = 0,
) -> Response:
    """The job; what it fetched is deleted, at once or after `keep_s`."""
    return JsonResponse(await _view(await engine.cancel(job_id, keep_s=keep_s), labels))


@router.post("/{job_id:int}/retry", summary="Start a failed or cancelled job again")
async def retry(job_id: JobId, engine: Engine, labels: Labels) -> Response:
    """The job, back in the queue."""
    return JsonResponse(await _view(await engine.retry(job_id), labels))


@router.patch("/{job_id:int}", summary="Change a job's order or title")
async def patch(job_id: JobId, body: JobPatch, engine: Engine, labels: Labels) -> Response:
    """The job as it is now."""
    if body == JobPatch():
        raise InvalidRequest("nothing to change", hint=DOCS_HINT)
    job = await engine.patch(job_id, priority=body.priority, position=body.position, title=body.title)
    return JsonResponse(await _view(job, labels))


@router.put("/{job_id:int}/debug", summary="Write down everything about a job until it ends")
async def debug(job_id: JobId, body: Switch, engine: Engine) -> Response:
    """Whether it is now; `GET /status` lists all such jobs in `debugged`."""
    await engine.debug_job(job_id, is_on=body.on)
    return JsonResponse({"job_id": job_id, "on": body.on})


@router.delete("/{job_id:int}", status_code=204, summary="Forget a job that is over")
async def delete(job_id: JobId, engine: Engine) -> Response:
    """204. An archived file stays."""
    await engine.delete(job_id)
    return Response(status_code=204)
