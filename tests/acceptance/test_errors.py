"""Every error class that these sources can produce, made by a real server and shown as its table says."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from datetime import UTC, date, datetime

import pytest

from core.domain.errors import ERRORS
from core.sources.ytdlp.errors import OUTDATED_AFTER_DAYS
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import HEALTHY, Fault, Origin

KEY = b'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n'
PROTECTED = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + KEY + b"#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"
HOLE = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nmissing.ts\n#EXT-X-ENDLIST\n"
PRIVATE = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://169.254.169.254/a.ts\n#EXT-X-ENDLIST\n"
NO_RETRIES = {"REELDECK_RETRIES__MAX_RETRIES": "0"}


@dataclasses.dataclass
class Case:
    code: str
    path: str
    body: bytes = b""
    fault: Fault | None = None
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict)


def film() -> bytes:
    return made_once(video_mp4, "clip.mp4").read_bytes()


CASES = [
    Case("NOT_FOUND", "/gone.mp4"),
    Case("HTTP_ERROR", "/broken.mp4", fault=Fault(status=500)),
    Case("HTTP_ERROR", "/refused.mp4", fault=Fault(status=403)),
    Case("RATE_LIMIT", "/slower.mp4", fault=Fault(status=429, retry_after="1")),
    Case("AUTH_ERROR", "/login.mp4", fault=Fault(status=401)),
    Case("GEO_BLOCK", "/elsewhere.mp4", fault=Fault(status=451)),
    Case("NETWORK_ERROR", "/cut.mp4", film, fault=Fault(drop_after=900)),
    Case("STALE", "/still.mp4", film, fault=Fault(hold_after=0), env={"REELDECK_TIMEOUTS__STALL_S": "1"}),
    Case(
        "TIMEOUT", "/late.mp4", film, fault=Fault(hold_after=0), env={"REELDECK_TIMEOUTS__METADATA_S": "0.5"}
    ),
    Case("SIZE_LIMIT", "/large.mp4", film, env={"REELDECK_LIMITS__MAX_FILE_SIZE_BYTES": "1000"}),
    Case("MEDIA_ERROR", "/half.mp4", lambda: film()[: len(film()) // 2]),
    Case("FORMAT_NOT_FOUND", "/sound.mp3", arguments=("--video",)),
    Case("UNSUPPORTED_SOURCE", "/page.html", b"<!doctype html><html><body>no media here</body></html>"),
    Case(
        "PARSER_ERROR",
        "/odd.m3u8",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:nonsense,\na.ts\n#EXT-X-ENDLIST\n",
    ),
    Case("PROTECTED_CONTENT", "/drm.m3u8", PROTECTED),
    Case("HTTP_ERROR", "/hole.m3u8", HOLE),
    Case("BLOCKED_ADDRESS", "/segment.m3u8", PRIVATE),
]


def publish(origin: Origin, case: Case) -> str:
    if case.code == "FORMAT_NOT_FOUND":
        from tests.fakes.media import audio_mp3

        case.body = made_once(audio_mp3, "tone.mp3").read_bytes()
    if case.path != "/gone.mp4":
        body = case.body() if callable(case.body) else case.body
        resource = origin.put(case.path, body)
        if case.code == "STALE":
            resource.fail(HEALTHY, times=1)  # the look at the file; its transfer then stands still
        if case.fault is not None:
            resource.always = case.fault
    return origin.url(case.path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}{case.path}")
async def test_each_class_shows_its_summary_and_hint(reeldeck, origin, case):
    url = publish(origin, case)
    env = NO_RETRIES | case.env
    kind = ERRORS[case.code]
    answer = await reeldeck.run("get", url, "--json", *case.arguments, **env)
    origin.release.set()
    assert answer.code == kind.exit_code, answer.err
    assert kind.summary in answer.err
    assert "hint:" in answer.err
    (job,) = answer.rows
    assert (job["status"], job["error_type"], job["file_path"]) == ("FAILED", case.code, None)
    assert job["error_message"].startswith(kind.summary)
    assert job["error_hint"]
    assert not list(reeldeck.archive.rglob("*.*")) if reeldeck.archive.exists() else True


async def test_a_page_that_ytdlp_stumbles_over_asks_for_a_newer_one(reeldeck, origin):
    meta = '<meta property="og:video" content="/broken.mpd">'
    video = '<video src="/broken.mpd" type="application/dash+xml"></video>'
    page = f"<html><head>{meta}</head><body>{video}</body></html>"
    origin.put("/page", page.encode(), content_type="text/html")
    origin.put("/broken.mpd", b"<MPD><broken", content_type="application/dash+xml")
    year, month, day = map(int, importlib.metadata.version("yt-dlp").split(".")[:3])
    is_old = (datetime.now(UTC).date() - date(year, month, day)).days > OUTDATED_AFTER_DAYS
    kind = ERRORS["EXTRACTOR_UPDATE_REQUIRED" if is_old else "EXTRACTOR_ERROR"]
    answer = await reeldeck.run("get", origin.url("/page"), **NO_RETRIES)
    assert answer.code == kind.exit_code, answer.err
    assert kind.summary in answer.err
    assert "yt-dlp" in answer.err


@pytest.mark.parametrize("source", ["direct", "ytdlp"])
async def test_private_addresses_are_refused_by_every_source(reeldeck, source):
    urls = [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:22/",
        "http://[::1]/a.mp4",
        "http://2130706433/a.mp4",
    ]
    answer = await reeldeck.run(
        "get", *urls, "--source", source, "--json", REELDECK_NETWORK__ALLOW_ADDRESSES="[]", **NO_RETRIES
    )
    assert answer.code == ERRORS["BLOCKED_ADDRESS"].exit_code, answer.err
    assert [job["error_type"] for job in answer.rows] == ["BLOCKED_ADDRESS"] * len(urls), answer.err
    assert answer.err.count("allow_addresses") == len(urls)


@pytest.mark.parametrize("source", ["direct", "ytdlp"])
async def test_a_redirect_to_a_private_address_is_refused_before_a_packet_leaves(reeldeck, source):
    async with Origin() as secret, Origin(host="127.0.0.2") as allowed:
        secret.put("/secret.mp4", film())
        allowed.put_redirect("/film.mp4", secret.url("/secret.mp4"))
        env = NO_RETRIES | {"REELDECK_NETWORK__ALLOW_ADDRESSES": '["127.0.0.2/32"]'}
        answer = await reeldeck.run("get", allowed.url("/film.mp4"), "--source", source, **env)
        assert answer.code == ERRORS["BLOCKED_ADDRESS"].exit_code, answer.err
        assert allowed.asked("/film.mp4")
        assert secret.connections == 0


async def test_an_archive_that_cannot_be_written_to_parks_the_job_and_it_goes_on_by_itself(reeldeck, origin):
    origin.put("/film.mp4", film())
    reeldeck.archive.parent.mkdir(parents=True)
    reeldeck.archive.write_text("a file where the folder should be")
    async with reeldeck.serve():
        added = (await reeldeck.run("add", origin.url("/film.mp4"), "--json")).rows[0]
        job_id = added["job"]["id"]
        job = await reeldeck.until(job_id, waiting_for="disk")
        assert "archive" in job["error_message"]
        reeldeck.archive.unlink()
        await reeldeck.until(job_id, status="COMPLETED")
