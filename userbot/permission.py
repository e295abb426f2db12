"""Who may command. Pure: it reads a message and says why it is not obeyed, or nothing.

Commands act upon the owner's machine: only new texts that an owner typed, in a place that the owner has
opened for it. Whatever somebody else can have put there (a forward, an edit, a post in a chat's name, a
quote) is not what the owner typed.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from telethon.tl import types

from core.config.settings import Settings

#: Older commands, found after a time without connection, are no longer what is wanted.
FRESH_S = 300.0
_QUOTES = (types.MessageEntityBlockquote, types.MessageEntityPre, types.MessageEntityCode)


class Refusal(StrEnum):
    """Why a command is not obeyed, in the words of the record of changes."""

    NAMELESS = "posted in the name of a chat"
    STRANGER = "not an admin"
    FORWARD = "forwarded"
    EDIT = "edited"
    CAPTION = "caption of a file"
    INLINE = "written by a bot"
    QUOTE = "quoted"
    OLD = "too old"
    PLACE = "the chat is not watched"


def owners_chats(me: types.User, settings: Settings) -> frozenset[int]:
    """The chats that only people who may command read: Saved Messages, and private ones with admins."""
    return frozenset({me.id, *settings.telegram.admin_ids})


def typed_by(message: Any, me_id: int) -> int | None:
    """The person who wrote *message*; None for channels, and for admins who hide behind their group."""
    if message.post:
        return None
    if isinstance(message.from_id, types.PeerUser):
        return int(message.from_id.user_id)
    if message.from_id is None and isinstance(message.peer_id, types.PeerUser):
        # Between two people only the direction says who wrote.
        return me_id if message.out else int(message.peer_id.user_id)
    return None


def why_refused(
    message: Any, *, me: types.User, admin_ids: Collection[int], is_watched: bool, is_edit: bool, now: float
) -> Refusal | None:
    """Why the command in *message* is not obeyed; None if it is.

    Args:
        message: Telethon's message, its text a command.
        me: The account.
        admin_ids: Numbers of people who may command beside the account itself.
        is_watched: The owner has put the message's place under watch.
        is_edit: The message was there before, with another text.
        now: Seconds since the epoch.
    """
    who = typed_by(message, me.id)
    if who is None:
        return Refusal.NAMELESS
    if who != me.id and who not in admin_ids:
        return Refusal.STRANGER
    if not is_watched and not _is_own_place(message, me):
        return Refusal.PLACE
    return _not_typed(message) or _not_now(message, is_edit=is_edit, now=now)


def _is_own_place(message: Any, me: types.User) -> bool:
    """Saved Messages; a bot has none, and its admins write to it in private instead."""
    return isinstance(message.peer_id, types.PeerUser) and (me.bot or message.peer_id.user_id == me.id)


def _not_typed(message: Any) -> Refusal | None:
    if message.fwd_from:
        return Refusal.FORWARD
    if message.via_bot_id or message.via_business_bot_id:
        return Refusal.INLINE
    if message.media and not isinstance(message.media, types.MessageMediaWebPage):
        return Refusal.CAPTION
    if any(isinstance(entity, _QUOTES) and entity.offset == 0 for entity in message.entities or ()):
        return Refusal.QUOTE
    return None


def _not_now(message: Any, *, is_edit: bool, now: float) -> Refusal | None:
    # Reactions and previews change a message as well, which Telegram then hides.
    if is_edit or (message.edit_date and not message.edit_hide):
        return Refusal.EDIT
    return Refusal.OLD if now - message.date.timestamp() > FRESH_S else None
