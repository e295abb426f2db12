"""Everything a running job works with, opened and closed together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

from core.auth.login import Login
from core.auth.profiles import Profiles
from core.config.settings import Settings
from core.media.ffmpeg import Ffmpeg, locate
from core.media.prober import Prober
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from core.net.http.client import HttpClient
from core.net.pace import Bandwidth
from core.sources.base import SourceContext
from core.sources.registry import Registry
from core.sources.ytdlp.pool import YtdlpPool

#: Each warm yt-dlp process takes about 50 MiB; extraction is waiting, so two serve four jobs.
YTDLP_WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The tools of the runner."""

    settings: Settings
    ffmpeg: Ffmpeg
    http: HttpClient
    egress: EgressProxy
    ytdlp: YtdlpPool
    prober: Prober
    registry: Registry
    profiles: Profiles

    @classmethod
    async def open(cls, settings: Settings, profiles: Profiles) -> Self:
        """Start what must run. Child processes start when they are first needed.

        Raises:
            ConfigError: No usable ffmpeg, or a wrong address in the network settings.
        """
        ffmpeg = await asyncio.to_thread(locate, settings.media.ffmpeg_path)
        gate = AddressGate(settings.network.allow_addresses)
        # One bucket for both ways out, so that the cap holds for all transfers together.
        bandwidth = Bandwidth(settings.limits.bandwidth_bps)
        egress = EgressProxy(
            gate,
            connect_timeout_s=settings.timeouts.connect_s,
            network=settings.network,
            bandwidth=bandwidth,
        )
        await egress.start()
        return cls(
            settings=settings,
            ffmpeg=ffmpeg,
            http=HttpClient(
                gate,
                network=settings.network,
                timeouts=settings.timeouts,
                proxy=settings.network.proxy,
                bandwidth=bandwidth,
            ),
            egress=egress,
            ytdlp=YtdlpPool(
                size=min(YTDLP_WORKERS, settings.limits.max_parallel_jobs),
                proxy_url=egress.url,
                ffmpeg_path=ffmpeg.path,
                tmp_dir=settings.paths.tmp,
                network=settings.network,
                timeouts=settings.timeouts,
            ),
            prober=Prober(),
            registry=Registry(settings),
            profiles=profiles,
        )

    def context(self, login: Login | None) -> SourceContext:
        """What a source may use."""
        return SourceContext(http=self.http, settings=self.settings, ytdlp=self.ytdlp, login=login)

    async def close(self) -> None:
        """Stop children and connections."""
        await asyncio.gather(self.ytdlp.close(), self.prober.close())
        await self.http.close()
        await self.egress.stop()
