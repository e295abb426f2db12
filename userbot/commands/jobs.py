"""Commands that show jobs: queue, job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from core.domain.errors import InvalidRequest
from core.domain.figures import rough_text, size_text, span_text
from core.domain.job import Job, JobStatus
from core.domain.messenger import MessengerInterface
from core.domain.pages import all_jobs
from core.domain.wording import event_words
from userbot.commands.arguments import job_ids, parse
from userbot.commands.call import Call
from userbot.replies import INFO
from userbot.texts import MAX_ROWS, Row, Text, and_more, bold, compose, job_row, remote

#: Jobs that `queue` names; with two headings and a last line they fill an answer.
_RUNNING_NAMED, _NEXT_NAMED = 4, 5
_WAITING = frozenset({JobStatus.PENDING, JobStatus.QUEUED})


async def queue(call: Call) -> Text:
    """What runs, and what comes next."""
    running = await running_jobs(call.engine)
    waiting = await call.engine.upcoming(limit=_NEXT_NAMED)
    if not running and not waiting:
        return compose(INFO, ["Nothing runs or waits."])
    counts = (await call.engine.status())["counts"]
    total = sum(int(counts.get(one, 0)) for one in _WAITING)
    rows: list[Row] = [[bold(f"Running {len(running)}")], *map(job_row, running[:_RUNNING_NAMED])]
    rows += [[bold(f"Next of {total}")], *map(job_row, waiting)] if waiting else []
    return compose(INFO, rows, more=and_more(total, len(waiting), "reeldeck jobs"))


async def job(call: Call) -> Text:
    """A job, and the last things that happened to it."""
    ids = await meant_jobs(call)
    if len(ids) != 1:
        raise InvalidRequest("name one job")
    found, events = await call.engine.job(ids[0]), await call.engine.events(ids[0])
    rows: list[Row] = [job_row(found), f"{remote(found.source_type)} · {remote(found.host)}", *_facts(found)]
    worded = [(event.created, *event_words(event)) for event in events]
    # What only repeats the state is left to the dashboard.
    told = [(at, words) for at, words, tone in worded if tone != "faint"]
    room = MAX_ROWS - len(rows) - 1
    now = time.time()
    rows += [f"{_ago(at, now)} {remote(words)}" for at, words in told[-room:]]
    return compose(INFO, rows, more=and_more(len(told), min(len(told), room), f"reeldeck job {found.id}"))


async def meant_jobs(call: Call) -> list[int]:
    """The jobs that are named, or else those of the message that is answered."""
    ids = job_ids(parse(call.arguments).words)
    if ids:
        return ids
    answered = await call.answered()
    if answered is None:
        return []
    place = replace(call.place, message_id=answered.id)
    return list(dict.fromkeys(each.job_id for each in await call.engine.deliveries_of(reply_to=place)))


def _facts(found: Job) -> Iterator[Row]:
    is_done = found.status is JobStatus.COMPLETED
    if (found.size_bytes and not is_done) or found.duration_s:
        # The state of what is done tells its size already.
        size = size_text(found.size_bytes) if found.size_bytes and not is_done else ""
        yield " · ".join(filter(None, (size, span_text(found.duration_s))))
    if found.error_message and not is_done:
        yield remote(found.error_message, cells=200)
        if found.error_hint:
            yield remote(found.error_hint, cells=200)


def _ago(at: float, now: float) -> str:
    return f"{rough_text(max(0.0, now - at))} ago:"


async def running_jobs(engine: MessengerInterface) -> list[Job]:
    """The running jobs, those that end soonest first."""
    running = [each async for each in all_jobs(engine, statuses=frozenset({JobStatus.RUNNING}))]
    return sorted(running, key=lambda each: (each.eta_s is None, each.eta_s or 0.0, each.id))
