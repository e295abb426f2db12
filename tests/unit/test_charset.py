"""Text from bytes, whatever the server says of them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from core.domain.errors import NetworkFailure, ParserFailure
from core.net.http.charset import Inflater, decode_text

ARABIC = "تلاوة من سورة البقرة"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ARABIC.encode(), "text/html; charset=utf-8"),
        (ARABIC.encode(), "text/html"),
        (ARABIC.encode(), ""),
        (b"\xef\xbb\xbf" + ARABIC.encode(), "text/html; charset=windows-1256"),
        (ARABIC.encode("cp1256"), 'text/html; charset="Windows-1256"'),
        (ARABIC.encode("iso8859-6"), "text/html;charset=ISO-8859-6"),
        (b"\xff\xfe" + ARABIC.encode("utf-16-le"), "text/html"),
        (ARABIC.encode(), "text/html; charset=no-such-thing"),
        (ARABIC.encode(), "text/html; charset=punycode"),
        (ARABIC.encode(), "text/html; charset=zip"),
    ],
)
def test_the_declared_encoding_is_used_and_nonsense_means_utf8(body: bytes, content_type: str) -> None:
    assert decode_text(body, content_type) == ARABIC


@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="windows-1256">',
        "<META http-equiv=Content-Type content='text/html; charset=windows-1256'>",
        "<meta   charset = windows-1256 />",
    ],
)
def test_a_page_may_declare_its_encoding_itself(declaration: str) -> None:
    page = f"<html><head>{declaration}</head>{ARABIC}"
    assert decode_text(page.encode("cp1256"), "text/html") == page


def test_latin1_means_windows_1252_as_on_the_web() -> None:
    assert decode_text(b"\x93quoted\x94", "text/plain; charset=iso-8859-1") == "“quoted”"


def test_damaged_text_is_replaced_not_refused() -> None:
    assert decode_text(b"a\xffb", "text/plain; charset=utf-8") == "a�b"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("", bytes), ("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)],
)
def test_one_coding_is_undone_in_whatever_pieces_it_comes(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    inflater, packed = Inflater("site.example", coding, 10_000), pack(b"#EXTM3U\n" * 100)
    for start in range(0, len(packed), 7):
        inflater.feed(packed[start : start + 7])
    assert inflater.finish() == b"#EXTM3U\n" * 100


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "identity, gzip", "compress"])
def test_any_other_coding_is_refused(coding: str) -> None:
    with pytest.raises(NetworkFailure):
        Inflater("site.example", coding, 1000)


def test_a_bomb_stops_at_the_limit() -> None:
    inflater = Inflater("site.example", "gzip", 1000)
    with pytest.raises(ParserFailure, match="larger than 1000 bytes"):
        inflater.feed(gzip.compress(bytes(100 * 2**20)))
    assert len(inflater.body) == 1001


def test_a_cut_or_damaged_stream_is_a_network_failure() -> None:
    packed = gzip.compress(b"#EXTM3U\n" * 100)
    cut = Inflater("site.example", "gzip", 10_000)
    cut.feed(packed[:-9])
    with pytest.raises(NetworkFailure, match="too early"):
        cut.finish()
    with pytest.raises(NetworkFailure, match="damaged"):
        Inflater("site.example", "gzip", 10_000).feed(b"not gzip at all")
