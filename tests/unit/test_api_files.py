from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from core.api.files import RangeNotSatisfiable, content_disposition, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("BYTES = 5 - 5", (5, 6)),
    ],
)
def test_one_range_of_bytes_is_understood(header, expected):
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,5-6",
        "items=0-1",
        "bytes=a-b",
        "bytes=0-" + "9" * 40,
    ],
)
def test_what_is_no_single_range_means_the_whole_file(header):
    assert parse_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header):
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, 100)


def test_nothing_of_an_empty_file_can_be_asked_for():
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=0-0", 0)


@pytest.mark.parametrize(
    "name",
    [
        'quote".mp4',
        "line\r\nSet-Cookie: a=b.mp4",
        "../../etc/passwd",
        "محاضرة.m4a",
        "100%.mp4",
        "semi;filename=x.exe",
        "\u202egpj.exe",
        "a\\b.mp4",
        "\x1b[31m.mp4",
        "",
        "\ud800.mp4",
    ],
)
def test_no_name_breaks_out_of_its_header(name):
    header = content_disposition(name)
    match = re.fullmatch(
        r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''([A-Za-z0-9._~%-]+)", header
    )
    assert match is not None, header
    assert header.isascii()
    assert header.isprintable()
    assert "/" not in unquote(match[2])


def test_a_name_in_another_script_travels_whole():
    assert unquote(content_disposition("محاضرة ١.m4a").rpartition("''")[2]) == "محاضرة ١.m4a"
