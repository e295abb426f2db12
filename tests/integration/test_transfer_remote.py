"""What one small request tells about a file."""

from __future__ import annotations

import pytest

from core.domain.errors import AuthRequired, HttpFailure, NetworkFailure, NotFound, RetryPolicy
from core.net.transfer.remote import (
    ContentRange,
    disposition_filename,
    parse_content_range,
    parse_unsatisfied_range,
    probe_remote,
    strong_validator,
)
from tests.fakes.origin import HTML, Fault
from tests.fakes.transfer import MIB, noise

DATA = noise(MIB)


async def probe(it, path="/f"):
    return await probe_remote(it.http, it.origin.url(path), {"Referer": "https://page.example/"})


async def test_a_file_is_described(it):
    it.origin.put(
        "/f",
        DATA,
        content_type="Video/MP4; x=y",
        headers={"Content-Disposition": 'attachment; filename="a b.mp4"'},
    )
    found = await probe(it)
    assert (found.size_bytes, found.accepts_ranges, found.content_type) == (MIB, True, "video/mp4")
    assert (found.etag, found.filename, found.head) == ('"v1"', "a b.mp4", DATA[: 64 * 1024])
    assert found.last_modified is not None
    assert it.origin.asked("/f")[0].headers["referer"] == "https://page.example/"
    assert it.origin.bytes_sent("/f") == 64 * 1024


async def test_the_address_is_the_one_after_redirects(it):
    it.origin.put_redirect("/f", "/g")
    it.origin.put("/g", b"short")
    found = await probe(it)
    assert (found.url, found.size_bytes, found.head) == (it.origin.url("/g"), 5, b"short")


async def test_a_server_without_ranges_is_left_after_the_first_bytes(it):
    it.origin.put("/f", DATA).always = Fault(ignore_range=True)
    found = await probe(it)
    assert (found.size_bytes, found.accepts_ranges, len(found.head)) == (MIB, False, 64 * 1024)


async def test_a_body_without_a_length_has_no_size(it):
    it.origin.put("/f", DATA).always = Fault(ignore_range=True, infinite=True)
    assert (await probe(it)).size_bytes is None


async def test_an_empty_file_has_no_bytes(it):
    it.origin.put("/f", b"")
    found = await probe(it)
    assert (found.size_bytes, found.head) == (0, b"")


async def test_a_page_shows_itself(it):
    it.origin.put("/f", DATA).always = Fault(html=True)
    found = await probe(it)
    assert (found.content_type, found.head) == ("text/html", HTML)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=404), NotFound),
        (Fault(status=401), AuthRequired),
        (Fault(content_range="bytes 5-9/100"), NetworkFailure),
        (Fault(drop_after=10), NetworkFailure),
    ],
)
async def test_failures_have_their_names(it, fault, expected):
    it.origin.put("/f", DATA).always = fault
    with pytest.raises(expected):
        await probe(it)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 0-99/200", ContentRange(0, 100, 200)),
        (" BYTES 5-5/* ", ContentRange(5, 6, None)),
        ("bytes 5-4/200", None),
        ("bytes 0-200/200", None),
        ("bytes 0-99", None),
        ("items 0-99/200", None),
        ("bytes */200", None),
        ("bytes 0-9999999999999999999999/*", None),
        ("", None),
    ],
)
def test_content_range_is_read_strictly(value, expected):
    assert parse_content_range(value) == expected


def test_a_416_may_tell_the_size():
    assert parse_unsatisfied_range("bytes */123") == 123
    assert parse_unsatisfied_range("bytes 0-1/123") is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"', "last-modified": "x"}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": "x"}, "x"),
        ({"etag": "bare"}, None),
        ({"etag": '"'}, None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_counts(headers, expected):
    assert strong_validator(headers) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("attachment; filename=plain.mp3", "plain.mp3"),
        ('attachment; filename="with \\"quotes\\".mp3"', 'with "quotes".mp3'),
        ("attachment; filename=\"fallback.mp3\"; filename*=UTF-8''%D9%85%D8%AD.mp3", "مح.mp3"),
        ("attachment; filename*=KLINGON''x.mp3; filename=ok.mp3", "ok.mp3"),
        ('attachment; filename="\u00d9\u0085.mp3"', "م.mp3"),  # UTF-8 read as Latin-1, as headers are
        ("inline", None),
        ("", None),
    ],
)
def test_a_file_name_is_found_in_content_disposition(value, expected):
    assert disposition_filename(value) == expected


@pytest.mark.parametrize("body", [HTML, b"<html>" + noise(3 * MIB)])
async def test_what_came_compressed_is_looked_at_without_its_coding(it, body):
    it.origin.put("/f", body, content_type="text/html").always = Fault(gzip=True)
    found = await probe(it)
    assert found.head == body[: 64 * 1024][: len(found.head)]
    assert len(found.head) >= min(len(body), 60 * 1024)
    assert (found.size_bytes, found.accepts_ranges) == (None, False)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "deflate"])
async def test_a_coding_that_cannot_be_taken_off_is_an_answer_and_no_broken_network(it, coding):
    it.origin.put("/f", b"no deflate stream", headers={"Content-Encoding": coding})
    with pytest.raises(HttpFailure, match="compressed") as caught:
        await probe(it)
    assert caught.value.retry_policy is RetryPolicy.NEVER
