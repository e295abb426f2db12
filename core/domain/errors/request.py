"""Why a request is refused."""

from __future__ import annotations

from core.domain.errors.base import ReeldeckError


class RequestError(ReeldeckError):
    """A request was refused; nothing was changed."""


class InvalidRequest(RequestError):
    """The request itself is wrong (a malformed link, an unknown option)."""

    code = "INVALID_REQUEST"
    exit_code = 2
    http_status = 422
    summary = "The request is not valid"
    default_hint = "Give a full link that begins with http:// or https://."


class NoSuchEntry(InvalidRequest):
    """There is no login, token, chat or delivery with this id."""

    code = "NO_SUCH_ENTRY"
    http_status = 404
    summary = "There is no such entry"
    default_hint = "See what there is with the same command's list."


class NoTelegram(InvalidRequest):
    """What was asked for needs a Telegram account, and none is connected."""

    http_status = 409
    default_hint = "Set it up: reeldeck setup. How it stands: reeldeck telegram status"


class ConfigError(RequestError):
    """The configuration cannot be used."""

    code = "CONFIG_ERROR"
    exit_code = 2
    summary = "The configuration is not valid"
    default_hint = "Compare with `reeldeck config example`."


class NotInstalled(ConfigError):
    """A package that this command needs, and others do not."""

    summary = "Something that this needs is not installed"


class NoSuchJob(RequestError):
    """There is no job with this id."""

    code = "NO_SUCH_JOB"
    exit_code = 40
    http_status = 404
    summary = "There is no such job"
    default_hint = "See the ids with: reeldeck jobs"


class IllegalTransition(RequestError):
    """The job's state does not allow this."""

    code = "ILLEGAL_TRANSITION"
    exit_code = 41
    http_status = 409
    summary = "The job's state does not allow this"
    default_hint = "See the job's state with: reeldeck job ID"


class StaleClaim(IllegalTransition):
    """A runner that lost its claim tried to write."""

    code = "STALE_CLAIM"
    summary = "This attempt is no longer the current one"
    default_hint = "Nothing to do: the newer attempt goes on."


class LimitReached(RequestError):
    """A limit refuses more jobs for now.

    Args:
        detail: Which limit.
        hint: When to try again.
        retry_after_s: Seconds until it may work, where known.
    """

    code = "LIMIT_REACHED"
    exit_code = 42
    http_status = 429
    summary = "A limit is reached"
    default_hint = "Try again later, or raise the limit in [limits]."

    def __init__(
        self, detail: str = "", *, hint: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after_s = retry_after_s


class EngineUnreachable(RequestError):
    """No engine answers on the socket."""

    code = "ENGINE_UNREACHABLE"
    exit_code = 43
    http_status = 503
    summary = "No engine is running"
    default_hint = "Start it: reeldeck, or reeldeck serve without the dashboard"


class EngineRunning(RequestError):
    """Another engine owns this data directory."""

    code = "ENGINE_ALREADY_RUNNING"
    exit_code = 44
    http_status = 409
    summary = "Another engine is already running on this data directory"
    default_hint = "Use it (reeldeck status), stop it (reeldeck stop), or choose another paths.data_dir."


class StoreFailure(RequestError):
    """The database cannot be used."""

    code = "STORE_ERROR"
    exit_code = 45
    http_status = 503
    summary = "The database cannot be used"
    default_hint = "See `reeldeck doctor`. A backup can be put back with: reeldeck restore FILE"


class Forbidden(RequestError):
    """The caller may not do this."""

    code = "FORBIDDEN"
    exit_code = 46
    http_status = 403
    summary = "Not allowed"
    default_hint = "Use a token with the scope that this needs."
