"""The owner's proxy, read from its URL."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from core.domain.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is and how it is spoken to."""

    #: `http`, `https`, `socks5` or `socks5h`.
    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_socks(self) -> bool:
        """SOCKS 5 in either spelling."""
        return self.scheme.startswith("socks5")

    @property
    def resolves(self) -> bool:
        """Whether the proxy looks names up: as with curl, `socks5` leaves that to us, `socks5h` does not."""
        return self.scheme != "socks5"

    @property
    def login_fields(self) -> tuple[tuple[bytes, bytes], ...]:
        """What shows the login to an HTTP proxy (RFC 7617)."""
        if not self.user:
            return ()
        login = base64.b64encode(f"{self.user}:{self.password}".encode())
        return ((b"Proxy-Authorization", b"Basic " + login),)


def parse_proxy(url: str) -> Proxy:
    """The proxy that *url* names. Raises ConfigError, which keeps quiet about the URL and its password."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise _unusable() from error
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise _unusable()
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _unusable() -> ConfigError:
    return ConfigError(
        "the proxy's address is not usable",
        hint="Write it as http://host:port, https://host:port, socks5://host:port or socks5h://host:port.",
    )
