"""The query hash out of the web site's own scripts, for when every known one is refused.

The home page of a signed-in user names its scripts: by `src` and `href`, and in a map from a chunk's name to
its hash, of which `<folder of main>/<name>.<hash>a.js` is made. One of them registers the query as
`{queryId:"…",operationName:"AudioSpaceById",…}`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from core.domain.errors import BlockedAddress, HttpFailure, InvalidRequest, NotFound, ParserFailure
from core.net.http.client import HttpClient
from core.sources.x_spaces.queries import OPERATION

_MAX_SCRIPTS = 40
_SCRIPT = re.compile(r"""(?:src|href)\s*=\s*["']([^"'<>\s]+\.js)["']""")
_CHUNK = re.compile(
    r"""["']?([\w.~-]*(?:audio|space)[\w.~-]*)["']?\s*:\s*["']([0-9a-f]{6,20})["']""", re.IGNORECASE
)
_ID, _NAME = (
    r"""queryId["']?\s*:\s*["']([\w-]{10,40})["']""",
    rf"""operationName["']?\s*:\s*["']{OPERATION}["']""",
)
_QUERY = re.compile(rf"{_ID}\s*,\s*[\"']?{_NAME}|{_NAME}\s*,\s*[\"']?{_ID}")


async def find_hash(http: HttpClient, web_base: str, cookies: Mapping[str, str] | None) -> str | None:
    """The hash that the web site uses now; None when its scripts do not say.

    Raises:
        JobError: The home page cannot be read.
    """
    page = await http.text(f"{web_base}/home", cookies=cookies)
    if found := query_hash(page.text):
        return found
    for url in script_urls(page.text, page.url):
        try:
            script = await http.text(url)
        except (HttpFailure, NotFound, ParserFailure, BlockedAddress, InvalidRequest):
            continue  # not ours to judge, and a guess at a chunk's name may be wrong
        if found := await asyncio.to_thread(query_hash, script.text):
            return found
    return None


def query_hash(text: str) -> str | None:
    """The hash that a script gives to the query."""
    found = _QUERY.search(text)
    return (found[1] or found[2]) if found else None


def script_urls(page: str, url: str) -> list[str]:
    """The scripts that a page names, those first that are the likeliest to hold the query."""
    named = [script for address in _SCRIPT.findall(page) if (script := _joined(url, address))]
    main = next((script for script in named if _name(script).startswith("main.")), None)
    chunks = list(_chunk_urls(page, main)) if main else []
    return list(dict.fromkeys([*chunks, *([main] if main else []), *named]))[:_MAX_SCRIPTS]


def _chunk_urls(page: str, main: str) -> Iterator[str]:
    for name, digest in _CHUNK.findall(page):
        yield urljoin(main, f"{name}.{digest}a.js")


def _joined(base: str, address: str) -> str | None:
    try:
        url = urljoin(base, address)
    except ValueError:
        return None
    return url if url.startswith(("https://", "http://")) else None


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]
