"""Commands about what was fetched: search, send, tags, tag."""

from __future__ import annotations

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.figures import size_text, span_text
from core.domain.job import JobStatus, Request
from core.domain.library import MediaItem
from userbot.commands.arguments import job_ids, parse
from userbot.commands.call import Call
from userbot.replies import DONE, FAILED, INFO
from userbot.texts import Row, Text, bold, code, compose, counted, problem, remote

_FOUND = 5
_SENT_AT_ONCE = 10
#: Values of a kind that are counted in an answer.
_COUNTED = 12
#: Begins the number of a file of the library that has no job.
_ENTRY = frozenset("Ll")


async def search(call: Call) -> Text:
    """The best of what was fetched and has these words."""
    if not call.arguments:
        raise InvalidRequest("say what to look for")
    page = await call.engine.library(call.arguments, limit=_FOUND)
    rows: list[Row] = []
    if page.meant is not None:
        rows.append(f"Nothing has these words; near them: {remote(page.meant)}")
    rows += map(_item_row, page.items)
    if not page.items:
        return compose(INFO, [*rows, "Nothing found."])
    rows.append(["Send one here: ", code(f"{call.tools.prefix}send ID")])
    return compose(INFO, [[bold("Found")], *rows], more="… and more: reeldeck search" if page.next else None)


async def send(call: Call) -> Text | None:
    """Send files that are here already into this chat."""
    names = parse(call.arguments).words
    entries = job_ids([name[1:] for name in names if name[:1] in _ENTRY])
    ids = job_ids([name for name in names if name[:1] not in _ENTRY])
    if not 1 <= len(ids) + len(entries) <= _SENT_AT_ONCE:
        raise InvalidRequest(f"name up to {_SENT_AT_ONCE} files")
    requests = [await _again(call, job_id) for job_id in ids]
    answers = await call.engine.take_links(requests)
    refused = [answer for answer in answers if isinstance(answer, ReeldeckError)]
    for item_id in entries:
        await call.engine.send_item(item_id, str(call.place.chat_id), topic_id=call.place.topic_id)
    if not refused:
        return None  # The files are the answer.
    return compose(FAILED, [row for error in refused for row in problem(error)])


async def tags(call: Call) -> Text:
    """What a search finds, or all there is, by kind, source and tag."""
    counts = await call.engine.facets(call.arguments)
    rows: list[Row] = []
    for name, each in (("Kinds", counts.kind), ("Sources", counts.source), ("Tags", counts.tag)):
        shown = [f"{remote(value, 30)} {count}" for value, count in list(each.items())[:_COUNTED]]
        more = f" and {len(each) - _COUNTED} more" if len(each) > _COUNTED else ""
        if shown:
            rows.append([bold(name), f": {', '.join(shown)}{more}"])
    total = counted(counts.counted, "file") + ("" if counts.is_all else ", the newest of them")
    return compose(INFO, [[bold(total)], *rows])


async def tag(call: Call) -> Text:
    """Give a file tags, and take others from it."""
    words = parse(call.arguments).words
    names = [word for word in words if word[:1] not in {"+", "-"}]
    add, remove = ([word[1:] for word in words if word[:1] == sign] for sign in "+-")
    if len(names) != 1 or not (add or remove):
        raise InvalidRequest("name one file and its tags", hint='As in: 12 +music "+live session" -later')
    item = await call.engine.tag_item(await _item_id(call, names[0]), add=add, remove=remove)
    told = ", ".join(item.tags) or "no tags"
    return compose(DONE, [[code(names[0]), f" {remote(item.title or item.url)}"], remote(told, 200)])


async def _item_id(call: Call, name: str) -> int:
    """The file's number in the library: `L5`, or that of the job which brought it."""
    if name[:1] in _ENTRY:
        return job_ids([name[1:]])[0]
    job = await call.engine.job(job_ids([name])[0])
    item = await call.engine.item_of(job)
    if item is None:
        raise InvalidRequest(f"job {job.id} has no file in the library")
    return item.id


async def _again(call: Call, job_id: int) -> Request:
    """A request for what a finished job has fetched: it joins that job."""
    job = await call.engine.job(job_id)
    if job.status is not JobStatus.COMPLETED:
        raise InvalidRequest(f"job {job_id} is {job.status.value.lower()}: it has no file")
    place = call.place
    return Request(
        url=job.url,
        kind=job.kind,
        quality=job.quality,
        format=job.format,
        source=job.forced_source,
        user_id=call.user_id,
        chat_id=place.chat_id,
        reply=place,
        idempotency_key=f"tg:{place.chat_id}:{place.message_id}:{job.url_hash}",
    )


def _item_row(item: MediaItem) -> Row:
    length = span_text(item.duration_s)
    size = size_text(item.size_bytes) if item.size_bytes else ""
    facts = " · ".join(filter(None, (length, size, remote(item.title or item.url))))
    # Most are known by their jobs; what was imported, and whose job is forgotten, has none.
    name = str(item.job_id) if item.job_id is not None else f"L{item.id}"
    return [code(name), f" {facts}"]
