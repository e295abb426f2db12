"""The API that X's web site uses, spoken as one login or as a guest.

Cookies, tokens and what they open go to X alone: no error, log line or checkpoint holds them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from core.config.sources import XSettings
from core.domain.errors import AuthRequired, HttpFailure, NotFound, ParserFailure, RateLimited
from core.net.http.charset import Inflater
from core.net.http.client import HttpClient, Response, raise_for_status
from core.net.http.response import MAX_RETRY_AFTER_S
from core.sources.x_spaces.bearer import web_bearer_blocking
from core.sources.x_spaces.bundle import find_hash
from core.sources.x_spaces.credentials import Credentials, needs_login
from core.sources.x_spaces.queries import Queries, missing_features
from core.sources.x_spaces.space import audio_space_of, stream_url_of

WEB_BASE = "https://x.com"
_API_BASE = "https://x.com/i/api"
#: Guests get their token here; it is no path of the web site's.
_GUEST_BASE = "https://api.x.com"
_MAX_ANSWER_BYTES = 8 * 2**20
#: Statuses whose body says more; others are errors as anywhere.
_READ = frozenset({200, 400, 401, 403, 404, 422})
_REFUSED = frozenset({401, 403})
#: What the API answers to a hash that it does not know.
_UNKNOWN_QUERY = frozenset({404, 422})
#: Error codes about the login (X API): could not authenticate, suspended, bad token, locked, csrf.
_LOGIN_CODES = frozenset({32, 64, 89, 99, 215, 239, 326, 353})
_RATE_CODE = 88
_FEATURE_ROUNDS = 6
_GUEST_FIELD = "x-guest-token"
_STREAM_PARAMETERS = "client=web&use_syndication_guest_id=false&cookie_set_host=x.com"


@dataclass(slots=True)
class Memory:
    """What jobs of one process share."""

    queries: Queries = field(default_factory=Queries)
    guest_token: str | None = field(default=None, repr=False)
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    activating: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Answer:
    host: str
    status: int
    #: What its JSON says; None when it is none.
    body: Any

    @property
    def codes(self) -> set[object]:
        """Codes of the errors in it."""
        errors = self.body.get("errors") if isinstance(self.body, Mapping) else None
        listed = errors if isinstance(errors, list) else []
        codes = [error.get("code") for error in listed if isinstance(error, Mapping)]
        return {code for code in codes if isinstance(code, int)}


class SpacesApi:
    """Asks about Spaces.

    Args:
        http: Fetches.
        settings: A query hash, and other addresses: below `api_base` are `/graphql/…` and `/1.1/…`, below
            `web_base` is `/home`.
        credentials: The login; None asks as a guest.
        memory: Shared by all jobs of the process.
    """

    def __init__(
        self, http: HttpClient, settings: XSettings, credentials: Credentials | None, memory: Memory
    ) -> None:
        self._http = http
        self._settings = settings
        self._credentials = credentials
        self._memory = memory
        self._base = (settings.api_base or _API_BASE).rstrip("/")
        self._guest_base = (settings.api_base or _GUEST_BASE).rstrip("/")
        self._web_base = (settings.web_base or WEB_BASE).rstrip("/")

    async def space(self, space_id: str) -> Mapping[str, Any]:
        """What X says about a Space (`data.audioSpace`); empty when it does not show it to us.

        Raises:
            AuthRequired: The login is refused, or guests are.
            RateLimited: Too many requests.
            ParserFailure: No query hash is accepted, or the answer has another shape.
            JobError: There is no answer.
        """
        configured = self._settings.query_id
        for query in self._memory.queries.candidates(configured):
            if (found := await self._query(query, space_id)) is not None:
                return found
        fresh = await self._fresh_hash()
        if (found := await self._query(fresh, space_id)) is not None:
            return found
        self._memory.queries.forgive()
        raise ParserFailure("X refuses the query hash that its own web site names")

    async def stream_url(self, media_key: str) -> str:
        """The playlist of a Space.

        Raises:
            NotFound: There is none any more.
            JobError: As `space` does.
        """
        path = f"/1.1/live_video_stream/status/{quote(media_key, safe='')}?{_STREAM_PARAMETERS}"
        answer = await self._get(self._base + path)
        if answer.status == 404:
            raise NotFound("X no longer has the recording of this Space", remote_status=404)
        self._judge(answer)
        return stream_url_of(answer.body)

    async def _query(self, query: str, space_id: str) -> Mapping[str, Any] | None:
        """Ask with one hash; None when the server does not know it."""
        queries = self._memory.queries
        for _ in range(_FEATURE_ROUNDS):
            path = queries.path(query, space_id)
            answer = await self._get(self._base + path)
            missing = missing_features(answer.body)
            if not missing:
                break
            queries.learn(missing)
            if queries.path(query, space_id) == path:
                queries.refuse(query)  # it cannot be satisfied
                return None
        else:
            raise ParserFailure("X wants further features of the query, however many are sent")
        if answer.status in _UNKNOWN_QUERY:
            queries.refuse(query)
            return None
        self._judge(answer)
        found = audio_space_of(answer.body)
        queries.keep(query)
        return found

    async def _fresh_hash(self) -> str:
        queries = self._memory.queries
        async with self._memory.refreshing:
            if known := queries.candidates(self._settings.query_id):
                return known[0]  # another job has found it meanwhile
            cookies = self._credentials.cookies if self._credentials else None
            try:
                found = await find_hash(self._http, self._web_base, cookies)
            except NotFound:
                found = None  # a home page that is not there says nothing of the Space
            if found is None:
                queries.forgive()
                raise ParserFailure(
                    "X refuses all known query hashes, and its web site names no new one",
                    hint="Add a login (reeldeck auth add x FILE), or set query_id in [sources.x].",
                )
            # Kept before it has proved itself, so that jobs which wait for the lock try it too.
            queries.keep(found)
            return found

    async def _get(self, url: str) -> _Answer:
        known = self._memory.guest_token
        headers = await self._headers()
        answer = await self._ask(url, headers)
        if known is not None and headers.get(_GUEST_FIELD) == known and answer.status in _REFUSED:
            if self._memory.guest_token == known:  # no other job has got a new one meanwhile
                self._memory.guest_token = None  # they last for some hours
            answer = await self._ask(url, await self._headers())
        return answer

    async def _ask(self, url: str, headers: Mapping[str, str], *, method: str = "GET") -> _Answer:
        cookies = self._credentials.cookies if self._credentials else None
        async with self._http.stream(url, method=method, headers=headers, cookies=cookies) as response:
            if response.status == 429:
                raise RateLimited(
                    f"{response.host} answered 429", remote_status=429, retry_after_s=_retry_after_s(response)
                )
            raise_for_status(response, allow=_READ)
            return _Answer(response.host, response.status, await _read_json(response))

    async def _headers(self) -> dict[str, str]:
        bearer = await asyncio.to_thread(web_bearer_blocking)
        headers = {
            "authorization": f"Bearer {bearer}",
            "x-twitter-active-user": "yes",
            "x-twitter-client-language": "en",
            "referer": f"{self._web_base}/",
        }
        if self._credentials is not None:
            return headers | {"x-csrf-token": self._credentials.ct0, "x-twitter-auth-type": "OAuth2Session"}
        async with self._memory.activating:  # X counts activations: one serves all jobs
            if self._memory.guest_token is None:
                self._memory.guest_token = await self._activate_guest(headers)
            return headers | {_GUEST_FIELD: self._memory.guest_token}

    async def _activate_guest(self, headers: Mapping[str, str]) -> str:
        answer = await self._ask(f"{self._guest_base}/1.1/guest/activate.json", headers, method="POST")
        self._judge(answer)
        token = answer.body.get("guest_token") if isinstance(answer.body, Mapping) else None
        if not isinstance(token, str) or not (token.isascii() and token.isalnum()):
            raise ParserFailure("the answer of X's API lacks guest_token")
        return token

    def _judge(self, answer: _Answer) -> None:
        """Raise what an answer without what was asked for stands for."""
        has_data = isinstance(answer.body, Mapping) and bool(answer.body.get("data"))
        codes = set() if has_data else answer.codes
        if answer.status in _REFUSED or codes & _LOGIN_CODES:
            raise self._refusal(answer.status)
        if _RATE_CODE in codes:
            raise RateLimited(f"{answer.host} says that the rate limit is exceeded")
        if answer.status != 200:
            raise HttpFailure(f"{answer.host} answered {answer.status}", remote_status=answer.status)

    def _refusal(self, status: int) -> AuthRequired:
        if self._credentials is None:
            error = needs_login("X does not let guests in: cookies are needed")
        else:
            error = needs_login("the login was refused: sign in again and export new cookies")
        error.remote_status = status if status in _REFUSED else None
        return error


async def _read_json(response: Response) -> Any:
    inflater = Inflater(response.host, response.coding, _MAX_ANSWER_BYTES)
    async for chunk in response.raw_chunks():
        inflater.feed(chunk)
    try:
        return json.loads(inflater.finish())
    except (ValueError, RecursionError):
        return None  # errors come as pages, too


def _retry_after_s(response: Response) -> float | None:
    """What the server asks us to wait: in `Retry-After`, else X's own field with the time it ends."""
    reset = response.headers.get("x-rate-limit-reset", "")
    if response.retry_after_s is None and reset.isascii() and reset.isdecimal():
        return min(max(int(reset) - time.time(), 0.0), MAX_RETRY_AFTER_S)
    return response.retry_after_s
