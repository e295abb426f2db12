"""The yt-dlp child: reads requests as JSON lines from stdin, answers on stdout, one at a time.

    {"id": 1, "op": "extract", "url": …, "options": {…}}
    {"id": 2, "op": "download", "info": {…}, "format_id": …, "path": …, "options": {…}}

answered by {"id": 1, "result": info}; by any {"id": 2, "progress": [bytes done, bytes in all or null]} and
{"id": 2, "result": path}; or by {"id": …, "error": [cause, …]}. With the option `verbose`, any {"log": line}
come before.

When it is warm it says {"ready": {"version": …}}. Imports nothing of ours, and is the only place that imports
yt_dlp. Whatever yt-dlp, or a program that it starts, prints goes to stderr, never between the answers.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_PROGRESS_EVERY_S = 0.25
#: Nobody reads these, and some are megabytes.
_UNUSED_FIELDS = (
    "automatic_captions", "comments", "heatmap", "requested_subtitles", "subtitles", "tags", "thumbnails",
)  # fmt: skip
#: Set by the engine's proxy on its own answers.
_PROXY_ERROR_HEADER = "X-Reeldeck-Error"
#: A few bytes of a manifest can describe millions of segments. Less than this and deno does not start.
MAX_MEMORY_BYTES = 2 * 2**30
_MAX_CAUSES = 8
_MAX_TEXT = 2000
#: Of one request; nobody reads more.
_MAX_LINES = 2000
#: A shorter value would be hidden in ordinary words.
_MIN_SECRET_CHARS = 6


class _Log:
    """Takes yt-dlp's messages; the engine keeps the end of stderr for debugging, and may be told each."""

    def __init__(self, tell: Any = None) -> None:
        self.first_error = ""
        #: Values of cookies, which are told to nobody.
        self.hidden: set[str] = set()
        self._tell = tell
        self._told = 0

    def debug(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        if self._tell is not None and self._told < _MAX_LINES:
            self._told += 1
            for secret in self.hidden:
                message = message.replace(secret, "***")
            self._tell(message[:_MAX_TEXT])

    info = warning = debug

    def error(self, message: str) -> None:
        self.first_error = self.first_error or message
        self.debug(message)


class Worker:
    """Answers requests with a fresh YoutubeDL each: no cookies, headers or errors stay for the next."""

    def __init__(self, answers: IO[str]) -> None:
        import yt_dlp  # noqa: PLC0415 -- takes 0.3 s and 40 MB, and this module is imported by tests

        self._yt_dlp = yt_dlp
        self._answers = answers
        self._log = _Log()
        self._turn = threading.Lock()  # fragments report progress from threads
        with self._downloader({"quiet": True}):  # loads what every one needs
            pass
        self._say({"ready": {"version": yt_dlp.version.__version__}})

    def answer(self, request: dict[str, Any]) -> None:
        """Do what *request* asks; whatever goes wrong becomes an answer too."""
        number = request.get("id")
        is_verbose = request["options"].get("verbose")
        self._log = _Log((lambda text: self._say({"log": text})) if is_verbose else None)
        try:
            if request["op"] == "extract":
                result: Any = self._extract(request["url"], request["options"])
            else:
                result = self._download(request)
            self._say({"id": number, "result": result})
        except Exception as error:  # noqa: BLE001 -- the parent translates every failure of a third party
            # What ran out of memory lets go of it before there is an answer to be made.
            traceback.clear_frames(error.__traceback__)
            # A fragment's failure in one thread can show in another as something else: its words are kept.
            told = [RuntimeError(self._log.first_error)] if self._log.first_error else []
            self._say({"id": number, "error": [cause for e in (error, *told) for cause in causes(e)]})

    def _extract(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        with self._downloader(options) as downloader:
            info = downloader.extract_info(url, download=False)
            if info is None:
                raise self._yt_dlp.utils.UnsupportedError(url)
            for video in filter(None, [info, *(info.get("entries") or ())]):
                for name in _UNUSED_FIELDS:
                    video.pop(name, None)
                for format_ in video.get("formats") or [video]:
                    if format_.get("url"):
                        format_["cookie_header"] = downloader.cookiejar.get_cookie_header(format_["url"])
            sanitised: dict[str, Any] = downloader.sanitize_info(info)
            return sanitised

    def _download(self, request: dict[str, Any]) -> str:
        path, wanted = Path(request["path"]), request["format_id"]
        progress = _Progress(lambda figures: self._say({"id": request["id"], "progress": figures}))
        options = {
            **request["options"],
            # As a function, since an id may hold what is special in a format expression.
            "format": lambda context: [f for f in context["formats"] if f["format_id"] == wanted][-1:],
            "progress_hooks": [progress.hook],
        }
        with self._downloader(options) as downloader:
            downloader.process_ie_result(request["info"], download=True)
        if not path.is_file():
            raise FileNotFoundError("yt-dlp reported success without a file")
        progress.check_complete()
        return str(path)

    def _downloader(self, options: dict[str, Any]) -> Any:
        downloader = self._yt_dlp.YoutubeDL({**options, "logger": self._log})
        if options.get("verbose"):
            values = (str(cookie.value) for cookie in downloader.cookiejar)
            self._log.hidden = {value for value in values if len(value) >= _MIN_SECRET_CHARS}
        return downloader

    def _say(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, default=repr) + "\n"
        with self._turn:
            self._answers.write(line)
            self._answers.flush()


class _Progress:
    """Passes figures on four times a second, and counts fragments by itself."""

    def __init__(self, tell: Any) -> None:
        self._tell = tell
        self._told_at = 0.0
        self._done = 0
        self._expected = 0

    def hook(self, status: dict[str, Any]) -> None:
        if status.get("fragment_count"):
            self._expected = int(status["fragment_count"])
            self._done = max(self._done, int(status.get("fragment_index") or 0))
        now = time.monotonic()
        if now - self._told_at >= _PROGRESS_EVERY_S or status.get("status") == "finished":
            self._told_at = now
            total = status.get("total_bytes") or status.get("total_bytes_estimate")
            self._tell([int(status.get("downloaded_bytes") or 0), int(total) if total else None])

    def check_complete(self) -> None:
        if self._done < self._expected:
            raise EOFError(f"only {self._done} of {self._expected} fragments arrived")


def causes(error: BaseException) -> Iterator[dict[str, Any]]:
    """The error and what led to it, outermost first, as JSON values."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_CAUSES:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield _described(cause)
        # DownloadError names in exc_info what the extractor met, and in __context__ what it made of it.
        exc_info = getattr(cause, "exc_info", None) or (None, None)
        waiting += [exc_info[1], getattr(cause, "cause", None), cause.__cause__, cause.__context__]


def _described(error: BaseException) -> dict[str, Any]:
    response = getattr(error, "response", None)
    header = getattr(response, "get_header", lambda _name: None)
    status = getattr(error, "status", None)
    return {
        "types": [cls.__name__ for cls in type(error).__mro__[:-2]],
        "text": (str(getattr(error, "orig_msg", None) or error) or type(error).__name__)[:_MAX_TEXT],
        "expected": getattr(error, "expected", None),
        "status": status if isinstance(status, int) else None,
        "retry_after": header("Retry-After"),
        "proxy_error": header(_PROXY_ERROR_HEADER),
    }


def main() -> None:
    """Answer until stdin ends."""
    # File descriptors 0 and 1 become harmless, for everything that this process loads or starts.
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or most > MAX_MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, most))
    worker = Worker(answers)
    for line in requests:
        worker.answer(json.loads(line))


if __name__ == "__main__":
    main()
