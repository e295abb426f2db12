"""P1 to P8: whole transfers and jobs beside the tools that people use today."""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from bench.figures import Figure
from bench.media import prepare
from bench.origins import Origins, missing, origins
from bench.race import Check, Contestant, Taken, Warm, installed, program, race, shell
from core.media.ffmpeg import locate

PEERS = ("curl", "wget", "aria2c", "axel", "streamlink")
ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One contestant is to be at least so many times as fast as another."""

    contestant: str
    than: str
    times: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of work, and who does it."""

    id: str
    about: str
    ours: Mapping[str, Contestant]
    peers: Mapping[str, Contestant]
    goals: Sequence[Goal]
    check: Check
    rounds: int = ROUNDS


async def measure() -> list[Figure]:
    """Every event; peers that are not installed are named."""
    if absent := missing():
        raise SystemExit(f"needed to serve what is measured, and not installed: {', '.join(absent)}")
    for name in PEERS:
        if not installed(name):
            print(f"not measured, because it is not installed: {name}", file=sys.stderr)
    root = prepare()
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as home,
        origins(Path(home), root) as served,
        Warm(ca_file=str(served.ca_file)) as warm,
    ):
        for event in events(served, root, warm):
            figures += run(event)
    return figures


def run(event: Event) -> list[Figure]:
    """Race, print what everybody took, and judge the goals."""
    absent = {name for name in PEERS if not installed(name)}
    peers = {name: peer for name, peer in event.peers.items() if not absent & set(re.split(r"[ ,]+", name))}
    taken = race({**peers, **event.ours}, rounds=event.rounds, check=event.check)
    print(f"{event.id}: {event.about} ({event.rounds} rounds)")
    for name, result in sorted(taken.items(), key=lambda item: item[1].wall_s if item[1].runs else 1e9):
        print(f"  {name:<34} {_told(result)}", flush=True)
    return list(_judged(event, taken))


def _told(result: Taken) -> str:
    if result.failure is not None or not result.runs:
        return f"FAILED: {result.failure}"
    walls = [run.wall_s for run in result.runs]
    return (
        f"{result.wall_s:7.3f} s ({min(walls):.3f} to {max(walls):.3f})  CPU {result.cpu_s:6.2f} s  "
        f"{result.rss_bytes / 2**20:6.0f} MiB"
    )


def _judged(event: Event, taken: Mapping[str, Taken]) -> Iterator[Figure]:
    for goal in event.goals:
        ours, theirs = taken[goal.contestant], taken.get(goal.than)
        if theirs is None or not theirs.runs:
            continue
        is_met = bool(ours.runs) and theirs.wall_s / ours.wall_s >= goal.times
        yield Figure(
            work=f"{event.id} {goal.contestant}: as fast as {goal.than}",
            measured=theirs.wall_s / ours.wall_s if ours.runs else 0.0,
            unit="times",
            goal=f"≥ {goal.times:g}x",
            is_met=is_met,
        )


def events(served: Origins, root: Path, warm: Warm) -> Iterator[Event]:
    """P1 to P8."""
    yield from _files(served, root, warm)
    yield from _playlists(served, warm)
    yield _merge(served, warm)


def _files(served: Origins, root: Path, warm: Warm) -> Iterator[Event]:
    gib = f"{served.plain}/1g.mp4"
    yield Event(
        id="P1",
        about="1 GiB in the clear, no limit",
        ours={"reeldeck bytes": warm.does("bytes", url=gib), **_file_and_job(warm, gib)},
        peers=_file_peers(gib),
        goals=[
            # As curl does it; the job proves and flushes what it fetched besides.
            Goal(contestant="reeldeck bytes", than="curl", times=1.6),
            Goal(contestant="reeldeck job", than="curl", times=1.0),
        ],
        check=_is_copy_of(root / "1g.mp4"),
    )
    tls = f"{served.tls}/1g.mp4"
    yield Event(
        id="P2",
        about="1 GiB over TLS",
        ours={"reeldeck bytes": warm.does("bytes", url=tls), **_file_and_job(warm, tls)},
        peers=_file_peers(tls, ca_file=served.ca_file),
        goals=[Goal(contestant="reeldeck bytes", than="curl", times=1.2)],
        check=_is_copy_of(root / "1g.mp4"),
    )
    slow = f"{served.slow}/256m.mp4"
    yield Event(
        id="P3",
        about="256 MiB, 8 MiB/s a connection",
        ours=_file_and_job(warm, slow),
        peers={name: peer for name, peer in _file_peers(slow).items() if name not in {"wget", "yt-dlp"}},
        goals=[Goal(contestant="reeldeck transfer", than="curl", times=16.6)],
        check=_is_copy_of(root / "256m.mp4"),
        rounds=3,
    )
    flaky = f"{served.flaky}/256m.mp4"
    yield Event(
        id="P8",
        about="256 MiB from an origin that cuts and refuses",
        ours={"reeldeck transfer": warm.does("file", url=flaky)},
        peers={"aria2c -x16": _aria2c(flaky, 16), "yt-dlp": _ytdlp(flaky, "--retries", "50")},
        goals=[Goal(contestant="reeldeck transfer", than="aria2c -x16", times=1.0)],
        check=_is_copy_of(root / "256m.mp4"),
        rounds=9,  # each has its own luck
    )


def _file_and_job(warm: Warm, url: str) -> dict[str, Contestant]:
    return {"reeldeck transfer": warm.does("file", url=url), "reeldeck job": warm.does("job", url=url)}


def _file_peers(url: str, *, ca_file: Path | None = None) -> dict[str, Contestant]:
    certificates = {
        "curl": ("--cacert", str(ca_file)),
        "wget": (f"--ca-certificate={ca_file}",),
        "aria2c": (f"--ca-certificate={ca_file}",),
        "axel": ("--insecure",),
        "yt-dlp": ("--no-check-certificates",),
    }
    trust = certificates if ca_file else dict.fromkeys(certificates, ())
    return {
        "curl": program("curl", "-sf", *trust["curl"], "-o", "out", url),
        "wget": program("wget", "-q", *trust["wget"], "-O", "out", url),
        "aria2c -x16": _aria2c(url, 16, *trust["aria2c"]),
        "axel -n16": program("axel", "-q", *trust["axel"], "-n16", "-o", "out", url),
        "yt-dlp": _ytdlp(url, *trust["yt-dlp"]),
    }


def _aria2c(url: str, connections: int, *options: str) -> Contestant:
    split = (f"-x{connections}", f"-s{connections}", "-k1M", "-q", "--file-allocation=none")
    return program("aria2c", *split, "--max-tries=0", "--retry-wait=1", *options, "-o", "out", url)


def _ytdlp(url: str, *options: str) -> Contestant:
    quiet = ("-q", "--no-warnings", "--no-part", "--force-overwrites")
    return program(sys.executable, "-m", "yt_dlp", *quiet, *options, "-o", "out", url)


def _playlists(served: Origins, warm: Warm) -> Iterator[Event]:
    hour = _is_hour_of_sound
    yield Event(
        id="P4",
        about="HLS, 1200 segments of sound, 60 ms away",
        ours=_playlist_and_job(warm, f"{served.far}/audio/index.m3u8"),
        peers=_playlist_peers(served.far, "audio", parallel=(16, 32)),
        goals=[
            Goal(contestant="reeldeck transfer", than="yt-dlp -N16", times=3.0),
            Goal(contestant="reeldeck transfer", than="streamlink 10 threads", times=3.0),
            Goal(contestant="reeldeck transfer", than="curl -Z32", times=1 / 1.05),
        ],
        check=hour,
        rounds=3,
    )
    yield Event(
        id="P5",
        about="the same, no latency",
        ours=_playlist_and_job(warm, f"{served.plain}/audio/index.m3u8"),
        peers={
            **_playlist_peers(served.plain, "audio", parallel=(16,)),
            "ffmpeg -c copy": _ffmpeg(f"{served.plain}/audio/index.m3u8"),
        },
        goals=[
            Goal(contestant="reeldeck job", than="ffmpeg -c copy", times=1 / 1.2),
            Goal(contestant="reeldeck job", than="streamlink 10 threads", times=3.5),
            Goal(contestant="reeldeck job", than="yt-dlp -N16", times=10.0),
        ],
        check=hour,
    )
    yield Event(
        id="P6",
        about="HLS, 100 segments of film, 60 ms away",
        ours=_playlist_and_job(warm, f"{served.far}/video/index.m3u8"),
        peers=_playlist_peers(served.far, "video", parallel=(16,)),
        # The result is an MP4: aria2c's time is told for the same.
        goals=[Goal(contestant="reeldeck job", than="aria2c -j16, ffmpeg", times=1.3)],
        check=_is_film,
        rounds=3,
    )
    yield Event(
        id="P6 AES-128",
        about="the same, encrypted, no latency",
        ours=_playlist_and_job(warm, f"{served.plain}/aes/index.m3u8"),
        peers={
            "streamlink 10 threads": _streamlink(f"{served.plain}/aes/index.m3u8"),
            "yt-dlp -N16": _ytdlp(f"{served.plain}/aes/index.m3u8", "-N16"),
            "ffmpeg -c copy": _ffmpeg(f"{served.plain}/aes/index.m3u8"),
        },
        goals=[
            Goal(contestant="reeldeck job", than="streamlink 10 threads", times=1.7),
            Goal(contestant="reeldeck job", than="ffmpeg -c copy", times=1.7),
        ],
        check=_is_film,
        rounds=3,
    )


def _playlist_and_job(warm: Warm, url: str) -> dict[str, Contestant]:
    return {"reeldeck transfer": warm.does("hls", url=url), "reeldeck job": warm.does("job", url=url)}


def _playlist_peers(base: str, name: str, *, parallel: Sequence[int]) -> dict[str, Contestant]:
    url, kind = f"{base}/{name}/index.m3u8", "aac" if name == "audio" else "ts"
    count = 1201 if name == "audio" else 100
    # curl and aria2c cannot read a playlist: they are given its segments, and join them afterwards.
    listed = f"for i in $(seq 0 {count - 1}); do echo {base}/{name}/$i.{kind}; done"
    joined = f"for i in $(seq 0 {count - 1}); do cat $i.{kind}; done > out; rm -f *.{kind}"
    remuxed = f"mv out in; {locate(None).path} -v error -i in -c copy -f mp4 out; rm in"
    peers = {
        "aria2c -j16, ffmpeg": shell(f"{listed} > list; aria2c -q -j16 -i list; {joined}; {remuxed}"),
        "aria2c -j16": shell(f"{listed} > list; aria2c -q -j16 -i list; {joined}"),
        "streamlink 10 threads": _streamlink(url),
        "yt-dlp -N16": _ytdlp(url, "-N16"),
    }
    for at_once in parallel:
        fetch = (
            f"curl -sf -Z --parallel-max {at_once} --remote-name-all '{base}/{name}/[0-{count - 1}].{kind}'"
        )
        peers[f"curl -Z{at_once}"] = shell(f"{fetch}; {joined}")
    return peers


def _streamlink(url: str) -> Contestant:
    options = ("--quiet", "--stream-segment-threads", "10", "-o", "out", f"hls://{url}", "best")
    return program("streamlink", *options)


def _ffmpeg(url: str) -> Contestant:
    return program(str(locate(None).path), "-v", "error", "-i", url, "-c", "copy", "-f", "mp4", "out")


def _merge(served: Origins, warm: Warm) -> Event:
    video, audio, ffmpeg = f"{served.plain}/v.mp4", f"{served.plain}/a.m4a", locate(None).path
    mux = f"{ffmpeg} -v error -i v.mp4 -i a.m4a -c copy -movflags +faststart -f mp4 out"
    return Event(
        id="P7",
        about="picture and sound apart, merged into MP4",
        ours={"reeldeck merge": warm.does("merge", video=video, audio=audio)},
        peers={
            "curl, curl, ffmpeg": shell(f"curl -sfO {video}; curl -sfO {audio}; {mux}; rm v.mp4 a.m4a"),
        },
        goals=[Goal(contestant="reeldeck merge", than="curl, curl, ffmpeg", times=1.0)],
        check=_lasts("video", 100.0),
    )


# What came out.


def _is_copy_of(original: Path) -> Check:
    wanted = _sha256(original)

    def check(folder: Path) -> None:
        if _sha256(_only_file(folder)) != wanted:
            raise ValueError("the file is not the original")

    return check


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _only_file(folder: Path) -> Path:
    """The result, whatever it is called."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "list"]
    if len(files) != 1:
        raise ValueError(f"{len(files)} files came out instead of one")
    return files[0]


def _duration_of(folder: Path, kind: str) -> float:
    """Seconds of the first stream of a kind, by its packets: some containers only guess."""
    with av.open(str(_only_file(folder))) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return sum(
            float((packet.duration or 0) * packet.time_base)
            for packet in container.demux(stream)
            if packet.time_base
        )


def _lasts(kind: str, seconds: float) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        found = _duration_of(folder, kind)
        if abs(found - seconds) > 0.01 * seconds:
            raise ValueError(f"it lasts {found:.1f} s instead of {seconds:.0f} s")

    return check


_is_hour_of_sound = _lasts("audio", 3600.0)
_is_film = _lasts("video", 200.0)
