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
* Sound whose sample rate or channels change on the way is converted: a file has one of each.
* A single file that is already right is kept as it is, unless chapters are to be written into it. Raw AAC,
  MPEG-TS and fragmented MP4, the forms in which HLS leaves its media, are not: few players can seek in them,
  so they are remuxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.domain.errors import FormatNotFound, MediaFailure
from core.domain.job import Kind
from core.domain.media import MediaInfo, Role, StreamInfo, Tags

Bitrate = Literal["low", "medium", "high"]

#: Bits per second of converted sound in stereo; mono gets half.
AUDIO_BPS: dict[Bitrate, int] = {"low": 64_000, "medium": 128_000, "high": 192_000}
#: Beyond what either encoder makes use of.
MAX_AUDIO_BPS = 320_000

_MP4_VIDEO = frozenset({"h264", "hevc", "av1"})
_MP4_AUDIO = frozenset({"aac", "mp3"})
_M4A_AUDIO = frozenset({"aac", "alac"})
_PLAYABLE_AUDIO_FILES = frozenset({"mov", "mp3", "ogg", "flac", "wav", "matroska"})
_WEBM_CODECS = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
#: Sound is converted for its bit rate only where that saves something worth the loss.
_RICHNESS = 1.25
#: Containers whose tracks have true times: separate ones of one presentation share their clock.
_TIMED = frozenset({"mov", "matroska"})
#: Times in MPEG-TS begin anywhere and start again at zero after this (33 bits at 90 kHz).
_TS_WRAP_S = 2**33 / 90_000
#: Tracks further apart were never meant to be played together.
_MAX_SHIFT_S = 10.0
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
    #: Bits per second that sound may have: what has far more is converted. Goes before `audio_bitrate`.
    audio_bps: int | None = None
    #: A JPEG.
    cover: Path | None = None
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
    #: Its form changes on the way, and must be made one.
    is_uneven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the file is made. When `keep` is set there is nothing to do: it is that input already."""

    inputs: tuple[Input, ...]
    #: Of the result, without the dot.
    extension: str
    video: StreamPlan | None = None
    audio: StreamPlan | None = None
    #: How much later than the first input the second begins, on the clock that they share.
    shift_s: float = 0.0
    keep: Path | None = None

    @property
    def duration_s(self) -> float | None:
        """Expected length: that of the longest input, None when no length is known."""
        return max((item.info.duration_s for item in self.inputs if item.info.duration_s), default=None)

    def converts(self, number: int) -> bool:
        """Whether anything of that input is made anew."""
        streams = [stream for stream in (self.video, self.audio) if stream and stream.input == number]
        return any(stream.convert_to for stream in streams)

    @property
    def is_mp4_copy(self) -> bool:
        """Every stream is taken as it is from MP4 into MP4, so that the new index resembles the old ones."""
        streams = [stream for stream in (self.video, self.audio) if stream]
        sources = [item.info for item in self.inputs]
        return (
            self.extension in {"mp4", "m4a"}
            and not any(stream.convert_to for stream in streams)
            and all(info.container == "mov" and not info.is_fragmented for info in sources)
        )

    @property
    def is_raw_sound_copy(self) -> bool:
        """Raw AAC is taken as it is into an M4A file."""
        if self.audio is None or self.video or self.extension != "m4a" or len(self.inputs) > 1:
            return False
        return self.audio.convert_to is None and self.inputs[0].info.container == "aac"

    @property
    def packets_a_second(self) -> float:
        """About how many packets a second of the result will have."""
        film, sound = self.inputs[0].info, self.inputs[-1].info
        return (film.video.fps or 60 if film.video and self.video else 0) + (
            (sound.audio.sample_rate_hz or 48_000) / 1024 if sound.audio and self.audio else 0
        )

    @property
    def lacks_times(self) -> bool:
        """The form of the sound changes on the way, and nothing but the samples tells their times."""
        if self.audio is None:
            return False
        return self.audio.is_uneven and self.inputs[self.audio.input].info.container == "aac"


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
        copied = copied and not sound.info.audio.is_uneven
        audio = _sound(sound, len(inputs) - 1, None if copied else "aac", AUDIO_BPS["high"])
    is_right = (
        len(inputs) == 1
        and container == {"mp4": "mov", "mkv": "matroska"}[wanted.container]
        and not film.info.is_fragmented
        and video.convert_to is None
        and (audio is None or audio.convert_to is None)
        and not wanted.tags.chapters
    )
    return Recipe(
        inputs=inputs,
        extension=wanted.container,
        video=video,
        audio=audio,
        shift_s=_shift_s(film.info, sound.info) if sound and len(inputs) > 1 else 0.0,
        keep=film.path if is_right else None,
    )


def _sound_recipe(sound: Input, wanted: Wanted) -> Recipe:
    assert sound.info.audio
    codec, container = sound.info.audio.codec, sound.info.container
    convert_to: Literal["aac", "mp3"] | None = None
    if _is_too_rich(sound.info.audio, wanted.audio_bps):
        extension = "mp3" if "mp3" in {codec, wanted.audio_format} else "m4a"
        is_right, convert_to = False, "mp3" if extension == "mp3" else "aac"
    elif codec == "mp3":
        extension, is_right = "mp3", container == "mp3"
    elif wanted.audio_format == "mp3":
        extension, is_right, convert_to = "mp3", False, "mp3"
    elif codec in _M4A_AUDIO and not sound.info.audio.is_uneven:
        extension, is_right = "m4a", container == "mov" and not wanted.tags.chapters
    else:
        extension, is_right, convert_to = "m4a", False, "aac"
    if wanted.kind is Kind.AUTO and not wanted.audio_bps:
        is_right = container in _PLAYABLE_AUDIO_FILES
    is_right = is_right and sound.info.video is None and not sound.info.is_fragmented
    return Recipe(
        inputs=(sound,),
        extension=extension,
        audio=_sound(sound, 0, convert_to, wanted.audio_bps or AUDIO_BPS[wanted.audio_bitrate]),
        keep=sound.path if is_right else None,
    )


def _is_too_rich(sound: StreamInfo, most_bps: int | None) -> bool:
    return bool(most_bps and sound.bitrate_bps and sound.bitrate_bps > most_bps * _RICHNESS)


def _sound(
    source: Input, index: int, convert_to: Literal["aac", "mp3"] | None, stereo_bps: int
) -> StreamPlan:
    assert source.info.audio
    channels = source.info.audio.channels
    return StreamPlan(
        input=index,
        codec=source.info.audio.codec,
        channels=channels,
        convert_to=convert_to,
        is_uneven=source.info.audio.is_uneven,
        bitrate_bps=min(stereo_bps, MAX_AUDIO_BPS) // (2 if channels == 1 else 1) if convert_to else 0,
    )


def _shift_s(film: MediaInfo, sound: MediaInfo) -> float:
    """How much later than the film its separate sound begins; negative when it begins earlier.

    ffmpeg moves the start of each file to zero by itself, and with it picture and sound apart.
    """
    shift_s = sound.start_s - film.start_s
    if film.container == sound.container == "mpegts":
        shift_s = (shift_s + _TS_WRAP_S / 2) % _TS_WRAP_S - _TS_WRAP_S / 2
    elif not {film.container, sound.container} <= _TIMED:
        return 0.0
    return shift_s if abs(shift_s) <= _MAX_SHIFT_S else 0.0
