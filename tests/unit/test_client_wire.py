from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.api.encoding import encode, event_view, job_view, progress_view
from core.client import wire
from core.domain.errors import Unknown
from core.domain.events import Event, EventType
from core.domain.job import JobStatus
from core.domain.snapshot import Frame
from tests.fakes.engine import FakeEngine


def event(seq: int) -> Event:
    return Event(seq, 1, EventType.PARKED, {"why": "disk"}, 1_700_000_000.0)


def text(value: object) -> str:
    return encode(value).decode()


def test_a_frame_is_its_events_and_the_progress_that_follows():
    job = FakeEngine().add(title="t")
    sent = Frame((event(1), event(2)), (job,), {JobStatus.QUEUED: 1}, 5.5, (9,))
    reader = wire.FrameReader()
    assert reader.take("PARKED", text(event_view(event(1)))) is None
    assert reader.take("PARKED", text(event_view(event(2)))) is None
    frame = reader.take("progress", text(progress_view(sent, sent.jobs)))
    assert frame is not None
    assert (list(frame.events), list(frame.deleted), frame.speed_bps) == ([event(1), event(2)], [9], 5.5)
    assert frame.counts == {JobStatus.QUEUED: 1}
    assert frame.jobs[0].title == "t"
    after = reader.take("progress", text(progress_view(Frame(), ())))
    assert after is not None
    assert list(after.events) == []


def test_a_long_replay_passes_in_pieces():
    reader = wire.FrameReader()
    frames = [
        reader.take("PARKED", text(event_view(event(seq)))) for seq in range(1, 2 * wire.MAX_HELD_EVENTS + 1)
    ]
    whole = [frame for frame in frames if frame is not None]
    assert [len(frame.events) for frame in whole] == [wire.MAX_HELD_EVENTS] * 2


def test_kinds_of_events_and_states_that_this_version_does_not_know_are_left_out():
    reader = wire.FrameReader()
    assert reader.take("FUTURE", text(event_view(event(1)) | {"type": "FUTURE"})) is None
    frame = reader.take("progress", text(progress_view(Frame(), ()) | {"counts": {"FUTURE": 1, "FAILED": 2}}))
    assert frame is not None
    assert list(frame.events) == []
    assert frame.counts == {JobStatus.FAILED: 2}


def test_a_message_without_data_is_a_heartbeat():
    assert wire.FrameReader().take("", "") is None


@pytest.mark.parametrize(
    "data", ["{", "[]", "{}", '{"jobs": [{"id": 1}], "counts": {}, "speed_bps": 0, "deleted": []}']
)
def test_a_progress_that_cannot_be_read_says_what_to_do(data):
    with pytest.raises(Unknown) as caught:
        wire.FrameReader().take("progress", data)
    assert "reeldeck stop" in caught.value.hint


def test_a_job_of_another_shape_says_what_to_do():
    good = json.loads(encode(job_view(FakeEngine().add())))
    assert wire.job(good | {"brand_new": 1}).id == 1
    for wrong in ({**good, "status": "FUTURE"}, {key: good[key] for key in good if key != "url"}, {}):
        with pytest.raises(Unknown):
            wire.job(wrong)


def test_the_client_is_light():
    code = (
        "import sys, core.client.http, core.client.locate\n"
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'tortoise', 'textual', 'telethon', 'yt_dlp', 'av'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "[]"
