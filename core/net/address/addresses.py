"""Which IP addresses are the public internet.

Our own table, as `ipaddress.is_global` has holes and differs between patch releases of Python. Sources: the
IANA registries of special-purpose addresses, RFC 6890, and what is noted beside an entry.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_Table = tuple[tuple[IPNetwork, str], ...]


def _table(*rows: tuple[str, str]) -> _Table:
    return tuple((ipaddress.ip_network(cidr), reason) for cidr, reason in rows)


#: Every IPv4 network that is not the public internet.
_SPECIAL_V4 = _table(
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "a private network"),
    ("100.64.0.0/10", "carrier-grade NAT"),  # holds 100.100.100.200, Alibaba's metadata
    ("127.0.0.0/8", "this machine"),
    ("168.63.129.16/32", "Azure's host agent"),
    ("169.254.0.0/16", "link-local or cloud metadata"),
    ("172.16.0.0/12", "a private network"),
    ("192.0.0.0/24", "protocol assignments"),  # holds 192.0.0.192, Oracle's metadata
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "a DNS sink"),
    ("192.52.193.0/24", "a multicast tunnel"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "a private network"),
    ("192.175.48.0/24", "a DNS sink"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved or broadcast"),
)

#: IPv6 networks that are refused. What lies outside 2000::/3 is refused even where it is not named here.
_SPECIAL_V6 = _table(
    ("::/128", "the unspecified address"),
    ("::1/128", "this machine"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b:1::/48", "a local NAT64"),
    ("100::/32", "discard"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "a DNS sink"),
    ("3ffe::/16", "the former 6bone"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "a private network"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: how a network without IPv4 reaches an IPv4 host
#: RFC 5214 §6.1: an interface identifier that begins so carries an IPv4 address in its last 32 bits.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def parse_networks(cidrs: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Networks written as CIDR, or single addresses. Raises ValueError, which names the bad one."""
    return tuple(ipaddress.ip_network(cidr.strip(), strict=False) for cidr in cidrs)


def parse_address(text: str) -> IPAddress | None:
    """The address that *text* plainly is, an IPv4-mapped one as IPv4; None when it is a name.

    A zone id is dropped: the address before it is what a judge must see.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_in(address: IPAddress, networks: Sequence[IPNetwork]) -> bool:
    """Whether one of *networks* holds the address."""
    return any(address in network for network in networks)


def refusal(address: IPAddress) -> str | None:
    """What the address is instead of the public internet; None when it is public.

    An address that carries an IPv4 address inside (mapped, NAT64, ISATAP) is judged by that one too; 6to4 and
    Teredo, which nobody serves media on, are refused whole.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return _named(address, _SPECIAL_V4)
    tunnel = _tunnel(address)
    if tunnel is not None:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        reason = _named(inner, _SPECIAL_V4)
        if reason is not None:
            return f"{tunnel} to {inner}, {reason}"
        if tunnel != "ISATAP":
            return None
    return _named(address, _SPECIAL_V6) or (None if address in _GLOBAL_V6 else "not global unicast")


def _tunnel(address: ipaddress.IPv6Address) -> str | None:
    if address.ipv4_mapped is not None:
        return "IPv4-mapped"
    if address in _NAT64:
        return "NAT64"
    return "ISATAP" if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP else None


def _named(address: IPAddress, table: _Table) -> str | None:
    return next((reason for network, reason in table if address in network), None)
