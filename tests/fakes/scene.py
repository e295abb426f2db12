"""An engine in memory in the middle of an ordinary day: something of everything that a dashboard can show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.domain.chat import ChatMode, Feedback
from core.domain.delivery import DeliveryState
from core.domain.errors import NotFound
from core.domain.events import EventType
from core.domain.job import WAITING_RETRY, JobStatus, Kind, Stage, iso
from core.domain.media import FormatInfo, Role
from core.domain.profile import ProfileReason, ProfileStatus
from core.domain.snapshot import MetadataPreview
from core.domain.token import AuditEntry, IssuedToken, Scope, Token
from tests.fakes.engine import FakeEngine
from tests.fakes.library import an_item
from tests.fakes.limits import a_limit

S = JobStatus
#: The moment at which it is looked at.
NOW = datetime(2031, 5, 4, 15, 0, tzinfo=UTC).timestamp()
MIB = 2**20
FILM = "https://example.org/watch/harbour.mp4"
CHAT = -1001


def a_day(log: Path | None = None) -> FakeEngine:
    """The engine; lines of its log are written to *log*."""
    engine = FakeEngine()
    _jobs(engine)
    _timelines(engine)
    _sources(engine)
    _logins(engine)
    _chats(engine)
    _library(engine)
    _administration(engine)
    engine.running_limits["max_parallel_jobs"] = a_limit(value=6, configured=4)
    engine.speed_bps = 12.4 * MIB
    if log is not None:
        log.write_text("".join(json.dumps(line) + "\n" for line in _log_lines()))
    return engine


def _administration(engine: FakeEngine) -> None:
    scopes = frozenset({Scope.READ, Scope.SUBMIT})
    token = Token(id=1, name="phone", scopes=scopes, created=NOW - 7200, last_used=NOW - 60)
    engine.issued[1] = IssuedToken(token, "")
    engine.trail = [
        AuditEntry(
            id=number, actor=actor, action="POST /api/v1/jobs", target="/api/v1/jobs",
            data={"jobs": [number]}, created=NOW - 600 + number,
        )
        for number, actor in enumerate(("socket", "token:phone"), 1)
    ]  # fmt: skip


def _jobs(engine: FakeEngine) -> None:
    series = engine.add_group("دروس التفسير", total=30)
    common: dict[str, Any] = {"created": NOW - 3600, "updated": NOW - 60}
    ended = common | {"finished": NOW - 600}
    titles = (
        ("Concert at the harbour, full recording", "youtube", S.RUNNING,
         {"stage": Stage.DOWNLOAD, "size_bytes": 1400 * MIB, "bytes_done": 1008 * MIB, "rate": 4.2 * MIB}),
        ("محاضرة في تفسير سورة الكهف", "xspaces", S.RUNNING,
         {"stage": Stage.DOWNLOAD, "size_bytes": 120 * MIB, "bytes_done": 21 * MIB, "rate": 1.1 * MIB,
          "group_id": series}),
        ("東京の夜景を歩く 4K HDR 新宿から渋谷まで", "youtube", S.RUNNING,
         {"stage": Stage.POSTPROCESS, "size_bytes": 2100 * MIB, "bytes_done": 2100 * MIB}),
        ("Rehearsal", "direct", S.QUEUED, {"priority": 3}),
        ("👩‍👩‍👧‍👦 family 🏳️‍🌈 day", "instagram", S.QUEUED, {}),
        ("After-movie", "youtube", S.PENDING,
         {"waiting_for": WAITING_RETRY, "not_before": NOW + 300, "attempt": 1,
          "error_type": "NETWORK_ERROR"}),
        ("Members only", "youtube", S.PENDING, {"waiting_for": "auth:youtube/main"}),
        ("Master file", "vimeo", S.PAUSED, {"size_bytes": 900 * MIB, "bytes_done": 400 * MIB}),
        ("Cre\u0301me bru\u0302le\u0301e, der Film", "vimeo", S.FAILED,
         {"error_type": "NOT_FOUND", "error_message": "the site says: this video is private"} | ended),
        ("Sound check", "youtube", S.COMPLETED,
         {"size_bytes": 640 * MIB, "file_path": "/archive/youtube/Sound check.mp4", "sha256": "ab" * 32,
          "duration_s": 754.0} | ended),
        ("Interview", "archive_org", S.COMPLETED,
         {"size_bytes": 64 * MIB, "file_path": "/archive/archive_org/Interview.mp3",
          "kind": Kind.AUDIO} | ended),
        ("Questions and answers", "xspaces", S.CANCELLED, ended),
    )  # fmt: skip
    for number, (title, source, status, facts) in enumerate(titles, 1):
        url = FILM if number == 1 else f"https://example.org/watch/{number}"
        engine.add(url, **{**common, "title": title, "source_type": source, "status": status, **facts})


def _timelines(engine: FakeEngine) -> None:
    told: list[tuple[int, EventType, dict[str, Any]]] = [
        (1, EventType.JOB_CREATED, {}),
        (1, EventType.WORKER_ASSIGNED, {"attempt": 1}),
        (1, EventType.METADATA_FETCH_FINISHED, {}),
        (1, EventType.CAPABILITY_CHECKED, {}),
        (1, EventType.DOWNLOAD_STARTED, {}),
        (9, EventType.WORKER_ASSIGNED, {"attempt": 1}),
        (9, EventType.JOB_FAILED, {"error_type": "NOT_FOUND", "message": "this video is private"}),
    ]
    for job_id, kind, data in told:
        engine.emit(kind, job_id, **data)


def _sources(engine: FakeEngine) -> None:
    engine.source_facts["youtube"] = {
        "breaker": {
            "state": "open",
            "since": iso(NOW - 120),
            "retry_at": iso(NOW + 180),
            "reason": "TIMEOUT",
        },
        "queued": 12,
    }
    engine.source_facts["direct"] = {"rate_per_s": 2.0, "is_proxied": True}


def _logins(engine: FakeEngine) -> None:
    engine.add_login(
        "youtube", "main", status=ProfileStatus.DISABLED, reason=ProfileReason.ROTATED, account="Ann",
        last_success=NOW - 86400, last_failure=NOW - 900, checked=NOW - 900,
    )  # fmt: skip
    engine.add_login("x", "日本", last_success=NOW - 7200, checked=NOW - 7200, expires=NOW + 9 * 86400)
    engine.add_login("vimeo", "spare")


def _chats(engine: FakeEngine) -> None:
    engine.telegram = {"state": "online", "account": "Ann", "wait_until": None}
    engine.watch(CHAT, "Family & friends", last_message_id=4711)
    engine.watch(CHAT, "Family & friends / Lectures", topic_id=5, kind=Kind.AUDIO, feedback=Feedback.STATUS)
    engine.watch(-1002, "مكتبة الصوتيات", mode=ChatMode.COMMAND, sources=("xspaces", "archive_org"))
    engine.watch(7, "鈴木さん", mode=ChatMode.OFF)
    engine.dialogs = list(engine.rules.values())
    for job_id, state in zip((1, 2, 9, 10, 11), DeliveryState, strict=False):
        engine.add_delivery(
            job_id, CHAT, state=state, upload_parts_done=3, upload_parts_total=8, created=NOW - 60,
            updated=NOW - 30,
            error_message="the file is too large" if state is DeliveryState.FAILED else None,
        )  # fmt: skip


def _library(engine: FakeEngine) -> None:
    engine.media = [
        an_item(1, title="Sound check", kind=Kind.VIDEO, width=1920, height=1080, size_bytes=640 * MIB),
        an_item(2, title="محاضرة في التفسير", artist="الشيخ", album="سورة الكهف", track_number=3),
        an_item(3, title="東京の夜景を歩く 4K HDR 新宿から渋谷まで", artist="旅人", duration_s=3754.0),
        an_item(4, title="🎉 Party 🇸🇾", artist=None, date=None, job_id=None),
    ]


def _log_lines() -> list[dict[str, Any]]:
    lines = [
        {"level": "info", "event": "engine started", "version": "1.0"},
        {"level": "info", "event": "DOWNLOAD_STARTED", "job_id": 1, "url_domain": "example.org"},
        {"level": "warning", "event": "RETRY_SCHEDULED", "job_id": 6, "message": "the connection was cut",
         "wait_s": 300},
        {"level": "error", "event": "JOB_FAILED", "job_id": 9, "error_type": "NOT_FOUND",
         "message": "the site says: this video is private", "exception": ["Traceback:", "  private"]},
        {"level": "info", "event": "標題 عنوان", "job_id": 2, "to": "RUNNING"},
    ]  # fmt: skip
    return [{"time": iso(NOW - 60 + number), **line} for number, line in enumerate(lines)]


def previews(engine: FakeEngine) -> None:
    """What the links that the dialog is shown with lead to."""
    engine.previews["https://example.org/new"] = MetadataPreview(
        url="https://example.org/new", source="youtube", title="東京の夜景を歩く", kind=Kind.VIDEO,
        duration_s=754.0, size_bytes=300 * MIB,
        formats=(
            FormatInfo(id="137", role=Role.VIDEO, container="mp4", height=1080, fps=60, codecs="h264",
                       size_bytes=300 * MIB, is_chosen=True),
            FormatInfo(id="251", role=Role.AUDIO, container="webm", bitrate_bps=160_000, codecs="opus",
                       size_bytes=12 * MIB, note="original"),
        ),
    )  # fmt: skip
    engine.previews["https://example.org/gone"] = NotFound("the site says: removed")
