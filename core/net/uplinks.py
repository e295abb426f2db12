"""How each source reaches the network: its client, and its children's door, behind its own proxy and caps."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.config.settings import Network, Settings
from core.net.address.gate import DEFAULT_PORTS, AddressGate
from core.net.egress.proxy import EgressProxy
from core.net.http.client import HttpClient
from core.net.http.proxies import parse_proxy
from core.net.pace import Bandwidth, HostPace
from core.net.reach import Reach
from core.net.seats import Seats

#: `[sources.NAME] proxy` that means: none, whatever `network.proxy` says.
DIRECT = "direct"
#: A site that asks for a longer pause is left, and asked again by the job's next attempt.
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Uplink:
    """One source's way to the network. All of its jobs share the pace and the cap."""

    http: HttpClient
    #: What the source's child processes are given as their proxy; holds a token.
    proxy_url: str = field(repr=False)
    pace: HostPace


class Uplinks:
    """The uplinks of all sources, each opened when it is first asked for.

    Args:
        settings: `[network]`, `[limits] bandwidth_bps` and what `[sources.NAME]` says otherwise.
        sources: Names of the sources; their settings are looked at now, so that a wrong one is found at once.

    Attributes:
        reach: Whether anything can be reached at all.
        own_caps: Bytes a second of each source as they are configured; 0 is no cap of its own.

    Raises:
        ConfigError: A proxy, network or certificate file that cannot be used.
    """

    def __init__(self, settings: Settings, sources: Iterable[str]) -> None:
        self._settings = settings
        self.own_caps = {name: settings.sources.of(name).bandwidth_bps for name in sources}
        for name in self.own_caps:
            if (proxy := network_of(settings, name).proxy) is not None:
                parse_proxy(proxy)
        self.reach = Reach()
        self._gate = AddressGate(settings.network.allow_addresses)
        # One bucket above all others, so that the cap holds for all transfers together.
        self._bandwidth = Bandwidth(settings.limits.bandwidth_bps)
        self._own = {name: Bandwidth(cap, within=self._bandwidth) for name, cap in self.own_caps.items()}
        self._egress = EgressProxy(
            self._gate,
            connect_timeout_s=settings.timeouts.connect_s,
            network=settings.network,
            bandwidth=self._bandwidth,
            reach=self.reach,
        )
        self._seats = Seats(settings.network.max_connections_per_host)
        self._opened: dict[str, Uplink] = {}

    async def open(self) -> None:
        """Start what child processes connect to."""
        await self._egress.start()

    @property
    def common_proxy_url(self) -> str:
        """The children's door of no source in particular; holds a token."""
        return self._egress.url

    def of(self, source: str) -> Uplink:
        """The uplink of the source *source*."""
        if source not in self._opened:
            self._opened[source] = self._open(source)
        return self._opened[source]

    def refused(self, source: str, url: str, retry_after_s: float | None, *, ago_s: float) -> None:
        """A job of *source*, begun *ago_s* seconds ago, was told to slow down by the host of *url*.

        Where its own requests went through the client, the pace has heard of that already.
        """
        parts = urlsplit(url)
        authority = f"{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"
        sent_at = time.monotonic() - ago_s
        self.of(source).pace.heard(authority, 429, retry_after_s, sent_at=sent_at)

    def slowed(self, source: str) -> dict[str, float]:
        """Hosts that *source* asks more slowly than it would, with the seconds between two requests."""
        return self._opened[source].pace.slowed if source in self._opened else {}

    def _open(self, source: str) -> Uplink:
        own, network = self._settings.sources.of(source), network_of(self._settings, source)
        pace = HostPace(own.rate_per_s, patience_s=PATIENCE_S, label=source)
        bandwidth = self._own.setdefault(source, Bandwidth(own.bandwidth_bps, within=self._bandwidth))
        return Uplink(
            http=HttpClient(
                self._gate,
                network=network,
                timeouts=self._settings.timeouts,
                bandwidth=bandwidth,
                pace=pace,
                reach=self.reach,
                seats=self._seats,
            ),
            proxy_url=self._egress.door(source, network=network, bandwidth=bandwidth, pace=pace),
            pace=pace,
        )

    def cap(self, bandwidth_bps: int, *, source: str | None = None) -> None:
        """Let another cap hold for all transfers (of *source*) together from now on; 0 = none."""
        bandwidth = self._bandwidth if source is None else self._own[source]
        bandwidth.rate_bps = bandwidth_bps

    def cap_of(self, source: str) -> int:
        """The own cap of *source* that holds now; 0 = none."""
        return self._own[source].rate_bps

    async def watch(self) -> None:
        """Find out when the network is back, each time that it is away; until cancelled."""
        await self.reach.run(self._egress.connector)

    async def close(self) -> None:
        """Close all connections."""
        for uplink in self._opened.values():
            await uplink.http.close()
        await self._egress.stop()


def network_of(settings: Settings, source: str) -> Network:
    """`[network]` as it is for *source*."""
    own = settings.sources.of(source)
    changed: dict[str, str | None] = {}
    if own.proxy is not None:
        changed["proxy"] = None if own.proxy == DIRECT else own.proxy
    if own.user_agent is not None:
        changed["user_agent"] = own.user_agent
    return settings.network.model_copy(update=changed)
