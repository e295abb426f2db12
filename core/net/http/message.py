"""HTTP/1.1 messages: the request as it is sent, the answer's head, and where its body ends. Pure.

The grammar is that of RFC 9112. Answers are read as strictly as their meaning needs: a head whose end of body
two readers could see at different places is refused, so that no answer can run into the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import httpx

#: The longest head that is read, whatever part of it arrives at once.
MAX_HEAD_BYTES = 100 * 1024

Field = tuple[bytes, bytes]

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\r\n\0]*))?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What ends a field's value or begins another field; obsolete line folding with it.
_FORBIDDEN = re.compile(rb"[\r\n\0]")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
#: A size with its extensions, or all trailers together.
_MAX_CHUNK_LINE_BYTES = 8 * 1024
_BODILESS = frozenset({204, 304})


def request_head(method: str, target: bytes, fields: Iterable[Field]) -> bytes:
    """The head of a request.

    Raises:
        httpx.LocalProtocolError: It would not be one: a name is no token, a value would end its line.
    """
    for name, value in fields:
        if not _NAME.fullmatch(name) or _FORBIDDEN.search(value):
            raise httpx.LocalProtocolError("illegal header field")
    lines = [b"%s %s HTTP/1.1" % (method.encode("ascii"), target)]
    lines += [b"%s: %s" % field for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer."""

    status: int
    reason: bytes
    #: Names as they came.
    fields: list[Field]
    #: Bytes of the body; None when chunks or the connection's end tell.
    length: int | None
    is_chunked: bool
    #: Another request may follow on this connection, once the body is over.
    keeps_connection: bool


class Fields(Mapping[str, str]):
    """Header fields by name, in whatever case; repeated ones are joined by commas."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._texts: dict[str, str] = {}
        for name, value in fields:
            key, text = name.decode("ascii").lower(), _text(value)
            self._texts[key] = f"{self._texts[key]}, {text}" if key in self._texts else text

    def __getitem__(self, name: str) -> str:
        return self._texts[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def head_end(held: bytes | bytearray) -> int:
    """Where the head at the start of *held* is over and its body begins; -1 while it is not whole."""
    end = held.find(b"\r\n\r\n")
    if end >= 0:
        return end + 4
    found = _HEAD_END.search(held)
    return found.end() if found else -1


def parse_head(data: bytes, method: str) -> Head:
    """Read the head of an answer to a *method* request, its blank line included.

    Raises:
        httpx.RemoteProtocolError: It is no HTTP/1 head, or says two things about the body's length.
    """
    first, *lines = data.rstrip(b"\r\n").split(b"\n")
    status_line = _STATUS_LINE.fullmatch(first.rstrip(b"\r"))
    if status_line is None:
        raise httpx.RemoteProtocolError("the answer is no HTTP")
    fields = [_field(line.rstrip(b"\r")) for line in lines]
    status = int(status_line[2])
    is_newer, connection = status_line[1] == b"1", _listed(fields, b"connection")
    keeps = b"close" not in connection if is_newer else b"keep-alive" in connection
    length, is_chunked = _framing(fields)
    if method == "HEAD" or status in _BODILESS:
        length, is_chunked = 0, False
    if length is None and not is_chunked:
        keeps = False
    return Head(status, status_line[3] or b"", fields, length, is_chunked, keeps)


def _field(line: bytes) -> Field:
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name) or _FORBIDDEN.search(value):
        raise httpx.RemoteProtocolError("a line of the answer's head is no header field")
    return name, value.strip(b" \t")


def _listed(fields: Iterable[Field], wanted: bytes) -> set[bytes]:
    """The members of all lists under one name, in lower case."""
    values = [value for name, value in fields if name.lower() == wanted]
    return {member.strip().lower() for value in values for member in value.split(b",")}


def _framing(fields: Iterable[Field]) -> tuple[int | None, bool]:
    """Length of the body, and whether it comes in chunks (RFC 9112 §6.3)."""
    codings = _listed(fields, b"transfer-encoding")
    lengths = _listed(fields, b"content-length")
    if codings and codings != {b"chunked"}:
        raise httpx.RemoteProtocolError("the answer comes in a transfer coding that nobody asked for")
    if codings and lengths:
        raise httpx.RemoteProtocolError("the answer says two things about its length")
    if codings:
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or not (length := next(iter(lengths))).isdigit() or len(length) > 18:
        raise httpx.RemoteProtocolError("the answer's length is unusable")
    return int(length), False


class ChunkedDecoder:
    """Undoes the chunked transfer coding (RFC 9112 §7.1)."""

    def __init__(self) -> None:
        self._held = b""
        #: Bytes of the current chunk that are still to come; -1 for the line end behind it.
        self._left = 0
        self._is_first = True
        self._is_in_trailers = False
        #: The last chunk and the trailers have been seen.
        self.is_done = False

    @property
    def rest(self) -> bytes:
        """What came after the end."""
        return self._held

    def feed(self, data: bytes) -> Iterator[memoryview]:
        """What *data* holds of the body.

        Raises:
            httpx.RemoteProtocolError: It is not chunked as it should be.
        """
        self._held += data
        position = 0
        try:
            while position < len(self._held) and not self.is_done:
                if self._left:
                    end = min(position + self._left, len(self._held))
                    yield memoryview(self._held)[position:end]
                    self._left -= end - position
                    position = end
                    continue
                if (after := self._line(position)) is None:
                    return
                position = after
        finally:
            self._held = self._held[position:]

    def _line(self, position: int) -> int | None:
        """Read one line that is not body; where it ends, None while it is not whole."""
        if self._is_in_trailers:
            return self._trailer(position)
        start = position if self._is_first else self._line_end(position)
        if start is None:
            return None
        size = _CHUNK_SIZE.match(self._held, start)
        if size is None:
            if len(self._held) - start > _MAX_CHUNK_LINE_BYTES or b"\n" in self._held[start:]:
                raise httpx.RemoteProtocolError("a chunk of the answer has no size")
            return None
        self._is_first = False
        self._left = int(size[1], 16)
        self._is_in_trailers = not self._left
        return size.end()

    def _line_end(self, position: int) -> int | None:
        """Behind the line end that follows a chunk; None while it is not there."""
        if self._held.startswith(b"\r\n", position):
            return position + 2
        if self._held.startswith(b"\n", position):
            return position + 1
        if self._held[position:] == b"\r":
            return None
        raise httpx.RemoteProtocolError("a chunk of the answer is longer than its size")

    def _trailer(self, position: int) -> int | None:
        end = self._held.find(b"\n", position)
        if end < 0:
            if len(self._held) - position > _MAX_CHUNK_LINE_BYTES:
                raise httpx.RemoteProtocolError("the trailers of the answer do not end")
            return None
        self.is_done = self._held[position:end].strip(b"\r") == b""
        return end + 1
