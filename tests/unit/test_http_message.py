"""HTTP/1.1 heads and chunks, as they are written and read."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.net.http.message import ChunkedDecoder, Fields, head_end, parse_head, request_head


def head(*lines: str, method: str = "GET", end: str = "\r\n"):
    return parse_head((end.join(lines) + end + end).encode("latin-1"), method)


def decoded(data: bytes, *cuts: int) -> tuple[bytes, ChunkedDecoder]:
    decoder, found, start = ChunkedDecoder(), b"", 0
    for cut in sorted({*(min(cut, len(data)) for cut in cuts), len(data)}):
        found += b"".join(bytes(piece) for piece in decoder.feed(data[start:cut]))
        start = cut
    return found, decoder


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


# Requests.


def test_a_request_is_written_as_it_is_given() -> None:
    assert (
        request_head("GET", b"/a?b=c", [(b"Host", b"a.test"), (b"range", b"bytes=0-")])
        == b"GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nrange: bytes=0-\r\n\r\n"
    )


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"1\r\nevil: 2"),
        (b"x", b"1\nevil: 2"),
        (b"x", b"\0"),
        (b"x: y\r\nz", b"1"),
        (b"a b", b"1"),
        (b"", b"1"),
    ],
)
def test_a_field_cannot_smuggle_another_one_in(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        request_head("GET", b"/", [field])


# Heads.


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_head_is_read_with_either_line_end(end: str) -> None:
    found = head("HTTP/1.1 200 OK", "Content-Length: 5", "X-A:  b ", end=end)
    assert (found.status, found.reason, found.length) == (200, b"OK", 5)
    assert found.fields == [(b"Content-Length", b"5"), (b"X-A", b"b")]
    assert found.keeps_connection


def test_the_end_of_a_head_is_found_as_soon_as_it_is_there() -> None:
    data = b"HTTP/1.1 200 OK\r\na: b\r\n\r\nbody"
    assert head_end(data[:24]) == -1
    assert head_end(data) == data.index(b"body")
    assert head_end(b"HTTP/1.1 200 OK\n\nbody") == 17


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        (("HTTP/1.1 200 OK", "Content-Length: 0"), True),
        (("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: Close"), False),
        (("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: x, close"), False),
        (("HTTP/1.0 200 OK", "Content-Length: 0"), False),
        (("HTTP/1.0 200 OK", "Content-Length: 0", "Connection: keep-alive"), True),
        (("HTTP/1.1 200 OK",), False),
    ],
)
def test_whether_a_connection_may_be_used_again(lines: tuple[str, ...], keeps: bool) -> None:
    assert head(*lines).keeps_connection is keeps


def test_a_body_is_as_long_as_the_head_says() -> None:
    assert head("HTTP/1.1 200 OK").length is None
    assert head("HTTP/1.1 200 OK", "Content-Length: 7, 7").length == 7
    found = head("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked")
    assert (found.length, found.is_chunked, found.keeps_connection) == (None, True, True)


@pytest.mark.parametrize(("line", "method"), [("204 No", "GET"), ("304 No", "GET"), ("200 OK", "HEAD")])
def test_some_answers_have_no_body_whatever_they_say(line: str, method: str) -> None:
    found = head(f"HTTP/1.1 {line}", "Content-Length: 9", method=method)
    assert (found.length, found.is_chunked) == (0, False)


@pytest.mark.parametrize(
    "lines",
    [
        ("HTTP/2 200 OK",),
        ("ICY 200 OK",),
        ("HTTP/1.1 20 OK",),
        ("HTTP/1.1 200 OK", "no field"),
        ("HTTP/1.1 200 OK", "a b: c"),
        ("HTTP/1.1 200 OK", "a : c"),
        ("HTTP/1.1 200 OK", "a: b", " folded"),
        ("HTTP/1.1 200 OK", "a: b\0c"),
        ("HTTP/1.1 200 OK", "a: b\rc"),
        ("HTTP/1.1 200 OK", "Content-Length: -1"),
        ("HTTP/1.1 200 OK", "Content-Length: 1x"),
        ("HTTP/1.1 200 OK", "Content-Length: " + "9" * 30),
        ("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6"),
        ("HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"),
        ("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"),
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        head(*lines)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_are_refused(data: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n"):
        try:
            parse_head(start + data + b"\r\n\r\n", "GET")
        except httpx.RemoteProtocolError:
            continue


# Chunks.


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.lists(st.integers(0, 300), max_size=6))
def test_chunks_are_joined_however_they_arrive(chunks: list[bytes], cuts: list[int]) -> None:
    found, decoder = decoded(chunked(*chunks) + b"next", *cuts)
    assert found == b"".join(chunks)
    assert decoder.is_done
    assert decoder.rest == b"next"


def test_extensions_and_trailers_are_read_over() -> None:
    found, decoder = decoded(b"3;a=b\r\nabc\r\n0;x\r\nDigest: 1\r\nB: 2\r\n\r\n", *range(40))
    assert found == b"abc"
    assert decoder.is_done


def test_bare_line_ends_are_understood() -> None:
    assert decoded(b"3\nabc\n0\n\n")[0] == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        b"xyz\r\n",
        b"-3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"\r\n3\r\nabc",
        b"f" * 16 + b"\r\n",
        b"1;" + b"a" * 10_000,
        b"0\r\nTrailer: " + b"a" * 10_000,
    ],
)
def test_what_is_not_chunked_is_refused(data: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        decoded(data)


def test_a_body_that_breaks_off_is_not_done() -> None:
    _, decoder = decoded(b"5\r\nabc")
    assert not decoder.is_done


def test_header_fields_are_found_in_any_case_and_repeated_ones_are_joined() -> None:
    fields = Fields([(b"ETag", b'"a"'), (b"Vary", b"accept"), (b"vary", b"cookie")])
    assert fields["etag"] == '"a"'
    assert fields.get("VARY") == "accept, cookie"
    assert "Location" not in fields
    assert dict(fields) == {"etag": '"a"', "vary": "accept, cookie"}


def test_header_values_are_utf_8_or_else_latin_1() -> None:
    fields = Fields([(b"a", "é".encode()), (b"b", "é".encode("latin-1"))])
    assert list(fields.values()) == ["é", "é"]
