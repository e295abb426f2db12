"""Links that only lead to another: shorteners, share links, and addresses that carry their target along."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

from core.domain.errors import InvalidRequest
from core.links.identify import identify
from core.links.normalise import host_is, normalise

#: Hosts that do nothing but lead elsewhere.
SHORTENERS = (
    "adf.ly", "bit.do", "bit.ly", "bitly.com", "bl.ink", "buff.ly", "cutt.ly", "db.tt", "dlvr.it", "dub.sh",
    "fb.me", "goo.gl", "hubs.ly", "ift.tt", "is.gd", "j.mp", "lnkd.in", "ow.ly", "owl.li", "qr.ae", "rb.gy",
    "rebrand.ly", "s.id", "shorturl.at", "snip.ly", "spoti.fi", "su.pr", "surl.li", "t.co", "t.ly", "tiny.cc",
    "tinyurl.com", "trib.al", "tr.im", "u.to", "v.gd", "wp.me", "x.gd", "yhoo.it",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareLinks:
    """A site's own short links, and the paths that are such."""

    hosts: tuple[str, ...]
    path: re.Pattern[str]


_ANY = re.compile(r"^/[^/]")
SHARE_LINKS: tuple[ShareLinks, ...] = (
    ShareLinks(("fb.watch", "pin.it", "on.soundcloud.com", "snd.sc"), _ANY),
    ShareLinks(("vm.tiktok.com", "vt.tiktok.com"), _ANY),
    ShareLinks(("tiktok.com",), re.compile(r"^/t/")),
    ShareLinks(("facebook.com",), re.compile(r"^/share/")),
    ShareLinks(("reddit.com",), re.compile(r"^/(?:r|u|user)/[\w-]+/s/")),
    ShareLinks(("b23.tv",), re.compile(r"^/(?!BV|av\d|ep\d|ss\d)\w")),
    ShareLinks(("instagram.com",), re.compile(r"^/share/")),
)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """Pages that count a click and go on to the address in one of their parameters."""

    hosts: tuple[str, ...]
    #: None where it does not matter.
    path: str | None
    parameters: tuple[str, ...]


#: Asked in order.
WRAPPERS: tuple[Wrapper, ...] = (
    Wrapper(("facebook.com", "messenger.com"), "/l.php", ("u",)),
    Wrapper(("facebook.com",), "/login", ("next",)),
    Wrapper(("facebook.com",), "/login.php", ("next",)),
    Wrapper(("l.instagram.com",), "/", ("u",)),
    Wrapper(("facebook.com",), "/plugins/video.php", ("href",)),
    Wrapper(("facebook.com",), "/plugins/post.php", ("href",)),
    Wrapper(("instagram.com",), "/accounts/login", ("next",)),
    Wrapper(("youtube.com",), "/redirect", ("q",)),
    Wrapper(("youtube.com",), "/attribution_link", ("u",)),
    Wrapper(("youtube.com", "vimeo.com"), "/oembed", ("url",)),
    Wrapper(("consent.youtube.com", "consent.google.com"), "/m", ("continue",)),
    Wrapper(("google.com",), "/url", ("url", "q")),
    Wrapper(("out.reddit.com",), None, ("url",)),
    Wrapper(("reddit.com",), "/media", ("url",)),
    Wrapper(("w.soundcloud.com",), "/player", ("url",)),
    Wrapper(("t.me", "telegram.me"), "/share/url", ("url",)),
    Wrapper(("t.me", "telegram.me"), "/iv", ("url",)),
    Wrapper(("vk.com", "vk.ru"), "/away.php", ("to",)),
    Wrapper(("umblr.com",), "/redirect", ("z",)),
    Wrapper(("linkedin.com",), "/redir/redirect", ("url",)),
    Wrapper(("steamcommunity.com",), "/linkfilter", ("url", "u")),
    Wrapper(("slack-redir.net",), "/link", ("url",)),
)
#: Targets inside targets that are unpacked.
_DEPTH = 4


def unwrap(url: str) -> str:
    """The normalised address that *url* (normalised) carries in a parameter, else *url* itself."""
    for _ in range(_DEPTH):
        inner = _inner(url)
        if inner is None:
            return url
        url = inner
    return url


def _inner(url: str) -> str | None:
    parts = urlsplit(url)
    path = parts.path.rstrip("/") or "/"
    for wrapper in WRAPPERS:
        if wrapper.path not in {path, None} or not host_is(parts.hostname or "", wrapper.hosts):
            continue
        values = dict(parse_qsl(parts.query))
        for value in filter(None, map(values.get, wrapper.parameters)):
            try:
                return normalise(urljoin(url, value) if value.startswith("/") else value)
            except (InvalidRequest, ValueError):
                continue  # another parameter may hold one
    return None


def leads_to_media(url: str) -> bool:
    """Whether *url* names one thing, not merely a link to it."""
    identity = identify(url)
    return identity is not None and not identity.is_provisional
