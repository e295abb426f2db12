"""What aria2c is told and says."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.aria2.words import Aria2c, Readout, arguments, control_bytes, meaning, order, suits
from core.domain.media import Role, Track, Transport

ARIA2C = Aria2c(
    program=Path("/usr/bin/aria2c"),
    proxy_url="http://door:token@127.0.0.1:1",
    user_agent="Reeldeck",
    ca_file=Path("/etc/ca.pem"),
    connect_timeout_s=7.4,
)
#: As aria2c 1.36 left it: 8,000,000 bytes in pieces of a MiB, four of them whole and four begun.
CONTROL = bytes.fromhex(
    "0001 00000000 00000000 00100000 00000000007a1200 0000000000000000 00000001 aa 00000004"
    "00000001 00100000 00000008 ff00000000000000"
    "00000003 00100000 00000008 ff00000000000000"
    "00000005 00100000 00000008 ff00000000000000"
    "00000007 000a1200 00000006 ff0000000000"
)


def track(**headers: str) -> Track:
    return Track(role=Role.MUXED, transport=Transport.HTTP, url="https://a.example/f", headers=headers)


def test_the_command_line_names_no_address_and_no_secret() -> None:
    line = " ".join(arguments(ARIA2C, 40))
    assert "token" not in line
    assert "127.0.0.1" not in line
    assert "--split=16 --max-connection-per-server=16" in line
    assert "--connect-timeout=7" in line
    assert "--ca-certificate=/etc/ca.pem" in line


def test_the_order_says_what_where_and_through_which_proxy() -> None:
    text = order(ARIA2C, track(Referer="https://p.example/"), "https://a.example/f", Path("/tmp/x/0.part"))
    assert text.decode().splitlines() == [
        "https://a.example/f",
        "  dir=/tmp/x",
        "  out=0.part",
        "  all-proxy=http://door:token@127.0.0.1:1",
        "  header=user-agent: Reeldeck",
        "  header=referer: https://p.example/",
    ]


def test_the_user_agent_of_a_track_goes_before_ours() -> None:
    text = order(ARIA2C, track(**{"User-Agent": "Site"}), "https://a.example/f", Path("/x/0.part"))
    assert text.count(b"user-agent") == 1
    assert b"user-agent: Site\n" in text


@pytest.mark.parametrize(
    ("headers", "is_fit"),
    [
        ({}, True),
        ({"User-Agent": "x", "Referer": "y", "Origin": "z", "Accept-Language": "en"}, True),
        ({"Cookie": "a=1"}, False),
        ({"Authorization": "Bearer x"}, False),
        ({"X-Token": "x"}, False),
        ({"Referer": "a\n  out=/etc/passwd"}, False),
    ],
)
def test_only_what_may_be_shown_to_other_hosts_is_left_to_it(headers: dict[str, str], is_fit: bool) -> None:
    assert suits(track(**headers)) is is_fit


def test_its_readout_is_understood_in_whatever_pieces_it_comes() -> None:
    text = b" *** Download Progress ***\n[#5facfe 1507328B/8000000B(18%) CN:4 DL:1611510B ETA:4s]\nFILE: x\n"
    for size in (1, 7, len(text)):
        readout = Readout(100)
        for start in range(0, len(text), size):
            readout.feed(text[start : start + size])
        readout.close()
        assert readout.done_bytes == 1507328


def test_a_control_file_tells_how_much_is_there() -> None:
    assert control_bytes(CONTROL) == 4 * 2**20 + 4 * 8 * 16384


@pytest.mark.parametrize("length", [0, 9, 20, 33, 36, 45, len(CONTROL) - 12])
def test_a_damaged_control_file_tells_nothing(length: int) -> None:
    assert control_bytes(CONTROL[:length]) is None


def test_that_of_a_torrent_tells_nothing() -> None:
    assert control_bytes(CONTROL[:2] + b"\0\0\0\1" + CONTROL[6:]) is None


def test_an_unknown_status_is_named_by_its_number() -> None:
    assert (meaning(6), meaning(99)) == ("the connection failed", "status 99")
