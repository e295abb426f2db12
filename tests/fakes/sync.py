"""Films that flash and beep at every full second, and how far apart the two are when the film is played."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path
from statistics import median

import av

from tests.fakes.media import run_ffmpeg

_ON = "lt(mod(t,1),0.1)"
_RATE_HZ = 48_000


def flashes(seconds: float) -> tuple[str, ...]:
    """Input arguments: white for a tenth of each second, black otherwise."""
    box = f"drawbox=color=white:t=fill:enable='{_ON}'"
    return ("-f", "lavfi", "-i", f"color=black:size=160x90:rate=50:duration={seconds},{box}")


def beeps(seconds: float) -> tuple[str, ...]:
    """Input arguments: a tone for a tenth of each second, silence otherwise."""
    tone = f"aevalsrc='sin(2*PI*1000*t)*{_ON}':sample_rate={_RATE_HZ}:duration={seconds}"
    return ("-f", "lavfi", "-i", tone)


#: B-frames, so that the order of decoding is not the order of showing.
PICTURE = ("-c:v", "libx264", "-preset", "fast", "-bf", "2", "-g", "50", "-pix_fmt", "yuv420p")
SOUND = ("-c:a", "aac", "-b:a", "96k")


def flash_and_beep(path: Path, seconds: float = 6.0, *options: str) -> Path:
    """Picture and sound in the container of *path*'s extension."""
    run_ffmpeg(*flashes(seconds), *beeps(seconds), *PICTURE, *SOUND, *options, path)
    return path


def _onsets(levels: list[tuple[float, bool]]) -> list[float]:
    """Times at which something begins, but for the first second: what is on at zero has no edge."""
    pairs = pairwise(levels)
    return [now for (_, was_on), (now, is_on) in pairs if is_on and not was_on and now > 0.5]


def _flash_times(path: Path) -> list[float]:
    levels = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            middle = bytes(plane)[plane.line_size * (plane.height // 2) + plane.width // 2]
            levels.append((frame.time, middle > 128))
    return _onsets(levels)


def _beep_times(path: Path) -> list[float]:
    levels = []
    resampler = av.AudioResampler("s16", "mono", _RATE_HZ)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for even in resampler.resample(frame):
                samples = array("h", bytes(even.planes[0])[: even.samples * 2])
                start = float(even.pts * even.time_base)
                # Loudness over 2 ms: a tone of 1 kHz crosses zero twice in that.
                for at in range(0, len(samples), 96):
                    loud = max(map(abs, samples[at : at + 96])) > 4000
                    levels.append((start + at / _RATE_HZ, loud))
    return _onsets(levels)


def offset_s(path: Path) -> float:
    """How much later than the flash the beep comes, in the middle of all pairs."""
    flash_times, beep_times = _flash_times(path), _beep_times(path)
    assert len(flash_times) >= 3, flash_times
    nearest = [min(beep_times, key=lambda beep: abs(beep - flash)) - flash for flash in flash_times]
    return median(nearest)


def largest_offset_s(path: Path) -> float:
    """The worst pair."""
    beep_times = _beep_times(path)
    nearest = [min((beep - flash for beep in beep_times), key=abs) for flash in _flash_times(path)]
    return max(nearest, key=abs)
