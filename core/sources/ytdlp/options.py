"""Every option that yt-dlp is given, and why. JSON values only: they travel to the worker over a pipe.

Left out on purpose, because each has been a way to run code, read files or leak secrets: `exec_cmd` and other
post-processors, `netrc_cmd` and `usenetrc`, external downloaders, `writelink` and all else that writes beside
the media, plug-ins (see `ENVIRONMENT`), configuration files (only yt-dlp's own command line reads them) and
`remote_components` (code from elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.config.settings import Network, Timeouts
from core.config.sources import SourceSettings

#: yt-dlp loads any `yt_dlp_plugins` package that it finds, unless this is set.
ENVIRONMENT: Mapping[str, str] = {"YTDLP_NO_PLUGINS": "1"}
#: yt-dlp's own fragment downloads; ours use `network.max_connections_per_file`.
_FRAGMENTS_AT_ONCE = 4
#: Programs that may run YouTube's scripts, the best first, each since the version that yt-dlp 2026.10.26 asks
#: for. It knows others as well, but these it starts without access to files and network.
JS_RUNTIMES: Mapping[str, tuple[int, ...]] = {"deno": (2, 3, 0), "node": (22, 0, 0)}

#: Beside those of `extraction`: to be told about a thing although there is nothing of it to fetch.
WITHOUT_FORMATS: Mapping[str, Any] = {"ignore_no_formats_error": True}


def environment(network: Network) -> dict[str, str]:
    """Variables of the worker process."""
    if network.ca_file is None:
        return dict(ENVIRONMENT)
    return {**ENVIRONMENT, "SSL_CERT_FILE": str(network.ca_file)}


def common(*, network: Network, timeouts: Timeouts, proxy_url: str, ffmpeg_path: Path) -> dict[str, Any]:
    """What holds for every use."""
    return {
        # The only way to the network; it judges every address.
        "proxy": proxy_url,
        "http_headers": {"User-Agent": network.user_agent},
        "socket_timeout": timeouts.read_s,
        # SSL_CERT_FILE is only looked at without certifi.
        "compat_opts": ["no-certifi"] if network.ca_file else [],
        "enable_file_urls": False,
        "default_search": "error",
        "cachedir": False,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "ignoreerrors": False,
        "extractor_retries": 2,
        # Never a program that fetches by itself; and no other ffmpeg than the engine's.
        "external_downloader": {"default": "native"},
        "ffmpeg_location": str(ffmpeg_path),
        "js_runtimes": {name: {} for name in JS_RUNTIMES},
    }


def for_source(settings: SourceSettings) -> dict[str, Any]:
    """What `[sources.NAME]` changes of `common`, for every use."""
    changed: dict[str, Any] = {}
    if settings.user_agent:
        changed["http_headers"] = {"User-Agent": settings.user_agent}
    if settings.rate_per_s:
        changed["sleep_interval_requests"] = 1 / settings.rate_per_s
    return changed


def extraction(
    *,
    max_items: int,
    cookie_file: Path | None = None,
    format_expression: str | None = None,
    extractors: Sequence[str] | None = None,
) -> dict[str, Any]:
    """To find out what a link leads to.

    Args:
        max_items: Entries of a playlist to list; pages of it that lie behind them are never asked for.
        cookie_file: A private copy: yt-dlp writes it when it is done.
        format_expression: yt-dlp chooses by it; by default all formats are reported and we choose.
        extractors: From `allow.extractors_for`.
    """
    return {
        **({"allowed_extractors": list(extractors)} if extractors else {}),
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "playlistend": max_items,
        "cookiefile": str(cookie_file) if cookie_file else None,
        # "list_only" ends before a format is chosen, and does not fail when nothing suits yt-dlp's default.
        **(
            {"simulate": True, "format": format_expression}
            if format_expression
            else {"simulate": "list_only"}
        ),
    }


def download(path: Path, *, cookie_file: Path | None = None) -> dict[str, Any]:
    """To fetch one format to *path*; the worker adds which one. *cookie_file* as for `extraction`."""
    return {
        "cookiefile": str(cookie_file) if cookie_file else None,
        "outtmpl": {"default": str(path).replace("%", "%%")},
        "continuedl": True,
        "nopart": False,
        "overwrites": None,
        "updatetime": False,
        # The engine post-processes.
        "fixup": "never",
        # By default a file with holes counts as success.
        "skip_unavailable_fragments": False,
        "retries": 3,
        "fragment_retries": 5,
        "concurrent_fragment_downloads": _FRAGMENTS_AT_ONCE,
    }
