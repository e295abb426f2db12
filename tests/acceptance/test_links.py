"""Links that only lead to media, through the shipped program."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Program
from tests.fakes.media import audio_mp3, made_once, run_ffmpeg, video_mp4
from tests.fakes.origin import Fault, Origin


@pytest.fixture
async def short(reeldeck: Program) -> AsyncIterator[Origin]:
    """A shortener that the program knows."""
    async with Origin() as running:
        hosts = json.dumps([f"{running.host}:{running.port}"])
        reeldeck.env["REELDECK_SOURCES__SHORT_LINKS__HOSTS"] = hosts
        yield running


@pytest.fixture
def tone(origin: Origin) -> str:
    """A link to a file whose transfer stands still until the origin lets go."""
    body = made_once(audio_mp3, "tone.mp3").read_bytes()
    origin.put("/tone.mp3", body).always = Fault(hold_after=1000)
    return origin.url("/tone.mp3")


async def added(reeldeck: Program, url: str) -> dict[str, Any]:
    """The job that `reeldeck add` made or joined."""
    answer = await reeldeck.run("add", url, "--json")
    assert answer.code == 0, answer.err
    return answer.rows[0]["job"]


async def test_a_short_link_gives_the_file_it_leads_to(
    reeldeck: Program, short: Origin, origin: Origin, tone: str
) -> None:
    origin.release.set()
    short.put_redirect("/a", f"{tone}?utm_source=chat")
    answer = await reeldeck.run("get", short.url("/a"))
    assert answer.code == 0, answer.err
    path = Path(answer.out.strip())
    assert path.stem == "tone"
    sent = origin.bytes_sent("/tone.mp3")
    again = await reeldeck.run("get", tone)
    assert (again.code, Path(again.out.strip())) == (0, path)
    assert origin.bytes_sent("/tone.mp3") == sent


async def test_a_short_link_to_a_running_download_gets_its_file_even_after_a_crash(
    reeldeck: Program, short: Origin, origin: Origin, tone: str
) -> None:
    short.put_redirect("/a", tone)
    async with reeldeck.serve() as process:
        first = await added(reeldeck, tone)
        await origin.held.wait()
        second = await added(reeldeck, short.url("/a"))
        waiting = await reeldeck.until(second["id"], status="PENDING")
        assert waiting["waiting_for"] == f"job:{first['id']}"
        assert f"waits for job {first['id']}" in (await reeldeck.run("jobs")).out
        process.kill()
        await process.wait()
    origin.release.set()
    async with reeldeck.serve():
        answer = await reeldeck.run("get", short.url("/a"))
        assert answer.code == 0, answer.err
        one, two = await reeldeck.job(first["id"]), await reeldeck.job(second["id"])
        assert one["file_path"] == two["file_path"] == answer.out.strip()
        assert one["sha256"] == two["sha256"]
        assert len(list(reeldeck.archive.rglob("*.mp3"))) == 1


async def test_the_files_of_a_list_are_fetched(reeldeck: Program, origin: Origin) -> None:
    tone = made_once(audio_mp3, "tone.mp3").read_bytes()
    for name in ("one", "two"):
        origin.put(f"/{name}.mp3", tone + name.encode())
    origin.put(
        "/week.txt",
        b"# lessons\none: " + origin.url("/one.mp3").encode() + b"\n" + origin.url("/two.mp3").encode(),
    )
    answer = await reeldeck.run("get", origin.url("/week.txt"))
    assert answer.code == 0, answer.err
    assert sorted(Path(line).name for line in answer.out.splitlines()) == ["one.mp3", "two.mp3"]


async def test_a_dash_manifest_gives_a_film(reeldeck: Program, origin: Origin, tmp_path: Path) -> None:
    folder = tmp_path / "dash"
    folder.mkdir()
    film = made_once(video_mp4, "clip.mp4")
    run_ffmpeg("-i", film, "-c", "copy", "-f", "dash", "-seg_duration", "1", folder / "film.mpd")
    origin.put_folder("/dash", folder)
    answer = await reeldeck.run("get", origin.url("/dash/film.mpd"), "--json")
    assert answer.code == 0, answer.err
    row = answer.rows[-1]
    assert (row["status"], row["source_type"]) == ("COMPLETED", "ytdlp")
    assert row["duration_s"] == pytest.approx(2.0, abs=0.2)
