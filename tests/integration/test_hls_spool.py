"""The unfinished recording on disk: every line of its log is true, and the file comes out in order."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from core.domain.errors import DiskFull, Unknown
from core.net.hls.spool import Arrived, Spool
from core.net.transfer import disk


def one(position: int, *, init: str = "", data: bytes | None = None) -> Arrived:
    content = f"<{position}>".encode() * 50 if data is None else data
    return Arrived(position, 0, f"{position}.aac", 2.0, init, f"[{init}]".encode() if init else b"", content)


def opened(folder: Path) -> Spool:
    spool = Spool(folder / "media")
    spool.open_blocking()
    return spool


def recorded(folder: Path, *batches: list[Arrived]) -> None:
    spool = opened(folder)
    for batch in batches:
        spool.add_blocking(batch)
    spool.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_came_in_order_is_only_renamed(tmp_path):
    spool = opened(tmp_path)
    for position in range(5):
        spool.add_blocking([one(position)])
    part = (tmp_path / "media.live").stat().st_ino
    size_bytes = spool.publish_blocking()
    assert (tmp_path / "media").read_bytes() == b"".join(one(i).data for i in range(5))
    assert (tmp_path / "media").stat().st_ino == part
    assert size_bytes == (tmp_path / "media").stat().st_size
    assert names(tmp_path) == ["media"]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_order_it_came_in_the_file_is_in_order(tmp_path, seed):
    order = list(range(30))
    random.Random(seed).shuffle(order)
    spool = opened(tmp_path)
    for start in range(0, 30, 7):
        spool.add_blocking([one(position) for position in order[start : start + 7]])
    spool.publish_blocking()
    assert (tmp_path / "media").read_bytes() == b"".join(one(i).data for i in range(30))
    assert names(tmp_path) == ["media"]


def test_an_init_section_is_kept_once_and_stands_where_it_changes(tmp_path):
    spool = opened(tmp_path)
    spool.add_blocking([one(0, init="a"), one(1, init="a")])
    spool.add_blocking([one(4, init="a"), one(2, init="b"), one(3, init="b")])
    spool.publish_blocking()
    wanted = [b"[a]", one(0).data, one(1).data, b"[b]", one(2).data, one(3).data, b"[a]", one(4).data]
    assert (tmp_path / "media").read_bytes() == b"".join(map(bytes, wanted))


def test_another_attempt_knows_all_that_was_kept(tmp_path):
    recorded(tmp_path, [one(3, init="a")], [one(4, init="a"), one(1)])
    spool = opened(tmp_path)
    assert sorted(spool.kept) == [1, 3, 4]
    assert (spool.kept[4].name, spool.kept[4].duration_s, spool.duration_s) == ("4.aac", 2.0, 6.0)
    spool.add_blocking([one(2)])
    spool.publish_blocking()
    wanted = [one(1).data, one(2).data, b"[a]", one(3).data, one(4).data]
    assert (tmp_path / "media").read_bytes() == b"".join(map(bytes, wanted))


def test_a_log_cut_at_any_byte_is_believed_as_far_as_it_can_be_read(tmp_path):
    recorded(tmp_path, [one(0)], [one(1)], [one(2)])
    log = tmp_path / "media.live.log"
    text = log.read_bytes()
    ends = [index + 1 for index, byte in enumerate(text) if byte == ord("\n")]
    for size in range(len(text), -1, -1):
        log.write_bytes(text[:size])
        spool = opened(tmp_path)
        whole = sum(1 for end in ends if end <= size)
        assert sorted(spool.kept) == list(range(whole))
        assert log.stat().st_size == (ends[whole - 1] if whole else 0)
        spool.close()


def test_a_line_whose_bytes_are_not_there_is_not_believed(tmp_path):
    recorded(tmp_path, [one(0)], [one(1)])
    with (tmp_path / "media.live").open("r+b") as part:
        part.truncate(len(one(0).data) + 3)
    spool = opened(tmp_path)
    assert sorted(spool.kept) == [0]
    assert (tmp_path / "media.live").stat().st_size == len(one(0).data)
    spool.close()


@pytest.mark.parametrize("line", ["{}", "[]", "7", '{"format":2,"offset":0,"size_bytes":1}', "null", '"x"'])
def test_a_log_of_another_form_is_not_believed(tmp_path, line):
    (tmp_path / "media.live").write_bytes(b"abc")
    (tmp_path / "media.live.log").write_text(line + "\n")
    spool = opened(tmp_path)
    assert not spool.kept
    spool.add_blocking([one(0)])
    spool.close()
    assert [
        json.loads(line)["position"] for line in (tmp_path / "media.live.log").read_text().splitlines()
    ] == [0]


def test_a_full_disk_costs_the_batch_and_nothing_else(tmp_path, monkeypatch):
    spool = opened(tmp_path)
    spool.add_blocking([one(0)])

    def full(_file, _data, _offset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "pwrite_all", full)
    with pytest.raises(DiskFull):
        spool.add_blocking([one(1)])
    monkeypatch.undo()
    spool.add_blocking([one(2)])
    spool.publish_blocking()
    assert (tmp_path / "media").read_bytes() == bytes(one(0).data) + bytes(one(2).data)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Unknown):
        opened(tmp_path / "nowhere")


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "media.live").symlink_to(tmp_path / "victim")
    with pytest.raises(Unknown):
        opened(tmp_path)
    assert not (tmp_path / "victim").exists()
