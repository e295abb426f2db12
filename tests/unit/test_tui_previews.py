from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.errors import AuthRequired
from core.domain.job import Kind
from core.domain.media import FormatInfo, Role
from core.domain.snapshot import MetadataPreview
from tests.unit.test_tui_present import HOSTILE, assert_is_safe, text_of
from tui.previews import chosen_by, format_row, preview_lines, quality_row, refusal_lines

LABELS = {"youtube": "YouTube"}
FILM = FormatInfo(
    id="137", role=Role.VIDEO, container="mp4", height=1080, fps=60.0, codecs="h264", size_bytes=10 * 2**20,
    is_size_estimated=True, note="original", is_chosen=True,
)  # fmt: skip
SOUND = FormatInfo(id="140", role=Role.AUDIO, container="m4a", codecs="aac", bitrate_bps=128_000)


def preview(**facts) -> MetadataPreview:
    values = {
        "url": "https://example.org/a", "source": "youtube", "title": "A talk", "kind": Kind.VIDEO,
        "duration_s": 754.0, "size_bytes": 10 * 2**20, "formats": (FILM, SOUND),
    }  # fmt: skip
    return MetadataPreview(**values | facts)


def shown(lines) -> list[str]:
    return [" ".join(text_of(line).split()) for line in lines]


@pytest.mark.parametrize("width", [20, 70])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_a_site_says(width, text):
    info = FormatInfo(id=text, role=Role.MUXED, container=text, codecs=text, note=text, is_chosen=True)
    found = preview(title=text, source=text, formats=(info,), entries=5, taken=2, sample=[text] * 5)
    lines = [*preview_lines(found, LABELS, width, 6), quality_row(found, width), format_row(info, width)]
    for line in [*lines, *refusal_lines(AuthRequired(text, hint=text), width, 9)]:
        assert cell_len(text_of(line)) == width
        assert_is_safe(text_of(line))


def test_a_single_thing_is_told_with_source_kind_length_and_size():
    assert shown(preview_lines(preview(), LABELS, 70, 2)) == ["A talk", "YouTube · video · 12:34 · 10.0 MiB"]
    unknown = preview(kind=Kind.AUTO, duration_s=None, size_bytes=None, title=None, source="else")
    assert shown(preview_lines(unknown, LABELS, 70, 2)) == ["without a title", "else · size unknown"]


def test_a_playlist_is_told_with_its_count_what_is_taken_and_its_first_titles():
    found = preview(entries=5000, taken=300, sample=[f"Part {number}" for number in range(20)])
    assert shown(preview_lines(found, LABELS, 70, 5)) == [
        "A talk", "YouTube · 5000 items, the first 300 are taken", "Part 0", "Part 1", "… and 4998 more",
    ]  # fmt: skip
    small = preview(entries=2, taken=2, sample=["One", "Two"])
    assert shown(preview_lines(small, LABELS, 70, 9)) == ["A talk", "YouTube · 2 items", "One", "Two"]
    assert len(preview_lines(found, LABELS, 70, 1)) == 1


def test_a_format_is_told_with_its_size_and_whether_that_is_a_guess():
    assert shown([format_row(FILM, 70)]) == ["1080p60 mp4 h264 original ~10.0 MiB"]
    assert shown([format_row(SOUND, 70)]) == ["128 kbit m4a sound aac"]
    assert shown([quality_row(preview(), 70)]) == ["as the quality says 1080p60 10.0 MiB"]


def test_a_format_is_asked_for_by_its_id_or_by_a_quality_that_leads_to_it():
    assert chosen_by(FILM) == (("format", "137"),)
    assert chosen_by(FormatInfo(id=None, role=Role.MUXED, height=720)) == (("quality", "720p"),)
    sound = FormatInfo(id=None, role=Role.AUDIO, bitrate_bps=192_000)
    assert dict(chosen_by(sound)) == {"kind": "audio", "quality": "audio_192"}
    assert chosen_by(FormatInfo(id=None, role=Role.MUXED)) is None


def test_a_refusal_says_what_to_do():
    lines = shown(refusal_lines(AuthRequired("members only", hint="Log in."), 70, 4))
    assert lines == ["The site wants a login: members only", "→ Log in."]
