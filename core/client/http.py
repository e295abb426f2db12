"""The engine from outside its process: EngineInterface over HTTP on the Unix socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx_sse

from core.client import wire
from core.client.administration import AdministrationClient
from core.client.backup import BackupClient
from core.client.chats import ChatsClient
from core.client.library import LibraryClient
from core.domain.errors import EngineUnreachable, ReeldeckError
from core.domain.events import Event
from core.domain.interface import GroupAction, QueueMove
from core.domain.job import Job, Request
from core.domain.messenger import Collect, Collected
from core.domain.profile import Profile
from core.domain.snapshot import Frame, JobQuery, MetadataPreview, Page, Submitted

_API = "/api/v1"
_VERSION_HEADER = "x-reeldeck-version"
CONNECT_S = 5.0
#: The longest wait for an answer. Pausing waits for a runner's next safe point.
ANSWER_S = 60.0
#: Finding out what is behind a link waits for the site.
PREVIEW_S = 300.0
#: Well within what the API takes at once, so that no batch holds up the engine for long.
BATCH_ITEMS = 1_000
BATCH_BYTES = 4 * 2**20
#: Storing a large batch takes its time, and so does acting on all jobs of a group.
BATCH_S = 120.0
#: The stream is never silent for longer than its heartbeat of 10 s.
SILENCE_S = 35.0


class HttpEngineClient(AdministrationClient, BackupClient, ChatsClient, LibraryClient):
    """Implements EngineInterface for faces in another process.

    Args:
        socket: The engine's Unix socket, from `core.client.locate.socket_path`.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket),
                limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30.0),
                verify=False,  # nothing is encrypted here, and reading certificates takes a while
            ),
            base_url="http://localhost",
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=False,
        )
        #: What the engine said of itself in its last answer.
        self.engine_version: str | None = None

    async def submit(self, request: Request) -> Submitted:
        """Ask for one link; returns once the job is stored."""
        data = await self._ask("POST", "/jobs", body=wire.request_body(request))
        return Submitted(wire.job(data), joined=bool(data.get("joined")))

    async def submit_many(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """Ask for many links; one answer for each, in order. Very many travel in several batches."""
        answers: list[Submitted | ReeldeckError] = []
        for body in _batches([wire.request_body(request) for request in requests]):
            data = await self._ask("POST", "/jobs/batch", body=body, timeout_s=BATCH_S)
            answers += [wire.answer(item) for item in data["items"]]
        return answers

    async def jobs(self, query: JobQuery) -> Page[Job]:
        """A page of jobs, newest first."""
        parameters = {
            "status": ",".join(sorted(query.statuses)),
            "source": query.source,
            "q": query.text,
            "chat": query.chat_id,
            "group": query.group_id,
            "limit": query.limit,
            "after": query.after,
        }
        data = await self._ask("GET", "/jobs", parameters=parameters)
        return Page([wire.job(each) for each in data["items"]], data["next"])

    async def job(self, job_id: int) -> Job:
        """One job. Raises NoSuchJob."""
        return wire.job(await self._ask("GET", f"/jobs/{job_id}"))

    async def events(self, job_id: int) -> Sequence[Event]:
        """A job's timeline, oldest first."""
        return wire.events((await self._ask("GET", f"/jobs/{job_id}/events"))["items"])

    async def pause(self, job_id: int) -> Job:
        """Hold a job. A running one stops at the next safe point."""
        return wire.job(await self._ask("POST", f"/jobs/{job_id}/pause"))

    async def resume(self, job_id: int) -> Job:
        """Let a paused job go on."""
        return wire.job(await self._ask("POST", f"/jobs/{job_id}/resume"))

    async def cancel(self, job_id: int, *, keep_s: int = 0) -> Job:
        """End a job; what was fetched is deleted, *keep_s* seconds later."""
        parameters = {"keep_s": keep_s or None}
        return wire.job(await self._ask("POST", f"/jobs/{job_id}/cancel", parameters=parameters))

    async def retry(self, job_id: int) -> Job:
        """Start a failed or cancelled job again."""
        return wire.job(await self._ask("POST", f"/jobs/{job_id}/retry"))

    async def patch(
        self,
        job_id: int,
        *,
        priority: int | None = None,
        position: float | None = None,
        title: str | None = None,
    ) -> Job:
        """Change a job's order or title."""
        body = {"priority": priority, "position": position, "title": title}
        return wire.job(await self._ask("PATCH", f"/jobs/{job_id}", body=body))

    async def reorder(self, job_ids: Sequence[int], to: QueueMove) -> Sequence[Job]:
        """Move queued jobs within the queue; what changed places."""
        data = await self._ask(
            "POST", "/jobs/order", body={"ids": list(job_ids), "to": to}, timeout_s=BATCH_S
        )
        return [wire.job(each) for each in data["items"]]

    async def delete(self, job_id: int) -> None:
        """Forget a job that is final. Its archived file stays."""
        await self._ask("DELETE", f"/jobs/{job_id}")

    async def groups(self, *, limit: int = 100, after: str | None = None) -> Page[Mapping[str, Any]]:
        """A page of groups, newest first."""
        data = await self._ask("GET", "/groups", parameters={"limit": limit, "after": after})
        return Page(data["items"], data["next"])

    async def group(self, group_id: int) -> Mapping[str, Any]:
        """One group. Raises NoSuchJob."""
        return await self._ask("GET", f"/groups/{group_id}")

    async def control_group(self, group_id: int, action: GroupAction) -> Mapping[str, Any]:
        """Act on all jobs of a group that *action* is for."""
        return await self._ask("POST", f"/groups/{group_id}/{action}", timeout_s=BATCH_S)

    async def preview(self, request: Request) -> MetadataPreview:
        """What a link leads to, without downloading it."""
        names = ("url", "kind", "quality", "format", "profile", "source")
        parameters = {name: getattr(request, name) for name in names}
        return wire.preview(await self._ask("GET", "/metadata", parameters=parameters, timeout_s=PREVIEW_S))

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """The sources that are known: name, label, enabled, limits, in flight."""
        found: Sequence[Mapping[str, Any]] = (await self._ask("GET", "/sources"))["items"]
        return found

    async def profiles(self) -> Sequence[Profile]:
        """The auth profiles of all sources."""
        return [wire.profile(each) for each in (await self._ask("GET", "/profiles"))["items"]]

    async def add_profile(self, source: str, cookie_file: str, name: str = "main") -> Profile:
        """Use the cookie file at this absolute path for *source*."""
        body = {"source": source, "cookie_file": cookie_file, "name": name}
        return wire.profile(await self._ask("POST", "/profiles", body=body))

    async def remove_profile(self, profile_id: int) -> None:
        """Forget an auth profile; its file stays."""
        await self._ask("DELETE", f"/profiles/{profile_id}")

    async def check_profile(self, profile_id: int, *, afresh: bool = False) -> Profile:
        """Read an auth profile's file again and ask its site; the profile as it is then."""
        parameters = {"afresh": "true"} if afresh else {}
        path = f"/profiles/{profile_id}/check"
        return wire.profile(await self._ask("POST", path, parameters=parameters, timeout_s=PREVIEW_S))

    async def status(self) -> Mapping[str, Any]:
        """The engine at a glance."""
        return await self._ask("GET", "/status")

    async def stop_engine(self) -> None:
        """Ask the engine to stop: running jobs are put back, nothing is lost."""
        await self._ask("POST", "/stop")

    async def stream(self, *, last_seq: int | None = None) -> AsyncIterator[Frame]:
        """Live frames from now on; with *last_seq*, first what was stored after it.

        Raises:
            EngineUnreachable: The connection broke or the engine ended it; come back with the last seq.
        """
        headers = {"last-event-id": str(last_seq)} if last_seq is not None else {}
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        reader = wire.FrameReader()
        with _translated():
            async with httpx_sse.aconnect_sse(
                self._http, "GET", f"{_API}/events", headers=headers, timeout=timeout
            ) as source:
                if not source.response.is_success:
                    await source.response.aread()
                self._checked(source.response)
                async with aclosing(source.aiter_sse()) as messages:
                    async for message in messages:
                        frame = reader.take(message.event, message.data)
                        if frame is not None:
                            yield frame
        raise EngineUnreachable("the event stream has ended")

    async def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat; figures now and then, the last ones with `is_done`."""
        body = wire.collect_body(wanted)
        async with self._stream("POST", "/collect", body=body, silence_s=SILENCE_S) as response:
            async for line in response.aiter_lines():
                if line:  # an empty one breaks a silence
                    figures = wire.collected(wire.document(line))
                    yield figures
                    if figures.is_done:
                        return
        raise EngineUnreachable("the collection broke off", hint="Ask for it again: it goes on from there.")

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str | int | None] | None = None,
        timeout_s: float = ANSWER_S,
    ) -> dict[str, Any]:
        given = {name: value for name, value in (parameters or {}).items() if value not in {None, ""}}
        with _translated():
            response = await self._http.request(
                method,
                f"{_API}{path}",
                params=given,
                json=body,
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            )
        self._checked(response)
        return wire.document(response.content) if response.content else {}

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, *, silence_s: float, body: Mapping[str, Any] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An answer to be read as it comes."""
        timeout = httpx.Timeout(silence_s, connect=CONNECT_S)
        with _translated():
            async with self._http.stream(method, f"{_API}{path}", json=body, timeout=timeout) as response:
                if not response.is_success:
                    await response.aread()
                self._checked(response)
                yield response

    def _checked(self, response: httpx.Response) -> None:
        """Note the engine's version; raise the error that it answered with."""
        self.engine_version = response.headers.get(_VERSION_HEADER, self.engine_version)
        if not response.is_success:
            raise wire.error_from(wire.document(response.content))


def _batches(items: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Bodies of `POST /jobs/batch`, each within its limits."""
    batch: list[Mapping[str, Any]] = []
    size_bytes = 0
    for item in items:
        item_bytes = len(json.dumps(item)) + 2
        if batch and (len(batch) == BATCH_ITEMS or size_bytes + item_bytes > BATCH_BYTES):
            yield {"items": batch}
            batch, size_bytes = [], 0
        batch.append(item)
        size_bytes += item_bytes
    if batch:
        yield {"items": batch}


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of httpx as ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise EngineUnreachable from error
    except httpx.TimeoutException as error:
        hint = "It may be overloaded: see `reeldeck logs`."
        raise EngineUnreachable("the engine did not answer in time", hint=hint) from error
    except httpx.TransportError as error:
        raise EngineUnreachable("the connection to the engine broke") from error
