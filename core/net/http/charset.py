"""The text of a page from its bytes."""

from __future__ import annotations

import codecs
import re
import zlib

from core.domain.errors import NetworkFailure, ParserFailure

_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_IN_PAGE = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
#: HTML standard §13.2.3.2 asks for the declaration within 1024 bytes; old sites are less strict.
_PRESCAN_BYTES = 4096
#: Families that pages are written in. Python knows further codecs, some of them slow or not for text.
_FAMILIES = (
    "utf-8",
    "utf-16",
    "cp125",
    "cp874",
    "iso8859",
    "koi8",
    "big5",
    "gb",
    "euc",
    "shift_jis",
    "cp932",
)


def decode_text(body: bytes, content_type: str) -> str:
    """Text by its byte order mark, the header's charset, the page's own word, else UTF-8; never fails."""
    if body.startswith(codecs.BOM_UTF8):
        return body[3:].decode("utf-8", "replace")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    declared = _IN_HEADER.search(content_type)
    if declared is not None:
        return body.decode(_codec(declared[1]), "replace")
    in_page = _IN_PAGE.search(body[:_PRESCAN_BYTES])
    return body.decode(_codec(in_page[1].decode("ascii", "replace")) if in_page else "utf-8", "replace")


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return "utf-8"
    if name in {"iso8859-1", "ascii"}:
        return "cp1252"  # the Encoding standard §4.2: these labels mean this on the web
    return name if name.startswith(_FAMILIES) else "utf-8"


_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


def uncoded_start(data: bytes, coding: str, max_bytes: int) -> bytes | None:
    """At most *max_bytes* of what *data* is the beginning of; None where its *coding* cannot be taken off."""
    if coding not in _CODINGS:
        return None if coding else data[:max_bytes]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, max_bytes)
    except zlib.error:
        return None


class Inflater:
    """Takes one gzip or deflate coding off, with an eye on what comes out.

    Args:
        host: For messages.
        coding: Content-Encoding; empty passes everything as it is. Raises NetworkFailure for other ones.
        max_bytes: More than this is an error, however little was sent.
    """

    def __init__(self, host: str, coding: str, max_bytes: int) -> None:
        if coding and coding not in _CODINGS:
            raise NetworkFailure(f"{host} compressed the answer though that was not asked for")
        self._host = host
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if coding else None
        self._max_bytes = max_bytes
        self.body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take more. Raises ParserFailure when it becomes too much, NetworkFailure when it is damaged."""
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data, self._max_bytes - len(self.body) + 1)
            except zlib.error as error:
                raise NetworkFailure(f"the compressed answer of {self._host} is damaged") from error
        self.body += data
        if len(self.body) > self._max_bytes:
            raise ParserFailure(f"the page at {self._host} is larger than {self._max_bytes} bytes")

    def finish(self) -> bytes:
        """All of it. Raises NetworkFailure when the end is missing."""
        if self._inflate is not None and not self._inflate.eof:
            raise NetworkFailure(f"the compressed answer of {self._host} ends too early")
        return bytes(self.body)
