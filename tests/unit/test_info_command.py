"""`reeldeck info` against an engine in memory."""

from __future__ import annotations

import json

from core.domain.errors import ERRORS, NetworkFailure, NotFound
from core.domain.job import Kind
from core.domain.media import FormatInfo, Role
from core.domain.snapshot import MetadataPreview
from tests.unit.conftest import run

URL = "https://a.example/watch"


def preview(**more):
    values = {"url": URL, "source": "ytdlp", "title": "A talk", "kind": Kind.VIDEO}
    values |= {"duration_s": 754.0, "size_bytes": 5 * 2**20}
    return MetadataPreview(**values | more)


def test_formats_are_shown_with_their_sizes_and_the_chosen_one_is_marked(engine):
    engine.previews[URL] = preview(
        formats=(
            FormatInfo(
                id="22", role=Role.MUXED, container="mp4", height=720, fps=30, codecs="h264 + aac",
                size_bytes=5 * 2**20, is_size_estimated=True, is_chosen=True,
            ),
            FormatInfo(id="140", role=Role.AUDIO, container="m4a", bitrate_bps=128_000, note="original"),
        ),
    )  # fmt: skip
    code, out, _ = run("info", URL)
    assert code == 0
    assert out.splitlines() == [
        "title    A talk",
        "source   ytdlp",
        "kind     video",
        "length   12 min 34 s",
        "size     5.0 MiB",
        "",
        "   FORMAT  HOLDS  FILE  QUALITY  CODECS      SIZE      NOTE",
        "*  22      whole  mp4   720p30   h264 + aac  ~5.0 MiB",
        "   140     sound  m4a   128k                 -         original",
    ]


def test_a_list_is_shown_with_its_count_its_cap_and_its_first_titles(engine):
    titles = [f"Part {number}" for number in range(1, 21)]
    engine.previews[URL] = preview(duration_s=None, size_bytes=None, entries=5000, taken=300, sample=titles)
    _, out, _ = run("info", URL)
    lines = out.splitlines()
    assert lines[2] == "items    5000; the first 300 would become jobs (limits.max_playlist_items)"
    assert lines[4:6] == ["    1  Part 1", "    2  Part 2"]
    assert lines[-1] == "       and 4980 more"
    engine.previews[URL] = preview(entries=3, taken=3, sample=titles[:3])
    assert "items    3 would become jobs\n" in run("info", URL)[1]


def test_the_options_of_a_request_go_with_it(engine):
    run("info", URL, "--audio", "--quality", "audio_128", "--format", "140", "--source", "ytdlp")
    ((request,),) = [arguments for name, arguments in engine.calls if name == "preview"]
    assert (request.kind, request.quality, request.format) == (Kind.AUDIO, "audio_128", "140")
    assert request.source == "ytdlp"


def test_json_is_what_the_api_answers(engine):
    engine.previews[URL] = preview(entries=2, taken=2, sample=["a", "b"])
    code, out, _ = run("info", URL, "--json")
    assert code == 0
    assert MetadataPreview.from_json(json.loads(out)) == preview(entries=2, taken=2, sample=["a", "b"])


def test_a_refusal_is_told_with_its_exit_code(engine):
    engine.previews[URL] = NotFound("it was removed")
    code, out, err = run("info", URL)
    assert code == ERRORS["NOT_FOUND"].exit_code
    assert out == ""
    assert "it was removed" in err


def test_titles_of_strangers_reach_the_terminal_escaped(engine):
    hostile = "\x1b]0;owned\x07 \u202egpj"
    engine.previews[URL] = preview(
        title=hostile,
        entries=1,
        taken=1,
        sample=[hostile],
        formats=(FormatInfo(id=hostile, role=Role.MUXED, note=hostile, codecs=hostile, container=hostile),),
    )
    _, out, _ = run("info", URL)
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_nobody_tries_a_question_again_and_its_hint_does_not_say_so(engine):
    engine.fail_next("preview", NetworkFailure("no answer"))
    code, _, err = run("info", URL)
    assert code == NetworkFailure.exit_code
    assert "hint: Ask again later." in err
    engine.fail_next("preview", NetworkFailure("no answer", hint="Mend the proxy."))
    assert "hint: Mend the proxy." in run("info", URL)[2]
