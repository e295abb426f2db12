"""Everything a running job works with, opened and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from core.aria2.words import find_aria2c
from core.auth.login import Login
from core.auth.profiles import Profiles
from core.config.settings import Settings
from core.domain.media import Resolution, Transport
from core.engine.metadata import MetadataCache
from core.media.ffmpeg import Ffmpeg, locate
from core.media.prober import Prober
from core.net.uplinks import Uplinks
from core.sources.base import Source, SourceContext
from core.sources.registry import Registry
from core.sources.ytdlp.overlay import Overlay
from core.sources.ytdlp.pool import YtdlpPool

#: Each warm yt-dlp process takes about 50 MiB; extraction is waiting, so two serve four jobs.
YTDLP_WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The tools of the runner."""

    settings: Settings
    ffmpeg: Ffmpeg
    uplinks: Uplinks
    ytdlp: YtdlpPool
    prober: Prober
    registry: Registry
    profiles: Profiles
    metadata: MetadataCache = field(default_factory=MetadataCache)
    #: The program for plain files, where it is wanted and there.
    aria2c: Path | None = None

    @classmethod
    async def open(cls, settings: Settings, profiles: Profiles, more_sources: Sequence[Source] = ()) -> Self:
        """Start what must run. Child processes start when they are first needed.

        Raises:
            ConfigError: No usable ffmpeg, or a wrong address in the network settings.
        """
        ffmpeg = await asyncio.to_thread(locate, settings.media.ffmpeg_path)
        registry = Registry(settings, more_sources=more_sources)
        uplinks = Uplinks(settings, [source.name for source in registry.all()])
        await uplinks.open()
        return cls(
            settings=settings,
            ffmpeg=ffmpeg,
            uplinks=uplinks,
            ytdlp=YtdlpPool(
                size=min(YTDLP_WORKERS, settings.limits.max_parallel_jobs),
                proxy_url=uplinks.common_proxy_url,
                ffmpeg_path=ffmpeg.path,
                tmp_dir=settings.paths.tmp,
                network=settings.network,
                timeouts=settings.timeouts,
                newer=Overlay(settings.paths.data_dir).path,
            ),
            prober=Prober(),
            registry=registry,
            profiles=profiles,
            aria2c=await asyncio.to_thread(find_aria2c) if settings.network.use_aria2c else None,
        )

    def context(self, source: str, login: Login | None) -> SourceContext:
        """What the source named *source* may use."""
        uplink = self.uplinks.of(source)
        return SourceContext(
            http=uplink.http,
            settings=self.settings,
            ytdlp=self.ytdlp,
            login=login,
            proxy_url=uplink.proxy_url,
        )

    def downloader_of(self, found: Resolution) -> str:
        """What fetches the tracks: their transports, or the program that stands in for one."""
        names = {track.transport.value for track in found.tracks}
        if self.aria2c is not None and Transport.HTTP.value in names:
            names = names - {Transport.HTTP.value} | {"aria2c"}
        return "+".join(sorted(names))

    async def close(self) -> None:
        """Stop children and connections."""
        await asyncio.gather(self.ytdlp.close(), self.prober.close())
        await self.uplinks.close()
