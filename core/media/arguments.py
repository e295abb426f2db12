"""The command lines of ffmpeg, from a recipe. Pure.

ffmpeg gets local files only, each with the demuxer that the prober saw: left to guess, it takes an HLS
playlist named `video.mp4` for one and reads whatever file that names, `-protocol_whitelist file` or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import MediaFailure
from core.domain.media import Tags
from core.media.ffmpeg import Ffmpeg
from core.media.recipe import Input, Recipe, StreamPlan
from core.media.tags import normalised
from core.media.verify import CONTAINERS

#: Muxers by the extension of the result.
_MUXERS = {"mp4": "mp4", "m4a": "ipod", "mp3": "mp3", "mkv": "matroska"}
#: Containers whose AAC carries ADTS headers, which MP4 must not have.
_ADTS_CONTAINERS = frozenset({"aac", "mpegts"})
#: ext4 takes writes of this size with half the work that ffmpeg's own, of 256 KiB, cost it.
_WRITE_BYTES = 64 * 1024
#: How long before a key frame it is cut.
_BEFORE_S = 0.002
#: H.264 with 4:2:0 needs even sides.
_EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"


@dataclass(frozen=True, slots=True)
class VideoEncoder:
    """A way to make H.264."""

    name: str
    #: After `-c:v NAME`.
    options: tuple[str, ...]
    #: Video filters that its frames must pass.
    filters: str = f"{_EVEN},format=yuv420p"
    #: Before the inputs.
    device: tuple[str, ...] = ()


#: Works everywhere. CRF 21 looks as the source at a fair size; `veryfast` keeps two cores near real time.
SOFTWARE = VideoEncoder("libx264", ("-preset", "veryfast", "-crf", "21"))


def postprocess_argv(
    ffmpeg: Ffmpeg,
    recipe: Recipe,
    tags: Tags,
    output: Path,
    *,
    encoder: VideoEncoder = SOFTWARE,
    chapters: Path | None = None,
    cover: Path | None = None,
    index_bytes: int | None = None,
) -> list[str]:
    """The command that follows *recipe* and writes *output*, telling its progress on stdout.

    Args:
        ffmpeg: The program.
        recipe: What to make of what.
        tags: Texts for the result, except for MP3.
        output: Path of the result.
        encoder: Used where the picture is converted.
        chapters: As `core.media.chapters.ffmetadata` writes them.
        cover: A JPEG; not for MP3, which gets it together with its tags.
        index_bytes: Room to leave in front for the index of an MP4; None has the whole file moved for it in
            the end.

    Raises:
        MediaFailure: An input is of a kind that ffmpeg must not read.
    """
    video, audio = recipe.video, recipe.audio
    is_mp4 = recipe.extension in {"mp4", "m4a"}
    # Whichever begins later is told so: ffmpeg lets every file begin at zero.
    delays_s = (max(0.0, -recipe.shift_s), max(0.0, recipe.shift_s))
    inputs = [
        _input(item, delay_s, is_copied=not recipe.converts(number))
        for number, (item, delay_s) in enumerate(zip(recipe.inputs, delays_s, strict=False))
    ]
    if chapters:
        inputs.append(("-f", "ffmetadata", "-i", f"file:{chapters.absolute()}"))
    if cover and is_mp4:
        inputs.append(("-f", "jpeg_pipe", "-i", f"file:{cover.absolute()}"))
    return [
        *progress_words(ffmpeg),
        *(encoder.device if video and video.convert_to else ()),
        *(word for words in inputs for word in words),
        # Nothing but the streams that are named; what the site wrote into the file is not ours to spread.
        # (Said for all at once it would also take the chapters' titles.)
        *("-map_metadata:g", "-1", "-map_metadata:s", "-1"),
        *("-map_chapters", str(len(recipe.inputs) if chapters else -1)),
        *("-sn", "-dn"),
        *(_video(video, encoder, is_mp4=is_mp4) if video else ()),
        *(_audio(audio, recipe.inputs[audio.input], is_mp4=is_mp4) if audio else ()),
        *(_cover(cover, len(inputs) - 1, 1 if video else 0, is_mp4=is_mp4) if cover else ()),
        *_metadata(tags, recipe.extension),
        *(_index_in_front(index_bytes) if is_mp4 else ()),
        *("-f", _MUXERS[recipe.extension], "-blocksize", str(_WRITE_BYTES), f"file:{output.absolute()}"),
    ]


def progress_words(ffmpeg: Ffmpeg) -> Sequence[str]:
    """How a run of ffmpeg begins whose progress is watched."""
    return (
        str(ffmpeg.path),
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y"),
        *("-progress", "pipe:1", "-stats_period", "0.5"),
    )


def even_sound_argv(ffmpeg: Ffmpeg, source: Input, output: Path) -> list[str]:
    """The command that turns sound of changing form into FLAC of one form, sample after sample.

    Encoded at once it would get times that are computed from the first rate alone.
    """
    form = ("-ar", "48000", "-ac", "2", "-c:a", "flac", "-compression_level", "0")
    target = ("-f", "flac", f"file:{output.absolute()}")
    return [*progress_words(ffmpeg), *input_words(source), "-map", "0:a:0", *form, *target]


def segment_argv(
    ffmpeg: Ffmpeg,
    source: Input,
    cuts_s: Sequence[float],
    tags: Tags,
    out_stem: Path,
    *,
    extension: str,
    muxer: str,
) -> list[str]:
    """The command that copies *source* into `<out_stem>000.<extension>` and so on, cut at *cuts_s*.

    All parts get the same *tags*. A part begins at the first key frame from its time on.
    """
    # Times are rounded to microseconds on their way: a key frame must not be missed by one of them.
    times = ",".join(f"{max(0.0, cut_s - _BEFORE_S):.6f}" for cut_s in cuts_s)
    front = ("-segment_format_options", "movflags=+faststart") if extension in {"mp4", "m4a"} else ()
    pattern = f"{out_stem.absolute()}".replace("%", "%%") + f"%03d.{extension}"
    return [
        *progress_words(ffmpeg),
        *input_words(source),
        *("-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"),
        *_metadata(tags, extension),
        *("-f", "segment", "-segment_times", times, "-segment_format", muxer, *front),
        *("-reset_timestamps", "1", f"file:{pattern}"),
    ]


def encoder_trial_argv(ffmpeg: Ffmpeg, encoder: VideoEncoder) -> list[str]:
    """A command that encodes a few frames of nothing, to see whether *encoder* works here."""
    return [
        str(ffmpeg.path),
        *("-hide_banner", "-nostdin", "-loglevel", "error"),
        *encoder.device,
        *("-f", "lavfi", "-i", "color=size=320x180:rate=10:duration=0.3"),
        *_encode(encoder),
        *("-f", "null", "-"),
    ]


def _input(item: Input, delay_s: float, *, is_copied: bool) -> Sequence[str]:
    delay = ("-itsoffset", f"{delay_s:.6f}") if delay_s else ()
    # To know what a film is like ffmpeg decodes the frames of its first megabytes: key frames tell it too.
    is_slow = item.info.container == "mpegts" and item.info.video is not None
    haste = ("-skip_frame", "nokey") if is_copied and is_slow else ()
    return (*delay, *haste, *input_words(item))


def input_words(item: Input) -> Sequence[str]:
    """How ffmpeg is given a file: by its path alone, read in the way that the prober found right.

    Raises:
        MediaFailure: It is of a kind that ffmpeg must not read.
    """
    if item.info.container not in CONTAINERS:
        raise MediaFailure(f"{item.info.container} is not a kind of file that is processed")
    options = ("-protocol_whitelist", "file", "-f", item.info.container)
    return (*options, "-i", f"file:{item.path.absolute()}")


def _video(stream: StreamPlan, encoder: VideoEncoder, *, is_mp4: bool) -> Sequence[str]:
    selected = ("-map", f"{stream.input}:V:0")  # a capital V leaves covers out
    if stream.convert_to:
        return (*selected, *_encode(encoder))
    # Apple's players know HEVC by this tag only.
    tag = ("-tag:v:0", "hvc1") if is_mp4 and stream.codec == "hevc" else ()
    return (*selected, "-c:v:0", "copy", *tag)


def _encode(encoder: VideoEncoder) -> Sequence[str]:
    return ("-c:v:0", encoder.name, *encoder.options, "-filter:v:0", encoder.filters)


def _audio(stream: StreamPlan, source: Input, *, is_mp4: bool) -> Sequence[str]:
    selected = ("-map", f"{stream.input}:a:0")
    if stream.convert_to:
        encoder = {"aac": "aac", "mp3": "libmp3lame", "h264": ""}[stream.convert_to]
        stereo = ("-ac", "2") if (stream.channels or 0) > 2 or stream.is_uneven else ()
        rate = ("-ar", "48000") if stream.is_uneven else ()
        return (*selected, "-c:a", encoder, "-b:a", str(stream.bitrate_bps), *stereo, *rate)
    has_adts = stream.codec == "aac" and source.info.container in _ADTS_CONTAINERS
    return (*selected, "-c:a", "copy", *(("-bsf:a", "aac_adtstoasc") if is_mp4 and has_adts else ()))


def _index_in_front(index_bytes: int | None) -> Sequence[str]:
    return ("-moov_size", str(index_bytes)) if index_bytes else ("-movflags", "+faststart")


def _cover(cover: Path, index: int, stream: int, *, is_mp4: bool) -> Sequence[str]:
    if not is_mp4:
        return ("-attach", f"file:{cover.absolute()}", "-metadata:s:t", "mimetype=image/jpeg")
    return ("-map", f"{index}:v:0", f"-c:v:{stream}", "copy", f"-disposition:v:{stream}", "attached_pic")


def _metadata(tags: Tags, extension: str) -> Sequence[str]:
    # Written later, into the small space at its front: ffmpeg hides a comment in MP3 from most players.
    if extension == "mp3":
        return ()
    return [word for name, text in normalised(tags).items() for word in ("-metadata", f"{name}={text}")]
