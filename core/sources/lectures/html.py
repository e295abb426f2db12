"""A tree from a page's text, within bounds that a hostile page cannot leave. Blocking.

libxml2 limits the depth and takes time proportional to the text, where the tree-building rules of HTML 5 let
40 kB of open tags become gigabytes. Attributes of one tag cost it the square of their number.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector

from core.domain.errors import ParserFailure

_MAX_TAG_BYTES = 64 * 1024
#: Selectors with `:has` cost the square of these. Real pages have some thousands.
_MAX_TAGS = 30_000
_MAX_PARSE_S = 10.0
_FEED_BYTES = 256 * 1024
#: A start tag with its quoted values. Nothing is tried twice (`+` after a quantifier), so this is linear.
_LONG_TAG = re.compile(rb"<[A-Za-z](?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+")
_QUOTED = re.compile(rb"\"[^\"]*+\"|'[^']*+'")
#: XML 1.0 has no place for them, nor has a page.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def parse_html(text: str, *, host: str) -> etree._Element:
    """The root of the page.

    Raises:
        ParserFailure: There is no HTML in it, or it is made to keep a parser busy.
    """
    data = _CONTROL.sub(" ", text).encode("utf-8", "replace")
    if data.count(b"<") > 2 * _MAX_TAGS:
        raise ParserFailure(f"the page at {host} has too many tags")
    for tag in _LONG_TAG.finditer(data):
        if tag.end() - tag.start() > _MAX_TAG_BYTES and len(_QUOTED.sub(b"", tag[0])) > _MAX_TAG_BYTES:
            raise ParserFailure(f"a tag on the page at {host} is too long")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    ends = time.monotonic() + _MAX_PARSE_S
    try:
        for start in range(0, len(data), _FEED_BYTES):
            parser.feed(data[start : start + _FEED_BYTES])
            if time.monotonic() > ends:
                raise ParserFailure(f"the page at {host} takes too long to read")
        root = parser.close()
    except etree.LxmlError as error:
        raise ParserFailure(f"the page at {host} is not HTML") from error
    if root is None:
        raise ParserFailure(f"the page at {host} is not HTML")
    return root


def select(root: etree._Element, name: str, selector: str) -> list[etree._Element]:
    """The elements that *selector* finds, in the page's order.

    Raises:
        ParserFailure: The selector called *name* is no CSS.
    """
    try:
        return list(_compiled(selector)(root))
    except (SelectorError, etree.XPathError) as error:
        raise ParserFailure(
            f"the selector of {name} is not valid: {selector[:100]}",
            hint="Mend it in [[sources.tariq_allah.sites]].",
        ) from error


@lru_cache(maxsize=256)
def _compiled(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")
