"""Which encoder makes H.264 here: the machine's hardware where it works, x264 otherwise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import StageTimeout
from core.media.arguments import SOFTWARE, VideoEncoder, encoder_trial_argv
from core.media.child import run_child
from core.media.ffmpeg import Ffmpeg

_RENDER_NODE = "/dev/dri/renderD128"
_EVEN_NV12 = "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=nv12"
_TRIAL_S = 15.0

#: Hardware encoders, best first, and the device whose absence spares the trial.
_HARDWARE: tuple[tuple[str, VideoEncoder], ...] = (
    ("/dev/nvidiactl", VideoEncoder("h264_nvenc", ("-preset", "p4", "-cq", "23"))),
    (_RENDER_NODE, VideoEncoder("h264_qsv", ("-global_quality", "23"), filters=_EVEN_NV12)),
    (
        _RENDER_NODE,
        VideoEncoder(
            "h264_vaapi", ("-qp", "23"), f"{_EVEN_NV12},hwupload", device=("-vaapi_device", _RENDER_NODE)
        ),
    ),
)
_MACOS = VideoEncoder("h264_videotoolbox", ("-q:v", "60"))

_chosen: dict[Path, VideoEncoder] = {}


async def choose_encoder(ffmpeg: Ffmpeg, *, use_hardware: bool) -> VideoEncoder:
    """The first hardware encoder that proves itself in a trial, remembered for *ffmpeg*; else x264."""
    if not use_hardware:
        return SOFTWARE
    if ffmpeg.path not in _chosen:
        _chosen[ffmpeg.path] = await _first_working(ffmpeg, _candidates())
    return _chosen[ffmpeg.path]


def _candidates() -> list[VideoEncoder]:
    if sys.platform == "darwin":
        return [_MACOS]
    return [encoder for device, encoder in _HARDWARE if Path(device).exists()]


async def _first_working(ffmpeg: Ffmpeg, candidates: Sequence[VideoEncoder]) -> VideoEncoder:
    for encoder in candidates:
        argv = encoder_trial_argv(ffmpeg, encoder)
        try:
            result = await run_child(argv, cwd=ffmpeg.path.parent, timeout_s=_TRIAL_S)
        except StageTimeout:  # a driver that hangs
            continue
        if result.returncode == 0:
            return encoder
    return SOFTWARE
