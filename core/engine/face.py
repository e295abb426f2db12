"""What is asked of the engine from outside, handed on to whoever does it: `core.domain.interface`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.domain.errors import InvalidRequest
from core.domain.events import Event
from core.domain.history import DayFigures
from core.domain.interface import GroupAction, QueueMove
from core.domain.job import Job
from core.domain.limit import RunningLimit
from core.domain.profile import Profile
from core.domain.snapshot import Frame, JobQuery, Page
from core.domain.token import AuditEntry, IssuedToken, Scope, Token
from core.engine.access import Access
from core.engine.adjusting import LimitDesk
from core.engine.bus import Bus
from core.engine.checks import LoginChecks
from core.engine.control import JobDesk
from core.engine.glance import Glance
from core.engine.groups import GroupDesk
from core.engine.live import LiveBoard
from core.engine.tokens import TokenDesk
from core.engine.toolbox import Toolbox
from core.engine.webhooks import Webhooks
from core.store.store import Store

REPLAY_PAGE = 1000


class EngineFace:
    """Hands on what faces ask for. `Engine` makes what it hands it on to."""

    _store: Store
    _bus: Bus
    _tools: Toolbox
    _live: LiveBoard
    _control: JobDesk
    _groups: GroupDesk
    _glance: Glance
    _access: Access
    _checks: LoginChecks
    _tokens: TokenDesk
    _limits: LimitDesk
    _webhooks: Webhooks

    # Reading

    async def job(self, job_id: int) -> Job:
        """One job as it stands this instant."""
        return self._live.overlay(await self._store.jobs.get(job_id))

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """A page of jobs, newest first."""
        page = await self._store.jobs.page(query)
        return Page([self._live.overlay(job) for job in page.items], page.next)

    async def events(self, job_id: int) -> Sequence[Event]:
        """A job's timeline, oldest first."""
        await self._store.jobs.get(job_id)
        return await self._store.events.of(job_id)

    async def profiles(self) -> Sequence[Profile]:
        """The auth profiles of all sources."""
        return await self._access.list()

    async def history(self, *, days: int = 30) -> Sequence[DayFigures]:
        """What ended on each of the last days, by source."""
        return await self._glance.history.days(days)

    async def limits(self) -> Sequence[RunningLimit]:
        """The limits that can be changed while the engine runs."""
        return self._limits.all()

    async def set_limit(self, name: str, value: int | None) -> RunningLimit:
        """Let another value hold from now on; None: the configured one."""
        return await self._limits.set(name, value)

    async def status(self) -> Mapping[str, Any]:
        """The engine at a glance."""
        return await self._glance.status()

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """The sources: name, label, limits, what runs and waits, and whether they are left alone."""
        return await self._glance.sources()

    async def groups(self, *, limit: int = 100, after: str | None = None) -> Page[Mapping[str, Any]]:
        """A page of groups, newest first."""
        return await self._groups.page(limit=limit, after=after)

    async def group(self, group_id: int) -> Mapping[str, Any]:
        """One group."""
        return await self._groups.one(group_id)

    async def stream(self, *, last_seq: int | None = None) -> AsyncIterator[Frame]:
        """Live frames; with *last_seq*, first what was stored after it."""
        with self._bus.subscribe() as mailbox:
            yield self._bus.frame()
            seen = last_seq or 0
            while last_seq is not None and (
                missed := await self._store.events.after(seen, limit=REPLAY_PAGE)
            ):
                seen = missed[-1].seq
                yield self._bus.frame(missed)
            async with aclosing(self._bus.frames(mailbox, after_seq=seen)) as frames:
                async for frame in frames:
                    yield frame

    # Control

    async def pause(self, job_id: int) -> Job:
        """Hold a job."""
        return await self._control.pause(job_id)

    async def resume(self, job_id: int) -> Job:
        """Let a paused job go on."""
        return await self._control.resume(job_id)

    async def cancel(self, job_id: int, *, keep_s: int = 0) -> Job:
        """End a job and delete what it fetched, *keep_s* seconds later."""
        return await self._control.cancel(job_id, keep_s=keep_s)

    async def retry(self, job_id: int) -> Job:
        """Start a failed or cancelled job again, or a waiting one at once, quiet hours or not."""
        return await self._control.retry(job_id)

    async def patch(
        self,
        job_id: int,
        *,
        priority: int | None = None,
        position: float | None = None,
        title: str | None = None,
    ) -> Job:
        """Change a job's order or title."""
        asked = {"priority": priority, "position": position, "title": title}
        facts = {name: value for name, value in asked.items() if value is not None}
        if not facts:
            raise InvalidRequest("nothing to change", hint="Give a priority, a position or a title.")
        return await self._store.jobs.amend(job_id, now=time.time(), **facts)

    async def reorder(self, job_ids: Sequence[int], to: QueueMove) -> Sequence[Job]:
        """Move queued jobs within the queue; what changed places."""
        return await self._store.jobs.reorder(job_ids, to, now=time.time())

    async def debug_job(self, job_id: int, *, is_on: bool) -> None:
        """Write down everything about a job until it ends, or no longer."""
        await self._control.debugging.set(job_id, is_on=is_on)

    async def delete(self, job_id: int) -> None:
        """Forget a job that is final; its archived file stays."""
        await self._control.delete(job_id)

    async def control_group(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        """Act on all jobs of a group that *action* is for."""
        return await self._groups.act(group_id, action)

    async def add_profile(self, source: str, cookie_file: str, name: str = "main") -> Profile:
        """Use the cookie file at this absolute path for *source*; jobs that wait for a login go on."""
        return await self._access.add(self._tools.registry.named(source).name, Path(cookie_file), name)

    async def remove_profile(self, profile_id: int) -> None:
        """Forget an auth profile; its file stays."""
        await self._access.remove(profile_id)

    async def check_profile(self, profile_id: int, *, afresh: bool = False) -> Profile:
        """Read an auth profile's file again and ask its site; the profile as it is then."""
        return await self._checks.check(profile_id, afresh=afresh)

    # Who is told when jobs end

    async def webhooks(self) -> Sequence[Mapping[str, Any]]:
        """The receivers, in the order of the configuration, and what waits for each."""
        return await self._webhooks.status()

    async def send_webhooks(self, receiver: str) -> Mapping[str, Any]:
        """Try at once what waits for a receiver."""
        return await self._webhooks.send_now(receiver)

    async def test_webhook(self, receiver: str) -> Mapping[str, Any]:
        """Send a receiver a message that says it is a test; raises why it was not taken."""
        return await self._webhooks.test(receiver)

    # Who may ask over TCP

    async def tokens(self) -> Sequence[Token]:
        """The bearer tokens, revoked ones too."""
        return await self._tokens.all()

    async def create_token(self, name: str, scopes: Collection[Scope]) -> IssuedToken:
        """Make a bearer token; its secret is told this once."""
        return await self._tokens.create(name, scopes)

    async def revoke_token(self, token_id: int) -> Token:
        """End a bearer token at once."""
        return await self._tokens.revoke(token_id)

    async def judge_token(self, secret: str) -> Token | None:
        """The valid token with this secret."""
        return await self._tokens.judge(secret)

    async def audit(self, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        """A page of what was changed from outside, newest first."""
        return await self._store.audit.page(limit=limit, after=after)

    async def record(self, entry: AuditEntry) -> None:
        """Write down what was changed from outside."""
        await self._store.audit.add(entry)
