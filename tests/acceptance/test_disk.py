"""A full disk: the jobs wait, say so, and go on by themselves when there is room."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault

MIB = 1024**2


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 40 MiB where the engine keeps everything; needs the right to mount."""
    folder = tmp_path / "data"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True, check=False
    )
    if os.geteuid() != 0 or mounted.returncode != 0:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def grow(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=256m", folder], check=True)


@pytest.mark.parametrize("announced", [True, False], ids=["known size", "unknown size"])
async def test_a_full_disk_parks_the_job_and_room_releases_it(reeldeck, origin, small_disk, announced):
    data = made_once(video_mp4, "clip.mp4").read_bytes() + bytes(60 * MIB)
    resource = origin.put("/large.mp4", data)
    if not announced:
        resource.always = Fault(chunked=True, ignore_range=True)
    async with reeldeck.serve():
        added = (await reeldeck.run("add", origin.url("/large.mp4"), "--json")).rows[0]
        job_id = added["job"]["id"]
        job = await reeldeck.until(job_id, waiting_for="disk")
        assert job["status"] == "PENDING"
        shown = await reeldeck.run("job", str(job_id))
        assert "The disk cannot take the file" in shown.out
        grow(small_disk)
        answer = await reeldeck.run("add", origin.url("/large.mp4"), "--wait")
        assert answer.code == 0, answer.err
        done = await reeldeck.job(job_id)
        assert done["sha256"] == hashlib.sha256(data).hexdigest()
        assert done["retry_count"] == 0
