"""Going on where an earlier attempt stopped, and never with anything else."""

from __future__ import annotations

import asyncio
import json
import random
import zlib

import pytest

from core.domain.errors import HttpFailure, Unknown
from core.net.transfer import journal, part
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, cancelled, noise, open_files

pytestmark = pytest.mark.usefixtures("short_waits")

DATA = noise(4 * MIB + 11)


async def stop_at(it, position, path="/f", **options):
    """Fetch until *position* is there, and cancel."""
    it.origin.held.clear()
    task = asyncio.create_task(it.file(path, **options))
    await it.origin.held.wait()
    await it.has_told(lambda done, _: done >= position)
    await cancelled(task)


async def test_cancelled_at_random_points_it_ends_with_the_same_bytes(it):
    rng = random.Random(7)
    points = sorted(rng.randrange(1, len(DATA)) for _ in range(20))
    resource = it.origin.put("/f", DATA)
    tasks_before = len(asyncio.all_tasks())
    for number, point in enumerate(points):
        already = points[number - 1] if number else 0
        resource.fail(Fault(hold_after=point - already))
        await stop_at(it, point, connections=1)
        assert open_files(it.folder) == []
        assert len(asyncio.all_tasks()) <= tasks_before + it.origin.connections
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == points[-1]
    assert fetched.fetched_bytes == len(DATA) - points[-1]
    starts = [seen.range[0] for seen in it.origin.asked("/f")]
    assert starts == [0, *points]  # not one byte was asked for twice


async def test_cancelled_with_many_connections_it_fetches_only_what_is_missing(it):
    resource = it.origin.put("/f", DATA)
    resource.rate_bps = MIB
    task = asyncio.create_task(it.file("/f", connections=8))
    await it.origin.wait_for_requests("/f", 3)
    await it.has_told(lambda done, _: done > 2 * MIB)
    await cancelled(task)
    assert open_files(it.folder) == []
    resource.rate_bps = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes > 2 * MIB
    assert fetched.fetched_bytes == len(DATA) - fetched.resumed_bytes


async def test_a_failure_in_the_last_step_leaves_a_part_that_needs_no_request(it, monkeypatch):
    it.origin.put("/f", DATA)

    def broken(_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(part.os, "fsync", broken)
        with pytest.raises(Unknown):
            await it.file("/f")
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert (fetched.fetched_bytes, fetched.resumed_bytes) == (0, len(DATA))
    assert len(it.origin.requests) == 1


async def test_what_is_claimed_while_it_runs_survives_without_a_farewell(it, monkeypatch):
    monkeypatch.setattr(journal, "CLAIM_BYTES", MIB)
    claims = asyncio.Queue()
    claim = journal.Journal.claim

    async def told_claim(self, note):
        await claim(self, note)
        claims.put_nowait(claimed(it) if it.note.exists() else 0)

    monkeypatch.setattr(journal.Journal, "claim", told_claim)
    it.origin.put("/f", DATA).fail(Fault(hold_after=3 * MIB))
    task = asyncio.create_task(it.file("/f"))
    await it.origin.held.wait()
    while await claims.get() < 3 * MIB:
        pass
    note, content = it.note.read_bytes(), it.part.read_bytes()
    await cancelled(task)
    it.note.write_bytes(note)  # as if the process had been killed then
    it.part.write_bytes(content)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == 3 * MIB


def claimed(it):
    note = json.loads(json.loads(it.note.read_bytes())["body"])
    return sum(end - start for start, end in note["done"])


async def test_a_file_that_changed_in_between_is_fetched_from_the_start(it):
    old, new = noise(2 * MIB, seed=2), noise(2 * MIB, seed=3)
    resource = it.origin.put("/f", old, etag='"old"').fail(Fault(hold_after=MIB))
    await stop_at(it, MIB)
    resource.body, resource.etag = new, '"new"'
    it.assert_whole(await it.file("/f"), new)


async def test_last_modified_will_do_where_there_is_no_etag(it):
    resource = it.origin.put("/f", DATA, etag=None).fail(Fault(hold_after=MIB))
    await stop_at(it, MIB)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == MIB
    assert it.origin.asked("/f")[-1].headers["if-range"] == resource.last_modified


@pytest.mark.parametrize("validators", [{"etag": None}, {"etag": 'W/"1"'}])
async def test_without_a_strong_validator_nothing_is_resumed(it, validators):
    it.origin.put("/f", DATA, last_modified=None, **validators).fail(Fault(hold_after=MIB))
    await stop_at(it, MIB)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == 0


async def test_a_link_with_a_new_signature_resumes(it):
    it.origin.put("/f", DATA).fail(Fault(hold_after=MIB))
    await stop_at(it, MIB, path=it.origin.url("/f?token=old"))
    fetched = await it.file(it.origin.url("/f?token=new"))
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == MIB


@pytest.mark.parametrize("facts", [{"path": "/other"}, {"path": "/f", "format_id": "720"}])
async def test_another_file_is_never_mixed_in(it, facts):
    it.origin.put("/f", DATA).fail(Fault(hold_after=MIB))
    it.origin.put("/other", noise(len(DATA), seed=5))
    await stop_at(it, MIB)
    path = facts.pop("path")
    fetched = await it.file(path, **facts)
    assert fetched.resumed_bytes == 0
    it.assert_whole(fetched, DATA if path == "/f" else noise(len(DATA), seed=5))


async def test_a_page_in_the_files_place_does_not_cost_what_was_fetched(it):
    resource = it.origin.put("/f", DATA).fail(Fault(hold_after=MIB))
    await stop_at(it, MIB)
    resource.always = Fault(html=True)
    with pytest.raises(HttpFailure, match="web page"):
        await it.file("/f")
    resource.always = Fault()
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == MIB


def reworded(it, **changes):
    """The note with other content and a right checksum."""
    body = json.loads(json.loads(it.note.read_bytes())["body"]) | changes
    text = json.dumps({key: value for key, value in body.items() if value is not ...})
    it.note.write_text(json.dumps({"format": 1, "crc32": zlib.crc32(text.encode()), "body": text}))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda it: it.note.write_bytes(b""), id="empty"),
        pytest.param(lambda it: it.note.write_bytes(it.note.read_bytes()[:-9]), id="cut"),
        pytest.param(lambda it: it.note.write_bytes(bytes(len(it.note.read_bytes()))), id="zeros"),
        pytest.param(
            lambda it: it.note.write_bytes(it.note.read_bytes().replace(b"[0,", b"[9,")), id="flipped"
        ),
        pytest.param(lambda it: it.note.write_text("[]"), id="a list"),
        pytest.param(lambda it: it.note.write_text("null"), id="null"),
        pytest.param(lambda it: it.note.unlink(), id="gone"),
        pytest.param(lambda it: it.part.unlink(), id="part gone"),
        pytest.param(lambda it: it.part.write_bytes(b"x" * 100), id="part shorter than claimed"),
        pytest.param(lambda it: reworded(it, done=[[0, 10**12]]), id="claims too much"),
        pytest.param(lambda it: reworded(it, done=[[-5, 10]]), id="claims before the start"),
        pytest.param(lambda it: reworded(it, done="all"), id="claims nonsense"),
        pytest.param(lambda it: reworded(it, total=None), id="no size"),
        pytest.param(lambda it: reworded(it, total=MIB), id="another size"),
        pytest.param(lambda it: reworded(it, validator=...), id="no validator"),
        pytest.param(lambda it: reworded(it, source="?"), id="another source"),
    ],
)
async def test_a_damaged_state_means_starting_over(it, damage):
    it.origin.put("/f", DATA).fail(Fault(hold_after=2 * MIB))
    await stop_at(it, 2 * MIB)
    damage(it)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes == 0
