"""Find links in what people write: sentences, Markdown, HTML, right-to-left text, links without a scheme."""

from __future__ import annotations

import re

from core.links.identify import KNOWN_HOSTS
from core.links.short import SHORTENERS

#: Written without `http://` only hosts that nobody takes for anything else are links.
_BARE = "|".join(sorted(map(re.escape, (*KNOWN_HOSTS, *SHORTENERS)), key=len, reverse=True))
#: What no link holds raw: white space, quotes, marks of direction, the punctuation of Arabic and Chinese.
_END = (
    '\\s<>"`\\x00-\\x1f\\x7f-\\xa0\\u00ab\\u00bb\\u060c\\u061b\\u061f\\u06d4\\u200b\\u200e\\u200f\\u201c-\\u201e'
    "\\u2028-\\u202f\\u2060-\\u2069\\u3000-\\u3002\\u3008-\\u3011\\ufeff\\uff01\\uff08\\uff09\\uff0c\\uff1b\\uff1f\\uff3b\\uff3d\\uff5b-\\uff5e"
)
#: Up to the next link where people forgot the space; one behind a `/` or `=` is part of this link.
_REST = rf"(?:(?!(?<=\w)https?://)[^{_END}])+"
_LINK = re.compile(
    # Where no link can begin, no host is tried: hostile text is read as fast as any.
    rf"(?=[a-z0-9])(?:https?://{_REST}|(?<![a-z0-9_@/.:=&%-])(?:[a-z0-9-]{{1,20}}\.){{0,2}}(?:{_BARE})/{_REST})",
    re.IGNORECASE,
)
#: Ends a sentence or emphasis, not a link.
_TRAILING = ".,;:!?'\u2019\u2026\u200c\u200d*~|\\^"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def find_links(text: str) -> list[str]:
    """The links in *text* in their order, each once, with a scheme, without what only surrounds them.

    They are not normalised, and may still turn out to be unusable.
    """
    # Between the two halves of `[words](link)` no link goes on.
    found = (_trim(match[0]) for match in _LINK.finditer(text.replace("](", "] (")))
    with_scheme = (link if "://" in link[:8] else f"https://{link}" for link in found)
    return list(dict.fromkeys(link for link in with_scheme if not link.endswith("://")))


def _trim(link: str) -> str:
    link = link.replace("&amp;", "&")
    # Counted once: a link may be a megabyte of brackets.
    surplus = {closer: link.count(closer) - link.count(opener) for closer, opener in _BRACKETS.items()}
    end = len(link)
    while end:
        last = link[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return link[:end]
