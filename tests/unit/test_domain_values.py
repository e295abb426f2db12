"""Values keep their meaning when they travel as JSON."""

from __future__ import annotations

import json

import pytest

from core.domain.events import Event, EventType, event_from_json
from core.domain.job import TRANSITIONS, Job, JobStatus, Kind, Stage, from_iso, host_of, iso, job_from_json
from core.domain.media import Entry, MediaInfo, Resolution, Role, StreamInfo, Tags, Track, Transport

COLUMNS_OF_THE_CONTRACT = {
    "url",
    "source_type",
    "kind",
    "quality",
    "format",
    "status",
    "stage",
    "priority",
    "position",
    "attempt",
    "retry_count",
    "job_key",
    "media_id",
    "url_hash",
    "auth_profile_id",
    "group_id",
    "title",
    "duration_s",
    "size_bytes",
    "bytes_done",
    "rate",
    "file_path",
    "sha256",
    "not_before",
    "waiting_for",
    "error_type",
    "error_message",
    "user_id",
    "chat_id",
    "created",
    "updated",
    "started",
    "finished",
}


def make_job(**changes) -> Job:
    """A running job, half done."""
    values = dict.fromkeys(Job.__slots__) | {
        "id": 7,
        "url": "https://media.example/film.mp4",
        "source_type": "direct",
        "kind": Kind.AUTO,
        "quality": "best",
        "status": JobStatus.RUNNING,
        "stage": Stage.DOWNLOAD,
        "priority": 0,
        "position": 1.0,
        "attempt": 1,
        "retry_count": 0,
        "job_key": "k",
        "url_hash": "h",
        "size_bytes": 1000,
        "bytes_done": 250,
        "rate": 50.0,
        "created": 1_700_000_000.25,
        "updated": 1_700_000_001.0,
        "checkpoint": {"secret": "inside"},
    }
    return Job(**(values | changes))


def test_a_jobs_json_has_the_columns_of_the_contract_and_hides_the_checkpoint():
    shown = make_job().to_json()
    assert set(shown) >= COLUMNS_OF_THE_CONTRACT
    assert "checkpoint" not in shown
    assert shown["created"] == "2023-11-14T22:13:20.250Z"
    assert shown["progress"] == 0.25
    assert shown["eta_s"] == 15.0


def test_a_job_survives_its_json():
    job = make_job(not_before=1_700_000_100.5, control=None)
    back = job_from_json(json.loads(json.dumps(job.to_json())))
    assert back == job.evolve(checkpoint={})


def test_a_job_of_unknown_size_has_no_progress_and_a_completed_one_has_all():
    assert make_job(size_bytes=None).progress is None
    assert make_job(size_bytes=None).eta_s is None
    assert make_job(status=JobStatus.COMPLETED, size_bytes=None).progress == 1.0


def test_times_go_to_iso_and_back():
    assert from_iso(iso(1_700_000_000.125)) == 1_700_000_000.125
    assert iso(None) is None
    assert from_iso(None) is None


def test_an_event_survives_its_json():
    event = Event(9, None, EventType.DISK_LOW, {"free_bytes": 1}, 1_700_000_000.0)
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


def test_a_resolution_survives_its_json():
    found = Resolution(
        source="direct",
        kind=Kind.VIDEO,
        title="حفلة",
        tracks=(
            Track(role=Role.VIDEO, transport=Transport.HLS, url="https://a.example/v.m3u8", size_bytes=4),
        ),
        entries=(Entry(url="https://a.example/1"),),
        tags=Tags(title="t", track_number=3),
        private={"info": {"id": 1}},
    )
    assert Resolution.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_size_is_known_only_when_every_tracks_is():
    known = Track(role=Role.AUDIO, transport=Transport.HTTP, url="https://a.example/a", size_bytes=4)
    unknown = Track(role=Role.VIDEO, transport=Transport.HTTP, url="https://a.example/v")
    assert Resolution(source="x", tracks=(known, known)).size_bytes == 8
    assert Resolution(source="x", tracks=(known, unknown)).size_bytes is None
    assert Resolution(source="x").size_bytes is None


def test_a_probe_survives_its_json_and_a_cover_is_no_film():
    info = MediaInfo(
        container="mov",
        size_bytes=1,
        duration_s=2.0,
        streams=(
            StreamInfo(type="video", codec="mjpeg", is_cover=True),
            StreamInfo(type="audio", codec="aac"),
        ),
    )
    back = MediaInfo.from_json(json.loads(json.dumps(info.to_json())))
    assert back == info
    assert back.video is None
    assert back.audio is not None


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_status_has_its_moves_and_the_completed_one_has_none(status):
    assert status in TRANSITIONS
    assert status not in TRANSITIONS[status]
    assert bool(TRANSITIONS[status]) is (status is not JobStatus.COMPLETED)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://media.test/a?b=https://other.test/", "media.test"),
        ("https://media.test:8443/a", "media.test:8443"),
        ("http://[2001:db8::1]:81/a", "[2001:db8::1]:81"),
        ("https://me:pw@media.test/a", "media.test"),
    ],
)
def test_the_host_of_a_link_is_without_login_and_with_an_unusual_port(url, host):
    assert host_of(url) == host
