"""What the API says about a Space, read into plain values. Pure.

The shape is that of `AudioSpaceById` as yt-dlp and twspace-crawler read it: `metadata` and `participants`;
times are milliseconds since the epoch, some of them as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from core.domain.errors import NotFound, NotYetAvailable, ParserFailure

#: How often a Space whose host is late is looked at.
LOOK_AGAIN_S = 60.0
#: People kept in a job's checkpoint, of each role.
_MAX_PEOPLE = 200
_MAX_CHARS = 300


class State(StrEnum):
    """Where a Space is in its life; the values are the API's words in lower case."""

    NOT_STARTED = "notstarted"
    PREPUBLISHED = "prepublished"
    RUNNING = "running"
    ENDED = "ended"
    TIMED_OUT = "timedout"
    """The host's connection was lost for good; otherwise as ENDED."""
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """One Space. Times are seconds since the epoch."""

    state: State
    title: str | None
    host: str | None
    host_picture: str | None
    media_key: str | None
    #: False when the host keeps no recording. It may be gone although this is True.
    has_replay: bool
    scheduled: float | None
    started: float | None
    ended: float | None
    admins: tuple[str, ...]
    speakers: tuple[str, ...]

    @property
    def date(self) -> str | None:
        """Day of its start in UTC, `YYYY-MM-DD`."""
        return datetime.fromtimestamp(self.started, UTC).date().isoformat() if self.started else None

    @property
    def is_over(self) -> bool:
        """Nothing is sent any more."""
        return self.state in {State.ENDED, State.TIMED_OUT, State.CANCELED}

    def require_media(self, *, now: float) -> str:
        """The key under which its media are found: what is being sent, or the recording.

        Raises:
            NotYetAvailable: It has not begun.
            NotFound: There is no recording and there will be none.
            ParserFailure: The API names no key.
        """
        if self.state in {State.NOT_STARTED, State.PREPUBLISHED}:
            wait_s = self.scheduled - now if self.scheduled else LOOK_AGAIN_S
            raise NotYetAvailable(
                "the Space has not started", retry_after_s=wait_s if wait_s > 0 else LOOK_AGAIN_S
            )
        if self.state is State.CANCELED:
            raise NotFound("the Space was canceled by its host")
        if self.is_over and not self.has_replay:
            how = "timed out" if self.state is State.TIMED_OUT else "has ended"
            raise NotFound(f"the Space {how} and there is no replay of it", hint="Nothing can be done.")
        if self.media_key is None:
            raise _missing("metadata.media_key")
        return self.media_key


def audio_space_of(body: object) -> Mapping[str, Any]:
    """The Space in an answer to the query; empty when it is not shown to us. Raises ParserFailure."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise _missing("data")
    if "audioSpace" not in data:
        raise _missing("data.audioSpace")
    found = data["audioSpace"] or {}
    if not isinstance(found, Mapping):
        raise _missing("data.audioSpace")
    return found


def read_space(found: Mapping[str, Any]) -> Space:
    """Read what `audio_space_of` found.

    Raises:
        ParserFailure: Something that is needed is missing; the detail names it.
    """
    metadata = found.get("metadata")
    if not isinstance(metadata, Mapping):
        raise _missing("data.audioSpace.metadata")
    word = metadata.get("state")
    if not isinstance(word, str):
        raise _missing("metadata.state")
    try:
        state = State(word.lower())
    except ValueError as error:
        raise ParserFailure(f"the Space is in a state that is not known: {word[:40]!r}") from error
    people = found.get("participants")
    admins, speakers = _people(people, "admins"), _people(people, "speakers")
    host, picture = _creator(metadata)
    return Space(
        state=state,
        title=_words(metadata.get("title")),
        host=host or next(iter(admins), None),
        host_picture=picture,
        media_key=_text(metadata.get("media_key")),
        has_replay=metadata.get("is_space_available_for_replay") is not False,
        scheduled=_seconds(metadata.get("scheduled_start")),
        started=_seconds(metadata.get("started_at")),
        ended=_seconds(metadata.get("ended_at")),
        admins=admins,
        speakers=speakers,
    )


def stream_url_of(body: object) -> str:
    """The playlist in an answer of `live_video_stream/status`. Raises ParserFailure."""
    source = body.get("source") if isinstance(body, Mapping) else None
    if isinstance(source, Mapping):
        for key in ("noRedirectPlaybackUrl", "location"):
            url = _text(source.get(key))
            if url is not None and _is_link(url):
                return url
    raise _missing("source.location")


def _creator(metadata: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Name and picture of the host: in `legacy`, or in `core` and `avatar` as newer answers have it."""
    user = _at(metadata, "creator_results", "result")
    name = _at(user, "legacy", "name") or _at(user, "core", "name")
    picture = _at(user, "legacy", "profile_image_url_https") or _at(user, "avatar", "image_url")
    url = _text(picture)
    if url is None or not url.startswith("https://"):
        return _words(name), None
    return _words(name), url.replace("_normal.", "_400x400.")


def _people(participants: object, role: str) -> tuple[str, ...]:
    people = participants.get(role) if isinstance(participants, Mapping) else None
    names = [_words(_at(person, "display_name")) for person in people] if isinstance(people, list) else []
    return tuple(name for name in names if name)[:_MAX_PEOPLE]


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _words(value: object) -> str | None:
    """Text that people wrote, cut where no sane one goes on."""
    text = _text(value)
    return text[:_MAX_CHARS] if text else None


def _is_link(url: str) -> bool:
    try:
        return url.startswith(("https://", "http://")) and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _seconds(value: object) -> float | None:
    """Milliseconds as a number or text; out of all reason is as good as missing."""
    try:
        seconds = int(value) / 1000 if isinstance(value, str | int) else 0.0
    except ValueError:
        return None
    return seconds if 0 < seconds < 253_402_300_800 else None  # the year 10000


def _missing(what: str) -> ParserFailure:
    return ParserFailure(f"the answer of X's API lacks {what}")
