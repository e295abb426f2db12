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
    ffmpeg: Ffmpeg, recipe: Recipe, tags: Tags, output: Path, *, encoder: VideoEncoder = SOFTWARE
) -> list[str]:
    """The command that follows *recipe* and writes *output*, telling its progress on stdout.

    Raises:
        MediaFailure: An input is of a kind that ffmpeg must not read.
    """
    video, audio = recipe.video, recipe.audio
    is_mp4 = recipe.extension in {"mp4", "m4a"}
    return [
        str(ffmpeg.path),
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y"),
        *("-progress", "pipe:1", "-stats_period", "0.5"),
        *(encoder.device if video and video.convert_to else ()),
        *(word for item in recipe.inputs for word in _input(item)),
        # Nothing but the streams that are named; what the site wrote into the file is not ours to spread.
        *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"),
        *(_video(video, encoder, is_mp4=is_mp4) if video else ("-vn",)),
        *(_audio(audio, recipe.inputs[audio.input], is_mp4=is_mp4) if audio else ("-an",)),
        *_metadata(tags, recipe.extension),
        *(("-movflags", "+faststart") if is_mp4 else ()),
        *("-f", _MUXERS[recipe.extension], f"file:{output.absolute()}"),
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


def _input(item: Input) -> Sequence[str]:
    if item.info.container not in CONTAINERS:
        raise MediaFailure(f"{item.info.container} is not a kind of file that is processed")
    options = ("-protocol_whitelist", "file", "-f", item.info.container)
    return (*options, "-i", f"file:{item.path.absolute()}")


def _video(stream: StreamPlan, encoder: VideoEncoder, *, is_mp4: bool) -> Sequence[str]:
    selected = ("-map", f"{stream.input}:V:0")  # a capital V leaves covers out
    if stream.convert_to:
        return (*selected, *_encode(encoder))
    # Apple's players know HEVC by this tag only.
    tag = ("-tag:v", "hvc1") if is_mp4 and stream.codec == "hevc" else ()
    return (*selected, "-c:v", "copy", *tag)


def _encode(encoder: VideoEncoder) -> Sequence[str]:
    return ("-c:v", encoder.name, *encoder.options, "-vf", encoder.filters)


def _audio(stream: StreamPlan, source: Input, *, is_mp4: bool) -> Sequence[str]:
    selected = ("-map", f"{stream.input}:a:0")
    if stream.convert_to:
        encoder = {"aac": "aac", "mp3": "libmp3lame", "h264": ""}[stream.convert_to]
        stereo = ("-ac", "2") if (stream.channels or 0) > 2 else ()
        return (*selected, "-c:a", encoder, "-b:a", str(stream.bitrate_bps), *stereo)
    has_adts = stream.codec == "aac" and source.info.container in _ADTS_CONTAINERS
    return (*selected, "-c:a", "copy", *(("-bsf:a", "aac_adtstoasc") if is_mp4 and has_adts else ()))


def _metadata(tags: Tags, extension: str) -> Sequence[str]:
    # Written later, into the small space at its front: ffmpeg hides a comment in MP3 from most players.
    if extension == "mp3":
        return ()
    return [word for name, text in normalised(tags).items() for word in ("-metadata", f"{name}={text}")]
