"""Choose among the formats that yt-dlp found, and make tracks of the choice. Pure: a dict in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.config.settings import Media
from core.domain.errors import FormatNotFound, NotYetAvailable, ProtectedContent, UnsupportedSource
from core.domain.job import Kind
from core.domain.media import Role, Track, Transport
from core.sources.quality import Quality

Format = Mapping[str, Any]

#: How each of yt-dlp's protocols is fetched. What is not here needs a program that reaches the network by
#: itself, or is no film: it cannot be had.
TRANSPORTS: Mapping[str, Transport] = {
    "http": Transport.HTTP,
    "https": Transport.HTTP,
    "m3u8": Transport.HLS,
    "m3u8_native": Transport.HLS,
    "http_dash_segments": Transport.SOURCE,
    "f4m": Transport.SOURCE,
    "ism": Transport.SOURCE,
}
_HLS, _DASH = ("m3u8", "m3u8_native"), ("http_dash_segments",)
#: What only yt-dlp's own downloaders do: keys from elsewhere, addresses or a list that were made up, a
#: browser's greeting, a POST.
_PECULIAR = (
    "hls_aes",
    "hls_media_playlist_data",
    "extra_param_to_key_url",
    "extra_param_to_segment_url",
    "impersonate",
    "request_data",
)
#: What we fetch ourselves can be resumed and proved; among equals it goes first.
_TRANSPORT_RANK = {Transport.HTTP: 2, Transport.HLS: 1, Transport.SOURCE: 0}
#: yt-dlp marks what is known to be damaged, and dubbed sound, by preferences this low and lower.
_DAMAGED, _DUBBED = -10, -10
#: Nominal bit rates are a little exceeded (128 is 129.5).
_RATE_TOLERANCE = 1.05
#: Fields of a request that are the transfer's to set.
_NOT_SENT = frozenset({"accept-encoding", "connection", "cookie", "host", "range", "ytdl-request-proxy"})


@dataclass(frozen=True, slots=True)
class Choice:
    """A format and what it is used for."""

    role: Role
    format: Format

    @property
    def transport(self) -> Transport:
        """Who fetches it."""
        return transport_of(self.format)


def transport_of(format_: Format) -> Transport:
    """Who fetches a format whose protocol is among `TRANSPORTS`."""
    if any(format_.get(name) for name in _PECULIAR):
        return Transport.SOURCE
    return TRANSPORTS[format_["protocol"]]


def formats_of(info: Format) -> list[Format]:
    """All formats of a video, worst first as yt-dlp sorts them; a video that has no list is its only one."""
    return list(info.get("formats") or ([info] if info.get("url") else []))


def is_broadcast(info: Format) -> bool:
    """Whether a video is being broadcast at this moment."""
    return info.get("live_status") == "is_live" or bool(info.get("is_live"))


def usable_formats(info: Format, media: Media) -> list[Format]:
    """What can be fetched and may be chosen, worst first. Of a broadcast that is HLS, which is recorded.

    Raises:
        FormatNotFound: `skip_hls` and `skip_dash` leave nothing.
        NotYetAvailable: It is live in forms that cannot be recorded as they come.
        ProtectedContent: Everything is under DRM.
        UnsupportedSource: There is no film or sound at all, or none that can be fetched.
    """
    usable = _usable(formats_of(info), media)
    if not is_broadcast(info):
        return usable
    growing = [f for f in usable if transport_of(f) is Transport.HLS]
    if not growing:
        raise NotYetAvailable("it is live now, and not as HLS, which could be recorded")
    return growing


def choose(info: Format, quality: Quality, *, format_id: str | None, media: Media) -> tuple[Choice, ...]:
    """One format with everything, or one for the picture and one for the sound.

    Args:
        info: A video as the worker reported it.
        quality: The most that is wanted.
        format_id: Ids joined by `+` that replace our choice. Sound is added to a lone picture.
        media: `skip_hls` and `skip_dash`.

    Raises:
        FormatNotFound: There is no such format or kind; the hint lists what there is.
        JobError: As `usable_formats`.
    """
    usable = usable_formats(info, media)
    if format_id is not None:
        return _named(usable, format_id)
    if quality.kind is Kind.AUDIO or not any(map(has_video, usable)):
        if quality.kind is Kind.VIDEO:
            raise FormatNotFound("there is only sound", hint="Ask for audio, or leave the kind out.")
        return (_best_audio(usable, quality),)
    if is_broadcast(info):
        # Picture and sound that are recorded by themselves begin at different moments.
        usable = [f for f in usable if has_video(f) and has_audio(f)] or usable
    return _best_video(usable, quality)


def chosen_by_expression(info: Format) -> str:
    """The ids that yt-dlp chose by a format expression, for `choose`."""
    return "+".join(str(f["format_id"]) for f in info.get("requested_formats") or [info])


def track(choice: Choice, *, duration_s: float | None, is_live: bool = False) -> Track:
    """How to fetch what was chosen."""
    format_ = choice.format
    headers = {
        name: value
        for name, value in (format_.get("http_headers") or {}).items()
        if name.lower() not in _NOT_SENT
    }
    if format_.get("cookie_header"):
        headers["Cookie"] = format_["cookie_header"]
    return Track(
        role=choice.role,
        transport=choice.transport,
        url=format_["url"],
        headers=headers,
        container=format_.get("ext"),
        size_bytes=format_.get("filesize"),
        duration_s=duration_s,
        format_id=format_.get("format_id"),
        max_range_bytes=(format_.get("downloader_options") or {}).get("http_chunk_size"),
        is_live=is_live,
    )


def _usable(formats: Sequence[Format], media: Media) -> list[Format]:
    playable = [f for f in formats if has_video(f) or has_audio(f)]
    clear = [f for f in playable if f.get("has_drm") is not True]
    if playable and not clear:
        raise ProtectedContent
    fetchable = [f for f in clear if f.get("protocol") in TRANSPORTS]
    if not fetchable:
        protocols = ", ".join(sorted({str(f.get("protocol")) for f in clear}))
        raise UnsupportedSource(f"only by {protocols}" if protocols else "there is no film or sound")
    skipped = (_HLS if media.skip_hls else ()) + (_DASH if media.skip_dash else ())
    wanted = [f for f in fetchable if f["protocol"] not in skipped]
    if not wanted:
        raise _not_found("media.skip_hls and media.skip_dash leave nothing", fetchable)
    return wanted


def _best_video(usable: Sequence[Format], quality: Quality) -> tuple[Choice, ...]:
    sounds = [f for f in usable if not has_video(f)]
    films = [f for f in usable if has_video(f)]
    most = max(quality.max_lines or 1 << 30, min(lines(f) or 0 for f in films))
    films = [f for f in films if (lines(f) or 0) <= most]
    # A silent film is only good enough when nothing has sound.
    complete = films if sounds else [f for f in films if has_audio(f)] or films
    film = max(enumerate(complete), key=lambda entry: (*video_key(entry[1]), entry[0]))[1]
    if has_audio(film) or not sounds:
        return (Choice(Role.MUXED, film),)
    return (Choice(Role.VIDEO, film), Choice(Role.AUDIO, _best_sound(sounds, quality)))


def _best_audio(usable: Sequence[Format], quality: Quality) -> Choice:
    """Sound alone where it is offered, else the smallest film with the best sound, to be taken out later."""
    sounds = [f for f in usable if not has_video(f)]
    if sounds:
        return Choice(Role.AUDIO, _best_sound(sounds, quality))
    films = [f for f in usable if has_audio(f)]
    if not films:
        raise _not_found("there is no sound", usable)
    return Choice(Role.MUXED, max(films, key=lambda f: (_is_sane(f), f.get("abr") or 0, -(lines(f) or 0))))


def _best_sound(sounds: Sequence[Format], quality: Quality) -> Format:
    """The best within the bound; when all exceed it the smallest, which is converted later."""
    limit = (quality.max_audio_kbps or 1 << 30) * _RATE_TOLERANCE
    within = [f for f in sounds if kbps(f) <= limit]
    if not within:
        return min(sounds, key=kbps)
    return max(enumerate(within), key=lambda entry: (*audio_key(entry[1]), entry[0]))[1]


def video_key(format_: Format) -> tuple[bool, int, bool, int]:
    """What makes a film better; yt-dlp's own order decides the rest."""
    codec, sound = str(format_.get("vcodec") or ""), str(format_.get("acodec") or "none")
    is_playable_on_phones = codec.startswith(("avc", "h264")) and sound.startswith(("none", "mp4a", "aac"))
    rank = _TRANSPORT_RANK[transport_of(format_)]
    return _is_sane(format_), lines(format_) or 0, is_playable_on_phones, rank


def audio_key(format_: Format) -> tuple[bool, bool, int]:
    """What makes a sound better; yt-dlp's own order decides the rest."""
    codec, container = str(format_.get("acodec") or ""), format_.get("ext")
    is_aac = codec.startswith(("mp4a", "aac")) or container in {"m4a", "aac"}
    return _is_sane(format_), is_aac, _TRANSPORT_RANK[transport_of(format_)]


def _is_sane(format_: Format) -> bool:
    """Neither damaged nor dubbed."""
    preference, language = format_.get("preference"), format_.get("language_preference")
    return (preference or 0) > _DAMAGED and (language or 0) > _DUBBED


def _named(usable: Sequence[Format], wanted: str) -> tuple[Choice, ...]:
    by_id = {str(f.get("format_id")): f for f in usable}
    try:
        chosen = [by_id[part] for part in wanted.split("+")]
    except KeyError:
        raise _not_found(f"there is no format {wanted[:60]!r}", usable) from None
    sounds = [f for f in usable if not has_video(f)]
    if len(chosen) == 1 and not has_audio(chosen[0]) and sounds:
        chosen.append(_best_sound(sounds, Quality(kind=Kind.AUTO)))
    return _with_roles(chosen)


def _with_roles(chosen: Sequence[Format]) -> tuple[Choice, ...]:
    films = [f for f in chosen if has_video(f)]
    sounds = [f for f in chosen if not has_video(f)]
    if len(films) > 1 or len(sounds) > 1 or (films and sounds and has_audio(films[0])):
        raise FormatNotFound("a format with sound cannot be joined with another, nor two of one kind")
    if not films:
        return (Choice(Role.AUDIO, sounds[0]),)
    if not sounds:
        return (Choice(Role.MUXED, films[0]),)
    return (Choice(Role.VIDEO, films[0]), Choice(Role.AUDIO, sounds[0]))


def lines(format_: Format) -> int | None:
    """The shorter side of the picture, by which upright films are named too."""
    sides = [side for side in (format_.get("width"), format_.get("height")) if side]
    if format_.get("height") is None:
        return None
    return int(min(sides))


def describe(format_: Format) -> str:
    """One format for people: its id, size and codecs."""
    size = f"{lines(format_)}p" if has_video(format_) and lines(format_) else ""
    rate = f"{kbps(format_):.0f}k" if not has_video(format_) and kbps(format_) else ""
    kind = "" if has_audio(format_) and has_video(format_) else "picture" if has_video(format_) else "sound"
    return " ".join(filter(None, (str(format_.get("format_id")), size, rate, kind)))


def has_video(format_: Format) -> bool:
    """Whether it has a picture, as far as is known."""
    return format_.get("vcodec") != "none"


def has_audio(format_: Format) -> bool:
    """Whether it has sound, as far as is known."""
    return format_.get("acodec") != "none"


def kbps(format_: Format) -> float:
    """Kilobits a second of the sound, else of all of it; 0 when unknown."""
    return float(format_.get("abr") or format_.get("tbr") or 0)


def _not_found(detail: str, formats: Sequence[Format]) -> FormatNotFound:
    offered = "; ".join(map(describe, formats[:-30:-1]))
    return FormatNotFound(detail, hint=f"Offered are: {offered}.")
