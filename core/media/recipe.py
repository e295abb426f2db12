"""What has to be done to turn fetched tracks into the file that was asked for. Pure.

Copying is the rule; converting takes long and loses quality: it is done only where the result would not play.

* **MP4** plays everywhere, and is the only container that Telegram plays in a chat. H.264, HEVC and AV1 with
  AAC or MP3 are copied into it. VP8, VP9, Theora … become H.264, and Opus, Vorbis, AC-3 … become AAC: MP4
  could hold some of them, but iPhones show no picture or play no sound. MPEG-4 part 2 is copied from MP4
  only: in AVI its frames may be packed in a way that MP4 does not know.
* **MKV** holds everything as it is.
* **Audio**: MP3 always stays MP3. For `m4a`, AAC and ALAC are copied, for `mp3` they are converted; all else
  is converted.
* With `Kind.AUTO` a file that holds sound only stays in the format it came in.
* A single file that is already right is kept as it is. Raw AAC, MPEG-TS and fragmented MP4, the forms in
  which HLS leaves its media, are not: few players can seek in them, so they are remuxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.domain.errors import FormatNotFound, MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo, Role, Tags

Bitrate = Literal["low", "medium", "high"]

#: Bits per second of converted sound in stereo; mono gets half.
AUDIO_BPS: dict[Bitrate, int] = {"low": 64_000, "medium": 128_000, "high": 192_000}

_MP4_VIDEO = frozenset({"h264", "hevc", "av1"})
_MP4_AUDIO = frozenset({"aac", "mp3"})
_M4A_AUDIO = frozenset({"aac", "alac"})
_PLAYABLE_AUDIO_FILES = frozenset({"mov", "mp3", "ogg", "flac", "wav", "matroska"})
_WEBM_CODECS = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
_EXTENSIONS = {"mpegts": "ts", "asf": "wmv", "mpeg": "mpg"}


@dataclass(frozen=True, slots=True)
class Input:
    """A fetched file."""

    role: Role
    path: Path
    info: MediaInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the finished file should be."""

    kind: Kind
    container: Literal["mp4", "mkv"] = "mp4"
    audio_format: Literal["m4a", "mp3"] = "m4a"
    audio_bitrate: Bitrate = "high"
    tags: Tags = field(default_factory=Tags)
    #: JPEG or PNG for M4A and MP3.
    cover: bytes | None = None
    #: A hardware encoder may be used where one works.
    use_hardware: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """One stream of the result."""

    #: Index into the recipe's inputs.
    input: int
    codec: str
    channels: int | None = None
    #: `h264`, `aac` or `mp3`; None copies the stream.
    convert_to: Literal["h264", "aac", "mp3"] | None = None
    bitrate_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the file is made. When `keep` is set there is nothing to do: it is that input already."""

    inputs: tuple[Input, ...]
    #: Of the result, without the dot.
    extension: str
    video: StreamPlan | None = None
    audio: StreamPlan | None = None
    keep: Path | None = None

    @property
    def duration_s(self) -> float | None:
        """Expected length: that of the longest input, None when no length is known."""
        return max((item.info.duration_s for item in self.inputs if item.info.duration_s), default=None)


def plan(inputs: Sequence[Input], wanted: Wanted) -> Recipe:
    """Decide what is copied, what is converted, and whether anything must be done at all.

    Raises:
        FormatNotFound: The inputs lack the wanted kind.
        MediaFailure: There is nothing to see or hear in them.
    """
    film = None if wanted.kind is Kind.AUDIO else _first(inputs, Role.VIDEO, film=True)
    sound = _first(inputs, Role.AUDIO, film=False)
    if film is not None:
        return _film_recipe(film, sound, wanted)
    if wanted.kind is Kind.VIDEO:
        raise FormatNotFound("there is no picture in it")
    if sound is None:
        if wanted.kind is Kind.AUDIO:
            raise FormatNotFound("there is no sound in it")
        raise MediaFailure("there is neither sound nor picture in it")
    return _sound_recipe(sound, wanted)


def extension_of(info: MediaInfo) -> str:
    """The file name extension, without the dot, that fits what a probe saw."""
    codecs = {stream.codec for stream in info.streams if not stream.is_cover}
    if info.container == "mov":
        return "mp4" if info.video else "m4a"
    if info.container == "matroska":
        return "webm" if codecs <= _WEBM_CODECS else "mkv"
    if info.container == "ogg" and codecs == {"opus"}:
        return "opus"
    if info.container == "asf" and not info.video:
        return "wma"
    return _EXTENSIONS.get(info.container, info.container)


def _first(inputs: Sequence[Input], role: Role, *, film: bool) -> Input | None:
    """Where to take the film or the sound from: what was fetched for it, else whatever has it."""
    having = [item for item in inputs if (item.info.video if film else item.info.audio)]
    return min(having, key=lambda item: item.role is not role, default=None)


def _film_recipe(film: Input, sound: Input | None, wanted: Wanted) -> Recipe:
    inputs = (film,) if sound in (None, film) else (film, sound)
    assert film.info.video
    codec, container = film.info.video.codec, film.info.container
    copied = wanted.container == "mkv" or codec in _MP4_VIDEO or (codec == "mpeg4" and container == "mov")
    video = StreamPlan(input=0, codec=codec, convert_to=None if copied else "h264")
    audio = None
    if sound is not None:
        assert sound.info.audio
        copied = wanted.container == "mkv" or sound.info.audio.codec in _MP4_AUDIO
        audio = _sound(sound, len(inputs) - 1, None if copied else "aac", "high")
    is_right = (
        len(inputs) == 1
        and container == {"mp4": "mov", "mkv": "matroska"}[wanted.container]
        and not film.info.is_fragmented
        and video.convert_to is None
        and (audio is None or audio.convert_to is None)
    )
    return Recipe(
        inputs=inputs,
        extension=wanted.container,
        video=video,
        audio=audio,
        keep=film.path if is_right else None,
    )


def _sound_recipe(sound: Input, wanted: Wanted) -> Recipe:
    assert sound.info.audio
    codec, container = sound.info.audio.codec, sound.info.container
    convert_to: Literal["aac", "mp3"] | None = None
    if codec == "mp3":
        extension, is_right = "mp3", container == "mp3"
    elif wanted.audio_format == "mp3":
        extension, is_right, convert_to = "mp3", False, "mp3"
    elif codec in _M4A_AUDIO:
        extension, is_right = "m4a", container == "mov"
    else:
        extension, is_right, convert_to = "m4a", False, "aac"
    if wanted.kind is Kind.AUTO:
        is_right = container in _PLAYABLE_AUDIO_FILES
    is_right = is_right and sound.info.video is None and not sound.info.is_fragmented
    return Recipe(
        inputs=(sound,),
        extension=extension,
        audio=_sound(sound, 0, convert_to, wanted.audio_bitrate),
        keep=sound.path if is_right else None,
    )


def _sound(
    source: Input, index: int, convert_to: Literal["aac", "mp3"] | None, bitrate: Bitrate
) -> StreamPlan:
    assert source.info.audio
    channels = source.info.audio.channels
    return StreamPlan(
        input=index,
        codec=source.info.audio.codec,
        channels=channels,
        convert_to=convert_to,
        bitrate_bps=AUDIO_BPS[bitrate] // (2 if channels == 1 else 1) if convert_to else 0,
    )
