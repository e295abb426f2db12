"""What merging picture and sound costs once both are on disk, and which step takes it.

`python -m bench.merge [MIB]` alone, or the case `merge` of `python -m bench`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from bench.figures import Figure, machine, table
from core.domain.job import Kind
from core.domain.media import Role, Tags
from core.media.child import run_child
from core.media.digest import sha256
from core.media.ffmpeg import locate
from core.media.postprocess import Input, Made, Wanted, postprocess
from core.media.prober import Prober
from tests.fakes.media import run_ffmpeg

RUNS = 5
SIZE_MIB = 100
_TAGS = Tags(title="A talk", artist="Somebody", source_url="https://example.org/1")


def make_tracks(folder: Path, size_mib: int) -> tuple[Path, Path]:
    """A film of about *size_mib* MiB without sound, and its sound of a sixth of that."""
    film, sound = folder / "video.mp4", folder / "audio.m4a"
    noise = "testsrc2=size=640x360:rate=25:duration=10,noise=alls=40:allf=t"
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-b:v", "8M")
    run_ffmpeg("-f", "lavfi", "-i", noise, *encode, folder / "v.mp4")
    run_ffmpeg("-f", "lavfi", "-i", "anoisesrc=duration=10:amplitude=0.3", "-b:a", "192k", folder / "a.m4a")
    loops = max(1, size_mib * 1024**2 // (folder / "v.mp4").stat().st_size)
    for source, target in ((folder / "v.mp4", film), (folder / "a.m4a", sound)):
        run_ffmpeg("-stream_loop", str(loops), "-i", source, "-c", "copy", "-movflags", "+faststart", target)
    return film, sound


async def merge_once(prober: Prober, film: Path, sound: Path, folder: Path) -> dict[str, float]:
    """Seconds of each step from two fetched files to a verified one, as the engine takes them."""
    spent: dict[str, float] = {}

    async def timed(name: str, work: Callable[[], Awaitable[object]]) -> object:
        begun = time.perf_counter()
        result = await work()
        spent[name] = time.perf_counter() - begun
        return result

    inputs: list[Input] = []

    async def probe() -> None:
        for role, path in ((Role.VIDEO, film), (Role.AUDIO, sound)):
            inputs.append(Input(role, path, await prober.probe(path, measure=False)))

    async def validate(path: Path) -> None:
        await prober.probe(path)
        await prober.check_ending(path)

    ffmpeg = locate(None)
    await timed(
        "start of ffmpeg alone", lambda: run_child([ffmpeg.path, "-version"], cwd=folder, timeout_s=60)
    )
    await timed("probe both tracks", probe)
    made = await timed(
        "merge",
        lambda: postprocess(
            ffmpeg,
            inputs,
            Wanted(kind=Kind.VIDEO, tags=_TAGS),
            folder / "out",
            timeout_s=600,
            stall_s=120,
            progress=lambda _share: None,
        ),
    )
    assert isinstance(made, Made)
    await timed("validate (probe, end)", lambda: validate(made.path))
    await timed("sha256 alone", lambda: sha256(made.path))
    made.path.unlink()
    return spent


async def measure(size_mib: int = SIZE_MIB) -> list[Figure]:
    """The median of some runs of each step."""
    prober = Prober()
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as name:
        folder = Path(name)
        film, sound = await asyncio.to_thread(make_tracks, folder, size_mib)
        try:
            await merge_once(prober, film, sound, folder)  # starts the prober, fills the page cache
            runs: list[Mapping[str, float]] = [
                await merge_once(prober, film, sound, folder) for _ in range(RUNS)
            ]
        finally:
            await prober.close()
    return [
        Figure(
            work=f"{step}, {size_mib} MiB of picture",
            measured=statistics.median(run[step] for run in runs),
            unit="s",
        )
        for step in runs[0]
    ]


if __name__ == "__main__":
    found = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE_MIB))
    print(machine(), table(found), sep="\n\n")
