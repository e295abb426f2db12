"""A loopback replica of archive.org's public side: metadata API, pages, and downloads from a storage node.

async with ArchiveOrg() as archive:
    archive.add("talks", [upload("1.mp3", data, track="1", length="12.3")], title="Talks")
    archive.front.resource("/metadata/talks").fail(Fault(status=429, retry_after="7"))

As at the site, an unknown item answers `{}` with status 200, numbers are strings, every file has its digests,
a download answers 302 to another host and port, and private files answer 403.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, quote

from tests.fakes.origin import Fault, Origin, Resource, Seen


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of an item: what it holds, and what the API says about it beside name, size and digests."""

    name: str
    body: bytes = b""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, Any]:
        """The entry of `files`."""
        return {
            "name": self.name,
            "mtime": "1268695290",
            "size": str(len(self.body)),
            "md5": hashlib.md5(self.body, usedforsecurity=False).hexdigest(),
            "crc32": f"{zlib.crc32(self.body):08x}",
            "sha1": hashlib.sha1(self.body, usedforsecurity=False).hexdigest(),
            **self.fields,
        }


def upload(name: str, body: bytes = b"", **fields: Any) -> Stored:
    """A file as its owner gave it."""
    return Stored(name, body, {"source": "original"} | fields)


def derived(name: str, original: str, body: bytes = b"", **fields: Any) -> Stored:
    """A file that the site made of another."""
    return Stored(name, body, {"source": "derivative", "original": original} | fields)


def answer(identifier: str, files: Sequence[Stored], top: dict[str, Any], **about: Any) -> dict[str, Any]:
    """What the API says about an item, with the files that the site adds to each."""
    own = [
        Stored(f"{identifier}_meta.xml", b"<metadata/>", {"source": "original", "format": "Metadata"}),
        Stored(f"{identifier}_files.xml", b"", {"source": "original", "format": "Metadata"}),
        Stored("__ia_thumb.jpg", b"", {"source": "original", "format": "Item Tile"}),
        Stored(f"{identifier}_archive.torrent", b"", {"source": "metadata", "format": "Archive BitTorrent"}),
    ]
    described = [file.described for file in (*files, *own)]
    return {
        "created": 1700000000,
        "d1": "ia600101.us.archive.org",
        "d2": "ia800101.us.archive.org",
        "dir": f"/12/items/{identifier}",
        "files": described,
        "files_count": len(described),
        "item_last_updated": 1700000000,
        "item_size": sum(len(file.body) for file in files),
        "metadata": {"identifier": identifier, "mediatype": "audio", "publicdate": "2010-03-15 23:21:30"}
        | about,
        "server": "ia800101.us.archive.org",
        "uniq": 1234567,
        "workable_servers": ["ia800101.us.archive.org", "ia600101.us.archive.org"],
        **top,
    }


SCRAPE = "/services/search/v1/scrape"


class _Front(Origin):
    """Knows an answer for every identifier, and which items are in a collection."""

    def __init__(self) -> None:
        super().__init__()
        #: Identifier, title and mediatype of each item of a collection.
        self.collections: dict[str, list[tuple[str, str, str]]] = {}

    def _scraped(self, query: str) -> bytes:
        """As the scraping API answers: at least 100 items, and a cursor while there are more."""
        asked = {name: value for name, (value,) in parse_qs(query).items()}
        collection, types = re.fullmatch(r'collection:"([^"]+)" AND mediatype:\((.+)\)', asked["q"]).groups()  # type: ignore[union-attr]
        held = [item for item in self.collections.get(collection, []) if item[2] in types.split(" OR ")]
        start = int(asked.get("cursor", "0"))
        end = start + max(int(asked["count"]), 100)
        found = [{"identifier": name, "title": title} for name, title, _ in held[start:end]]
        more = {"cursor": str(end)} if end < len(held) else {}
        return json.dumps({"items": found, "count": len(found), "total": len(held), **more}).encode()

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        if seen.path.startswith("/metadata/") and seen.path not in self.paths:
            self.put(seen.path, b"{}", content_type="application/json")
        if seen.path == SCRAPE:
            # The same resource answers every question, so that a test can let it fail.
            scrape = self.resource(SCRAPE) if SCRAPE in self.paths else self.put(SCRAPE, b"")
            scrape.body, scrape.content_type = self._scraped(seen.query), "application/json"
        return await super()._answer(seen, writer)


class ArchiveOrg:
    """The site (`front`) and the node that its downloads lead to (`node`)."""

    def __init__(self) -> None:
        self.front = _Front()
        self.node = Origin(host="127.0.0.2")

    async def __aenter__(self) -> Self:
        await self.front.__aenter__()
        await self.node.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.node.__aexit__(*error)
        await self.front.__aexit__(*error)

    @property
    def base(self) -> str:
        """What `sources.archive_org.base` is set to."""
        return self.front.url("")

    def add(
        self, identifier: str, files: Sequence[Stored], *, top: dict[str, Any] | None = None, **about: Any
    ) -> Resource:
        """Publish an item; what is returned is its metadata.

        Args:
            identifier: Its name.
            files: What is in it.
            top: Further keys of the answer (`is_dark` …), or other values.
            about: Fields of its `metadata`.
        """
        for file in files:
            path = f"/12/items/{identifier}/{file.name}"
            stored = self.node.put(path, file.body, etag=f'"{file.described["md5"]}"')
            if file.fields.get("private") == "true":
                stored.always = Fault(status=403)
            self.front.put_redirect(f"/download/{identifier}/{file.name}", self.node.url(quote(path)))
        page = (
            f"<!DOCTYPE html><html><title>{html.escape(str(about.get('title', identifier)))}</title></html>"
        )
        self.front.put(f"/details/{identifier}", page.encode(), content_type="text/html")
        return self.publish(identifier, answer(identifier, files, top or {}, **about))

    def add_collection(self, identifier: str, items: Sequence[tuple[str, str, str]], **about: Any) -> None:
        """Publish a collection of *items*: identifier, title and mediatype of each."""
        self.add(identifier, [], mediatype="collection", **about)
        self.front.collections[identifier] = list(items)

    def publish(self, identifier: str, metadata: Any) -> Resource:
        """Let the API say *metadata* (JSON values, or text as it is) about an item."""
        text = metadata if isinstance(metadata, str) else json.dumps(metadata)
        return self.front.put(f"/metadata/{identifier}", text.encode(), content_type="application/json")
