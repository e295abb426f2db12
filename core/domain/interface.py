"""The engine as its faces see it: `core.engine` is it, `core.api` serves it, `core.client` speaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.domain.administration import Administration
from core.domain.chat import ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import ReeldeckError
from core.domain.events import Event
from core.domain.job import Job, Request
from core.domain.library import (
    Copies,
    FacetCounts,
    Imported,
    LibraryEntry,
    LibraryPage,
    MediaItem,
    TagCount,
)
from core.domain.profile import Profile
from core.domain.snapshot import Frame, JobQuery, MetadataPreview, Page, Submitted

if TYPE_CHECKING:
    from core.domain.messenger import Chats, Collect, Collected

#: What can be done to all jobs of a group together.
GroupAction = Literal["pause", "resume", "cancel", "retry"]
#: Where a job goes within the queue.
QueueMove = Literal["up", "down", "top", "bottom"]


class EngineInterface(Administration, Protocol):
    """What can be asked of the engine.

    Every method raises the error of `core.domain.errors` that the engine answered with, and
    `EngineUnreachable` when nobody answers.
    """

    async def submit(self, request: Request) -> Submitted:
        """Ask for one link; returns once the job is stored."""
        ...

    async def submit_many(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """Ask for many links; one answer for each, in order."""
        ...

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """A page of jobs, newest first."""
        ...

    async def job(self, job_id: int) -> Job:
        """One job. Raises NoSuchJob."""
        ...

    async def events(self, job_id: int) -> Sequence[Event]:
        """A job's timeline, oldest first: its last 1,000 events."""
        ...

    async def pause(self, job_id: int) -> Job:
        """Hold a job. A running one stops at the next safe point."""
        ...

    async def resume(self, job_id: int) -> Job:
        """Let a paused job go on."""
        ...

    async def cancel(self, job_id: int, *, keep_s: int = 0) -> Job:
        """End a job; what was fetched is deleted, *keep_s* seconds later, for a retry until then."""
        ...

    async def retry(self, job_id: int) -> Job:
        """Start a failed or cancelled job again, or a waiting one at once, quiet hours or not."""
        ...

    async def patch(
        self,
        job_id: int,
        *,
        priority: int | None = None,
        position: float | None = None,
        title: str | None = None,
    ) -> Job:
        """Change a job's order or title."""
        ...

    async def reorder(self, job_ids: Sequence[int], to: QueueMove) -> Sequence[Job]:
        """Move queued jobs; all that changed places. Raises IllegalTransition if none is queued."""
        ...

    async def debug_job(self, job_id: int, *, is_on: bool) -> None:
        """Write down everything about a job until it ends, or no longer. Not if it is done."""
        ...

    async def delete(self, job_id: int) -> None:
        """Forget a job that is final. Its archived file stays."""
        ...

    async def groups(self, *, limit: int = 100, after: str | None = None) -> Page[Mapping[str, Any]]:
        """A page of groups, newest first: id, job_id, title, total, created, counts of jobs by status."""
        ...

    async def group(self, group_id: int) -> Mapping[str, Any]:
        """One group. Raises NoSuchJob."""
        ...

    async def control_group(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        """Act on all jobs of a group that *action* is for; `group` as it is then, `changed`, `refused`."""
        ...

    async def preview(self, request: Request) -> MetadataPreview:
        """What a link leads to, without downloading it."""
        ...

    async def library(self, query: str = "", *, limit: int = 50, after: str | None = None) -> LibraryPage:
        """What was fetched, searched in the language of `core.library.query`; a page, the best first."""
        ...

    async def library_entry(self, item_id: int) -> LibraryEntry:
        """All about an item of the library. Raises NoSuchEntry."""
        ...

    async def send_item(self, item_id: int, chat: str, *, topic_id: int | None = None) -> Delivery:
        """Let an item's file go to a chat, which its id, @name or link names.

        While it is on its way there, asking again changes nothing. Raises NoSuchEntry, NotFound where the
        file is gone, InvalidRequest for a chat that is not known and where Telegram is off.
        """
        ...

    async def tag_item(
        self, item_id: int, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> MediaItem:
        """Give an item of the library tags, and take others from it. Raises NoSuchEntry, InvalidRequest."""
        ...

    async def facets(self, query: str = "") -> FacetCounts:
        """How many of the files that a search finds are of which kind and source, and have which tags."""
        ...

    async def tags(self) -> Sequence[TagCount]:
        """Every tag of the library, those of the most items first."""
        ...

    def import_folder(self, folder: str, *, is_moving: bool = False) -> AsyncIterator[Imported]:
        """Enter the sounds and films below a folder of the engine's machine, by their content.

        Figures now and then, the last ones with `is_done`. Files stay as and where they are, unless they are
        to be moved into the archive. Whoever ends it early can go on by asking again. Raises InvalidRequest.
        """
        ...

    async def copies(self, *, limit: int = 100, after: str | None = None) -> Page[Copies]:
        """A page of what is in the library more than once."""
        ...

    async def delete_copy(self, item_id: int) -> MediaItem:
        """Delete a file of which another one is there, unchanged; the item that stands for both now.

        Raises NoSuchEntry, and InvalidRequest where there is no other.
        """
        ...

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """The sources that are known: name, label, enabled, limits, in flight."""
        ...

    async def profiles(self) -> Sequence[Profile]:
        """The auth profiles of all sources."""
        ...

    async def add_profile(self, source: str, cookie_file: str, name: str = "main") -> Profile:
        """Use the cookie file at this absolute path for *source*; jobs that wait for a login go on."""
        ...

    async def remove_profile(self, profile_id: int) -> None:
        """Forget an auth profile; its file stays."""
        ...

    async def check_profile(self, profile_id: int, *, afresh: bool = False) -> Profile:
        """Read an auth profile's file again and ask its site whether it takes the login; how it is then.

        The site's answer is remembered for some minutes, unless asked *afresh*. `checked` of the answer is
        None where the site has no way to ask. A JobError means that it did not answer: the profile stays as
        it is.
        """
        ...

    async def chats(self) -> Chats:
        """The rules of all chats that have some, chats before their topics, and what waits to be sent."""
        ...

    async def known_chats(self) -> Sequence[ChatRules]:
        """The messenger's chats and topics, watched or not. Raises InvalidRequest without a messenger."""
        ...

    async def find_chat(self, name: str) -> ChatRules:
        """A chat by its marked id, @name or link, with its rules where it has some. Raises InvalidRequest."""
        ...

    async def set_chat(self, rules: ChatRules) -> ChatRules:
        """Watch a chat or topic by these rules, instead of those it had; how far it was read stays."""
        ...

    async def forget_chat(self, chat_id: int, topic_id: int = 0) -> None:
        """Forget the rules of a chat, with those of its topics, or of a topic. Files stay."""
        ...

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat; figures now and then, the last ones with `is_done`.

        Raises InvalidRequest without a messenger. Whoever ends it early can go on by asking again.
        """
        ...

    async def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Delivery]:
        """A page of deliveries, newest first."""
        ...

    async def retry_delivery(self, delivery_id: int) -> Delivery:
        """Send again what could not be sent. Raises IllegalTransition if it did not fail."""
        ...

    async def webhooks(self) -> Sequence[Mapping[str, Any]]:
        """The receivers of webhooks, in the order of the configuration, and what waits for each."""
        ...

    async def send_webhooks(self, receiver: str) -> Mapping[str, Any]:
        """Try at once what waits for a receiver (its `id`); its row before that. Raises NoSuchEntry."""
        ...

    async def test_webhook(self, receiver: str) -> Mapping[str, Any]:
        """Send a receiver a message that says it is a test; its row once that was taken.

        Raises NoSuchEntry, and what the receiver answered.
        """
        ...

    async def status(self) -> Mapping[str, Any]:
        """The engine at a glance, as `GET /status` answers."""
        ...

    def backup(self) -> AsyncIterator[bytes]:
        """A copy of the whole database as it is when this begins, in pieces."""
        ...

    async def stop_engine(self) -> None:
        """Ask the engine to stop: running jobs are put back, nothing is lost."""
        ...

    def stream(self, *, last_seq: int | None = None) -> AsyncIterator[Frame]:
        """Live frames from now on; with *last_seq*, first what was stored after it.

        Ends with EngineUnreachable when the connection breaks: the caller reconnects with its last seq.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
