"""Every refusal in one shape, `application/problem+json` (RFC 9457); `type` is the class of the error."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from core.api.encoding import JsonResponse
from core.domain.errors import InvalidRequest, JobError, LimitReached, ReeldeckError, Unknown

log = logging.getLogger(__name__)

DOCS_HINT = "The API is described at /api/v1/docs."
#: Wrong fields that one answer names; a body of thousands may hold as many.
MAX_NAMED_FIELDS = 5


def problem(error: ReeldeckError, *, status: int | None = None) -> dict[str, Any]:
    """*error* as a problem document; `core.client` builds the same error from it again."""
    document: dict[str, Any] = {
        "type": error.code,
        "title": error.summary,
        "status": status or error.http_status,
        "detail": error.detail,
        "hint": error.hint,
    }
    if isinstance(error, JobError | LimitReached) and error.retry_after_s is not None:
        document["retry_after_s"] = error.retry_after_s
    if isinstance(error, JobError) and error.remote_status is not None:
        document["remote_status"] = error.remote_status
    return document


class ProblemResponse(JsonResponse):
    """An answer that says what is wrong.

    Args:
        error: What is wrong.
        status: HTTP status, where the class's own does not fit.
        headers: Further headers.
    """

    media_type = "application/problem+json"

    def __init__(
        self, error: ReeldeckError, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        document = problem(error, status=status)
        wait_s = document.get("retry_after_s")
        timing = (
            {"retry-after": str(math.ceil(wait_s))} if wait_s is not None and math.isfinite(wait_s) else {}
        )
        super().__init__(document, status_code=document["status"], headers={**timing, **(headers or {})})


def invalid(errors: Sequence[Mapping[str, Any]]) -> InvalidRequest:
    """What pydantic found wrong, as one plain line. The values themselves are not repeated."""
    named = [f"{_place(error['loc'])}{error['msg']}" for error in errors[:MAX_NAMED_FIELDS]]
    if len(errors) > len(named):
        named.append(f"and {len(errors) - len(named)} more")
    return InvalidRequest("; ".join(named), hint=DOCS_HINT)


def _place(location: Sequence[str | int]) -> str:
    # The first part only says body, query or path; a column of broken JSON is no place to name.
    parts = [str(part)[:64] for part in location[1:] if part != ""]
    return f"{'.'.join(parts)}: " if parts and not (len(parts) == 1 and parts[0].isdigit()) else ""


async def _on_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ReeldeckError)
    return ProblemResponse(error)


async def _on_invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if errors[0]["loc"] == ("body",) and "json" not in request.headers.get("content-type", ""):
        # Otherwise it would be told that its object is none. (Forms of foreign pages cannot say JSON.)
        hint = "Send it with the header Content-Type: application/json."
        return ProblemResponse(InvalidRequest("the body does not say that it is JSON", hint=hint))
    return ProblemResponse(invalid(errors))


async def _on_http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    known = {404: "no such address", 405: "this address does not take that method"}
    wrong = InvalidRequest(known.get(error.status_code, str(error.detail)), hint=DOCS_HINT)
    headers = {"allow": _methods(request)} if error.status_code == 405 else error.headers
    return ProblemResponse(wrong, status=error.status_code, headers=headers)


def _methods(request: Request) -> str:
    """What the address takes; Starlette names only those of the first route that fits."""
    return ", ".join(
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    )


async def _on_fault(_request: Request, _error: Exception) -> ProblemResponse:
    # Only that something broke: the words of an unforeseen exception may hold anything. `Doorkeeper` logs it.
    return fault()


def fault() -> ProblemResponse:
    """The answer to a request that met a fault in the program."""
    return ProblemResponse(Unknown("a fault in the engine", hint="The engine's log says more: reeldeck logs"))


def install(app: FastAPI) -> None:
    """Let every way to fail in *app* end in a problem document."""
    app.add_exception_handler(ReeldeckError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)
