"""What a run of ffmpeg tells: how far it is, that it lives, why it failed."""

from __future__ import annotations

import signal

import pytest

from core.domain.errors import DiskFull, MediaFailure
from core.media.child import ChildResult
from core.media.ffmpeg_run import Work, _failure, _Watch


def watched(*lines: str, duration_s: float | None = 10.0) -> tuple[list[float], int]:
    """The shares that were told, and how often it showed life."""
    shares: list[float] = []
    signs: list[None] = []
    work = Work(duration_s=duration_s, size_bytes=1000, timeout_s=1, stall_s=1, progress=shares.append)
    watch = _Watch(work, lambda: signs.append(None))
    for line in lines:
        watch.line(line)
    return shares, len(signs)


def test_progress_is_the_done_share_of_the_duration_and_never_falls():
    lines = (
        "out_time_us=N/A",
        "out_time_us=2500000",
        "out_time_us=-9",
        "out_time_us=1000000",
        "total_size=1000",
    )
    assert watched(*lines)[0] == [0.25]
    assert watched("out_time_us=99000000", "progress=end")[0] == [0.99]


def test_progress_is_the_done_share_of_the_bytes_where_no_duration_is_known():
    assert watched("out_time_us=5000000", "total_size=400", duration_s=None)[0] == [0.4]


def test_only_figures_that_rise_are_signs_of_life():
    lines = ("frame=1", "frame=1", "speed=0.1x", "out_time_us=N/A", "progress=continue", "total_size=0")
    assert watched(*lines)[1] == 1
    assert watched("frame=1", "frame=2", "total_size=48", "out_time_us=10")[1] == 4


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            (
                "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0c0] moov atom not found\n"
                "[in#0 @ 0x55d1] Error opening input: Invalid data found when processing input\n"
                "Error opening input file file:/srv/reeldeck/tmp/7/v.mp4.\n"
            ),
            "ffmpeg: moov atom not found",
        ),
        ("file:/srv/reeldeck/tmp/7/v.mp4: No such file\n", "ffmpeg: v.mp4: No such file"),
        ("Unknown encoder 'libx264'\nConversion failed!\n", "ffmpeg: Unknown encoder 'libx264'"),
        ("\x1b[31mred\x1b[0m\n", "ffmpeg: ␛[31mred␛[0m"),
        ("", "ffmpeg: exit status 1"),
    ],
)
def test_a_failure_is_told_in_one_line_without_folders(stderr, reason):
    failure = _failure(ChildResult(1, stderr))
    assert isinstance(failure, MediaFailure)
    assert failure.detail == reason


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_no_fault_of_the_media(words):
    assert isinstance(_failure(ChildResult(228, f"Error writing trailer: {words}\n")), DiskFull)


def test_an_ffmpeg_that_is_killed_names_the_signal():
    assert _failure(ChildResult(-signal.SIGKILL, "")).detail == "ffmpeg was ended by SIGKILL"
    assert _failure(ChildResult(-signal.SIGXFSZ, "")).detail == "the result grew far larger than its sources"
