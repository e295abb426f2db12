"""Watched chats as text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import DeliveryState
from core.domain.job import Kind
from core.domain.messenger import Chats
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.account import Account
from tui.chats import (
    chat_detail,
    chat_heads,
    chat_row,
    choice_row,
    in_order,
    key_of,
    matching,
    no_chats,
    rules_in_short,
    with_rules,
    without_rules,
)
from tui.deliveries import chat_names

M = ChatMode


def chat(chat_id: int = -100, title: str | None = "Talks", **facts) -> ChatRules:
    return ChatRules(chat_id=chat_id, title=title, **{"mode": M.AUTO} | facts)


def shown(lines) -> str:
    return "\n".join(text_of(line).rstrip() for line in lines)


def detail(rules: ChatRules, *, backlog: int = 0, deliveries=(), jobs=None, width: int = 60) -> str:
    return shown(chat_detail(rules, chat_names([rules]), backlog, deliveries, jobs or {}, NOW, width))


@pytest.mark.parametrize("width", [20, 42, 57, 79, 97, 139])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_a_chat_is_called(width, text):
    engine = FakeEngine()
    job = engine.add(title=text)
    sent = [engine.add_delivery(job.id, state=state, error_message=text) for state in DeliveryState]
    for mode in M:
        for topic_id in (0, 5):
            rules = chat(
                title=text, mode=mode, topic_id=topic_id, sources=(text, "x"), quality=text, kind=Kind.AUDIO,
                reply=False, archive=False, feedback=Feedback.STATUS, last_message_id=2**31,
            )  # fmt: skip
            names = chat_names([rules])
            lines = [chat_heads(width), chat_row(rules, names, 10**6, width, is_below=bool(topic_id))]
            lines += [choice_row(rules, names, width, is_watched=bool(topic_id))]
            lines += chat_detail(rules, names, 10**6, sent, {job.id: job}, NOW, width)
            for line in lines:
                assert cell_len(text_of(line)) == width
                assert_is_safe(text_of(line))


def test_the_rules_say_only_what_differs_from_the_usual():
    assert rules_in_short(chat()) == rules_in_short(chat(kind=Kind.AUTO, quality="best")) == ""
    assert rules_in_short(chat(kind=Kind.AUDIO, quality="audio_192")) == "audio · audio_192"
    assert rules_in_short(chat(sources=("x", "youtube"), reply=False)) == "x, youtube · no reply"
    assert rules_in_short(chat(archive=False, feedback=Feedback.NONE)) == "no archive · silent"


def test_a_row_tells_mode_rules_backlog_and_how_far_it_was_read():
    row = text_of(chat_row(chat(quality="720p", last_message_id=48213), chat_names([chat()]), 4, 79))
    assert row.split() == ["●", "auto", "Talks", "720p", "4", "#48213"]
    off = text_of(chat_row(chat(mode=M.OFF, quality="720p"), chat_names([chat()]), 0, 79))
    assert off.split() == ["○", "off", "Talks"]


def test_topics_stand_after_their_chats_and_chats_by_title_whatever_its_spelling():
    chats = [
        chat(-2, "Ärzte"),
        chat(-1, "zoo"),
        chat(-2, "b", topic_id=7),
        chat(-2, "A", topic_id=9),
        chat(-3, None),
    ]
    assert [key_of(each) for each in in_order(chats)] == [(-3, 0), (-2, 0), (-2, 9), (-2, 7), (-1, 0)]


def test_a_topic_is_indented_below_its_chat_and_named_in_full_elsewhere():
    topic = chat(-1, "Talks / Piano", topic_id=5)
    names = chat_names([chat(-1, "Talks"), topic])
    assert "   Piano" in text_of(chat_row(topic, names, 0, 79, is_below=True))
    assert "Talks → Piano" in text_of(chat_row(topic, names, 0, 79))


def test_the_detail_says_what_is_done_and_lists_the_newest_files():
    engine = FakeEngine()
    job = engine.add(title="A talk")
    sent = [engine.add_delivery(job.id, state=DeliveryState.FAILED, error_type="SIZE_LIMIT")]
    text = detail(chat(archive=False), backlog=3, deliveries=sent, jobs={job.id: job})
    assert "Every link that is posted here becomes a job." in text
    assert "sent back, deleted once they were sent" in text
    assert "3 files to be sent" in text
    assert "1 file was not sent. r sends again." in text
    assert "! failed  A talk" in text
    assert "FILES" not in detail(chat())


@pytest.mark.parametrize(
    ("state", "is_loaded", "words"),
    [
        ("online", False, "Loading chats"),
        ("off", True, "Telegram is off"),
        ("login_needed", True, "reeldeck telegram login"),
        ("online", True, "a  choose a chat"),
        ("connecting", True, "No chats are watched yet"),
    ],
)
def test_without_chats_the_page_says_what_to_do_first(state, is_loaded, words):
    assert words in shown(no_chats(Account(state), is_loaded=is_loaded))


def test_all_typed_words_must_be_in_the_name_or_the_number():
    chats = [
        chat(-1, "Concerts & talks"),
        chat(-1, "Piano", topic_id=5),
        chat(-2, "دُروس الشيخ"),
        chat(777, "Ann"),
    ]
    names = chat_names(chats)

    def found(typed: str) -> list[tuple[int, int]]:
        return [key_of(each) for each in matching(chats, names, typed)]

    assert found("") == [key_of(each) for each in in_order(chats)]
    assert found("CONC piano") == [(-1, 5)]
    assert found("دروس") == [(-2, 0)]
    assert found("777") == [(777, 0)]
    assert found("xz") == []


def test_an_answer_of_the_engine_takes_the_place_of_what_was_known():
    known = Chats(rules=[chat(-1), chat(-1, topic_id=5), chat(-2)], backlog={-1: 2})
    changed = with_rules(known, chat(-1, mode=M.OFF))
    assert {key_of(each): each.mode for each in changed.rules} == {
        (-1, 0): M.OFF, (-1, 5): M.AUTO, (-2, 0): M.AUTO
    }  # fmt: skip
    assert changed.backlog == {-1: 2}
    assert [key_of(each) for each in without_rules(known, (-1, 0)).rules] == [(-2, 0)]
    assert [key_of(each) for each in without_rules(known, (-1, 5)).rules] == [(-1, 0), (-2, 0)]
    assert with_rules(None, chat()).rules == [chat()]
    assert without_rules(None, (-1, 0)).rules == []
