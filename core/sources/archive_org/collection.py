"""The items of a collection, newest first, by the site's scraping API.

`GET /services/search/v1/scrape?q=…&fields=…&sorts=…&count=…` answers a JSON object with `items`, `total` and,
while there is more, the `cursor` of the following answer; `count` is at least 100
(https://archive.org/help/aboutsearch.htm).
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from core.domain.errors import ParserFailure
from core.domain.job import Kind
from core.net.http.client import HttpClient
from core.sources.archive_org.fields import text_of, whole

#: The API gives no fewer; and more than this takes it long.
FEWEST, MOST = 100, 1000
_MEDIA_TYPES = {Kind.AUDIO: "audio OR etree", Kind.VIDEO: "movies"}
_EITHER = "audio OR etree OR movies"
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """An item of a collection."""

    identifier: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Members:
    """Some items of a collection."""

    items: tuple[Member, ...]
    #: How many there are in all, where the API says so.
    total: int | None
    #: Where the following ones begin; None at the end.
    cursor: str | None


async def members(http: HttpClient, base: str, identifier: str, kind: Kind, *, limit: int) -> Members:
    """The first *limit* items of a collection that have something of *kind*; no more is asked for.

    Raises:
        ParserFailure: An answer has another shape; says what was missing.
        JobError: What the server or the network did.
    """
    found: dict[str, Member] = {}
    total, cursor = None, None
    while True:
        query = {
            "q": f'collection:"{identifier}" AND mediatype:({_MEDIA_TYPES.get(kind, _EITHER)})',
            "fields": "identifier,title",
            "sorts": "publicdate desc",
            "count": str(min(max(limit - len(found), FEWEST), MOST)),
        } | ({"cursor": cursor} if cursor else {})
        page = await http.text(f"{base}/services/search/v1/scrape?{urlencode(query)}")
        some = await asyncio.to_thread(parse_members, page.text)
        before = len(found)
        found |= {member.identifier: member for member in some.items}
        total, cursor = some.total if total is None else total, some.cursor
        # An answer that brings nothing new would bring nothing for ever.
        if cursor is None or len(found) >= limit or len(found) == before:
            return Members(tuple(found.values())[:limit], total, cursor)


def parse_members(text: str) -> Members:
    """Read an answer of the scraping API. Pure. Raises ParserFailure."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParserFailure("the list of the collection's items is no JSON") from error
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ParserFailure("the answer about the collection has no list of `items`")
    found = [member for item in items if (member := _member(item)) is not None]
    if items and not found:
        raise ParserFailure("no entry of the collection's `items` has an `identifier`")
    return Members(tuple(found), whole(answer.get("total")), text_of(answer.get("cursor")))


def _member(item: Any) -> Member | None:
    identifier = text_of(item.get("identifier")) if isinstance(item, dict) else None
    if identifier is None or not _IDENTIFIER.fullmatch(identifier):
        return None
    return Member(identifier, text_of(item.get("title")))
