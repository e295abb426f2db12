"""What chats are told: formatting by entities, and nothing hostile in it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.extensions import markdown
from telethon.tl import types

from core.domain.errors import FloodWait, LimitReached
from core.domain.job import JobStatus, Stage
from tests.fakes.engine import FakeEngine
from userbot.replies import DONE, INFO, MARKS, MAX_UNITS
from userbot.texts import MAX_ROWS, and_more, bold, code, compose, counted, job_row, problem, remote, standing

HOSTILE = [
    "a\u202eb",
    "x\u2066y",
    "\x1b[31m",
    "a\nb",
    "\ud800",
    "@admin",
    "\u200b/clear",
    "字" * 500,
    "e\u0301" * 99,
]


def pieces(text):
    """The formatted parts of a text, read as Telegram reads them: in UTF-16 units."""
    units = text.plain.encode("utf-16-le")
    return [
        (type(one), units[one.offset * 2 : (one.offset + one.length) * 2].decode("utf-16-le"))
        for one in text.entities
    ]


def test_formatting_is_counted_in_utf16_units():
    text = compose(DONE, ["🎉🎉 first", [bold("🎬 film"), " and ", code("12")]])
    assert text.plain == f"{DONE} 🎉🎉 first\n🎬 film and 12"
    assert pieces(text) == [(types.MessageEntityBold, "🎬 film"), (types.MessageEntityCode, "12")]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=9))
def test_formatted_parts_are_found_again_whatever_they_hold(parts):
    text = compose(INFO, [[bold(part), " "] for part in parts])
    assert [shown for _, shown in pieces(text)] == [part for part in parts if part]


LIVE = [
    "/clear", "see /cancel all", "(/cancel)", "@admin", "me@evil.example", "https://evil.example/x",
    "evil.example", "www.evil.com", "tg://resolve?domain=x", "#tag", "$BTC", "ftp://1.2.3.4/x",
    "t.me/joinchat/x", "مثال.إختبار",
]  # fmt: skip


@pytest.mark.parametrize("text", LIVE)
def test_nothing_in_remote_text_can_be_touched(text):
    shown = remote(text)
    assert shown.replace("\u2060", "") == text
    # As the service finds them: a mark that begins a word, a scheme, a name with a dot in it.
    assert not re.search(r"@\w|(?<![\w/])[/#$]\w|\w://|\w\.[^\W\d_]", shown)


@pytest.mark.parametrize("text", ["1.5 of 2", "and/or", "12:30", "5 $", "a . b", "Nr. 5: yes"])
def test_plain_words_stay_as_they_are(text):
    assert remote(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_remote_text_hides_reorders_and_calls_nothing(text):
    shown = remote(text)
    assert not [
        char for char in shown if unicodedata.category(char) in {"Cc", "Cs"} or char in "\u202e\u2066\n"
    ]
    assert "@admin" not in shown


def test_every_text_is_known_for_ours_and_so_is_no_command():
    assert compose(INFO, ["/clear"]).plain.startswith(MARKS)


def test_markup_is_not_read():
    text = compose(INFO, ["**not bold** [no](tg://link) <b>"])
    assert text.entities == ()
    assert markdown.parse(text.plain)[0] != text.plain  # it would have been


def test_long_lists_end_with_where_the_rest_stands():
    text = compose(INFO, [f"row {number}" for number in range(40)], more=and_more(40, 11, "reeldeck jobs"))
    lines = text.plain.splitlines()
    assert (len(lines), lines[-1]) == (MAX_ROWS, "… and 29 more: reeldeck jobs")
    assert and_more(3, 3, "reeldeck jobs") is None
    assert compose(INFO, ["row"] * 40).plain.splitlines()[-1] == "… and 29 more"


def test_the_longest_answer_is_one_message():
    for letter in ("字", "🎬", "a" + "\u0301" * 8, "a" + "\U000e0100" * 8, "@a", "a.b"):
        text = compose(INFO, [[bold(remote(letter * 5000, cells=200))]] * 40)
        units = len(text.plain.encode("utf-16-le")) // 2
        assert units <= MAX_UNITS
        assert all(one.length and one.offset + one.length <= units for one in text.entities)


def test_a_count_has_its_plural():
    assert [counted(number, "job") for number in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]


def test_an_error_is_told_with_what_to_do():
    error = LimitReached("max_queue_length", hint="Wait.")
    assert problem(error) == ["A limit is reached: max_queue_length", "Wait."]
    assert problem(FloodWait("300 s"))[0] == "Telegram asks us to wait: 300 s"


def test_a_job_is_a_number_how_it_stands_and_its_title():
    engine = FakeEngine()
    job = engine.add(
        title="A film",
        status=JobStatus.RUNNING,
        stage=Stage.DOWNLOAD,
        size_bytes=1000,
        bytes_done=500,
        rate=5.0,
    )
    assert compose(INFO, [job_row(job)]).plain == f"{INFO} {job.id} fetching 50% 5B/s 1:40 left · A film"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": JobStatus.QUEUED}, "queued"),
        ({"status": JobStatus.PENDING, "waiting_for": "retry", "not_before": 400.0}, "retrying in 5 min"),
        ({"status": JobStatus.PENDING, "waiting_for": "retry", "not_before": 50.0}, "retrying"),
        ({"status": JobStatus.PENDING, "waiting_for": "auth:main"}, "login"),
        ({"status": JobStatus.COMPLETED, "size_bytes": 2048}, "done 2.00 KiB"),
        ({"status": JobStatus.RUNNING}, "starting"),
    ],
)
def test_how_a_job_stands_is_said_in_a_few_words(facts, words):
    assert standing(FakeEngine().add(**facts), now=100.0) == words
