"""Every way a job or a request can fail, as one tree from which all faces render the same words.

ReeldeckError
├── JobError                        what is stored as a job's `error_type`
│   ├── NetworkFailure              NETWORK_ERROR
│   ├── HttpFailure                 HTTP_ERROR
│   ├── RateLimited                 RATE_LIMIT
│   ├── AuthRequired                AUTH_ERROR
│   ├── GeoBlocked                  GEO_BLOCK
│   ├── NotFound                    NOT_FOUND
│   ├── NotYetAvailable             NOT_YET_AVAILABLE
│   ├── ExtractorFailure            EXTRACTOR_ERROR
│   ├── ExtractorOutdated           EXTRACTOR_UPDATE_REQUIRED
│   ├── FloodWait                   FLOOD_WAIT
│   ├── SessionLost                 TELEGRAM_LOGIN
│   ├── SizeLimit                   SIZE_LIMIT
│   ├── FormatNotFound              FORMAT_NOT_FOUND
│   ├── ParserFailure               PARSER_ERROR
│   ├── ProtectedContent            PROTECTED_CONTENT
│   ├── UnsupportedSource           UNSUPPORTED_SOURCE
│   ├── BlockedAddress              BLOCKED_ADDRESS
│   ├── DiskFull                    DISK_FULL
│   ├── MediaFailure                MEDIA_ERROR
│   ├── StageTimeout                TIMEOUT
│   ├── Stalled                     STALE
│   └── Unknown                     UNKNOWN
└── RequestError                    a request that was refused; no job is touched
    ├── InvalidRequest              INVALID_REQUEST
    ├── ConfigError                 CONFIG_ERROR
    ├── NoSuchJob                   NO_SUCH_JOB
    ├── IllegalTransition           ILLEGAL_TRANSITION
    │   └── StaleClaim              STALE_CLAIM
    ├── LimitReached                LIMIT_REACHED
    ├── EngineUnreachable           ENGINE_UNREACHABLE
    ├── EngineRunning               ENGINE_ALREADY_RUNNING
    ├── StoreFailure                STORE_ERROR
    └── Forbidden                   FORBIDDEN
"""

from __future__ import annotations

from core.domain.errors.base import ReeldeckError as ReeldeckError
from core.domain.errors.job import *  # noqa: F403 -- every class there is one of the tree
from core.domain.errors.job import Unknown
from core.domain.errors.request import *  # noqa: F403 -- as above


def _collect(base: type[ReeldeckError]) -> dict[str, type[ReeldeckError]]:
    found: dict[str, type[ReeldeckError]] = {}
    for cls in base.__subclasses__():
        if "code" in cls.__dict__:
            found[cls.code] = cls
        found |= _collect(cls)
    return found


#: Every concrete error class by its code: the table that faces and docs render from.
ERRORS: dict[str, type[ReeldeckError]] = _collect(ReeldeckError)


def from_code(code: str, detail: str = "", *, hint: str | None = None) -> ReeldeckError:
    """Rebuild an error that travelled as text (over the API, or from the store)."""
    return ERRORS.get(code, Unknown)(detail, hint=hint)
