"""One spelling per link: what differs only in tracking, order, case or encoding becomes the same text.

The result is also what is fetched, so nothing changes here that a server may see as another request: repeated
parameters keep their order, and only characters that no server may tell apart are decoded (RFC 3986 §6.2.2).
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import re

import idna

from core.domain.errors import InvalidRequest
from core.links.telegram import web_link

#: Longer links are refused, as the address gate does.
MAX_URL_CHARS = 16 * 1024

#: Parameters that say who shared a link and where, never what it shows.
TRACKING_PARAMETERS = frozenset(
    {
        "_branch_match_id", "_branch_referrer", "_ga", "_gl", "_hsenc", "_hsmi", "dclid", "epik",
        "fb_action_ids", "fb_action_types", "fb_ref", "fb_source", "fbclid", "gbraid", "gclid", "gclsrc",
        "hsctatracking", "ig_mid", "ig_rid", "igsh", "igshid", "li_fat_id", "mc_cid", "mc_eid", "mibextid",
        "mkt_tok", "msclkid", "oly_anon_id", "oly_enc_id", "rb_clickid", "ref_src", "ref_url", "s_cid",
        "s_kwcid", "si", "srsltid", "sscid", "ttclid", "twclid", "vero_conv", "vero_id", "wbraid",
        "wickedid", "yclid", "ymclid", "ysclid",
    }
)  # fmt: skip
TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_", "__cft__", "__tn__")
#: The same on one site only: elsewhere these short names mean something.
TRACKING_ON_SITE = {
    "youtube.com": frozenset({"ab_channel", "app", "feature", "pp"}),
    "youtu.be": frozenset({"feature", "pp"}),
    "x.com": frozenset({"s", "t"}),
    "twitter.com": frozenset({"s", "t"}),
    "tiktok.com": frozenset({"_d", "_r", "_t", "is_copy_url", "is_from_webapp", "sender_device", "web_id"}),
    "facebook.com": frozenset({"_rdr", "fs", "paipv", "rdid", "ref", "sfnsn", "share_url"}),
    "instagram.com": frozenset({"hl"}),
    "reddit.com": frozenset({"context", "rdt", "ref", "ref_source", "share_id"}),
    "soundcloud.com": frozenset({"p", "c"}),
    "twitch.tv": frozenset({"tt_content", "tt_medium"}),
    "vimeo.com": frozenset({"fl", "fe", "share"}),
    "bilibili.com": frozenset({"from_spmid", "share_source", "spm_id_from", "vd_source"}),
}
#: Sites that keep what a link is about behind the `#`.
FRAGMENT_SITES = ("mega.nz", "mega.co.nz")

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?\Z")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
#: A link without its scheme, as browsers show it.
_BARE = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?(?:[/?#]\S*)?\Z", re.IGNORECASE)
_SHOWN_CHARS = 200
#: A last label like this makes the host an IPv4 address in some spelling; the address gate judges those.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
#: What copying from a chat or a terminal leaves around a link: white space, marks of direction, <…>, quotes.
_AROUND = ' \t\r\n\v\f\xa0\u200b-\u200f\u2028-\u202f\u2060-\u2069\u3000\ufeff<>"“”'
_JUNK = re.compile(f"^[{_AROUND}]+|[{_AROUND}]+$")
#: The joiners U+200C and U+200D are not among them: Persian and Indic addresses hold them.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_ESCAPE = re.compile("%(?P<hex>[0-9A-Fa-f]{2})|(?P<raw>[^A-Za-z0-9._~!$&'()*+,;=:@/?\\[\\]-])")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@functools.lru_cache(maxsize=512)
def normalise(url: str) -> str:
    """The canonical spelling of *url*; applying it again changes nothing.

    Kept: on its way a link is asked for this about ten times.

    Raises:
        InvalidRequest: Not a usable http(s) link; the detail says why.
    """
    text = _JUNK.sub("", url)
    if not text:
        raise InvalidRequest("the link is empty")
    if _CONTROL.search(text):
        raise InvalidRequest("the link holds control characters or line breaks")
    parts = _PARTS.match(text)
    if parts is None:
        raise InvalidRequest("the link does not begin with http:// or https://", hint=_meant(text))
    scheme = parts["scheme"].lower()
    if scheme == "tg" and (message := web_link(text)) is not None:
        return normalise(message)
    if scheme not in _DEFAULT_PORTS:
        raise InvalidRequest(f"{scheme[:20]}:// links are not taken, only http:// and https://")
    host, port = _authority(parts["authority"], scheme)
    if "\\" in parts["path"]:
        raise InvalidRequest("the link holds a backslash")
    result = f"{scheme}://{host}{port}{_path(parts['path'])}{_query(parts['query'] or '', host)}"
    if parts["fragment"] and host_is(host, FRAGMENT_SITES):
        result += "#" + _escape(parts["fragment"])
    if len(result) > MAX_URL_CHARS:
        raise InvalidRequest(
            f"the link is longer than {MAX_URL_CHARS} characters",
            hint="Copy it from the site's share button.",
        )
    return result


def _meant(text: str) -> str | None:
    """What to do about *text*, which is no link, where it tells what it was meant to be."""
    if _BARE.match(text):
        return f"Did you mean https://{text[:_SHOWN_CHARS]}?"
    if text.startswith(("/", "./", "../", "~/")):
        return "Files that you have already: reeldeck library import FOLDER"
    return None


def url_hash(url: str) -> str:
    """SHA-256 of the normalised link in hexadecimal. Raises InvalidRequest as `normalise` does."""
    return hashlib.sha256(normalise(url).encode()).hexdigest()


def host_is(host: str, sites: tuple[str, ...]) -> bool:
    """Whether *host* is one of *sites* or below one."""
    return host in sites or host.endswith(_below(sites))


@functools.lru_cache
def _below(sites: tuple[str, ...]) -> tuple[str, ...]:
    """What hosts below the sites end with. Kept: each link is held against the sites of every source."""
    return tuple(f".{site}" for site in sites)


def _authority(authority: str, scheme: str) -> tuple[str, str]:
    if "@" in authority:
        raise InvalidRequest("links with a user name or password in them are not taken")
    found = _AUTHORITY.match(authority)
    if found is None:
        raise InvalidRequest("the link's host or port is malformed")
    if not found["host"].strip("."):
        raise InvalidRequest("the link names no host")
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port <= _MAX_PORT:
        raise InvalidRequest("the link's port is out of range")
    return _host(found["host"]), f":{port}" if port != _DEFAULT_PORTS[scheme] else ""


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError as error:
            raise InvalidRequest("the link's host is not an IPv6 address") from error
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.match(labels[-1]):
        return name
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise InvalidRequest("the link's host is not a host name")
    return name


def _ascii(host: str) -> str:
    """Lower case and ASCII by UTS #46, as browsers and the address gate read it."""
    if host.isascii():
        return host.lower()
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return mapped if mapped.isascii() else idna.encode(mapped).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidRequest("the link's host is not an international host name") from error


def _path(path: str) -> str:
    """Encoded, without `.` and `..` (RFC 3986 §5.2.4); at least `/`."""
    kept: list[str] = []
    segments = _escape(path).split("/")[1:]
    for segment in segments:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _query(query: str, host: str) -> str:
    on_site: frozenset[str] = frozenset().union(
        *(names for site, names in TRACKING_ON_SITE.items() if host_is(host, (site,)))
    )
    kept = []
    for piece in _escape(query).split("&"):
        name = piece.partition("=")[0]
        lowered = name.lower()
        is_tracking = lowered in TRACKING_PARAMETERS or lowered.startswith(TRACKING_PREFIXES)
        if piece and not is_tracking and lowered not in on_site:
            kept.append((name, piece))
    kept.sort(key=lambda pair: pair[0])
    return "?" + "&".join(piece for _, piece in kept) if kept else ""


def _escape(text: str) -> str:
    """Percent-encode what must be, decode what need not be, upper-case the rest."""
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    if match["hex"] is None:
        return "".join(f"%{byte:02X}" for byte in match["raw"].encode())
    byte = int(match["hex"], 16)
    return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"
