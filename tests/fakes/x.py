"""X on a loopback address, as far as Spaces need it: API, web site with its scripts, and the media server.

async with FakeX() as x:
    x.put_space(state="Ended")
    x.put_replay(media.hls_audio(folder))

async with FakeX() as x:
    live = x.put_live(chunks)  # Running from now on
    live.show(3)
    live.is_over(replay="master")

It follows what public clients of X rely on: which hash of a query is known, that features may not be left
out, that guests are shown an empty Space, how cookies and their guard must agree, which playlists exist.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

from tests.fakes.hls import LiveList
from tests.fakes.origin import Origin, Seen, _send_plain

SPACE = "1vOxwdyYrlqKB"
#: The first of those that the engine knows by itself.
HASH = "HPEisOmj1epUNLCWTYhUWw"
BEARER = re.compile(r"Bearer A{20,}[\w%]+\Z")
AUTH_TOKEN = "c0ffee" * 6 + "beef"
CT0 = "5ec4e7" * 26 + "feed"
GUEST_TOKEN = "1790000000000000001"

_QUERY = re.compile(r"/graphql/([\w-]+)/AudioSpaceById\Z")
_STATUS = re.compile(r"/1\.1/live_video_stream/status/(\w+)\Z")
_REPLAY = "playlist_16812345678901234567.m3u8"

Reply = tuple[int, Any, dict[str, str]]


def chunk_name(number: int) -> str:
    """File name of a chunk: the nanosecond it was made in, its number, what it holds."""
    return f"chunk_{1_700_000_000_000_000_000 + number}_{number}_a.aac"


class FakeX(Origin):
    """One server in the place of all of X's. Its attributes may be changed while it runs."""

    def __init__(self) -> None:
        super().__init__()
        #: Hashes that are answered; others get 404.
        self.hashes = {HASH}
        #: What the query may not leave out.
        self.features: set[str] = set()
        #: None refuses every login.
        self.login: tuple[str, str] | None = (AUTH_TOKEN, CT0)
        #: Whether guests are shown Spaces, or an empty one.
        self.shows_guests = True
        self.guest_token = GUEST_TOKEN
        #: Given instead of the next answers of the API.
        self.next_replies: deque[Reply] = deque()
        #: Space by id, as the API shows it.
        self.spaces: dict[str, dict[str, Any]] = {}
        #: Playlist by media key.
        self.streams: dict[str, str] = {}
        #: So many guest tokens may be had; the next one is refused.
        self.guest_tokens = 1_000

    # What there is.

    def put_space(self, space_id: str = SPACE, *, state: str = "Ended", **metadata: Any) -> dict[str, Any]:
        """A Space as the API shows it; *metadata* adds to it, and a value of ... takes away.

        What can be called is, for each answer: for times that count from there.
        """
        facts = {
            "rest_id": space_id,
            "state": state,
            "title": "An evening about stars",
            "media_key": self.media_key(space_id),
            "created_at": 1_700_000_000_000,
            "started_at": 1_700_000_100_000,
            "ended_at": "1700003700000",
            "is_space_available_for_replay": True,
            "creator_results": {"result": {"legacy": {"name": "Amal", "screen_name": "amal"}}},
        } | metadata
        space = {
            "metadata": {name: value for name, value in facts.items() if value is not ...},
            "participants": {
                "total": 3,
                "admins": [{"display_name": "Amal", "twitter_screen_name": "amal"}],
                "speakers": [{"display_name": "Bo"}, {"display_name": "سارة"}],
                "listeners": [],
            },
        }
        self.spaces[space_id] = space
        return space

    def media_key(self, space_id: str = SPACE) -> str:
        """The media key that `put_space` gives."""
        return "28_" + str(int.from_bytes(space_id.encode()[:7], "big"))

    def folder(self, *, coding: str = "non_transcode", token: str = "") -> str:
        """Folder of a Space's media."""
        middle = f"/{token}" if token else ""
        return f"/Transcoding/v1/hls/Key-1/{coding}/us-east-1/periscope-replay-direct{middle}/audio-space"

    def put_replay(self, playlist: Path, *, space_id: str = SPACE, folder: str | None = None) -> str:
        """The chunks beside *playlist* and a whole list of them, which the API names; the list's URL."""
        place = folder or self.folder()
        text = playlist.read_text()
        for index, file in enumerate(sorted(playlist.parent.glob("*.aac"))):
            chunk = chunk_name(index)
            text = text.replace(file.name, chunk)
            self.put(f"{place}/{chunk}", file.read_bytes())
        self.put(f"{place}/{_REPLAY}", text.encode())
        url = self.url(f"{place}/{_REPLAY}?type=replay")
        self.streams[self.media_key(space_id)] = url
        return url

    def put_dynamic(self, *, space_id: str = SPACE, chunks: int = 4) -> str:
        """A window of the last chunks, as the API names it while a Space is live and for a while after."""
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:100"]
        for number in range(100, 100 + chunks):
            lines += ["#EXTINF:3.0,", f"chunk_{number}_a.aac?type=live"]
        path = f"{self.folder()}/dynamic_playlist.m3u8"
        self.put(path, "\n".join(lines).encode())
        self.streams[self.media_key(space_id)] = self.url(f"{path}?type=live")
        return self.url(path)

    def put_live(self, chunks: Sequence[bytes], *, space_id: str = SPACE, **options: Any) -> LiveSpace:
        """A Space that runs from now on, of which nothing was sent yet; *options* as of `LiveList`."""
        self.put_space(space_id, state="Running", ended_at=..., is_space_available_for_replay=...)
        live = LiveSpace(self, chunks, space_id, **options)
        self.streams[self.media_key(space_id)] = f"{live.url}?type=live"
        return live

    def put_master(self, *, token: str = "eyJ0eXAi") -> str:
        """The static master beside the dynamic list; it leads to *token*'s folder by a root-relative path."""
        variant = f"{self.folder(coding='transcode', token=token)}/{_REPLAY}?type=replay"
        self.put(
            f"{self.folder()}/master_playlist.m3u8",
            f'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=85000,CODECS="mp4a.40.2"\n{variant}\n'.encode(),
        )
        return self.url(variant)

    def put_web(self, query: str, *, chunk: str | None = None) -> None:
        """The home page of a signed-in user, and the script that names *query*: main, or *chunk*."""
        code = f'e.exports={{queryId:"{query}",operationName:"AudioSpaceById",operationType:"query"}}'
        folder = "/responsive-web/client-web"
        page = f'<html><script src="{folder}/vendor.1a.js"></script><link href="{folder}/main.2b.js">'
        other = 'e.exports={queryId:"aaaaaaaaaaaaaaaaaaaaaa",operationName:"TweetDetail"}'
        self.put(f"{folder}/vendor.1a.js", other.encode())
        self.put(f"{folder}/main.2b.js", (other if chunk else code).encode())
        if chunk:
            page += f'<script>{{"other":"00aa11","{chunk}":"0a1b2c3d"}}[e]+"a.js"</script>'
            self.put(f"{folder}/{chunk}.0a1b2c3da.js", code.encode())
        self.put("/home", page.encode(), content_type="text/html")

    def queries(self) -> list[str]:
        """The hashes that were asked with, in order."""
        return [found[1] for seen in self.requests if (found := _QUERY.match(seen.path))]

    def reply_next(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """Answer the API's next request with this."""
        self.next_replies.append((status, body or {"errors": []}, dict(headers or {})))

    # How it answers.

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        reply = self._api_reply(seen)
        if reply is None:
            return await super()._answer(seen, writer)
        seen.status, body, headers = reply
        data = body if isinstance(body, bytes) else json.dumps(body, default=lambda value: value()).encode()
        return await _send_plain(writer, seen, data, {"Content-Type": "application/json", **headers})

    def _api_reply(self, seen: Seen) -> Reply | None:
        """The API's answer, None when it is the web site or the media server that is asked."""
        query, status = _QUERY.match(seen.path), _STATUS.match(seen.path)
        is_activation = seen.path == "/1.1/guest/activate.json"
        if not (query or status or is_activation):
            return None
        if self.next_replies and not is_activation:
            return self.next_replies.popleft()
        if refusal := self._refusal(seen, is_activation=is_activation):
            return refusal
        if query:
            return self._space(query[1], parse_qs(seen.query), is_guest="cookie" not in seen.headers)
        return self._stream(status[1]) if status else self._activation()

    def _activation(self) -> Reply:
        self.guest_tokens -= 1
        if self.guest_tokens < 0:
            return _error(429, 88, "Rate limit exceeded.")
        return 200, {"guest_token": self.guest_token}, {}

    def _refusal(self, seen: Seen, *, is_activation: bool) -> Reply | None:
        if not BEARER.match(seen.headers.get("authorization", "")):
            return _error(401, 215, "Bad Authentication data.")
        if is_activation:
            return None if seen.method == "POST" else _error(404, 34, "No.")
        guest_token = seen.headers.get("x-guest-token")
        if "cookie" not in seen.headers:
            return None if guest_token == self.guest_token else _error(403, 239, "Bad guest token")
        cookies = dict(pair.split("=", 1) for pair in seen.headers["cookie"].split("; "))
        if (cookies.get("auth_token"), cookies.get("ct0")) != self.login:
            return _error(401, 32, "Could not authenticate you")
        if seen.headers.get("x-csrf-token") != cookies["ct0"] or guest_token is not None:
            return _error(403, 353, "This request requires a matching csrf cookie and header.")
        return None

    def _stream(self, key: str) -> Reply:
        url = self.streams.get(key)
        if url is None:
            return _error(404, 34, "Sorry, that page does not exist.")
        source = {"location": url, "noRedirectPlaybackUrl": url, "status": "LIVE_PUBLIC", "streamType": "HLS"}
        return 200, {"source": source, "chatToken": "chat", "shareUrl": "https://x.com"}, {}

    def _space(self, query: str, parameters: Mapping[str, list[str]], *, is_guest: bool) -> Reply:
        if query not in self.hashes:
            return 404, b"", {}
        sent = json.loads(parameters.get("features", ["{}"])[0])
        if missing := sorted(self.features - set(sent)):
            return _error(400, 336, f"The following features cannot be null: {', '.join(missing)}")
        space = self.spaces.get(json.loads(parameters["variables"][0])["id"], {})
        return 200, {"data": {"audioSpace": {} if is_guest and not self.shows_guests else space}}, {}


class LiveSpace(LiveList):
    """A Space while it runs: its `dynamic_playlist`, and the lists that there are after its end.

    Args:
        x: Where it is.
        chunks: All there will ever be.
        space_id: Of the Space.
        options: As of `LiveList`.
    """

    def __init__(self, x: FakeX, chunks: Sequence[bytes], space_id: str, **options: Any) -> None:
        index = "dynamic_playlist.m3u8"
        super().__init__(
            x, chunks, prefix=x.folder(), index=index, name=chunk_name, query="?type=live", **options
        )
        self.x, self.space_id = x, space_id

    def is_over(
        self,
        *,
        replay: Literal["replay", "master", "joined", "transcoded"] | None = "replay",
        is_named: bool = True,
        state: str = "Ended",
        is_list_gone: bool = False,
    ) -> None:
        """Let the Space end.

        Args:
            replay: What there is of the whole: a list that the API names; a master beside the live list that
                leads to a list of copies, beside which there is one of the originals; only that of copies,
                the originals still being there; or being gone. None of these with None.
            is_named: Whether the API says that there is a replay.
            state: The state that the API tells.
            is_list_gone: Whether the live list is not there any more.
        """
        x = self.x
        x.put_space(self.space_id, state=state, is_space_available_for_replay=is_named)
        whole = self.text(0, is_over=True, query="")
        originals, copies = self.prefix, x.folder(coding="transcode", token="eyJ0eXAi")
        for number in range(self.shown):
            if replay == "transcoded":
                x._resources.pop(f"{originals}/{chunk_name(self.first + number)}", None)
            elif replay is not None:
                x.put(f"{originals}/{chunk_name(self.first + number)}", self.segments[number])
            if replay in {"master", "joined", "transcoded"}:
                x.put(f"{copies}/{chunk_name(self.first + number)}", self.segments[number])
        if replay in {"replay", "master"}:
            x.put(f"{originals}/{_REPLAY}", whole.encode())
        if replay == "replay":
            x.streams[x.media_key(self.space_id)] = x.url(f"{originals}/{_REPLAY}?type=replay")
        elif replay is not None:
            x.put_master()
            x.put(f"{copies}/{_REPLAY}", whole.encode())
        if is_list_gone:
            x.remove(self.path)


def _error(status: int, code: int, message: str) -> Reply:
    return status, {"errors": [{"code": code, "message": message}]}, {}
