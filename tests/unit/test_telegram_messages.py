from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

from core.domain.errors import InvalidRequest
from core.domain.job import Kind
from core.links.identify import identify
from core.links.normalise import normalise
from core.links.telegram import web_link
from userbot.describe import describe_album, describe_message
from userbot.media import first_line, media_of
from userbot.messages import MessageLink, is_invitation, is_public, link_of, names_chat

CHANNEL = -1_000_000_000_123

LINKS = {
    "https://t.me/News/5": MessageLink(chat="News", message_id=5),
    "t.me/News/5": None,
    "http://telegram.me/s/News/5/": MessageLink(chat="News", message_id=5),
    "https://telegram.dog/News/7/5?thread=7": MessageLink(chat="News", message_id=5),
    "https://t.me/c/123/5": MessageLink(chat=CHANNEL, message_id=5),
    "https://t.me/c/123/7/5?single": MessageLink(chat=CHANNEL, message_id=5, is_single=True),
    "https://t.me/News/5?single&t=3&comment=12": MessageLink(
        chat="News", message_id=5, is_single=True, comment_id=12
    ),
    "https://t.me/News/5?comment=x": MessageLink(chat="News", message_id=5),
    "tg://resolve?domain=News&post=5&single": MessageLink(chat="News", message_id=5, is_single=True),
    "tg://privatepost?channel=123&post=5&thread=7": MessageLink(chat=CHANNEL, message_id=5),
    "tg://openmessage?user_id=9&message_id=5": MessageLink(chat=9, message_id=5),
    "tg://openmessage?chat_id=9&message_id=5": MessageLink(chat=-9, message_id=5),
    "https://t.me/c/u9/5": MessageLink(chat=9, message_id=5),
    "https://t.me/c/g9/5": MessageLink(chat=-9, message_id=5),
    "https://t.me/News": None,
    "https://t.me/News/0": None,
    "https://t.me/News/99999999999": None,
    "https://t.me/News/٥": None,
    "https://t.me/+AbC": None,
    "https://t.me/joinchat/AbC": None,
    "https://not-t.me/News/5": None,
    "https://t.me.evil.example/News/5": None,
    "tg://join?invite=AbC": None,
    "tg://resolve?domain=../c&post=5": None,
    "tg://resolve?domain=News": None,
    "": None,
}


@pytest.mark.parametrize("url", LINKS)
def test_a_link_names_a_message_or_none(url: str) -> None:
    assert MessageLink.parse(url) == LINKS[url]


chats = st.one_of(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{3,31}", fullmatch=True),
    st.integers(1, 2**40),
    st.integers(-(10**12), -1),
    st.integers(-(10**12) - 2**40, -(10**12) - 1),
)


@given(chats, st.integers(1, 2**31 - 1), st.booleans(), st.none() | st.integers(0, 10**9 - 1))
def test_a_link_is_read_as_it_was_written(
    chat: str | int, message_id: int, is_single: bool, comment_id: int | None
) -> None:
    link = MessageLink(chat=chat, message_id=message_id, is_single=is_single, comment_id=comment_id)
    url = str(link)
    assert MessageLink.parse(url) == link
    assert normalise(url) == url
    identity = identify(url)
    assert identity is not None
    assert identity.is_message


@given(st.text(max_size=80))
def test_anything_may_be_tried(text: str) -> None:
    for url in (text, f"https://t.me/{text}", f"tg://resolve?domain={text}&post=1"):
        link = MessageLink.parse(url)
        assert link is None or MessageLink.parse(str(link)) == link


@pytest.mark.parametrize("url", ["tg://settings", "tg://resolve?domain=News", "tg://["])
def test_links_of_apps_that_name_no_message_are_refused(url: str) -> None:
    assert web_link(url) is None
    with pytest.raises(InvalidRequest):
        normalise(url)


def test_invitations_and_chats_are_told_apart() -> None:
    assert is_invitation("https://t.me/+AbC-d_e")
    assert is_invitation("https://t.me/joinchat/AbC")
    assert not is_invitation("https://t.me/News")
    assert names_chat("https://t.me/s/News") == "News"
    assert names_chat("https://t.me/News/5") is None


def test_a_chat_is_linked_by_its_name_where_it_has_one() -> None:
    def channel(**names: Any) -> types.Channel:
        return types.Channel(123, "News", types.ChatPhotoEmpty(), datetime.now(UTC), **names)

    assert str(link_of(channel(username="News"), 5)) == "https://t.me/News/5?single"
    several = [types.Username("old", active=False), types.Username("News", active=True)]
    assert link_of(channel(usernames=several), 5).chat == "News"
    private = link_of(channel(), 5, is_single=False)
    assert str(private) == "https://t.me/c/123/5"
    assert is_public(private)
    # People with names have no links of their messages.
    person = link_of(types.User(9, username="someone"), 5)
    assert str(person) == "https://t.me/c/u9/5?single"
    assert not is_public(person)


# What is in a message


def document(mime_type: str, *attributes: Any, name: str = "") -> types.MessageMediaDocument:
    named = [types.DocumentAttributeFilename(name)] if name else []
    return types.MessageMediaDocument(
        document=types.Document(
            id=77, access_hash=1, file_reference=b"", date=None, mime_type=mime_type, size=1000, dc_id=2,
            attributes=[*attributes, *named],
        )
    )  # fmt: skip


def message(number: int, media: Any, text: str = "", title: str = "Lectures", **fields: Any) -> Any:
    chat = types.Chat(5, title, types.ChatPhotoEmpty(), 2, datetime.now(UTC), 1)
    date = datetime(2024, 5, 31, 23, tzinfo=UTC)
    return SimpleNamespace(
        id=number, media=media, message=text, chat=chat, date=date, **{"grouped_id": None} | fields
    )


FILM = types.DocumentAttributeVideo(5.5, 1280, 720)
SONG = types.DocumentAttributeAudio(9, title="  Tone\n", performer="Sine")

ROUND = types.DocumentAttributeVideo(5, 1, 1, round_message=True)
STICKER = types.DocumentAttributeSticker("", types.InputStickerSetEmpty())
SENT = {
    "film": (document("video/mp4", FILM), ("video", Kind.VIDEO)),
    "round": (document("video/mp4", ROUND), ("voice", Kind.VIDEO)),
    "song": (document("audio/mpeg", SONG), ("audio", Kind.AUDIO)),
    "voice": (document("audio/ogg", types.DocumentAttributeAudio(9, voice=True)), ("voice", Kind.AUDIO)),
    "file": (document("application/octet-stream", name="a.MKV"), ("document", Kind.AUTO)),
    "sound file": (document("audio/flac", name="a"), ("document", Kind.AUDIO)),
    "paper": (document("application/pdf", name="a.pdf"), None),
    "playlist": (document("text/plain", name="a.m3u8"), None),
    "sticker": (document("video/webm", FILM, STICKER), None),
    "photo": (types.MessageMediaPhoto(), None),
    "gone": (types.MessageMediaDocument(document=types.DocumentEmpty(7)), None),
    "text": (None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
def test_media_are_told_by_how_they_were_sent(name: str) -> None:
    media, expected = SENT[name]
    found = media_of(message(1, media))
    assert (found and (found.sent_as, found.kind)) == expected


def test_the_facts_of_a_song_and_a_film() -> None:
    song, film = media_of(message(1, SENT["song"][0])), media_of(message(1, SENT["film"][0]))
    assert song is not None
    assert film is not None
    assert (song.title, song.performer, song.duration_s, song.name) == ("Tone", "Sine", 9.0, "Sine – Tone")
    assert (film.width, film.height, film.duration_s, film.size_bytes, film.name) == (
        1280,
        720,
        5.5,
        1000,
        None,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [(None, None), ("", None), ("\n \n★\nOn  patience\nmore", "On patience"), ("x" * 500, "x" * 199 + "…")],
)
def test_a_caption_begins_with_its_first_words(text: str | None, line: str | None) -> None:
    assert first_line(text) == line


LINK = MessageLink(chat="News", message_id=2, is_single=True)


def test_a_message_is_described_by_its_own_words_first() -> None:
    one = message(2, document("audio/mpeg", SONG, name="x.mp3"), "listen!")
    media = media_of(one)
    assert media is not None
    found = describe_message(LINK, media, one, [one])
    assert (found.title, found.media_id, found.kind) == ("Sine – Tone", "telegram:document:77", Kind.AUDIO)
    tags = found.tags
    assert (tags.title, tags.artist, tags.album, tags.date) == ("Tone", "Sine", None, "2024-05-31")
    assert tags.source_url == "https://t.me/News/2?single"
    assert (found.tracks[0].size_bytes, found.tracks[0].container) == (1000, "mp3")


@pytest.mark.parametrize(
    ("media", "title"),
    [
        (document("video/mp4", FILM, name="VID_1.mp4"), "The journey (2)"),
        (document("audio/mpeg", types.DocumentAttributeAudio(3), name="Lesson 2.mp3"), "Lesson 2"),
        (document("audio/mpeg", types.DocumentAttributeAudio(3)), "The journey (2)"),
    ],
)
def test_a_caption_of_the_album_names_what_has_no_name_of_its_own(media: Any, title: str) -> None:
    first = message(1, document("video/mp4", FILM), "The journey", grouped_id=9)
    one = message(2, media, grouped_id=9)
    found = describe_message(LINK, media_of(one), one, [first, one])  # type: ignore[arg-type]
    assert found.title == title
    assert (found.tags.album, found.tags.track_number) == ("The journey", 2)
    listed = describe_album([LINK, LINK], [first, one], [first, one])
    assert listed.title == "The journey"
    assert [entry.title for entry in listed.entries] == ["The journey", title]


def test_without_any_word_it_is_named_by_its_place() -> None:
    one = message(2, document("video/mp4", FILM))
    found = describe_message(LINK, media_of(one), one, [one])  # type: ignore[arg-type]
    assert found.title == "Lectures 2"
    assert found.tags.artist == "Lectures"
    assert found.is_duration_claimed
