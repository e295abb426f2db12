"""Cookie files are judged line by line, and never quoted."""

from __future__ import annotations

import os

import pytest

from core.auth.cookies import (
    HEADER,
    cookie_header_blocking,
    login_ends,
    parse_cookies,
    read_cookies_blocking,
)
from core.auth.copies import copy_again_blocking, delete_copies_blocking, make_copy_blocking, sweep_blocking
from core.domain.errors import InvalidRequest

SECRET = "s3cr3t-canary"
GOOD = f".example.org\tTRUE\t/\tTRUE\t2000000000\tsession\t{SECRET}"


def test_comments_blank_lines_windows_line_ends_and_a_byte_order_mark_are_passed_over():
    text = f"\ufeff{HEADER}\r\n\r\n# a comment\r\n{GOOD}\r\n#HttpOnly_{GOOD[1:]}\r\n"
    cookies = parse_cookies(text)
    assert [(cookie.domain, cookie.name, cookie.expires) for cookie in cookies] == [
        (".example.org", "session", 2e9),
        ("example.org", "session", 2e9),
    ]


@pytest.mark.parametrize("end", ["0", "", "-1", "0.0"])
def test_a_cookie_of_the_session_has_no_end(end):
    (cookie,) = parse_cookies(GOOD.replace("2000000000", end))
    assert cookie.expires is None
    assert cookie.line.split("\t")[4] == "0"


def test_an_end_with_a_fraction_is_written_as_yt_dlp_reads_it():
    (cookie,) = parse_cookies(GOOD.replace("2000000000", "2000000000.75"))
    assert cookie.line.split("\t")[4] == "2000000000"


def test_a_value_that_an_editor_has_trimmed_away_is_empty():
    (cookie,) = parse_cookies(GOOD.removesuffix(f"\t{SECRET}"))
    assert cookie.line.endswith("session\t")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (GOOD.replace("\t", "    "), "1 fields instead of 7"),
        (GOOD + "\tmore", "8 fields"),
        (GOOD.replace(".example.org", ""), "no domain"),
        (GOOD.replace("TRUE", "yes", 1), "TRUE or FALSE"),
        (GOOD.replace("\t/\t", "\tx\t"), "a path"),
        (GOOD.replace("2000000000", "tomorrow"), "seconds since 1970"),
        (GOOD + "\x1b[2J", "control characters"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_not_quoted(line, says):
    with pytest.raises(InvalidRequest) as caught:
        parse_cookies(f"{HEADER}\n{GOOD}\n{line}\n")
    assert "line 3" in caught.value.detail
    assert says in caught.value.detail
    assert SECRET not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("text", ["", HEADER, f"{HEADER}\n\n# nothing\n"])
def test_a_file_without_cookies_is_none(text):
    with pytest.raises(InvalidRequest, match="no cookie in the file"):
        parse_cookies(text)


@pytest.mark.parametrize("text", ['[{"name": "session"}]', '  {"cookies": []}'])
def test_json_is_told_apart(text):
    with pytest.raises(InvalidRequest, match="JSON"):
        parse_cookies(text)


def test_the_end_of_a_login_is_that_of_its_own_cookies():
    def line(name: str, end: int) -> str:
        return f".x.com\tTRUE\t/\tTRUE\t{end}\t{name}\tv"

    cookies = parse_cookies(f"{line('auth_token', 300)}\n{line('ct0', 200)}\n{line('ads', 100)}")
    assert login_ends("x", cookies) == 200
    assert login_ends("unknown", cookies) == 300
    assert login_ends("unknown", parse_cookies(f"{line('a', 100)}\n{line('b', 0)}")) is None


def test_other_sites_cookies_of_the_same_name_and_old_domains_end_no_login():
    def line(domain: str, name: str, end: int) -> str:
        return f"{domain}\tTRUE\t/\tTRUE\t{end}\t{name}\tv"

    cookies = parse_cookies(
        "\n".join([line(".other.test", "sessionid", 100), line(".instagram.com", "sessionid", 300)])
    )
    assert login_ends("instagram", cookies) == 300
    old = [
        line(".twitter.com", "auth_token", 100),
        line(".x.com", "auth_token", 300),
        line(".x.com", "ct0", 400),
    ]
    assert login_ends("x", parse_cookies("\n".join(old))) == 300
    assert login_ends("x", parse_cookies("\n".join([*old[:1], line("x.com", "auth_token", 0)]))) is None


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "c.txt")
    with pytest.raises(InvalidRequest, match="no file"):
        read_cookies_blocking(tmp_path / "c.txt")


def test_a_copy_is_private_and_sent_only_where_the_cookie_belongs(tmp_path):
    folder = tmp_path / "7"
    copy = make_copy_blocking(folder, parse_cookies(GOOD))
    assert copy.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cookie_header_blocking(copy, "https://www.example.org/a") == f"session={SECRET}"
    assert cookie_header_blocking(copy, "http://www.example.org/a") is None, "it is for HTTPS only"
    assert cookie_header_blocking(copy, "https://other.test/a") is None
    again = copy_again_blocking(copy)
    assert again != copy
    assert again.read_text() == copy.read_text()
    delete_copies_blocking(folder)
    assert not list(folder.iterdir())
    assert cookie_header_blocking(copy, "https://www.example.org/a") is None
    delete_copies_blocking(tmp_path / "none")


def test_what_a_crash_left_is_swept_and_nothing_else(tmp_path):
    make_copy_blocking(tmp_path / "7", parse_cookies(GOOD))
    (tmp_path / "7" / "0-muxed.part").touch()
    sweep_blocking(tmp_path)
    assert [path.name for path in (tmp_path / "7").iterdir()] == ["0-muxed.part"]
