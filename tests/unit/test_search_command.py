"""`reeldeck search` against an engine in memory."""

from __future__ import annotations

import json

from core.domain.errors import InvalidRequest
from core.domain.library import MediaItem
from tests.fakes.library import an_item
from tests.unit.conftest import run
from tui.commands.search import query_of


def test_hits_are_listed_with_their_paths(engine):
    engine.media = [an_item()]
    code, out, err = run("search", "talk")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "ID  KIND   LENGTH       SIZE     DATE        BY   TITLE",
        "1   audio  12 min 34 s  5.0 MiB  2024-05-01  Ann  A talk",
        "",
        "/archive/1.mp3",
    ]


def test_what_the_shell_took_apart_is_put_together_again():
    assert query_of(("by:Ibn Kathir", "tafsir", "just so", "-not this", "-title:a b", "size<5MB")) == (
        'by:"Ibn Kathir" tafsir "just so" -"not this" -title:"a b" size<5MB'
    )
    assert query_of(('by:"Ibn Kathir" tafsir',)) == 'by:"Ibn Kathir" tafsir'


def test_json_is_what_the_api_answers_whatever_the_number(engine):
    engine.media = [an_item(number) for number in range(1, 1300)]
    code, out, _ = run("search", "talk", "--limit", "1200", "--json")
    assert code == 0
    found = [MediaItem.from_json(json.loads(line)) for line in out.splitlines()]
    assert found == engine.media[:1200]
    assert "There is more" in run("search", "talk", "--limit", "3")[2]


def test_near_words_and_nothing_are_said(engine):
    code, out, err = run("search", "tlak")
    assert (code, out, err) == (0, "", "Nothing found.\n")
    engine.media, engine.meant = [an_item()], "talk"
    assert "near them: talk" in run("search", "tlak")[2]


def test_a_query_that_cannot_be_read_ends_with_2(engine):
    engine.fail_next("library", InvalidRequest("column 5: size takes a size"))
    code, _, err = run("search", "size<x")
    assert (code, "column 5" in err) == (2, True)


def test_titles_of_strangers_reach_the_terminal_escaped(engine):
    hostile = "\x1b]0;owned\x07 \u202egpj"
    engine.media = [an_item(title=hostile, artist=hostile, date=hostile, file_path=f"/a/{hostile}")]
    engine.meant = hostile
    _, out, err = run("search", "x")
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)


def test_what_is_found_is_counted_by_kind_source_and_tag(engine):
    engine.media = [an_item(1, tags=("live session",)), an_item(2)]
    assert run("search", "talk", "--counts") == (
        0,
        "FILES  OF      WHICH\n2      kind    audio\n2      source  direct\n1      tag     live session\n",
        "",
    )
    code, out, _ = run("search", "talk", "--counts", "--json")
    assert (code, json.loads(out)["kind"]) == (0, {"audio": 2})
    assert engine.calls[-1] == ("facets", ("talk",))
