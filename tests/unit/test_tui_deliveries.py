"""Deliveries as text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.chat import ChatRules
from core.domain.delivery import DeliveryState
from core.domain.errors import ERRORS
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.deliveries import (
    chat_names,
    delivery_detail,
    delivery_heads,
    delivery_lines,
    delivery_row,
    is_moving,
    note_of_delivery,
    share_sent,
    state_of_delivery,
    summary,
)

D = DeliveryState
NAMES = chat_names([ChatRules(chat_id=-1, title="Talks"), ChatRules(chat_id=-1, topic_id=5, title="Piano")])


def delivery(state: DeliveryState = D.READY, **facts):
    return FakeEngine().add_delivery(
        1, **{"chat_id": -1, "state": state, "created": NOW, "updated": NOW} | facts
    )


def held(**facts):
    return delivery(not_before=NOW + 299, error_type="FLOOD_WAIT", error_message="Wait 300 s", **facts)


def shown(lines) -> str:
    return "\n".join(text_of(line).rstrip() for line in lines)


@pytest.mark.parametrize("width", [20, 42, 57, 79, 97, 139])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_a_job_or_chat_is_called(width, text):
    names = chat_names([ChatRules(chat_id=-1, title=text)])
    job = FakeEngine().add(title=text)
    for state in D:
        each = delivery(
            state, error_type=text, error_message=text, not_before=NOW + 9, attempt=10**6, part_index=3,
            upload_parts_done=1, upload_parts_total=3, message_id=2**31, topic_id=9,
        )  # fmt: skip
        lines = [delivery_heads(width), delivery_row(each, job, NOW, width)]
        lines += delivery_detail(each, job, names(-1, 9), NOW, width)
        lines += delivery_lines([each], names, NOW, width)
        for line in lines:
            assert cell_len(text_of(line)) == width
            assert_is_safe(text_of(line))


@pytest.mark.parametrize("state", D)
def test_every_state_is_a_sign_and_a_word_that_fit_their_column(state):
    word, style = state_of_delivery(delivery(state), NOW)
    assert len(word) <= 9
    assert word[1] == " "
    assert style


def test_what_is_held_back_counts_down_to_its_moment_and_says_why():
    assert state_of_delivery(held(), NOW) == ("○ held", "state.hold")
    assert note_of_delivery(held(), NOW) == f"in 4:59: {ERRORS['FLOOD_WAIT'].summary}"
    assert state_of_delivery(held(), NOW + 299)[0] == "· ready"
    detail = shown(delivery_detail(held(), None, "Talks", NOW, 60))
    assert "Wait 300 s" in detail
    assert "→ Sent in 4:59, at " in detail


def test_an_upload_shows_how_much_is_there():
    each = delivery(D.SENDING, upload_parts_done=1, upload_parts_total=4)
    assert share_sent(each) == 0.25
    assert "━" in text_of(delivery_row(each, None, NOW, 79))
    assert "25%" in text_of(delivery_row(each, None, NOW, 79))
    assert "25%" in shown(delivery_lines([each], NAMES, NOW, 42))
    assert share_sent(delivery(D.SENDING)) is None
    assert note_of_delivery(delivery(D.SENDING), NOW) == ""


def test_a_failure_is_told_with_its_message_and_what_to_do():
    failed = delivery(D.FAILED, error_type="SIZE_LIMIT", error_message="It has 4.2 GiB")
    for lines in (delivery_detail(failed, None, "Talks", NOW, 80), delivery_lines([failed], NAMES, NOW, 80)):
        assert "It has 4.2 GiB" in shown(lines)
        assert f"→ {ERRORS['SIZE_LIMIT'].default_hint[:20]}" in shown(lines)
    assert note_of_delivery(failed, NOW) == ERRORS["SIZE_LIMIT"].summary


def test_a_jobs_deliveries_name_their_chats_and_topics():
    lines = shown(
        delivery_lines([delivery(D.SENT), delivery(topic_id=5), delivery(chat_id=-7)], NAMES, NOW, 79)
    )
    assert "SENT TO" in lines
    assert "✓ sent    Talks " in lines
    assert "· ready   Talks → Piano" in lines
    assert "· ready   chat -7" in lines
    assert delivery_lines([], NAMES, NOW, 79) == []


def test_chats_without_a_known_title_go_by_their_numbers():
    assert NAMES(-1, None) == NAMES(-1, 0) == "Talks"
    assert NAMES(-1, 6) == "Talks → topic 6"
    assert NAMES(-2, 5) == "chat -2 → topic 5"
    assert chat_names([ChatRules(chat_id=-3, topic_id=5, title="Films")])(-3, 5) == "Films"


def test_several_deliveries_are_summed_up_by_the_one_that_calls_loudest():
    sending = delivery(D.SENDING, upload_parts_done=1, upload_parts_total=4)
    assert summary([], NOW) == ("", "text")
    assert summary([delivery(D.SENT), delivery(D.WAITING)], NOW)[0] == "✓ sent"
    assert summary([delivery(D.SENT), held()], NOW)[0] == "○ held 4:59"
    assert summary([delivery(D.SENT), held(), sending], NOW)[0] == "▸ sending 25%"
    assert summary([sending, delivery(D.FAILED)], NOW) == ("! not sent", "bad")


def test_only_uploads_and_countdowns_change_by_themselves():
    moving = {state for state in D if is_moving(delivery(state), NOW)}
    assert moving == {D.SENDING}
    assert is_moving(held(), NOW)
    assert not is_moving(held(), NOW + 300)


def test_parts_of_a_split_file_are_told_apart():
    job = FakeEngine().add(title="Long")
    assert "Long (part 2)" in text_of(delivery_row(delivery(part_index=1), job, NOW, 79))
    assert "job 1 " in text_of(delivery_row(delivery(), None, NOW, 79))
