"""Commands that act on jobs: pause, resume, cancel, retry, move, rename, prioritize, clear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from core.domain.errors import IllegalTransition, InvalidRequest, NoSuchJob, ReeldeckError
from core.domain.interface import QueueMove
from core.domain.job import Job, JobStatus
from core.domain.messenger import MessengerInterface
from core.domain.pages import all_jobs
from userbot.commands.arguments import job_ids, parse
from userbot.commands.call import Call, at_once
from userbot.commands.jobs import meant_jobs
from userbot.replies import DONE, FAILED, INFO
from userbot.texts import Row, Text, and_more, bold, code, compose, counted, job_row, remote

_OPEN = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING})
_FAILED = frozenset({JobStatus.FAILED})
_FINAL = frozenset(status for status in JobStatus if status.is_final)
#: Jobs that the answer names; of the rest it tells how many there are.
_NAMED = 5
#: As by the API.
_MOST_PRIORITY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    done: str
    act: Callable[[MessengerInterface, int], Awaitable[Job]]
    #: What a word instead of numbers means.
    words: Mapping[str, frozenset[JobStatus]]


_ACTIONS = {
    "pause": _Action(done="Paused", act=lambda engine, job_id: engine.pause(job_id), words={"all": _OPEN}),
    "resume": _Action(
        done="Resumed",
        act=lambda engine, job_id: engine.resume(job_id),
        words={"all": frozenset({JobStatus.PAUSED})},
    ),
    "cancel": _Action(
        done="Cancelled",
        act=lambda engine, job_id: engine.cancel(job_id),
        words={"all": _OPEN | {JobStatus.PAUSED}},
    ),
    "retry": _Action(
        done="Retrying",
        act=lambda engine, job_id: engine.retry(job_id),
        words={"failed": _FAILED, "all": _FAILED | {JobStatus.CANCELLED}},
    ),
}


async def control(call: Call) -> Text:
    """Do what the command is called to the jobs that are named, or all that stand so."""
    action = _ACTIONS[call.command.name]
    ids = await _chosen(call, action)
    if not ids:
        return compose(INFO, [f"There is nothing to {call.command.name}."])
    answers = await at_once([_tried(action, call.engine, job_id) for job_id in ids])
    done = [answer for answer in answers if isinstance(answer, Job)]
    refused = [(one, each) for one, each in zip(ids, answers, strict=True) if isinstance(each, ReeldeckError)]
    rows: list[Row] = [f"{action.done} {counted(len(done), 'job')}"] if done else []
    rows += map(job_row, done[:_NAMED])
    rows += [_refusal(job_id, error) for job_id, error in refused[:_NAMED]]
    shown = min(len(done), _NAMED) + min(len(refused), _NAMED)
    return compose(DONE if done else FAILED, rows, more=and_more(len(ids), shown, "reeldeck jobs"))


async def move(call: Call) -> Text:
    """Let jobs stand elsewhere in the queue."""
    words = parse(call.arguments).words
    to = next((each for each in get_args(QueueMove) if words and each == words[0].lower()), None)
    if to is None:
        raise InvalidRequest(f"say where: {', '.join(get_args(QueueMove))}")
    ids = job_ids(words[1:])
    if not ids:
        raise InvalidRequest("say which jobs")
    moved = await call.engine.reorder(ids, to)
    if not moved:
        return compose(INFO, ["There is no other place for them."])
    waiting = await call.engine.upcoming(limit=_NAMED)
    return compose(DONE, [[bold("Next")], *map(job_row, waiting)])


async def rename(call: Call) -> Text:
    """Give a job another title; its file keeps its name."""
    number, _, title = call.arguments.partition(" ")
    ids = job_ids([number])
    if len(ids) != 1 or not title.strip():
        raise InvalidRequest("name a job, then its title")
    return compose(DONE, [job_row(await call.engine.patch(ids[0], title=title.strip()))])


async def prioritize(call: Call) -> Text:
    """Let a job run before those of a lower priority."""
    words = parse(call.arguments).words
    try:
        (job_id,), priority = job_ids(words[:1]), int(words[1])
    except (IndexError, ValueError):
        raise InvalidRequest("name a job, then a number", hint="As in: 12 5; 0 is the usual one") from None
    if abs(priority) > _MOST_PRIORITY:
        raise InvalidRequest(f"name a job, then a number up to {_MOST_PRIORITY:,}")
    changed = await call.engine.patch(job_id, priority=priority)
    return compose(DONE, [[f"Priority {changed.priority:+}: ", *job_row(changed)]])


async def clear(call: Call) -> Text:
    """Forget finished jobs; their files stay. Commands are sent by touching them: this one wants a word."""
    if call.arguments.lower() != "yes":
        counts = (await call.engine.status())["counts"]
        total = sum(int(counts.get(one, 0)) for one in _FINAL)
        if call.arguments:
            raise InvalidRequest("it takes only yes")
        told = f"This forgets {counted(total, 'finished job')}. Their files stay. To do it:"
        return compose(INFO, [told, [code(f"{call.tools.prefix}clear yes")]])
    ids = [each.id async for each in all_jobs(call.engine, statuses=_FINAL)]
    forgotten = await at_once([_forgotten(call.engine, job_id) for job_id in ids])
    return compose(DONE, [f"Forgot {counted(sum(forgotten), 'finished job')}. Their files stay."])


async def _chosen(call: Call, action: _Action) -> Sequence[int]:
    word = call.arguments.lower()
    if word in action.words:
        return [each.id async for each in all_jobs(call.engine, statuses=action.words[word])]
    ids = await meant_jobs(call)
    if not ids:
        raise InvalidRequest("say which jobs")
    return ids


async def _tried(action: _Action, engine: MessengerInterface, job_id: int) -> Job | ReeldeckError:
    try:
        return await action.act(engine, job_id)
    except ReeldeckError as error:
        return error


def _refusal(job_id: int, error: ReeldeckError) -> Row:
    return [code(str(job_id)), f" {remote(str(error), cells=120)}"]


async def _forgotten(engine: MessengerInterface, job_id: int) -> bool:
    try:
        await engine.delete(job_id)
    except (NoSuchJob, IllegalTransition):
        return False  # somebody was quicker: it is gone, or it runs again
    return True
