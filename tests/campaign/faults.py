"""What a server may do wrong, drawn from a seed, and the errors in which each of it may end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate

from core.domain.errors import (
    AuthRequired,
    BlockedAddress,
    GeoBlocked,
    HttpFailure,
    JobError,
    MediaFailure,
    NetworkFailure,
    NotFound,
    ParserFailure,
    RateLimited,
    SizeLimit,
    StageTimeout,
    Stalled,
)
from tests.fakes.origin import HEALTHY, Fault, Resource, Seen

Errors = tuple[type[JobError], ...]
FORGED = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 6\r\n\r\nforged"
_BROKEN: Errors = (NetworkFailure,)
_SILENT: Errors = (NetworkFailure, Stalled)
_PAGE: Errors = (HttpFailure, NetworkFailure, ParserFailure, MediaFailure)


@dataclass(slots=True)
class Draw:
    """What a fault may depend on."""

    chance: random.Random
    resource: Resource
    seen: Seen
    #: Where nothing stands in the way.
    alias_url: str
    loop_url: str

    @property
    def size(self) -> int:
        return len(self.resource.body)

    @property
    def somewhere(self) -> int:
        return self.chance.randrange(self.size + 1)

    @property
    def start(self) -> int:
        return self.seen.range[0] if self.seen.range else 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of going wrong."""

    name: str
    make: Callable[[Draw], Fault]
    #: In which a transfer may end that met it.
    errors: Errors = _BROKEN
    weight: float = 1.0
    #: Without a range nobody could see through it.
    needs_range: bool = False
    #: What came before is of no use any more, or cannot be proven to be.
    is_void: bool = False


def _changed(draw: Draw) -> Fault:
    resource, size = draw.resource, draw.size
    resource.body = draw.chance.randbytes(draw.chance.choice([size, size, max(1, size - 1), size + 4096]))
    give_version(resource, draw.chance)
    return HEALTHY


def give_version(resource: Resource, chance: random.Random) -> None:
    """Another name for what is there now, of the kinds that it has names of already."""
    number = chance.randrange(10**9)
    if resource.etag:
        resource.etag = f'{"W/" if resource.etag.startswith("W/") else ""}"{number}"'
    if resource.last_modified:
        resource.last_modified = formatdate(number, usegmt=True)


def _other_range(draw: Draw) -> Fault:
    start, size = draw.start, draw.size
    return Fault(
        content_range=draw.chance.choice(
            [
                "potatoes",
                f"bytes {start}-{size - 1}/*",
                f"bytes {start + 1}-{size}/{size}",
                f"bytes {start}-{size - 1}/{2 * size}",
                f"bytes {size}-{start}/{size}",
                f"items {start}-{size - 1}/{size}",
                f"bytes {start}-{10**19}/{10**19 + 1}",
            ]
        )
    )


def _short_range(draw: Draw) -> Fault:
    """All that was asked for comes, but its head tells of a piece, and that this piece was all."""
    claimed = max(1, (draw.size - draw.start) // 3)
    return Fault(
        content_range=f"bytes {draw.start}-{draw.start + claimed - 1}/{draw.start + claimed}",
    )


def _status(*statuses: int) -> Callable[[Draw], Fault]:
    return lambda draw: Fault(status=draw.chance.choice(statuses))


def _asks_to_wait(draw: Draw) -> Fault:
    return Fault(
        status=draw.chance.choice([429, 503]),
        retry_after=draw.chance.choice(["0", "0", "0", "3000", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"]),
    )


def _contradiction(draw: Draw) -> Fault:
    return Fault(
        fields=draw.chance.choice(
            [
                (("Content-Length", "5"),),
                (("Transfer-Encoding", "chunked"),),
                (("Transfer-Encoding", "gzip"),),
                (("Content-Length", "-1"),),
                (("Bad Name", "x"),),
            ]
        )
    )


#: Of files and of everything else that is fetched by one request.
COMMON: tuple[Kind, ...] = (
    Kind("cut", lambda draw: Fault(drop_after=draw.somewhere), weight=4),
    Kind("closed without a byte", lambda _: Fault(drop_after=0), weight=2),
    Kind("announces more than comes", lambda draw: Fault(length_lie=draw.chance.randint(1, 9999))),
    Kind(
        "announces less than comes",
        lambda draw: Fault(length_lie=-draw.chance.randint(1, max(1, (draw.size - draw.start) // 2))),
        needs_range=True,
    ),
    Kind("compressed though not asked", lambda _: Fault(gzip=True), errors=(NetworkFailure, ParserFailure)),
    Kind("chunked", lambda _: Fault(chunked=True)),
    Kind("broken chunks", lambda draw: Fault(bad_chunk_after=draw.somewhere)),
    Kind("two lengths", _contradiction),
    Kind("silent", lambda draw: Fault(hold_after=draw.somewhere), errors=_SILENT),
    Kind("drips the head", lambda _: Fault(drip_s=0.02), errors=_SILENT, weight=0.3),
    Kind(
        "drips the body",
        lambda draw: Fault(rate_bps=draw.chance.choice([5_000, 100_000])),
        errors=(*_SILENT, StageTimeout),
        weight=0.3,
    ),
    Kind("interim answers", lambda draw: Fault(interim=draw.chance.choice([1, 50, 1000]))),
    Kind(
        "rubbish behind the body",
        lambda draw: Fault(garbage=draw.chance.choice([FORGED, b"\r\n", b"\0" * 3000, b"HTTP/1.1 "])),
    ),
    Kind("5xx", _status(500, 502, 503, 504), errors=(HttpFailure,), weight=2),
    Kind("asks to wait", _asks_to_wait, errors=(RateLimited, HttpFailure), weight=2),
    Kind("408", _status(408)),
    Kind("a page", lambda _: Fault(html=True), errors=_PAGE),
    Kind("never ends", lambda _: Fault(infinite=True), errors=(SizeLimit, StageTimeout, *_PAGE), weight=0.3),
    Kind("refuses for good", _status(400, 403), errors=(HttpFailure,), weight=0.1),
    Kind("is gone", _status(404, 410), errors=(NotFound, HttpFailure), weight=0.1),
    Kind("wants a login", _status(401), errors=(AuthRequired,), weight=0.1),
    Kind("wants another country", _status(451), errors=(GeoBlocked,), weight=0.1),
    Kind("redirects well", lambda draw: Fault(location=draw.alias_url), weight=2),
    Kind(
        "redirects in a circle", lambda draw: Fault(location=draw.loop_url), errors=(HttpFailure,), weight=0.1
    ),
    Kind(
        "redirects inside",
        lambda draw: Fault(
            location=draw.chance.choice(["http://10.0.0.1/x", "http://[::1]:9/", "http://169.254.169.254/"])
        ),
        errors=(BlockedAddress,),
        weight=0.1,
    ),
    Kind(
        "redirects nowhere",
        lambda draw: Fault(
            location=draw.chance.choice(["file:///etc/passwd", "ftp://x.example/", "http://", "//"])
        ),
        errors=(HttpFailure,),
        weight=0.1,
    ),
)
#: Of what is fetched in ranges.
RANGED: tuple[Kind, ...] = (
    Kind("another Content-Range", _other_range, needs_range=True, is_void=True),
    Kind("a Content-Range that is too short", _short_range, needs_range=True, is_void=True),
    Kind(
        "another part",
        lambda draw: Fault(shift_range=draw.chance.randint(1, 5000)),
        errors=(NetworkFailure, HttpFailure),  # behind the end it is a 416
        needs_range=True,
        is_void=True,
    ),
    Kind(
        "part of the part", lambda draw: Fault(shorten_range=draw.somewhere + 1), weight=2, needs_range=True
    ),
    Kind("200 for a range", lambda _: Fault(ignore_range=True), is_void=True),
    Kind("416", _status(416), errors=(NetworkFailure, HttpFailure), is_void=True),
)
#: Of files with a version.
VERSIONED: tuple[Kind, ...] = (
    Kind("changed", _changed, is_void=True),
    Kind("refuses If-Range", lambda _: Fault(refuse_if_range=True), is_void=True),
    Kind("ignores If-Range", lambda _: Fault(ignore_if_range=True)),
)


@dataclass(slots=True)
class Draws:
    """Draws what becomes of each answer of one resource: `resource.draw = Draws(…)`."""

    chance: random.Random
    resource: Resource
    kinds: Sequence[Kind]
    #: Of all answers.
    share: float
    alias_url: str
    loop_url: str
    answers: int = 0
    met: list[Kind] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Fault:
        """The fault of the answer to *seen*."""
        self.answers += 1
        possible = [kind for kind in self.kinds if seen.range is not None or not kind.needs_range]
        if self.chance.random() >= self.share:
            return HEALTHY
        (kind,) = self.chance.choices(possible, [kind.weight for kind in possible])
        self.met.append(kind)
        return kind.make(Draw(self.chance, self.resource, seen, self.alias_url, self.loop_url))
