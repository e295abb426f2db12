"""A yt-dlp extractor for loopback, registered by code in a worker that is otherwise the real one.

`use_local_site(monkeypatch)` makes pools start such workers. The extractor takes `/local/ID` of an origin and
does what the JSON there says, by the calls that extractors of real sites make:

    {"video": {…}}                                  an information dict
    {"video": {…}, "without_formats": text}         the same, where there is nothing to fetch
    {"playlist": {…}, "page_size": N}               a list that asks `/local/ID?page=…` when it is read
    {"raise": "login" | "geo" | "drm" | "bug" | "expected" | "not_live", "text": …}
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from yt_dlp.extractor import import_extractors
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.globals import extractors
from yt_dlp.utils import ExtractorError, OnDemandPagedList, UserNotLive

from core.sources.ytdlp import worker
from tests.fakes.origin import Origin

MODULE = "tests.fakes.ytdlp"


def use_local_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools that start from now on know the extractor."""
    monkeypatch.setattr("core.sources.ytdlp.pool._WORKER_MODULE", MODULE)


def put_answer(origin: Origin, name: str, answer: dict[str, Any]) -> str:
    """The link of a page at which the extractor finds *answer*."""
    origin.put(f"/local/{name}", json.dumps(answer).encode(), content_type="application/json")
    return origin.url(f"/local/{name}")


class LocalSiteIE(InfoExtractor):
    """A site as its origin's answers make it."""

    IE_NAME = "local:site"
    _VALID_URL = r"https?://127\.0\.0\.1:\d+/local/(?P<id>[\w-]+)"

    def _real_extract(self, url: str) -> Any:
        name = self._match_id(url)
        answer = self._download_json(url, name)
        if "raise" in answer:
            self._refuse(answer["raise"], answer.get("text"), name)
        if "without_formats" in answer:
            self.raise_no_formats(answer["without_formats"], expected=True)
        if "video" in answer:
            return {"id": name, "title": name, "webpage_url": url, **answer["video"]}
        page = functools.partial(self._page, url, name, answer["page_size"])
        entries = OnDemandPagedList(page, answer["page_size"])
        return self.playlist_result(entries, name, **answer["playlist"])

    def _refuse(self, how: str, text: str, name: str) -> None:
        match how:
            case "login":
                self.raise_login_required(text)
            case "geo":
                self.raise_geo_restricted(text)
            case "drm":
                self.report_drm(name)
            case "not_live":
                raise UserNotLive(video_id=name)
            case "bug" | "expected":
                raise ExtractorError(text, expected=how == "expected")

    def _page(self, url: str, name: str, size: int, number: int) -> Iterator[Any]:
        self._download_json(url, name, query={"page": number})
        base = url.rpartition("/local/")[0]
        for item in range(number * size, (number + 1) * size):
            yield self.url_result(f"{base}/local/item-{item}", LocalSiteIE, f"item-{item}", f"Item {item}")


if __name__ == "__main__":
    import_extractors()
    extractors.value = {"LocalSiteIE": LocalSiteIE, **extractors.value}
    worker.MAX_MEMORY_BYTES = 384 * 2**20  # sooner reached than the real one
    worker.main()
