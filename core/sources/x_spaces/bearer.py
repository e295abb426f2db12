"""The token by which X's web client says that it is the web client. It is public and the same for everybody.

yt-dlp keeps it up to date. It is read out of yt-dlp's source text: importing yt-dlp would cost the engine
time and memory, and its workers are the place where it runs.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

from core.domain.errors import ExtractorOutdated

_CONSTANT = re.compile(r"""^\s+_AUTH\s*=\s*["']([\w%.~+/=-]{40,300})["']\s*$""", re.MULTILINE)


@functools.cache
def web_bearer_blocking() -> str:
    """The token, for an `Authorization: Bearer` field. Raises ExtractorOutdated."""
    package = importlib.util.find_spec("yt_dlp")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder, "extractor", "twitter.py")
        if path.is_file():
            return read_bearer(path.read_text(encoding="utf-8"))
    raise ExtractorOutdated("yt-dlp, which knows how X's web client introduces itself, is not installed")


def read_bearer(source: str) -> str:
    """The token in the source text of yt-dlp's extractor. Raises ExtractorOutdated."""
    found = _CONSTANT.search(source)
    if found is None:
        raise ExtractorOutdated("the installed yt-dlp no longer says how X's web client introduces itself")
    return found[1]
