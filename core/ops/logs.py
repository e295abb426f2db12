"""Where log lines go: one JSON object a line in `reeldeck.jsonl`, without secrets, whoever wrote them.

Parts of the core log through `logging.getLogger(…)` with `extra={…}`, or through structlog; both end here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from core.config.settings import LOG_FILE, Logging
from core.domain.debugging import DEBUGGED
from core.domain.events import Event
from core.domain.job import Job
from core.domain.text import for_log

#: Secrets shorter than this would tear holes into ordinary words.
MIN_SECRET_CHARS = 4
_HIDDEN = "***"
#: What a line has of itself; an event's data cannot replace it.
_OWN = frozenset({"event", "level", "logger", "time"})
_FIELDS = "_fields"
#: What the lines of a job's events tell of the job.
_ABOUT = ("user_id", "chat_id", "source_type", "stage", "auth_profile_id", "attempt")
_events = logging.getLogger("reeldeck.events")
# These say every request or statement at INFO, with what is secret in them.
_CHATTY = (
    "asyncio",
    "aiosqlite",
    "httpcore",
    "httpx",
    "telethon",
    "tortoise",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
)


def configure(settings: Logging, log_dir: Path, *, secrets: Iterable[str] = ()) -> None:
    """Send all log lines of this process to *log_dir*, or to stderr without `logging.json_file`.

    Args:
        settings: Level, size and number of files.
        log_dir: Made when it is missing.
        secrets: Values that are blotted out wherever they turn up.

    Raises:
        OSError: The file cannot be written to.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _flattened,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *before,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler: logging.Handler
    if settings.json_file:
        log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _PrivateFile(
            log_dir / LOG_FILE, maxBytes=settings.max_bytes, backupCount=settings.backups, encoding="utf-8"
        )
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    handler.addFilter(_is_wanted)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old.formatter, ProcessorFormatter)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(settings.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It says at WARNING what was no HTTP: strangers at the door could fill the log.
    logging.getLogger("uvicorn.error").setLevel(max(logging.ERROR, root.level))


def _is_wanted(record: logging.LogRecord) -> bool:
    """Whether a line is of the level that is asked for, or about a job of which everything is."""
    if record.levelno >= logging.getLogger().level:
        return True
    for about in (vars(record), getattr(record, _FIELDS, {}), structlog.contextvars.get_contextvars()):
        if "job_id" in about:
            return about["job_id"] in DEBUGGED
    return False


def log_event(event: Event, job: Job | None = None) -> None:
    """Write a job's event as a line with the event's own fields, and with those of its *job*."""
    about: dict[str, Any] = {"job_id": event.job_id, "seq": event.seq}
    if job is not None:
        about |= {name: value for name in _ABOUT if (value := getattr(job, name)) is not None}
        about["url_domain"] = job.host
    # Not as `extra` itself: logging refuses keys such as `message`, which events have.
    _events.info(event.type.value, extra={_FIELDS: {**about, **event.data}})


def _flattened(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put the fields of an event beside the others."""
    if event.get("message") == event.get("event"):
        # Another handler's formatter left it on the record: it is the event once more.
        event.pop("message", None)
    fields = event.pop(_FIELDS, {})
    return {**event, **{key: value for key, value in fields.items() if key not in _OWN}}


class Redaction:
    """Makes every value one safe line without known secrets and without the secret parts of links."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be part of another.
        self._secrets = sorted({s for s in secrets if len(s) >= MIN_SECRET_CHARS}, key=len, reverse=True)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """A structlog processor."""
        return {
            str(key): self._lines(value) if key == "exception" else self._value(value)
            for key, value in event.items()
            if key not in _META
        } | {key: event[key] for key in _META if key in event}

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._text(str(key)): self._value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(inner) for inner in value]
        return self._text(str(value))

    def _lines(self, traceback: str) -> list[str]:
        return [self._text(line) for line in str(traceback).splitlines()]

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return for_log(text)


# What structlog's formatter passes along inside the event.
_META = ("_record", "_from_structlog")


class _PrivateFile(RotatingFileHandler):
    """A rotated file that only its owner may read."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return open(descriptor, self.mode, encoding=self.encoding, errors=self.errors)  # noqa: PTH123 -- a descriptor; the handler closes it

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """A log that cannot be written (a full disk) must not stop or flood what it reports on."""
