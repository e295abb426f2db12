"""`reeldeck library`, and `search --send-to`, against an engine in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.domain.chat import ChatRules
from core.domain.errors import InvalidRequest, NotFound
from core.domain.library import Copies, Imported, LibraryEntry
from tests.fakes.library import an_item
from tests.unit.conftest import run


def asked(engine, method):
    return [arguments for name, arguments in engine.calls if name == method]


def test_all_about_a_file_is_shown(engine):
    engine.media = [
        an_item(1, sha256="ab", performers="Bob", chat_id=-5, message_id=7, width=640, height=360),
        an_item(2, sha256="ab"),
    ]
    code, out, _ = run("library", "show", "1")
    assert code == 0
    shown = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith("same"))
    assert (shown["title"], shown["with"], shown["picture"]) == ("A talk", "Bob", "640 x 360")
    assert shown["file"] == "/archive/1.mp3"
    assert "asked in  chat -5 message 7" in out
    assert "same as   2  /archive/2.mp3" in out
    _, out, _ = run("library", "show", "1", "2", "--json")
    entries = [LibraryEntry.from_json(json.loads(line)) for line in out.splitlines()]
    assert [entry.item for entry in entries] == engine.media


def test_paths_are_printed_as_they_are_unless_the_files_are_gone(engine):
    engine.media = [an_item(file_path="/archive/a b'.mp3")]
    assert run("library", "path", "1")[:2] == (0, "/archive/a b'.mp3\n")
    engine.gone = {"/archive/a b'.mp3"}
    code, out, err = run("library", "path", "1")
    assert (code, out) == (NotFound.exit_code, "")
    assert "library import" in err


def test_a_machine_that_opens_nothing_says_what_to_do(engine, monkeypatch):
    engine.media = [an_item()]
    monkeypatch.setattr("click.launch", lambda _path: 127)
    code, _, err = run("library", "open", "1")
    assert (code, "scp" in err) == (2, True)
    monkeypatch.setattr("click.launch", lambda _path: 0)
    assert run("library", "open", "1")[0] == 0


def test_files_are_sent_and_what_cannot_be_sent_is_said(engine):
    engine.media = [an_item(1), an_item(2)]
    engine.dialogs = [ChatRules(chat_id=-100, title="Friends")]
    code, out, err = run("library", "send", "1", "9", "2", "--to", "Friends")
    assert code == 2
    assert [line.split(" (")[0] for line in out.splitlines()] == [
        "1 goes to chat -100",
        "2 goes to chat -100",
    ]
    assert "There is no such entry" in err


def test_what_a_search_finds_is_sent_after_a_question(engine, monkeypatch):
    engine.dialogs = [ChatRules(chat_id=-100, title="Friends")]
    assert run("search", "talk", "--send-to", "Friends")[0] == 1
    engine.media = [an_item(1), an_item(2)]
    assert run("search", "talk", "--send-to", "Friends")[0] == 2
    assert not asked(engine, "send_item")
    code, out, _ = run("search", "talk", "--send-to", "Friends", "--yes", "--json")
    assert (code, [json.loads(line)["chat_id"] for line in out.splitlines()]) == (0, [-100, -100])
    engine.media = [an_item(3)]
    assert run("search", "talk", "--send-to", "Friends")[0] == 0
    assert [item_id for item_id, *_ in asked(engine, "send_item")] == [1, 2, 3]


def test_files_are_given_tags_and_others_are_taken(engine):
    engine.media = [an_item(1, tags=("later",)), an_item(2)]
    code, out, _ = run("library", "tag", "1", "2", "+music", "+live session", "-later", "-h")
    assert (code, out.splitlines()) == (0, ["1  live session, music", "2  live session, music"])
    assert asked(engine, "tag_item")[0] == (1, ("music", "live session"), ("later", "h"))
    assert "live session, music" in run("library", "show", "1")[1]
    assert run("library", "tags")[1].split() == ["FILES", "TAG", "2", "live", "session", "2", "music"]
    (first, _) = run("library", "tags", "--json")[1].splitlines()
    assert json.loads(first) == {"name": "live session", "count": 2}
    assert json.loads(run("library", "tag", "1", "-music", "--json")[1])["tags"] == ["live session"]
    for wrong in (["+music"], ["1"], ["x", "+music"], ["1", "9", "+a"]):
        assert run("library", "tag", *wrong)[0] == 2
    engine.media = []
    assert "no tags" in run("library", "tags")[2]


def test_an_import_tells_what_came_of_it(engine, tmp_path):
    whole = Imported(
        total=5, total_bytes=50, seen=5, seen_bytes=50, added=2, copies=1, known=2, refused=1, moved=2,
        problems=("/x/\x1b]0;bad\x07.mp3: it is a text",), is_done=True,
    )  # fmt: skip
    engine.imported = [Imported(), whole]
    code, out, err = run("library", "import", str(tmp_path))
    assert code == 1
    assert out == (
        "2 entered, 1 of them the same as another (see: reeldeck library duplicates), 2 known, 1 refused,"
        " 2 moved into the archive\n"
    )
    assert "it is a text" in err
    assert "\x1b" not in err
    (given,) = asked(engine, "import_folder")
    assert given == (str(Path(tmp_path).resolve()), False)
    _, out, _ = run("library", "import", str(tmp_path), "--move", "--json")
    assert [Imported.from_json(json.loads(line)) for line in out.splitlines()] == engine.imported
    assert asked(engine, "import_folder")[1][1] is True
    engine.imported = [InvalidRequest("another import goes on")]
    assert run("library", "import", str(tmp_path))[0] == 2
    engine.imported = [Imported(is_done=True)]
    assert run("library", "import", str(tmp_path))[1] == "There are no sounds or films.\n"


def test_duplicates_are_listed_and_only_deleted_when_somebody_agrees(engine):
    engine.media = [an_item(number, sha256="ab" if number < 4 else "cd") for number in range(1, 5)]
    code, out, err = run("library", "duplicates")
    assert (code, out.splitlines()) == (
        0, ["1  5.0 MiB  /archive/1.mp3", "    2  /archive/2.mp3", "    3  /archive/3.mp3"]
    )  # fmt: skip
    assert err == "More than needed: 2 files, 10.0 MiB.\n"
    (line,) = run("library", "duplicates", "--json")[1].splitlines()
    assert len(Copies.from_json(json.loads(line)).items) == 3
    assert run("library", "duplicates", "--delete")[0] == 2
    assert len(engine.media) == 4
    code, out, _ = run("library", "duplicates", "--delete", "--yes")
    assert (code, out.splitlines()[-1]) == (0, "3 is deleted; 1 stays")
    assert [item.id for item in engine.media] == [1, 4]
    assert run("library", "duplicates")[2] == "None.\n"


@pytest.mark.parametrize("command", ["show", "path", "open"])
def test_a_number_that_is_none_is_refused(engine, command):
    assert run("library", command, "x")[0] == 2
    assert run("library", command, "7")[0] == 2
