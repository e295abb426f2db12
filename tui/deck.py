"""What all screens of the dashboard share: the engine, the index, its sync, recent rates and timelines."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.domain.chat import ChatRules
from core.domain.errors import NoSuchJob, ReeldeckError
from core.domain.events import Event, EventType
from core.domain.interface import EngineInterface
from core.domain.job import Job, JobStatus
from core.domain.profile import Profile
from core.domain.snapshot import Frame
from core.domain.text import for_terminal
from tui.account import Account
from tui.actions import NO_KEYS, OwnKeys
from tui.chrome import NEWS, header
from tui.control import Outcome
from tui.deliveries import Names, chat_names
from tui.filter import parse_filter
from tui.here import Here
from tui.log_lines import LogFilter
from tui.logins import needs_owner
from tui.outbox import About, Outbox
from tui.present import Line
from tui.rates import RateLog
from tui.situation import Situation, situation_of
from tui.sources import held
from tui.state import JobIndex
from tui.steady import SteadyStatus
from tui.sync import BACKOFF_S, Link, Sync
from tui.undo import Undo

#: Timelines of this many jobs are kept, the last one looked at longest.
TIMELINES = 8
#: A sparkline moves on this often when no news comes.
SPARK_S = 3.0
#: A notice goes after this long.
NOTICE_S = 8.0
#: After these a login or a source may be another than it was.
_HEALTH_NEWS = frozenset({EventType.PARKED, EventType.UNPARKED, EventType.PROFILE_FALLBACK})
#: … and how many files a chat waits for.
_POST_NEWS = frozenset(
    {EventType.TELEGRAM_SEND_FINISHED, EventType.TELEGRAM_SEND_FAILED, EventType.FLOOD_WAIT}
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the person at the keyboard."""

    text: str
    style: str
    #: Seconds since the epoch after which it is gone.
    until: float


class Deck:
    """The state of one dashboard.

    Args:
        client: The engine; closing it is the caller's.
        ask_paint: Called whenever something that is shown may have changed.
        is_ascii: Draw with ASCII only.
        backoff_s: Waits between attempts to reach the engine.
        log_file: The engine's log on this machine; None when it keeps none.
        keys: Keys that people chose themselves.
    """

    def __init__(
        self,
        client: EngineInterface,
        *,
        ask_paint: Callable[[], None],
        is_ascii: bool = False,
        backoff_s: Sequence[float] = BACKOFF_S,
        log_file: Path | None = None,
        keys: OwnKeys = NO_KEYS,
    ) -> None:
        self.keys = keys
        #: The machine that it runs on, where that is the engine's.
        self.here: Here | None = None
        self.client = client
        self.log_file = log_file
        #: Which lines of the log are shown.
        self.log_filter = LogFilter()
        self.index = JobIndex()
        #: Columns of the list that somebody chose.
        self.columns: Collection[str] | None = None
        self.sync = Sync(
            client, self.index, on_frame=self._on_frame, on_change=self._on_change, backoff_s=backoff_s
        )
        self.outbox = Outbox(client)
        #: The account's chats, as far as somebody looked for one.
        self.dialogs: Sequence[ChatRules] = ()
        self.is_ascii = is_ascii
        self.speeds = RateLog()
        self.undo = Undo()
        self._steady = SteadyStatus()
        self.notice: Notice | None = None
        #: The newest event that is worth a line of its own.
        self.news: Event | None = None
        self._ask_paint = ask_paint
        self._job_speeds: dict[int, RateLog] = {}
        self._timelines: dict[int, list[Event]] = {}

    @property
    def is_live(self) -> bool:
        """The engine can be asked for things."""
        return self.sync.connection.link is Link.LIVE

    @property
    def is_lost(self) -> bool:
        """The engine has not answered, or does so no more."""
        return self.sync.connection.link is Link.LOST

    @property
    def speed_bps(self) -> float:
        """Bytes per second of all transfers; the engine says nothing when it falls idle."""
        running = self.sync.counts.get(JobStatus.RUNNING, 0)
        return self.sync.speed_bps if self.is_live and running else 0.0

    def situation(self, targets: Sequence[Job]) -> Situation:
        """What there is to act on when actions are for *targets*."""
        index = self.index
        return situation_of(
            targets,
            is_connected=self.is_live,
            shown=len(index),
            marked=len(index.marked),
            can_undo=self.undo.is_open(time.time()),
        )

    def say(self, text: str, style: str = "text") -> None:
        """Show one line for a while."""
        self.notice = Notice(text, style, time.time() + NOTICE_S)
        self._ask_paint()

    def say_error(self, error: ReeldeckError) -> None:
        """Show what was refused, and what to do."""
        self.say(f"{error}. {error.hint}", "bad")

    def take_outcome(self, outcome: Outcome) -> None:
        """Show at once what a command changed; the stream confirms it."""
        for job in outcome.done:
            if job.id not in outcome.gone:
                self.index.adopt(job)
        self.index.remove(outcome.gone)
        self._ask_paint()

    def said(self, now: float) -> Line:
        """The notice, for as long as it stands."""
        if self.notice is None or self.notice.until <= now:
            return ()
        return ((f" {for_terminal(self.notice.text)}", self.notice.style),)

    def header(self, page: str, width: int, now: float) -> Line:
        """The top line of a page."""
        sync = self.sync
        speeds = self.speeds.series(now, 20 if width >= 120 else 10)
        calls = {"auth": len(self.needy_logins()), "chats": int(self.account.needs_owner)}
        facts = (sync.connection, self._steady.of(sync.status), self.speed_bps, speeds, width)
        return header(*facts, now=now, page=page, calls=calls, keys=self.keys)

    def source_labels(self) -> Mapping[str, str]:
        """What people call the sources, by their names."""
        sources = self.sync.status.get("sources", ())
        return {str(source.get("name")): str(source.get("label")) for source in sources}

    def held(self, job: Job, now: float) -> str:
        """Why a job does not start although it could."""
        return held(job, self.sync.status.get("sources", ()), now)

    def needy_logins(self) -> list[Profile]:
        """Logins that only their owner can mend."""
        profiles = self.sync.profiles or ()
        return [profile for profile in profiles if needs_owner(profile, self.index.waiting_for(profile))]

    # Chats and deliveries

    @property
    def account(self) -> Account:
        """How the engine stands to Telegram."""
        return Account.of(self.sync.status)

    @property
    def has_chats(self) -> bool:
        """There may be deliveries."""
        return self.account.is_on or bool(self.sync.chats and self.sync.chats.rules)

    def chat_names(self, *more: ChatRules) -> Names:
        """How to call the chats that are watched, those that were looked for here, and *more*."""
        return chat_names((*self.dialogs, *(self.sync.chats.rules if self.sync.chats else ()), *more))

    def wants_deliveries(self, about: About, now: float) -> bool:
        """They are to be asked for now."""
        return self.is_live and self.has_chats and self.outbox.wants(about, now)

    async def load_deliveries(self, about: About) -> None:
        """Fetch deliveries, unless somebody else does, and those of their jobs that are not known.

        What was refused is said.
        """
        now = time.time()
        if not self.wants_deliveries(about, now):
            return
        try:
            found = await self.outbox.load(about, now)
            for job_id in {each.job_id for each in found} - self.index.known.keys():
                with suppress(NoSuchJob):  # deleted meanwhile
                    self.index.upsert([await self.client.job(job_id)])
        except ReeldeckError as error:
            self.say_error(error)
        self._ask_paint()

    def narrow(self, text: str) -> None:
        """Show only the jobs that a filter text finds."""
        self.index.set_view("All")
        self.index.set_filter(parse_filter(text))
        self.index.move_to(0)

    # Rates and timelines

    def speeds_of(self, job_id: int, now: float) -> Sequence[float]:
        """A job's rates of the last minute, second by second."""
        log = self._job_speeds.get(job_id)
        return log.series(now, log.span_s) if log else ()

    def timeline(self, job_id: int) -> Sequence[Event]:
        """What is known of a job's events; ask `load_timeline` for all of them."""
        return self._timelines.get(job_id, ())

    def has_timeline(self, job_id: int | None) -> bool:
        """The job's events were loaded and are kept up to date."""
        return job_id in self._timelines

    async def load_timeline(self, job_id: int) -> None:
        """Fetch a job's events. What was refused is said, and asked again only after a new connection."""
        events: list[Event] = []
        try:
            events = list(await self.client.events(job_id))
        except NoSuchJob:
            self.index.remove([job_id])
        except ReeldeckError as error:
            self.say_error(error)
        self._timelines.pop(job_id, None)
        self._timelines[job_id] = events
        while len(self._timelines) > TIMELINES:
            del self._timelines[next(iter(self._timelines))]
        self._ask_paint()

    def next_change_s(self, now: float) -> float | None:
        """Seconds until something that is shown changes by itself: a countdown, a notice, an old rate."""
        if self.sync.connection.link is Link.LOST:
            return 1.0
        due: list[float] = []
        if self.notice and self.notice.until > now:
            due.append(self.notice.until - now)
        if any(self.speeds.series(now, self.speeds.span_s)):
            due.append(SPARK_S)
        if self.account.wait_s(now) is not None:
            due.append(1.0)
        moves = (self.outbox.next_change_s(now), self.undo.next_change_s(now))
        due += [each for each in moves if each is not None]
        return min(due, default=None)

    def _on_change(self) -> None:
        if not self.is_live:
            # What is missed while the engine is away would be missing in them.
            self._timelines.clear()
            self._job_speeds.clear()
            self.outbox.forget()
        self._ask_paint()

    def _on_frame(self, frame: Frame) -> None:
        now = time.time()
        self.speeds.add(now, self.speed_bps)
        for job in frame.jobs:
            if job.status is JobStatus.RUNNING:
                self._job_speeds.setdefault(job.id, RateLog()).add(now, job.rate or 0.0)
            else:
                self._job_speeds.pop(job.id, None)
        for event in frame.events:
            timeline = self._timelines.get(event.job_id) if event.job_id is not None else None
            if timeline is not None and (not timeline or timeline[-1].seq < event.seq):
                timeline.append(event)
            if event.type in NEWS:
                self.news = event
            if event.type in _HEALTH_NEWS | _POST_NEWS:
                self.sync.look()
            self.outbox.hear(event)
        self._ask_paint()
