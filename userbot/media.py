"""What a message's file is, as its sender and Telegram say. Reads Telethon's objects and asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from telethon.tl import types

from core.domain.job import Kind
from core.links.identify import TELEGRAM_DOCUMENT
from core.sources.direct import AUDIO_EXTENSIONS, MEDIA_EXTENSIONS

#: What a sender sent it as: music, a film, a voice or round message, a plain file.
SentAs = Literal["audio", "video", "voice", "document"]
#: Titles are cut here; captions go on for pages.
MAX_TITLE_CHARS = 200
#: Named like media, and none of ours.
_LISTS = frozenset({"m3u8"})
_NO_FILMS = (types.DocumentAttributeSticker, types.DocumentAttributeCustomEmoji)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMedia:
    """Sound or a film in a message. All but the size and the id are words of whoever sent it."""

    document: types.Document
    sent_as: SentAs
    kind: Kind
    size_bytes: int
    file_name: str | None = None
    title: str | None = None
    performer: str | None = None
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None

    @property
    def media_id(self) -> str:
        """What the engine knows the file by, in whatever message it is."""
        return f"telegram:{TELEGRAM_DOCUMENT}{self.document.id}"

    @property
    def extension(self) -> str | None:
        """What its name ends in, where that is an extension of media."""
        return _extension(self.file_name)

    @property
    def name(self) -> str | None:
        """Performer and title, else the name of the file; None where it has neither."""
        if self.title:
            return f"{self.performer} – {self.title}" if self.performer else self.title  # noqa: RUF001 -- as players show it
        stem = PurePosixPath(self.file_name or "").name
        return (stem.rpartition(".")[0] if self.extension else stem).strip() or None


def media_of(message: Any) -> SentMedia | None:
    """The sound or film in *message*; None for photos, stickers, other files and texts."""
    media = message.media
    document = media.document if isinstance(media, types.MessageMediaDocument) else None
    if not isinstance(document, types.Document):
        return None
    found: dict[type, Any] = {type(one): one for one in document.attributes}
    if any(kind in found for kind in _NO_FILMS):
        return None
    named = found.get(types.DocumentAttributeFilename)
    name = named.file_name if named else None
    audio, video = found.get(types.DocumentAttributeAudio), found.get(types.DocumentAttributeVideo)
    sent_as: SentAs
    if audio is not None:
        sent_as, kind = "voice" if audio.voice else "audio", Kind.AUDIO
    elif video is not None:
        sent_as, kind = "voice" if video.round_message else "video", Kind.VIDEO
    elif _is_media(document.mime_type, name):
        sent_as, kind = "document", _kind(document.mime_type, name)
    else:
        return None
    told = audio or video
    return SentMedia(
        document=document,
        sent_as=sent_as,
        kind=kind,
        size_bytes=document.size,
        file_name=name,
        title=_line(audio.title) if audio else None,
        performer=_line(audio.performer) if audio else None,
        duration_s=float(told.duration) if told and told.duration else None,
        width=video.w if video else None,
        height=video.h if video else None,
    )


def first_line(text: str | None) -> str | None:
    """What a caption begins with, as a title; None where there is no word in it."""
    lines = (_line(line) for line in (text or "").splitlines())
    return next((line for line in lines if line and any(char.isalnum() for char in line)), None)


def _line(text: str | None) -> str | None:
    line = " ".join((text or "").split())
    return (line if len(line) <= MAX_TITLE_CHARS else line[: MAX_TITLE_CHARS - 1] + "…") or None


def _is_media(mime_type: str, name: str | None) -> bool:
    return mime_type.startswith(("audio/", "video/")) or _extension(name) is not None


def _kind(mime_type: str, name: str | None) -> Kind:
    is_audio = mime_type.startswith("audio/") or _extension(name) in AUDIO_EXTENSIONS
    return Kind.AUDIO if is_audio else Kind.AUTO


def _extension(name: str | None) -> str | None:
    extension = PurePosixPath(name or "").suffix.lower()[1:]
    return extension if extension in MEDIA_EXTENSIONS - _LISTS else None
