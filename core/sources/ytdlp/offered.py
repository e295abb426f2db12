"""What a site offers, for people to choose from before the download. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.config.settings import Media
from core.domain.media import FormatInfo, Role
from core.sources.ytdlp.formats import (
    Choice,
    Format,
    audio_key,
    has_audio,
    has_video,
    lines,
    usable_formats,
    video_key,
)

#: Some sites list a format for each of many languages and hosts.
MAX_FORMATS = 60
#: Films beyond these come after the sounds when there are too many.
_MOST_FILMS = 45
_MAX_NOTE = 60
#: Codecs by the beginning of their names in RFC 6381, and as people call them.
_CODECS: Mapping[str, str] = {
    "avc": "h264", "h264": "h264", "hev": "h265", "hvc": "h265", "h265": "h265", "dvh": "h265",
    "av01": "av1", "av1": "av1", "vp09": "vp9", "vp9": "vp9", "vp08": "vp8", "vp8": "vp8",
    "mp4a.40.34": "mp3", "mp4a.6b": "mp3", "mp4a.69": "mp3", "mp4a": "aac", "aac": "aac", "mp3": "mp3",
    "ac-3": "ac3", "ec-3": "eac3", "opus": "opus", "vorbis": "vorbis", "flac": "flac", "alac": "alac",
}  # fmt: skip


def offered(
    info: Format, choices: Sequence[Choice], *, media: Media, duration_s: float | None
) -> tuple[FormatInfo, ...]:
    """The formats that can be fetched, films before sounds and each the best first, at most `MAX_FORMATS`.

    Args:
        info: A video as the worker reported it.
        choices: What the request takes.
        media: As for `choose`, which has found something usable.
        duration_s: For sizes that the site does not tell.
    """
    usable = usable_formats(info, media)
    # Stable sorts of what stands worst first: yt-dlp's order decides among equals.
    films = sorted((f for f in usable if has_video(f)), key=video_key)[::-1]
    sounds = sorted((f for f in usable if not has_video(f)), key=audio_key)[::-1]
    chosen = [choice.format for choice in choices]
    by_need = [*chosen, *films[:_MOST_FILMS], *sounds, *films[_MOST_FILMS:]]
    kept = set(list(dict.fromkeys(map(id, by_need)))[:MAX_FORMATS])
    return tuple(
        _described(format_, duration_s, is_chosen=any(format_ is each for each in chosen))
        for format_ in [*films, *sounds]
        if id(format_) in kept
    )


def _described(format_: Format, duration_s: float | None, *, is_chosen: bool) -> FormatInfo:
    bitrate_kbps = format_.get("tbr") or format_.get("vbr") or format_.get("abr")
    size_bytes = format_.get("filesize")
    estimate = format_.get("filesize_approx")
    length_s = duration_s or _segments_s(format_)
    if estimate is None and bitrate_kbps and length_s:
        estimate = bitrate_kbps * 1000 / 8 * length_s
    size = size_bytes if size_bytes is not None else estimate
    return FormatInfo(
        id=str(format_.get("format_id")),
        role=_role(format_),
        container=format_.get("ext"),
        height=lines(format_) if has_video(format_) else None,
        fps=format_.get("fps") if has_video(format_) else None,
        codecs=_codecs(format_),
        bitrate_bps=round(bitrate_kbps * 1000) if bitrate_kbps else None,
        size_bytes=round(size) if size is not None else None,
        is_size_estimated=size_bytes is None and size is not None,
        note=_note(format_),
        is_chosen=is_chosen,
    )


def _segments_s(format_: Format) -> float:
    """Seconds of all segments; for an estimate only, since the last may be shorter than is said."""
    fragments = format_.get("fragments")
    return sum(each.get("duration") or 0.0 for each in fragments) if isinstance(fragments, list) else 0.0


def _role(format_: Format) -> Role:
    if not has_video(format_):
        return Role.AUDIO
    return Role.MUXED if has_audio(format_) else Role.VIDEO


def _codecs(format_: Format) -> str | None:
    named = [_codec(format_.get(field)) for field in ("vcodec", "acodec")]
    return " + ".join(filter(None, named)) or None


def _codec(name: str | None) -> str | None:
    if not name or name == "none":
        return None
    wanted = name.lower()
    return next((known for start, known in _CODECS.items() if wanted.startswith(start)), wanted.split(".")[0])


def _note(format_: Format) -> str | None:
    """The site's own word, and the language where there are several."""
    said = [str(format_[name]) for name in ("format_note", "language") if format_.get(name)]
    return ", ".join(dict.fromkeys(said))[:_MAX_NOTE] or None
