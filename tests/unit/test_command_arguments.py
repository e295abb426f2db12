"""What stands behind a command, as people type it on phones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidRequest
from userbot.commands.arguments import Typed, is_on, job_ids, parse, typed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/help", Typed("help", "")),
        ("/Help", Typed("help", "")),
        ("/job 12", Typed("job", "12")),
        ("/job\n12  13 ", Typed("job", "12  13")),
        ("/archive_on", Typed("archive_on", "")),
        ("/help@Me_Bot now", Typed("help", "now")),
    ],
)
def test_a_command_is_a_name_and_what_follows(text, expected):
    assert typed(text, "/", "me_bot") == expected


@pytest.mark.parametrize(
    "text",
    [
        "help",
        " /help",
        "/",
        "//help",
        "/usr/bin",
        "/help@other_bot",
        "/помощь",
        "/1",
        "text /help",
        "",
        "/a" * 40,
    ],
)
def test_what_is_no_command_of_ours_is_left_alone(text):
    assert typed(text, "/", "me_bot") is None


def test_an_account_without_a_name_is_nobodys_bot():
    assert typed("/help@other_bot", "/", None) is None


def test_another_prefix_takes_the_place_of_the_slash():
    assert typed(".help", ".", None) == Typed("help", "")
    assert typed("/help", ".", None) is None


@given(st.text(), st.sampled_from(["/", ".", "!", "rd "]))
def test_any_text_is_a_command_or_none(text, prefix):
    found = typed(prefix + text, prefix, None)
    assert found is None or (found.name.isascii() and text.lower().startswith(found.name))


def test_words_and_options_stand_in_any_order():
    found = parse("@chat limit=10 dry type=Audio,voice", {"limit", "type"})
    assert (list(found.words), found.number("limit"), found.names("type")) == (
        ["@chat", "dry"], 10, ("audio", "voice"),
    )  # fmt: skip
    assert found.number("since") is None


@pytest.mark.parametrize(
    "text", ['grep="two words"', "grep=“two words”", 'grep="two words', "grep=«two words»"]
)
def test_quotes_of_any_phone_hold_words_together(text):
    assert parse(text, {"grep"}).options == {"grep": "two words"}


def test_an_unknown_option_is_refused_with_those_that_are_known():
    with pytest.raises(InvalidRequest, match="limt= is not known here: known are limit, type"):
        parse("limt=1", {"limit", "type"})


def test_a_link_with_a_query_is_no_option():
    assert list(parse("https://x.example/?limit=1").words) == ["https://x.example/?limit=1"]


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text, {"limit"})
    except InvalidRequest:
        return
    assert set(text) & set('"“”„‟«»″') or all(word == word.strip() for word in found.words)


def test_numbers_of_jobs_come_in_any_form_once_each():
    assert job_ids(["12", "13,12", "#14"]) == [12, 13, 14]


@pytest.mark.parametrize("word", ["x", "-1", "1.5", "12x", "²", "١٢", str(2**63), "9" * 5000])
def test_what_is_no_number_is_refused(word):
    with pytest.raises(InvalidRequest, match="no number"):
        job_ids([word])


@given(st.lists(st.integers(0, 2**63 - 1)))
def test_all_numbers_of_the_store_are_read(ids):
    assert job_ids([",".join(map(str, ids))]) == list(dict.fromkeys(ids))


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 -- hypothesis wants them naive
def test_a_moment_is_read_in_utc(moment):
    assert (
        parse(f"since={moment.isoformat()}", {"since"}).day("since") == moment.replace(tzinfo=UTC).timestamp()
    )


@pytest.mark.parametrize("value", ["yesterday", "2024-13-01", ""])
def test_what_is_no_date_is_refused(value):
    with pytest.raises(InvalidRequest, match="is no date such as 2024-01-31"):
        parse(f"since={value}", {"since"}).day("since")


def test_a_switch_is_on_or_off():
    assert [is_on("ON"), is_on("off"), parse("reply=no", {"reply"}).switch("reply")] == [True, False, False]
    with pytest.raises(InvalidRequest):
        is_on("perhaps")
