"""Who may command: the cases one by one, on messages as Telegram sends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from telethon.tl import types

from userbot.permission import FRESH_S, Refusal, typed_by, why_refused

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ME = types.User(1, is_self=True, access_hash=1, first_name="Alice")
BOT = types.User(1, is_self=True, access_hash=1, first_name="Bot", bot=True)
ADMIN, STRANGER, GROUP = 2, 3, -1
SAVED, CHAT = types.PeerUser(1), types.PeerChat(77)


def message(**facts):
    values = {"id": 5, "peer_id": CHAT, "from_id": types.PeerUser(ADMIN), "message": "/help", "date": NOW}
    return types.Message(**values | facts)


def why(said, *, me=ME, is_watched=True, is_edit=False, late_s=0.0):
    now = NOW.timestamp() + late_s
    return why_refused(said, me=me, admin_ids={ADMIN}, is_watched=is_watched, is_edit=is_edit, now=now)


def test_admins_and_the_account_itself_command_in_watched_chats():
    assert why(message()) is None
    assert why(message(from_id=types.PeerUser(1), out=True)) is None


def test_saved_messages_are_always_open_to_the_account():
    assert why(message(peer_id=SAVED, from_id=None, out=True), is_watched=False) is None
    assert why(message(peer_id=SAVED, from_id=types.PeerUser(1)), is_watched=False) is None


def test_a_bot_is_commanded_in_private():
    private = message(peer_id=types.PeerUser(ADMIN), from_id=None)
    assert why(private, me=BOT, is_watched=False) is None
    assert why(private, is_watched=False) is Refusal.PLACE
    assert why(message(), me=BOT, is_watched=False) is Refusal.PLACE


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"from_id": types.PeerUser(STRANGER)}, Refusal.STRANGER),
        ({"peer_id": types.PeerUser(STRANGER), "from_id": None}, Refusal.STRANGER),
        ({"from_id": None, "post": True, "peer_id": types.PeerChannel(9)}, Refusal.NAMELESS),
        ({"from_id": types.PeerChannel(9)}, Refusal.NAMELESS),
        ({"from_id": types.PeerUser(ADMIN), "post": True}, Refusal.NAMELESS),
        ({"from_id": None}, Refusal.NAMELESS),
        ({"fwd_from": types.MessageFwdHeader(NOW, from_id=types.PeerUser(ADMIN))}, Refusal.FORWARD),
        ({"fwd_from": types.MessageFwdHeader(NOW, from_name="hidden")}, Refusal.FORWARD),
        ({"via_bot_id": 99}, Refusal.INLINE),
        ({"via_business_bot_id": 99}, Refusal.INLINE),
        ({"media": types.MessageMediaPhoto()}, Refusal.CAPTION),
        ({"media": types.MessageMediaDocument()}, Refusal.CAPTION),
        ({"entities": [types.MessageEntityBlockquote(0, 5)]}, Refusal.QUOTE),
        ({"entities": [types.MessageEntityPre(0, 5, "")]}, Refusal.QUOTE),
        ({"edit_date": NOW}, Refusal.EDIT),
    ],
)
def test_what_an_admin_did_not_type_just_now_is_refused(facts, reason):
    assert why(message(**facts)) is reason


def test_an_edit_never_becomes_a_command():
    assert why(message(), is_edit=True) is Refusal.EDIT


def test_a_message_that_got_a_reaction_is_not_taken_for_edited():
    assert why(message(edit_date=NOW, edit_hide=True)) is None


def test_a_link_with_its_preview_is_still_typed_text():
    assert why(message(media=types.MessageMediaWebPage(types.WebPageEmpty(1)))) is None


def test_a_quote_behind_the_command_is_no_reason():
    assert why(message(entities=[types.MessageEntityBlockquote(6, 5)])) is None


def test_commands_grow_too_old():
    assert why(message(), late_s=FRESH_S) is None
    assert why(message(), late_s=FRESH_S + 1) is Refusal.OLD
    assert why(message(date=NOW + timedelta(minutes=1))) is None


def test_an_unwatched_chat_is_closed_to_admins_too():
    assert why(message(), is_watched=False) is Refusal.PLACE


@pytest.mark.parametrize("admin_id", [-100, 0])
def test_ids_of_chats_are_nobody_even_when_they_are_named_as_admins(admin_id):
    said = message(from_id=types.PeerChannel(100))
    assert typed_by(said, ME.id) is None
    refusal = why_refused(
        said, me=ME, admin_ids={admin_id, 100}, is_watched=True, is_edit=False, now=NOW.timestamp()
    )
    assert refusal is Refusal.NAMELESS
