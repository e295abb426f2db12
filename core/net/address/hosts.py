"""One canonical form for the host part of a URL, or a refusal: no two parsers may read it differently."""

from __future__ import annotations

import ipaddress
import re

import idna

from core.domain.errors import InvalidRequest
from core.net.address.addresses import IPAddress, parse_address

#: Underscores are no host name by RFC 1123, but real sites and storage buckets have them.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_MAX_NAME = 253  # RFC 1035 §2.3.4, without the trailing dot


class OddAddress(InvalidRequest):
    """An IP address that is not written plainly; `address` is what lenient parsers make of it."""

    def __init__(self, address: IPAddress) -> None:
        super().__init__(
            f"an unusual way to write {address}",
            hint="Write the address in its plain form, such as 192.0.2.1 or [2001:db8::1].",
        )
        self.address = address


def canonical_host(written: str) -> str | IPAddress:
    """An address, or a lower-case ASCII name without a trailing dot.

    Raises:
        OddAddress: An address in octal, hexadecimal, short, mapped or zoned form (`0x7f.1`, `[fe80::1%lo]`).
        InvalidRequest: Not a host at all.
    """
    if written.startswith("["):
        return _ipv6(written)
    name = _ascii(written).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.match(labels[-1]):
        return _ipv4(labels, written)
    if len(name) > _MAX_NAME or not all(_LABEL.match(label) for label in labels):
        raise _refused(written, "a host name")
    return name


def _ascii(written: str) -> str:
    """Lower-case ASCII by UTS #46, as in browsers: full-width and circled characters become plain ones."""
    if written.isascii():
        return written.lower()
    try:
        mapped = idna.uts46_remap(written, std3_rules=False, transitional=False)
        return mapped if mapped.isascii() else idna.encode(mapped).decode("ascii")
    except UnicodeError as error:  # idna's own errors are of this kind
        raise _refused(written, "an international host name") from error


def _ipv6(written: str) -> IPAddress:
    inside = written.removeprefix("[").removesuffix("]")
    address = parse_address(inside) if ":" in inside else None
    if address is None:
        raise _refused(written, "an IPv6 address")
    if "%" in inside or address.version == 4:
        raise OddAddress(address)
    return address


def _ipv4(labels: list[str], written: str) -> IPAddress:
    """The IPv4 parser of the WHATWG URL standard, which reads what the C library's `inet_aton` reads."""
    try:
        *heads, tail = [_number(label) for label in labels]
    except ValueError as error:
        raise _refused(written, "an IPv4 address") from error
    if len(heads) > 3 or any(head > 255 for head in heads) or tail >= 256 ** (4 - len(heads)):
        raise _refused(written, "an IPv4 address")
    value = sum(head << (24 - 8 * place) for place, head in enumerate(heads)) + tail
    address = ipaddress.IPv4Address(value)
    if str(address) != written:
        raise OddAddress(address)
    return address


def _number(label: str) -> int:
    """Decimal, octal after a 0, hexadecimal after 0x. Raises ValueError."""
    if not _NUMBER.match(label) or len(label) > 40:  # longer ones are no 32 bits in any base
        raise ValueError(label)
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") else 10)


def _refused(written: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"{written[:80]!a} is not {wanted}")
