"""How values become bytes of JSON: jobs, events and frames as `core.api.shapes` describes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from core.domain.events import Event
from core.domain.job import Job
from core.domain.snapshot import Frame

_ASCII_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))

_NO_GROUPS: Mapping[int, Mapping[str, Any]] = {}


def encode(value: object) -> bytes:
    """*value* as JSON in UTF-8, whatever strangers wrote into its strings and numbers.

    Half of a surrogate pair has no UTF-8 form and travels as an escape; a figure that is not finite has no
    JSON form and becomes null.
    """
    try:
        # Half of what `json` takes; a page of a hundred jobs and each frame of a stream pass here.
        return to_json(value, inf_nan_mode="null")
    except ValueError:
        return _ASCII_ENCODER.encode(_finite(value)).encode()


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


class JsonResponse(Response):
    """An answer whose body is JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        return encode(content)


def job_view(job: Job, groups: Mapping[int, Mapping[str, Any]] = _NO_GROUPS) -> dict[str, Any]:
    """A job as the API shows it: its columns, and what hangs on it. *groups* are labels by id."""
    group = None if job.group_id is None else groups.get(job.group_id)
    return job.to_json() | {"group": group, "deliveries": []}


def listing(items: Sequence[object], cursor: str | None = None) -> JsonResponse:
    """The answer of everything that lists."""
    return JsonResponse({"items": items, "next": cursor})


def event_view(event: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    return event.to_json()


def progress_view(
    frame: Frame, jobs: Sequence[Job], groups: Mapping[int, Mapping[str, Any]] = _NO_GROUPS
) -> dict[str, Any]:
    """What the stream calls `progress`: the newest state of changed *jobs* and the engine's figures."""
    return {
        "jobs": [job_view(job, groups) for job in jobs],
        "counts": dict(frame.counts),
        "speed_bps": frame.speed_bps,
        "deleted": list(frame.deleted),
    }
