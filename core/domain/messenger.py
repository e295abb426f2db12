"""What the engine and a messenger that runs beside it ask of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery
from core.domain.errors import ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job, ReplyTo, Request
from core.domain.library import MediaItem
from core.domain.media import MediaInfo, Picture
from core.domain.snapshot import Submitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What a message with links was last told of them; one row of `acknowledgements`."""

    reply_to: ReplyTo
    #: The status message, where the chat wants one.
    status_message_id: int | None = None
    #: The reaction, or the digest of the status text, that stands there now.
    shown: str | None = None
    #: Why links of it were not taken. Read: what it is still to be told. Written: what it was told of it.
    refused: str | None = None
    #: Whether nothing was left to tell when somebody looked; what happened since unsettles it all the same.
    is_settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Which media of a chat are to be fetched (`reeldeck collect`). Times are seconds since the epoch."""

    #: A marked id, @name or t.me link.
    chat: str
    topic_id: int | None = None
    #: At most so many messages with media; 0 is all.
    limit: int = 0
    #: `audio`, `video`, `voice`, `photo`, `document`; empty is audio and video.
    types: frozenset[str] = frozenset()
    since: float | None = None
    until: float | None = None
    #: Only messages whose text or file name has these words.
    grep: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """How a collection stands; the last one says `is_done`."""

    #: Messages that were looked at, those that fit, and what the files of these hold.
    seen: int = 0
    found: int = 0
    size_bytes: int = 0
    #: Of those that fit: new jobs, and known ones.
    added: int = 0
    joined: int = 0
    is_done: bool = False
    #: The first titles, for people who only want to look.
    sample: Sequence[str] = ()
    #: Ids of the jobs, new and known, that came since the figures before these.
    jobs: Sequence[int] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of a line of `POST /collect`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        numbers = {name: int(data[name]) for name in ("seen", "found", "size_bytes", "added", "joined")}
        return cls(
            **numbers,
            is_done=bool(data["is_done"]),
            sample=tuple(map(str, data["sample"])),
            jobs=tuple(map(int, data["jobs"])),
        )


class MessengerInterface(EngineInterface, Protocol):
    """The engine as a messenger in its process sees it."""

    # Intake

    async def take_links(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """`submit_many` of requests with `reply`, each stored together with its delivery."""
        ...

    async def note_read(self, cursors: Mapping[int, int], refused: Mapping[ReplyTo, str] = {}) -> None:
        """Store what was read, once all that it asks for is.

        *cursors* (chat → newest message that was dealt with) never go back. *refused* (message → why links of
        it were not taken) is kept until the message was told.
        """
        ...

    def source_of(self, url: str) -> str:
        """The name of the source that is asked first for a link. Raises InvalidRequest, UnsupportedSource."""
        ...

    async def chat_rules(self) -> Sequence[ChatRules]:
        """All rules, chats before their topics."""
        ...

    def on_rules(self, changed: Callable[[], None]) -> None:
        """Call *changed*, a method, whenever rules were changed, by whomever, while its object lives."""
        ...

    # The outbox

    async def due_deliveries(self, *, limit: int = 50, is_quick: bool | None = None) -> Sequence[Delivery]:
        """READY deliveries whose time has come, the oldest first.

        With *is_quick* only those that seem to need no upload, or only the others.
        """
        ...

    async def wait_for_due(self) -> None:
        """Return when `due_deliveries` may have something new: one became READY, or its time has come."""
        ...

    async def begin_delivery(self, delivery_id: int) -> Delivery:
        """READY to SENDING; `attempt` rises; TELEGRAM_SEND_STARTED. Raises StaleClaim if not READY."""
        ...

    async def note_upload(
        self, delivery_id: int, *, upload_id: int, parts_done: int, parts_total: int
    ) -> None:
        """How far an upload is; a later try goes on from there."""
        ...

    async def split_delivery(self, delivery_id: int, parts: int) -> Sequence[Delivery]:
        """Make it the first of so many parts, the others READY, each with its `random_id`; repeatable."""
        ...

    async def end_delivery(
        self,
        delivery_id: int,
        *,
        message_id: int | None = None,
        document_id: int | None = None,
    ) -> Delivery:
        """SENDING to SENT, or without a message to SKIPPED; TELEGRAM_SEND_FINISHED."""
        ...

    async def fail_delivery(
        self, delivery_id: int, error: ReeldeckError, *, retry_at: float | None
    ) -> Delivery:
        """SENDING to READY at *retry_at*, or to FAILED for good; FLOOD_WAIT or TELEGRAM_SEND_FAILED."""
        ...

    async def sent_before(self, job: Job, part_index: int) -> Sequence[Delivery]:
        """SENT deliveries of the same content (this job's, or of the same sha256), the newest first."""
        ...

    async def item_of(self, job: Job) -> MediaItem | None:
        """The library's record of a job's file; None when it has none."""
        ...

    async def deliveries_of(
        self, *, job_id: int | None = None, reply_to: ReplyTo | None = None
    ) -> Sequence[Delivery]:
        """Deliveries of a job, or those that answer a message, oldest first."""
        ...

    # What messages were told

    async def acknowledgement(self, reply_to: ReplyTo) -> Acknowledgement | None:
        """What a message was last told."""
        ...

    async def acknowledge(self, told: Acknowledgement) -> None:
        """Store what a message was told."""
        ...

    async def unsettled_messages(self) -> Sequence[ReplyTo]:
        """Messages that were not yet told how their last delivery ended, oldest first."""
        ...

    # Files

    async def probe(self, path: str) -> MediaInfo:
        """Streams, durations and sizes of a file. Raises MediaFailure."""
        ...

    async def picture(self, path: str, *, max_side: int, max_bytes: int) -> Picture | None:
        """A JPEG of a video, or the cover of a sound file, no larger than asked; None when it has none."""
        ...

    async def parts_of(self, job: Job, *, max_bytes: int) -> Sequence[str]:
        """Paths of the parts of a job's file, none larger, each of which plays; kept until delivered."""
        ...

    # Collecting

    async def collect_cursor(self, name: str) -> tuple[int, int] | None:
        """The lowest and highest message number between which a collection has dealt with everything."""
        ...

    async def set_collect_cursor(self, name: str, oldest: int, newest: int) -> None:
        """Store what `collect_cursor` tells."""
        ...

    # Waiting

    async def upcoming(self, *, limit: int) -> Sequence[Job]:
        """Waiting jobs in the order in which they begin; those that wait for an event are last."""
        ...

    async def parked(self, waiting_for: str, *, source: str) -> int:
        """How many PENDING jobs of *source* have this `waiting_for`."""
        ...

    # Switches

    async def set_maintenance(self, *, is_on: bool) -> None:
        """Take nothing new, or take it again."""
        ...

    async def is_in_maintenance(self) -> bool:
        """Whether nothing new is taken."""
        ...

    async def set_debug(self, *, is_on: bool) -> None:
        """Log at DEBUG, or as configured."""
        ...

    async def audit_command(
        self, *, actor: str, action: str, target: str | None, data: Mapping[str, Any]
    ) -> None:
        """Write down what somebody commanded, or tried to."""
        ...


class Messenger(Protocol):
    """A messenger as the engine sees it; without one, the engine says how to get one."""

    def status(self) -> Mapping[str, Any]:
        """`state` (connecting, online, waiting, login_needed, failed), `account`, `wait_until`, `detail`."""
        ...

    async def dialogs(self) -> Sequence[ChatRules]:
        """The account's chats and forum topics, with `title`; mode is off."""
        ...

    async def find_chat(self, name: str) -> ChatRules:
        """A chat by its marked id, @name or link. Raises InvalidRequest."""
        ...

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat: every message becomes a job, once. Yields figures now and then."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """`GET /chats`: the rules, and what waits in each chat."""

    rules: Sequence[ChatRules]
    #: Unsent deliveries by chat.
    backlog: Mapping[int, int] = field(default_factory=dict)
