"""An engine in memory: real states, real event numbers, live streams — and no download.

Faces are tested against it. It keeps the promises of `core.domain.interface.EngineInterface`; a test plays
the runner with `move`, `progress` and `emit`, plants failures with `fail_next`, and cuts streams with
`cut_streams`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.metadata
import itertools
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from core.domain.errors import (
    EngineUnreachable,
    IllegalTransition,
    InvalidRequest,
    NoSuchJob,
    ReeldeckError,
)
from core.domain.events import Event, EventType
from core.domain.interface import GroupAction
from core.domain.job import TRANSITIONS, Job, JobStatus, Kind, Request, iso
from core.domain.media import FormatInfo, Role
from core.domain.profile import Profile, ProfileStatus
from core.domain.snapshot import Frame, JobQuery, MetadataPreview, Page, Submitted
from core.domain.token import AuditEntry, IssuedToken, Scope, Token
from tests.fakes.chats import FakeChats
from tests.fakes.hooks import FakeHooks
from tests.fakes.library import FakeLibrary
from tests.fakes.limits import FakeLimits
from tests.fakes.order import FakeOrder

ENGINE_VERSION = importlib.metadata.version("reeldeck")


class _Mailbox:
    """What one listener of the stream has not yet taken, merged as the real bus merges it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.jobs: dict[int, Job] = {}
        self.deleted: list[int] = []
        self.is_open = True
        self.filled = asyncio.Event()

    def put(self, frame: Frame) -> None:
        self.events += frame.events
        self.jobs |= {job.id: job for job in frame.jobs}
        for job_id in frame.deleted:
            self.jobs.pop(job_id, None)
        self.deleted += frame.deleted
        self.filled.set()


class FakeEngine(FakeChats, FakeHooks, FakeLibrary, FakeLimits, FakeOrder):
    """Implements EngineInterface. Everything it was asked stands in `calls` as (method, arguments)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.stop_asked = asyncio.Event()
        self.is_closed = False
        self.speed_bps = 0.0
        #: What `status` says beside what it counts.
        self.engine_facts: dict[str, Any] = {}
        self.free_bytes = 412 * 2**30
        self.is_away = False
        self.log: list[Event] = []
        self.logins: dict[int, Profile] = {}
        self.issued: dict[int, IssuedToken] = {}
        self.trail: list[AuditEntry] = []
        #: What `sources` tells beside what it counts, by name: a breaker, figures, a proxy.
        self.source_facts: dict[str, dict[str, Any]] = {}
        #: What links lead to; others lead to a film.
        self.previews: dict[str, MetadataPreview | ReeldeckError] = {}
        #: Previews and checks of logins wait while this is not set.
        self.site_answers = asyncio.Event()
        self.site_answers.set()
        self._jobs: dict[int, Job] = {}
        self._keys: dict[str, int] = {}
        self._groups: dict[int, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._seqs = itertools.count(1)
        self._failures: dict[str, list[BaseException]] = {}
        self._mailboxes: set[_Mailbox] = set()
        self._listeners_changed = asyncio.Event()

    # What a test does to it

    def fail_next(self, method: str, error: BaseException) -> None:
        """Let the next call of *method* raise *error*."""
        self._failures.setdefault(method, []).append(error)

    def add(self, url: str = "https://example.org/a.mp4", **facts: Any) -> Job:
        """Put a job there at once, in any state, without an event."""
        now = time.time()
        job_id = next(self._ids)
        values: dict[str, Any] = {
            "id": job_id, "url": url, "source_type": "direct", "kind": Kind.AUTO, "quality": "best",
            "format": None, "status": JobStatus.QUEUED, "stage": None, "priority": 0, "position": now,
            "attempt": 0, "retry_count": 0, "job_key": f"{url}|auto|best|None", "media_id": None,
            "url_hash": f"{job_id:064x}", "auth_profile_id": None, "group_id": None, "title": None,
            "duration_s": None, "size_bytes": None, "bytes_done": 0, "rate": None, "file_path": None,
            "sha256": None, "not_before": None, "waiting_for": None, "error_type": None,
            "error_message": None, "error_hint": None, "user_id": None, "chat_id": None,
            "created": now, "updated": now,
            "started": None, "finished": None,
        }  # fmt: skip
        job = Job(**values | facts)
        self._jobs[job.id] = job
        return job

    def add_login(self, source: str = "youtube", name: str = "main", **facts: Any) -> Profile:
        """Put a login there, in any health."""
        values: dict[str, Any] = {
            "id": next(self._ids), "source_type": source, "name": name,
            "cookie_file_path": f"/cookies/{source}.txt", "status": ProfileStatus.ACTIVE, "reason": None,
            "failure_count_recent": 0, "last_success": None, "last_failure": None, "expires": None,
            "checked": None, "account": None, "created": time.time(),
        }  # fmt: skip
        profile = Profile(**values | facts)
        self.logins[profile.id] = profile
        return profile

    def add_many(self, count: int, **facts: Any) -> list[Job]:
        """Put *count* jobs there with urls and titles that differ."""
        return [
            self.add(f"https://example.org/{index}.mp4", **{"title": f"Title {index}"} | facts)
            for index in range(count)
        ]

    def add_group(self, title: str | None = None, *, total: int = 0, job_id: int | None = None) -> int:
        """Put a group there; jobs are put into it by their `group_id`."""
        group_id = len(self._groups) + 1
        self._groups[group_id] = {
            "id": group_id, "job_id": job_id, "title": title, "total": total,
            "created": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip
        return group_id

    def move(self, job_id: int, to: JobStatus, **facts: Any) -> Job:
        """Play the runner: a legal move with its STATUS_CHANGED, published."""
        job = self._get(job_id)
        if to not in TRANSITIONS[job.status]:
            raise IllegalTransition(f"job {job_id} is {job.status.value}")
        if to is JobStatus.RUNNING:
            facts = {"attempt": job.attempt + 1, "started": job.started or time.time()} | facts
        if to.is_final:
            facts = {"finished": time.time()} | facts
        moved = self.set(job_id, publish=False, status=to, **facts)
        event = self._record(job_id, EventType.STATUS_CHANGED, {"from": job.status.value, "to": to.value})
        self.push(Frame(events=(event,), jobs=(moved,)))
        return moved

    def set(self, job_id: int, *, publish: bool = True, **facts: Any) -> Job:
        """Change columns without an event, as live figures do."""
        job = self._get(job_id).evolve(**{"updated": time.time()} | facts)
        self._jobs[job_id] = job
        if publish:
            self.push(Frame(jobs=(job,)))
        return job

    def progress(self, job_id: int, bytes_done: int, size_bytes: int | None, rate: float | None) -> Job:
        """Show live figures of a transfer."""
        return self.set(job_id, bytes_done=bytes_done, size_bytes=size_bytes, rate=rate)

    def emit(self, event_type: EventType, job_id: int | None = None, **data: Any) -> Event:
        """Store and publish an event."""
        event = self._record(job_id, event_type, data)
        self.push(Frame(events=(event,)))
        return event

    def push(self, frame: Frame) -> None:
        """Hand a frame to every listener; its counts are replaced by the true ones."""
        for mailbox in self._mailboxes:
            mailbox.put(frame)

    def cut_streams(self) -> None:
        """End every stream with EngineUnreachable, as a crash does."""
        for mailbox in self._mailboxes:
            mailbox.is_open = False
            mailbox.filled.set()

    @property
    def listeners(self) -> int:
        """Streams that are open."""
        return len(self._mailboxes)

    async def until_listeners(self, count: int) -> None:
        """Wait until exactly *count* streams are open."""
        while len(self._mailboxes) != count:
            self._listeners_changed.clear()
            await self._listeners_changed.wait()

    # EngineInterface

    async def submit(self, request: Request) -> Submitted:
        self._called("submit", request)
        return self._take(request)

    async def submit_many(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        self._called("submit_many", *requests)
        answers: list[Submitted | ReeldeckError] = []
        for request in requests:
            try:
                answers.append(self._take(request))
            except ReeldeckError as error:
                answers.append(error)
        return answers

    async def jobs(self, query: JobQuery) -> Page[Job]:
        self._called("jobs", query)
        before = int(query.after) if query.after else 2**63
        text = (query.text or "").lower()
        found = [
            job
            for job in sorted(self._jobs.values(), key=lambda job: -job.id)
            if job.id < before
            and (not query.statuses or job.status in query.statuses)
            and query.source in {None, job.source_type}
            and query.chat_id in {None, job.chat_id}
            and query.group_id in {None, job.group_id}
            and text in f"{job.title or ''} {job.url}".lower()
        ]
        page = found[: query.limit]
        return Page(page, str(page[-1].id) if len(found) > len(page) else None)

    async def job(self, job_id: int) -> Job:
        self._called("job", job_id)
        return self._get(job_id)

    async def events(self, job_id: int) -> Sequence[Event]:
        self._called("events", job_id)
        self._get(job_id)
        return [event for event in self.log if event.job_id == job_id]

    async def pause(self, job_id: int) -> Job:
        self._called("pause", job_id)
        return self.move(job_id, JobStatus.PAUSED, stage=None, rate=None)

    async def resume(self, job_id: int) -> Job:
        self._called("resume", job_id)
        if self._get(job_id).status is not JobStatus.PAUSED:
            raise IllegalTransition(f"job {job_id} is {self._get(job_id).status.value} and cannot be resumed")
        self.move(job_id, JobStatus.PENDING)
        return self.move(job_id, JobStatus.QUEUED)

    async def cancel(self, job_id: int, *, keep_s: int = 0) -> Job:
        self._called("cancel", job_id, *([keep_s] if keep_s else []))
        job = self.move(job_id, JobStatus.CANCELLED, stage=None, rate=None)
        self.emit(EventType.JOB_CANCELLED, job_id)
        return job

    async def retry(self, job_id: int) -> Job:
        self._called("retry", job_id)
        status = self._get(job_id).status
        if status is JobStatus.QUEUED:
            return self._get(job_id)
        if status is JobStatus.PENDING:
            return self.move(job_id, JobStatus.QUEUED, waiting_for=None, not_before=None)
        if not status.is_final or status is JobStatus.COMPLETED:
            raise IllegalTransition(f"job {job_id} is {status.value} and cannot be retried")
        cleared = {"error_type": None, "error_message": None, "error_hint": None, "finished": None}
        self.move(job_id, JobStatus.PENDING, retry_count=0, **cleared)
        return self.move(job_id, JobStatus.QUEUED)

    async def patch(
        self,
        job_id: int,
        *,
        priority: int | None = None,
        position: float | None = None,
        title: str | None = None,
    ) -> Job:
        self._called("patch", job_id, priority, position, title)
        asked = {"priority": priority, "position": position, "title": title}
        facts: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        if not facts:
            raise InvalidRequest("nothing to change", hint="Give a priority, a position or a title.")
        return self.set(job_id, **facts)

    async def delete(self, job_id: int) -> None:
        self._called("delete", job_id)
        if not self._get(job_id).status.is_final:
            raise IllegalTransition(f"job {job_id} is {self._get(job_id).status.value}")
        del self._jobs[job_id]
        self.log = [event for event in self.log if event.job_id != job_id]
        self.push(Frame(deleted=(job_id,)))

    async def groups(self, *, limit: int = 100, after: str | None = None) -> Page[Mapping[str, Any]]:
        self._called("groups", limit, after)
        ids = [
            group_id for group_id in sorted(self._groups, reverse=True) if not after or group_id < int(after)
        ]
        page = [self._group(group_id) for group_id in ids[:limit]]
        return Page(page, str(ids[limit - 1]) if len(ids) > limit else None)

    async def group(self, group_id: int) -> Mapping[str, Any]:
        self._called("group", group_id)
        return self._group(group_id)

    async def control_group(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        self._called("control_group", group_id, action)
        self._group(group_id)
        changed = refused = 0
        meant = [job for job in self._jobs.values() if job.group_id == group_id]
        if action == "retry":
            meant = [job for job in meant if job.status in {JobStatus.FAILED, JobStatus.CANCELLED}]
        for job in meant:
            try:
                await getattr(self, action)(job.id)
                changed += 1
            except IllegalTransition:
                refused += 1
        return {"group": self._group(group_id), "changed": changed, "refused": refused}

    async def preview(self, request: Request) -> MetadataPreview:
        self._called("preview", request)
        _checked(request)
        await self.site_answers.wait()
        found = self.previews.get(request.url)
        if isinstance(found, ReeldeckError):
            raise found
        return found or MetadataPreview(
            url=request.url,
            source=request.source or "direct",
            title="A title",
            kind=Kind.VIDEO,
            duration_s=12.5,
            size_bytes=1_000_000,
            formats=(
                FormatInfo(
                    id="22",
                    role=Role.MUXED,
                    container="mp4",
                    height=720,
                    size_bytes=1_000_000,
                    is_chosen=True,
                ),
            ),
        )

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        self._called("sources")
        return [
            {
                "name": name,
                "label": label,
                "enabled": True,
                "max_parallel": 3,
                "in_flight": sum(
                    job.source_type == name and job.status is JobStatus.RUNNING for job in self._jobs.values()
                ),
                "queued": 0,
                "waiting": 0,
                "rate_per_s": None,
                "bandwidth_bps": 0,
                "is_proxied": False,
                "quiet_until": None,
                "slowed": [],
                "breaker": None
                if name == "direct"
                else {"state": "closed", "since": None, "retry_at": None, "reason": None},
                "hosts": [],
                **self.source_facts.get(name, {}),
            }
            for name, label in (("direct", "Direct links"), ("youtube", "YouTube"))
        ]

    async def profiles(self) -> Sequence[Profile]:
        self._called("profiles")
        return list(self.logins.values())

    async def add_profile(self, source: str, cookie_file: str, name: str = "main") -> Profile:
        self._called("add_profile", source, cookie_file, name)
        return self.add_login(source, name, cookie_file_path=cookie_file)

    async def remove_profile(self, profile_id: int) -> None:
        self._called("remove_profile", profile_id)
        if self.logins.pop(profile_id, None) is None:
            raise InvalidRequest(f"there is no auth profile {profile_id}")

    async def check_profile(self, profile_id: int, *, afresh: bool = False) -> Profile:
        self._called("check_profile", profile_id, afresh)
        if profile_id not in self.logins:
            raise InvalidRequest(f"there is no auth profile {profile_id}")
        await self.site_answers.wait()
        checked = dataclasses.replace(self.logins[profile_id], checked=time.time())
        self.logins[profile_id] = checked
        return checked

    async def tokens(self) -> Sequence[Token]:
        self._called("tokens")
        return [each.token for each in self.issued.values()]

    async def create_token(self, name: str, scopes: Collection[Scope]) -> IssuedToken:
        self._called("create_token", name, scopes)
        token = Token(id=next(self._ids), name=name, scopes=frozenset(scopes), created=time.time())
        self.issued[token.id] = IssuedToken(token, f"secret-{token.id}")
        return self.issued[token.id]

    async def revoke_token(self, token_id: int) -> Token:
        self._called("revoke_token", token_id)
        if token_id not in self.issued:
            raise InvalidRequest(f"there is no token {token_id}")
        revoked = dataclasses.replace(self.issued[token_id].token, revoked=time.time())
        self.issued[token_id] = IssuedToken(revoked, "")
        return revoked

    async def judge_token(self, secret: str) -> Token | None:
        """As the real engine's: the valid token with this secret."""
        return next((each.token for each in self.issued.values() if secret and each.secret == secret), None)

    async def audit(self, *, limit: int = 100, after: str | None = None) -> Page[AuditEntry]:
        self._called("audit", limit, after)
        below = int(after) if after else len(self.trail) + 1
        found = [entry for entry in reversed(self.trail) if entry.id < below]
        return Page(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)

    async def record(self, entry: AuditEntry) -> None:
        """As the real engine's: write down what was changed from outside."""
        self.trail.append(dataclasses.replace(entry, id=len(self.trail) + 1))

    async def status(self) -> Mapping[str, Any]:
        self._called("status")
        return {
            "engine": {
                "version": ENGINE_VERSION,
                "pid": 1,
                "uptime_s": 1.0,
                "state": "running",
                "now": iso(time.time()),
            }
            | self.engine_facts,
            "counts": {status.value: count for status, count in self.counts().items()},
            "speed_bps": self.speed_bps,
            "disk": {"free_bytes": self.free_bytes, "min_free_bytes": 2 * 2**30},
            "network": {"is_away": self.is_away},
            "cpu_percent": 1.0,
            "memory_bytes": 64 * 2**20,
            "telegram": self.telegram,
            "webhooks": self.receivers,
            "debugged": sorted(self.debugged),
            "sources": await self.sources(),
            "limits": {"max_parallel_jobs": 4, "maintenance": self.is_in_maintenance},
            "paths": {"archive_dir": "/archive", "tmp_dir": "/tmp"},
        }

    async def stop_engine(self) -> None:
        self._called("stop_engine")
        self.stop_asked.set()

    async def stream(self, *, last_seq: int | None = None) -> AsyncIterator[Frame]:
        self._called("stream", last_seq)
        mailbox = _Mailbox()
        self._mailboxes.add(mailbox)
        self._listeners_changed.set()
        try:
            yield self._frame()
            seen = last_seq or 0
            missed = [event for event in self.log if last_seq is not None and event.seq > seen]
            if missed:
                seen = missed[-1].seq
                yield self._frame(missed)
            while True:
                await mailbox.filled.wait()
                if not mailbox.is_open:
                    raise EngineUnreachable("the event stream has ended")
                events = [event for event in mailbox.events if event.seq > seen]
                frame = self._frame(events, list(mailbox.jobs.values()), mailbox.deleted)
                mailbox.events, mailbox.jobs, mailbox.deleted = [], {}, []
                mailbox.filled.clear()
                yield frame
        finally:
            self._mailboxes.discard(mailbox)
            self._listeners_changed.set()

    async def close(self) -> None:
        self.is_closed = True

    # Inside

    def counts(self) -> dict[JobStatus, int]:
        """Jobs by status."""
        return {status: sum(job.status is status for job in self._jobs.values()) for status in JobStatus}

    def _called(self, method: str, *arguments: Any) -> None:
        self.calls.append((method, arguments))
        if self._failures.get(method):
            raise self._failures[method].pop(0)

    def _get(self, job_id: int) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NoSuchJob(f"{job_id}") from None

    def _group(self, group_id: int) -> dict[str, Any]:
        if group_id not in self._groups:
            raise NoSuchJob(f"there is no group {group_id}")
        group = self._groups[group_id]
        of_group = [
            job.status
            for job in self._jobs.values()
            if job.group_id == group_id and job.id != group["job_id"]
        ]
        return group | {"counts": {status.value: of_group.count(status) for status in JobStatus}}

    def _frame(
        self, events: Sequence[Event] = (), jobs: Sequence[Job] = (), deleted: Sequence[int] = ()
    ) -> Frame:
        return Frame(
            events=events, jobs=jobs, counts=self.counts(), speed_bps=self.speed_bps, deleted=tuple(deleted)
        )

    def _record(self, job_id: int | None, event_type: EventType, data: Mapping[str, Any]) -> Event:
        event = Event(next(self._seqs), job_id, event_type, data, time.time())
        self.log.append(event)
        return event

    def _take(self, request: Request) -> Submitted:
        _checked(request)
        key = f"{request.url}|{request.kind}|{request.quality}|{request.format}"
        known = self._keys.get(request.idempotency_key) if request.idempotency_key else None
        if known is None:
            same = [
                job
                for job in self._jobs.values()
                if job.job_key == key
                and (not job.status.is_final or (job.status is JobStatus.COMPLETED and not request.force))
            ]
            known = max((job.id for job in same), default=None)
        if known is not None:
            event = self._record(known, EventType.JOB_JOINED, {})
            self.push(Frame(events=(event,)))
            submitted = Submitted(self._get(known), joined=True)
        else:
            job = self.add(
                request.url, job_key=key, kind=request.kind, quality=request.quality, format=request.format,
                priority=request.priority, profile=request.profile, out_dir=request.out_dir,
                source_type=request.source or "direct", user_id=request.user_id, chat_id=request.chat_id,
            )  # fmt: skip
            event = self._record(job.id, EventType.JOB_CREATED, {"url_domain": "example.org"})
            self.push(Frame(events=(event,), jobs=(job,)))
            submitted = Submitted(job, joined=False)
        if request.idempotency_key:
            self._keys[request.idempotency_key] = submitted.job.id
        return submitted


def _checked(request: Request) -> None:
    if not request.url.startswith(("http://", "https://")):
        raise InvalidRequest(f"not a link: {request.url[:80]!r}")
