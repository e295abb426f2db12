"""Tells those who posted links what becomes of them: by a reaction, or by one message that is edited.

What a message was told last is stored; at the start, and whenever something happened to its deliveries, that
is held against how they stand. Telegram knows a fixed set of reactions, of which a chat may allow fewer: eyes
mean taken, thumbs up done, thumbs down failed, each with stand-ins. A failure is also told in words, once; of
many in a row, a few are.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from telethon import TelegramClient

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.errors import (
    EngineUnreachable,
    NetworkFailure,
    NoSuchJob,
    NotFound,
    ReeldeckError,
    SessionLost,
)
from core.domain.job import Job, JobStatus, ReplyTo
from core.domain.messenger import Acknowledgement, MessengerInterface
from core.domain.snapshot import Frame
from userbot.agenda import Agenda
from userbot.outspoken import Words
from userbot.patience import FORBIDDEN_S, Later, OnRest, Patience
from userbot.replies import Replies
from userbot.rules import Rules
from userbot.standing import Meaning, Standing, concerns, failure_text, held_text, status_text

log = logging.getLogger("reeldeck.telegram.feedback")

#: Edits are limited harder than sends: a status message of a chat changes at most once in this time.
EDIT_INTERVAL_S = 4.0
GAP_S = 0.2
#: Told in words, of those that come in a row, and seconds for each further one; the others by a reaction.
REFUSALS, REFUSAL_REFILL_S = 1, 60.0
FAILURES, FAILURE_REFILL_S = 3, 20.0
#: After a broken connection.
AGAIN_S = 5.0

#: The reaction for each meaning, and what stands in for it where the chat does not allow it.
EMOJIS: Mapping[Meaning, Sequence[str]] = {
    Meaning.TAKEN: ("👀", "👌", "✍"),
    Meaning.DONE: ("👍", "🎉", "❤"),
    Meaning.FAILED: ("👎", "💔", "🤔"),
}
#: What is stored for a message that can be told nothing any more, or whose status text was taken away.
_GONE = "gone"


class FeedbackDesk:
    """Keeps messages with links told.

    Args:
        client: Connected and logged in.
        engine: Where deliveries stand, and what was told is kept.
        edit_interval_s: Seconds between two edits in a chat.
        gap_s: Seconds between two calls of any kind.
        on_rest: Hears of waits that last.
        owners: Chats that only owners read.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        edit_interval_s: float = EDIT_INTERVAL_S,
        gap_s: float = GAP_S,
        on_rest: OnRest | None = None,
        owners: Collection[int] = (),
    ) -> None:
        self._engine = engine
        self._owners = owners
        self._rules = Rules(engine)
        self._replies = Replies(client)
        self._patience = Patience(gap_s=gap_s, on_rest=on_rest)
        self._edit_interval_s = edit_interval_s
        self._agenda: Agenda[ReplyTo] = Agenda()
        #: Messages with a status text, by the jobs that it shows.
        self._followed: dict[int, set[ReplyTo]] = defaultdict(set)
        self._refusals = Words(at_once=REFUSALS, refill_s=REFUSAL_REFILL_S)
        self._failures = Words(at_once=FAILURES, refill_s=FAILURE_REFILL_S)
        self._edit_at: dict[int, float] = {}
        #: Until when reactions are not tried again in chats that did not allow them.
        self._not_allowed: dict[tuple[int, str], float] = {}

    async def run(self) -> None:
        """Tell until cancelled."""
        listening = asyncio.create_task(self._listen())
        working = asyncio.create_task(self._work())
        try:
            done, _ = await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (listening, working):
                task.cancel()
            await asyncio.gather(listening, working, return_exceptions=True)

    async def wake(self, reply_to: ReplyTo) -> None:
        """Look at a message soon."""
        self._agenda.put(reply_to)

    # Hearing

    async def _listen(self) -> None:
        while True:
            try:
                is_first = True
                async for frame in self._engine.stream():
                    # The first one comes at once: what happens from then on is heard.
                    if is_first:
                        for place in await self._engine.unsettled_messages():
                            self._agenda.put(place)
                    is_first = False
                    await self._heard(frame)
            except EngineUnreachable:
                await asyncio.sleep(1)

    async def _heard(self, frame: Frame) -> None:
        for job_id in {event.job_id for event in frame.events if event.job_id and concerns(event)}:
            for delivery in await self._engine.deliveries_of(job_id=job_id):
                if delivery.reply_to is not None:
                    self._agenda.put(ReplyTo(delivery.chat_id, delivery.reply_to, delivery.topic_id))
        for job in frame.jobs:
            for place in self._followed.get(job.id, ()):
                # Frames come faster than edits may go out.
                opens_at = self._patience.opens_at("edit", place.chat_id)
                self._agenda.put(place, max(opens_at, self._edit_at.get(place.chat_id, 0.0)))

    # Telling

    async def _work(self) -> None:
        while True:
            place = await self._agenda.take()
            try:
                await self._tell(place)
            except Later as later:
                self._agenda.put(place, later.at)
            except (NetworkFailure, SessionLost):
                self._agenda.put(place, asyncio.get_running_loop().time() + AGAIN_S)
            except ReeldeckError as error:
                # It stays unsettled: the next start tries again.
                log.warning("feedback failed", extra={"chat_id": place.chat_id, "error_type": error.code})
            except Exception:
                # As above, and the others are told all the same.
                log.exception("feedback failed", extra={"chat_id": place.chat_id})

    async def _tell(self, place: ReplyTo) -> None:
        before = await self._engine.acknowledgement(place) or Acknowledgement(reply_to=place)
        if before.refused:
            await self._tell_refusal(place, before.refused)
            await self._engine.acknowledge(before)
            before = replace(before, refused=None)
        deliveries = await self._engine.deliveries_of(reply_to=place)
        if not deliveries:
            return
        rules = await self._rules.of(place)
        standing = Standing(deliveries, _minds_pages(rules), tells_owner=place.chat_id in self._owners)
        try:
            told = await self._show(rules.feedback, before, standing)
        except NotFound:
            # The message, or the whole chat, is gone: nobody is left to be told.
            told = replace(before, shown=_GONE)
        if told != before or not standing.open:
            # It was looked at before it was told: later changes are heard, or found at the next start.
            await self._engine.acknowledge(replace(told, is_settled=not standing.open))

    async def _show(self, how: Feedback, told: Acknowledgement, standing: Standing) -> Acknowledgement:
        match how:
            case Feedback.REACTION:
                return await self._show_reaction(told, standing)
            case Feedback.STATUS:
                return await self._show_status(told, standing)
            case Feedback.NONE:
                return replace(told, shown=standing.meaning)

    async def _tell_refusal(self, place: ReplyTo, text: str) -> None:
        """Tell a message that links of it were not taken, and why; of many in a row only one in words."""
        try:
            if self._refusals.allow(place.chat_id):
                await self._send(place, text, purpose="refused")
                self._refusals.said(place.chat_id)
            else:
                await self._react(place, Meaning.FAILED)
        except NotFound:
            log.debug("a message with refused links is gone", extra={"chat_id": place.chat_id})

    async def _show_reaction(self, told: Acknowledgement, standing: Standing) -> Acknowledgement:
        meaning, place = standing.meaning, told.reply_to
        if told.shown == meaning:
            return told
        if meaning is Meaning.FAILED and (standing.tells_owner or self._failures.allow(place.chat_id)):
            await self._send(place, failure_text(standing, await self._jobs(standing)), purpose="failed")
            self._failures.said(place.chat_id)
        if meaning is not Meaning.SILENT or told.shown:
            await self._react(place, meaning)
        return replace(told, shown=meaning)

    async def _react(self, place: ReplyTo, meaning: Meaning) -> None:
        """Set the first reaction for a meaning that the chat allows; none for none."""
        now = asyncio.get_running_loop().time()
        for emoji in EMOJIS.get(meaning, ("",)):
            if self._not_allowed.get((place.chat_id, emoji), 0.0) > now:
                continue
            chosen = [emoji] if emoji else []

            async def react(chosen: list[str] = chosen) -> bool:
                return await self._replies.react(place, chosen)

            if await self._patience.call("react", place.chat_id, react) is not False:
                return
            self._not_allowed[place.chat_id, emoji] = now + FORBIDDEN_S

    async def _show_status(self, told: Acknowledgement, standing: Standing) -> Acknowledgement:
        place, meaning, message_id = told.reply_to, standing.meaning, told.status_message_id
        self._follow(place, standing)
        if meaning is Meaning.SILENT or (meaning is Meaning.DONE and standing.has_sent):
            # The file itself says it.
            if message_id is not None:
                await self._delete(place.chat_id, message_id)
            return replace(told, status_message_id=None, shown=meaning)
        jobs = await self._jobs(standing)
        waits = any(job.status is JobStatus.QUEUED for job in jobs.values())
        text = status_text(standing, jobs, held=held_text(await self._engine.status()) if waits else "")
        digest = blake2b(text.encode(), digest_size=8).hexdigest()
        if told.shown in {digest, _GONE}:
            return told
        if message_id is None:
            # After a status message that was deleted, a further try gets another one.
            message_id = await self._send(place, text, purpose=f"status {told.shown or ''}")
        elif not await self._edit(place.chat_id, message_id, text):
            message_id = None
        return replace(told, status_message_id=message_id, shown=digest if message_id else _GONE)

    def _follow(self, place: ReplyTo, standing: Standing) -> None:
        """Hear of every change of the jobs that a status text shows, as long as something is open."""
        open_jobs = {each.job_id for each in standing.open}
        for job_id in {each.job_id for each in standing.deliveries}:
            followers = self._followed[job_id]
            (followers.add if job_id in open_jobs else followers.discard)(place)
            if not followers:
                del self._followed[job_id]

    async def _jobs(self, standing: Standing) -> dict[int, Job]:
        found: dict[int, Job] = {}
        for job_id in standing.told_jobs():
            try:
                found[job_id] = await self._engine.job(job_id)
            except NoSuchJob:
                continue
        return found

    # Calls

    async def _send(self, place: ReplyTo, text: str, *, purpose: str) -> int | None:
        async def send() -> int | None:
            return await self._replies.send(place, text, purpose=purpose)

        return await self._patience.call("send", place.chat_id, send)

    async def _edit(self, chat_id: int, message_id: int, text: str) -> bool:
        clock = asyncio.get_running_loop().time
        if (at := self._edit_at.get(chat_id, 0.0)) > clock():
            raise Later(at)

        async def edit() -> bool:
            return await self._replies.edit(chat_id, message_id, text)

        is_there = await self._patience.call("edit", chat_id, edit)
        self._edit_at[chat_id] = clock() + self._edit_interval_s
        return is_there is not False

    async def _delete(self, chat_id: int, message_id: int) -> None:
        async def delete() -> None:
            await self._replies.delete(chat_id, message_id)

        await self._patience.call("delete", chat_id, delete)


def _minds_pages(rules: ChatRules) -> bool:
    """Whether a link that leads to no media is to be told of: in groups, people post pages all day."""
    return rules.chat_id > 0 or rules.mode is not ChatMode.AUTO
