"""What Telegram is told of a file, so that its apps show and play it for what it is. Pure.

https://core.telegram.org/constructor/documentAttributeVideo and its neighbours.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from telethon.tl import types

from core.domain.media import MediaInfo, Picture

#: Those that systems name in different ways, or not at all.
_MIME_TYPES = {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".ts": "video/mp2t",
    ".wav": "audio/x-wav",
    ".webm": "video/webm",
}
#: The built-in table alone, so that the answer is the same on every machine.
_OTHERS = mimetypes.MimeTypes()
#: What the apps play while it comes; other films are sent as files, which a player takes.
_STREAMED = frozenset({".mp4", ".m4v", ".mov"})
#: What they play as sound.
_SOUNDS = frozenset({".mp3", ".m4a", ".flac", ".ogg", ".oga", ".opus", ".aac", ".wav"})


@dataclass(frozen=True, slots=True)
class Description:
    """A file as Telegram is told of it."""

    mime_type: str
    attributes: tuple[Any, ...]
    #: It is to stay a file, whatever Telegram takes it for.
    is_plain: bool = False
    #: A film without sound, which would become an endless animation if this was not said.
    is_silent: bool = False


def describe(
    file_name: str,
    info: MediaInfo | None,
    picture: Picture | None = None,
    *,
    is_streamable: bool = True,
    title: str = "",
    performer: str = "",
) -> Description:
    """What to say of a file.

    Args:
        file_name: As it is to be called in the chat.
        info: What a probe saw; None when it is no media.
        picture: What it looks like, where that can be seen.
        is_streamable: A film can be played while it comes.
        title: Of sound.
        performer: Of sound. Opus without one, as recorders make it, is sent as a voice message.
    """
    suffix = PurePath(file_name).suffix.lower()
    mime_type = _MIME_TYPES.get(suffix) or _OTHERS.guess_type(file_name)[0] or "application/octet-stream"
    named = types.DocumentAttributeFilename(file_name)
    if info is not None and info.video is not None and suffix in _STREAMED:
        # Without true figures the apps show a black square of no length. What is encoded on its side, or
        # in oblong points, is shown otherwise.
        video = types.DocumentAttributeVideo(
            duration=info.duration_s or 0.0,
            w=(picture.width if picture else info.video.width) or 1,
            h=(picture.height if picture else info.video.height) or 1,
            supports_streaming=is_streamable,
        )
        return Description(mime_type, (video, named), is_silent=info.audio is None)
    if info is not None and info.video is None and info.audio is not None and suffix in _SOUNDS:
        is_voice = info.container == "ogg" and info.audio.codec == "opus" and not performer
        sound = types.DocumentAttributeAudio(
            duration=round(info.duration_s or 0),
            voice=is_voice or None,
            title=None if is_voice else title or None,
            performer=None if is_voice else performer or None,
        )
        return Description(mime_type, (sound, named))
    return Description(mime_type, (named,), is_plain=True)
