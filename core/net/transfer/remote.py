"""What a server says about a file: its size, its version, whether parts of it can be asked for."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from core.domain.errors import HttpFailure, NetworkFailure
from core.net.http.charset import uncoded_start
from core.net.http.client import HttpClient, Response, raise_for_status

PROBE_BYTES = 64 * 1024

_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes\s+\*/(\d{1,18})", re.IGNORECASE)
_FILENAME_STAR = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.IGNORECASE)
_FILENAME = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server, as one small request saw it."""

    #: After redirects.
    url: str
    size_bytes: int | None
    accepts_ranges: bool
    #: Media type without parameters, in lower case; empty when the server named none.
    content_type: str
    etag: str | None
    last_modified: str | None
    #: From Content-Disposition. Remote text: it must pass `for_filename` before it becomes a name.
    filename: str | None
    #: At most the first 64 KiB.
    head: bytes


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The Content-Range of a 206: bytes `start` to `end` (exclusive) of `total`."""

    start: int
    end: int
    total: int | None


def parse_content_range(value: str) -> ContentRange | None:
    """Read the field of a 206 (RFC 9110 §14.4), None when it makes no sense."""
    match = _CONTENT_RANGE.fullmatch(value.strip())
    if match is None:
        return None
    start, end = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    if start >= end or (total is not None and end > total):
        return None
    return ContentRange(start, end, total)


def parse_unsatisfied_range(value: str) -> int | None:
    """The size that a 416 tells (`bytes */123`)."""
    match = _UNSATISFIED.fullmatch(value.strip())
    return int(match[1]) if match else None


def content_length(headers: Mapping[str, str]) -> int | None:
    """The announced length of this body, None when there is none or it is no number."""
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """What proves that two answers are of one version: a strong ETag, else Last-Modified (RFC 9110 §13.1.5).

    Last-Modified counts as strong here only together with an unchanged size, which callers compare.
    """
    etag = headers.get("etag", "").strip()
    if len(etag) >= 2 and etag[0] == etag[-1] == '"':
        return etag
    return headers.get("last-modified", "").strip() or None


def is_page(content_type: str) -> bool:
    """Whether a media type is that of a web page."""
    return content_type in _PAGE_TYPES


def disposition_filename(value: str) -> str | None:
    """The file name in a Content-Disposition field (RFC 6266), None when there is none."""
    if star := _FILENAME_STAR.search(value):
        try:
            codecs.lookup(star[1])
            return unquote(star[2], encoding=star[1], errors="replace") or None
        except LookupError:
            pass  # a character set that nobody knows: the plain form may still do
    if plain := _FILENAME.search(value):
        text = re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
        try:
            return text.encode("latin-1").decode() or None  # many servers put UTF-8 there
        except UnicodeError:
            return text or None
    return None


async def probe_remote(
    http: HttpClient,
    url: str,
    headers: Mapping[str, str],
    *,
    on_redirect: Callable[[str], None] | None = None,
) -> RemoteFile:
    """Look at a file with one request for its first 64 KiB; *on_redirect* as in `HttpClient.stream`.

    A head that came compressed although nobody asked for that is shown as it is without; such a file has no
    size that could be known, and no ranges. Its transfer will be refused: this is for looking only.

    Raises:
        HttpFailure: It is compressed in a way that is not known here.
        JobError: By the answer's status, or NetworkFailure.
    """
    asked = {**headers, "Range": f"bytes=0-{PROBE_BYTES - 1}"}
    async with http.stream(url, headers=asked, on_redirect=on_redirect) as response:
        if response.status == 416 and parse_unsatisfied_range(response.headers.get("content-range", "")) == 0:
            return _described(response, size=0, accepts_ranges=True, head=b"")
        raise_for_status(response)
        sent = bytearray()
        async for chunk in response.raw_chunks():
            sent += chunk
            if len(sent) >= PROBE_BYTES:
                break
        head = uncoded_start(bytes(sent), response.coding, PROBE_BYTES)
        if head is None:
            raise HttpFailure(
                f"{response.host} compressed the answer though that was not asked for",
                remote_status=response.status,
            )
        if response.coding:
            return _described(response, size=None, accepts_ranges=False, head=head)
        part = parse_content_range(response.headers.get("content-range", ""))
        if response.status == 206:
            if part is None or part.start != 0:
                raise NetworkFailure(f"{response.host} sent another part than was asked for")
            size = part.total
        else:
            size = content_length(response.headers)
        accepts = response.status == 206 or "bytes" in response.headers.get("accept-ranges", "").lower()
        return _described(response, size=size, accepts_ranges=accepts, head=head)


def _described(response: Response, *, size: int | None, accepts_ranges: bool, head: bytes) -> RemoteFile:
    return RemoteFile(
        url=response.url,
        size_bytes=size,
        accepts_ranges=accepts_ranges,
        content_type=response.content_type,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        filename=disposition_filename(response.headers.get("content-disposition", "")),
        head=head,
    )
