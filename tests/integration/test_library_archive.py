"""A finished file gets a name of ours, durably, and never takes another file's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.errors import ConfigError, DiskFull
from core.domain.media import Tags
from core.library import archive
from core.library.archive import NameTakenError, choose_blocking, is_placed_blocking, place_blocking
from core.library.paths import archive_name, check_template
from tests.unit.test_domain_values import make_job


def name_of(title: str, template: str = "{source}/{uploader}/{title}", tags: Tags | None = None) -> Path:
    return archive_name(template, make_job(), tags or Tags(artist="Lecturer"), title=title, extension="mp4")


def test_a_name_is_filled_from_the_template():
    assert name_of("A talk") == Path("direct/Lecturer/A talk.mp4")


def test_a_folder_of_which_nothing_is_known_is_left_out():
    assert name_of("A talk", tags=Tags()) == Path("direct/A talk.mp4")


@pytest.mark.parametrize("template", ["", "/", " "])
def test_an_empty_template_is_refused(template):
    with pytest.raises(ConfigError):
        check_template(template)


def test_a_title_makes_no_folders_and_cannot_climb():
    name = name_of("../../etc/passwd")
    assert len(name.parts) == 3
    assert ".." not in name.parts


def test_hostile_and_foreign_titles_make_safe_names_of_bounded_length(tmp_path):
    for title in (
        "a\x1b]52;c;x\x07b",
        "محاضرة عن الصبر",
        "😀" * 200,
        "..",
        "CON",
        "x" * 400,
        "\u202egnp.exe",
        "",
    ):
        path = tmp_path / name_of(title)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        assert not any(ord(letter) < 32 for letter in path.name)


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        check_template("{source}/{colour}")
    assert "uploader" in caught.value.hint


def test_a_second_file_of_the_same_name_gets_a_number(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"first")
    assert choose_blocking(tmp_path, Path("a.mp4")).name == "a (2).mp4"


def test_a_file_is_moved_once_and_a_repeat_changes_nothing(tmp_path):
    source, final = tmp_path / "output", tmp_path / "archive" / "a.mp4"
    source.write_bytes(b"media")
    place_blocking(source, final)
    assert is_placed_blocking(source, final)
    place_blocking(source, final)
    assert final.read_bytes() == b"media"
    assert not source.exists()


def test_a_move_that_was_cut_between_its_two_halves_is_finished(tmp_path):
    source, final = tmp_path / "output", tmp_path / "a.mp4"
    source.write_bytes(b"media")
    final.hardlink_to(source)
    place_blocking(source, final)
    assert not source.exists()
    assert final.read_bytes() == b"media"


def test_somebody_elses_file_is_never_replaced(tmp_path):
    source, final = tmp_path / "output", tmp_path / "a.mp4"
    source.write_bytes(b"ours")
    final.write_bytes(b"theirs")
    with pytest.raises(NameTakenError):
        place_blocking(source, final)
    assert final.read_bytes() == b"theirs"
    assert source.read_bytes() == b"ours"


def test_without_hard_links_the_file_is_renamed(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(archive.os, "link", refuse)
    source, final = tmp_path / "output", tmp_path / "a.mp4"
    source.write_bytes(b"media")
    place_blocking(source, final)
    assert final.read_bytes() == b"media"
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with pytest.raises(NameTakenError):
        place_blocking(other, final)


def test_an_archive_that_is_no_folder_parks_with_the_cure(tmp_path):
    blocked = tmp_path / "archive"
    blocked.write_text("a file stands where the folder should be")
    with pytest.raises(DiskFull) as caught:
        choose_blocking(blocked, Path("direct/a.mp4"))
    assert "archive_dir" in caught.value.hint


def test_a_link_inside_the_archive_leads_nowhere_else(tmp_path):
    root, outside = tmp_path / "archive", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "direct").symlink_to(outside)
    with pytest.raises(DiskFull):
        choose_blocking(root, Path("direct/a.mp4"))
