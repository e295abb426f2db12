"""Jobs of the kinds that are interrupted: a ranged file, a playlist, and one of picture and sound apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.media import hls_audio, hls_master, made_once, video_mp4
from tests.fakes.origin import Origin, Seen

#: Makes the transfers last about a second, so that there is something to interrupt.
_RATE_BPS = 4 * 2**20
_LATENCY_S = 0.06


@dataclass(frozen=True, slots=True)
class Work:
    """What one job fetches."""

    name: str
    make: Callable[[], Path]
    link: str

    def put(self, origin: Origin) -> str:
        """Serve it; the link that is given to the engine."""
        for resource in origin.put_folder(f"/{self.name}", self.make()).values():
            resource.rate_bps, resource.latency_s = _RATE_BPS, _LATENCY_S
        return origin.url(f"/{self.name}/{self.link}")

    def media_bytes(self, origin: Origin) -> int:
        """Size of the whole, apart from playlists; of picture sizes, only the one that is chosen."""
        return sum(len(origin.resource(path).body) for path in origin.paths if self._is_wanted(path))

    def sent_bytes(self, requests: Iterable[Seen]) -> int:
        """How much of that was sent."""
        return sum(seen.sent_bytes for seen in requests if self._is_wanted(seen.path))

    def _is_wanted(self, path: str) -> bool:
        return path.startswith(f"/{self.name}/") and not path.endswith(".m3u8") and "/180/" not in path


def _padded(folder: Path) -> Path:
    """A film with four megabytes behind it that players ignore."""
    folder.mkdir()
    film = video_mp4(folder / "film.mp4")
    film.write_bytes(film.read_bytes() + bytes(range(256)) * 16_000)
    return film


def _long_talk(folder: Path) -> Path:
    return hls_audio(folder, 12.0, 0.5)


def _long_film(folder: Path) -> Path:
    return hls_master(folder, 10.0)


WORKS = (
    Work("ranged", lambda: made_once(_padded, "padded").parent, "film.mp4"),
    Work("playlist", lambda: made_once(_long_talk, "talk").parent, "index.m3u8"),
    Work("merge", lambda: made_once(_long_film, "long").parent, "master.m3u8"),
)
