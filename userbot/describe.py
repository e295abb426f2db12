"""Messages with media, as the engine knows things that can be fetched. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from telethon.tl.custom import Message
from telethon.utils import get_display_name

from core.domain.job import Kind
from core.domain.media import Entry, Resolution, Role, Tags, Track, Transport
from userbot.media import SentMedia, first_line, media_of
from userbot.messages import MessageLink, is_public


def describe_message(
    link: MessageLink, media: SentMedia, message: Message, album: Sequence[Message]
) -> Resolution:
    """A message's media as one track.

    Args:
        link: What the message is read again by.
        media: Its file.
        message: The message.
        album: All that were sent together with it, and itself, as far as known.
    """
    title = title_of(media, message, album)
    track = Track(
        role=Role.AUDIO if media.kind is Kind.AUDIO else Role.MUXED,
        transport=Transport.SOURCE,
        url=str(link),
        container=media.extension,
        size_bytes=media.size_bytes,
        duration_s=media.duration_s,
    )
    return Resolution(
        source="telegram",
        media_id=media.media_id,
        title=title,
        kind=media.kind,
        duration_s=media.duration_s,
        is_duration_claimed=True,
        is_original=True,
        tracks=(track,),
        tags=Tags(
            title=media.title or title,
            artist=media.performer or chat_title(message),
            album=_shared_caption(message, album),
            track_number=_place(message, album),
            date=message.date.astimezone(UTC).strftime("%Y-%m-%d") if message.date else None,
            source_url=str(link) if is_public(link) else None,
        ),
    )


def describe_album(
    links: Sequence[MessageLink], films: Sequence[Message], album: Sequence[Message]
) -> Resolution:
    """An album as a list of those of its messages that hold media; *links* are theirs."""
    entries = []
    for link, message in zip(links, films, strict=True):
        media = media_of(message)
        assert media is not None
        entries.append(
            Entry(url=str(link), title=title_of(media, message, album), duration_s=media.duration_s)
        )
    caption = next(filter(None, (first_line(message.message) for message in album)), None)
    return Resolution(
        source="telegram",
        title=caption or f"{chat_title(films[0])} {films[0].id}",
        entries=tuple(entries),
    )


def chat_title(message: Message) -> str:
    """What the chat of a message is called."""
    chat = message.chat
    if getattr(chat, "is_self", False):
        return "Saved Messages"
    return get_display_name(chat) or "Telegram"


def title_of(media: SentMedia, message: Message, album: Sequence[Message]) -> str:
    """What people would call it: what a player shows, its own caption, the album's, the file's name."""
    shared, place = _shared_caption(message, album), _place(message, album)
    numbered = f"{shared} ({place})" if shared and place else shared
    # Cameras name films and voices; people name songs and documents.
    has_name = media.sent_as in {"audio", "document"}
    choices = (
        media.name if media.title else None,
        first_line(message.message),
        media.name if has_name else numbered,
        numbered if has_name else media.name,
    )
    return next(filter(None, choices), None) or f"{chat_title(message)} {message.id}"


def _shared_caption(message: Message, album: Sequence[Message]) -> str | None:
    """The album's caption, where the message has none of its own."""
    if message.message:
        return None
    return next(filter(None, (first_line(other.message) for other in album)), None)


def _place(message: Message, album: Sequence[Message]) -> int | None:
    """Which of an album's media it is, from 1."""
    ids = [other.id for other in album if media_of(other)]
    return ids.index(message.id) + 1 if len(ids) > 1 and message.id in ids else None
