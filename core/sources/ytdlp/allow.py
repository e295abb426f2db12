"""`[sources.ytdlp] allow`: which of yt-dlp's many sites may be used. Pure.

An entry with a dot is a host, with all below it; any other is the name of an extractor, where `*` stands
for anything. A `-` in front refuses, which goes before allowing. `generic` is the guess at pages of any site.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from core.domain.errors import UnsupportedSource
from core.links.normalise import host_is

HINT = "Which sites yt-dlp may be used for is said by [sources.ytdlp] allow."


def extractors_for(host: str, allow: Sequence[str]) -> tuple[str, ...] | None:
    """What yt-dlp's option `allowed_extractors` must be for links to *host*; None is no restriction.

    Raises:
        UnsupportedSource: The host is refused, or nothing is allowed that could take it.
    """
    wanted = [entry for entry in allow if not entry.startswith("-")]
    refused = [entry[1:] for entry in allow if entry.startswith("-")]
    if host_is(host, _hosts(refused)):
        raise UnsupportedSource(f"{host} is switched off", hint=HINT)
    is_any = "*" in wanted or host_is(host, _hosts(wanted))
    names, less = _names(wanted), _names(refused)
    if not is_any and not names:
        raise UnsupportedSource(f"{host} is not among the sites that are allowed", hint=HINT)
    if is_any and not less:
        return None
    # One expression for all, so that extractors keep their order: the generic one is last.
    chosen = "default" if is_any else "|".join(map(fnmatch.translate, names))
    return (chosen, *(f"-{fnmatch.translate(name)}" for name in less))


def _hosts(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry.lower() for entry in entries if "." in entry)


def _names(entries: Iterable[str]) -> list[str]:
    return [entry.lower() for entry in entries if "." not in entry]
