"""The shapes that the API answers in, as JSON Schema: routes that encode themselves tell FastAPI none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from core.api.written import LABEL, NUMBER, TEXT, TIME, WRITTEN
from core.domain.chat import ChatRules
from core.domain.delivery import HIDDEN_COLUMNS, Delivery
from core.domain.delivery import TIME_COLUMNS as DELIVERY_TIMES
from core.domain.events import Event
from core.domain.history import DayFigures
from core.domain.job import TIME_COLUMNS, Job
from core.domain.library import MediaItem
from core.domain.media import FormatInfo
from core.domain.profile import Profile


def schemas() -> dict[str, Any]:
    """Every shape by its name."""
    return {
        **WRITTEN,
        "Job": _job_schema(),
        "MediaItem": _object(_flat(TypeAdapter(MediaItem).json_schema()) | {"created": TIME}),
        "Event": _object(_flat(TypeAdapter(Event).json_schema()) | {"created": TIME}),
        "Chat": _object(_flat(TypeAdapter(ChatRules).json_schema())),
        "DayFigures": _object(_flat(TypeAdapter(DayFigures).json_schema())),
        "Delivery": _delivery_schema(),
        "Format": _object(_flat(TypeAdapter(FormatInfo).json_schema())),
        "Profile": _object(_flat(TypeAdapter(Profile).json_schema()) | dict.fromkeys(_PROFILE_TIMES, TIME)),
    }


def answers(method: str, path: str) -> Mapping[str, Any] | None:
    """What a route answers with when all is well: kind of media → its schema; None for an empty body.

    Args:
        method: In small letters, as OpenAPI has it.
        path: The route's template without the prefix of the API.
    """
    if (method, path) in _OTHER_MEDIA:
        kind = _OTHER_MEDIA[method, path]
        return {kind: {"schema": {"type": "string"}}}
    name = _ANSWERS.get((method, path))
    if name is None:
        return None
    one = {"$ref": f"#/components/schemas/{name.removesuffix('[]')}"}
    listed = _object({"items": {"type": "array", "items": one}, "next": TEXT}, required=["items"])
    return {"application/json": {"schema": listed if name.endswith("[]") else one}}


#: Names of schemas; `[]` is a list of them.
_ANSWERS: Mapping[tuple[str, str], str] = {
    ("get", "/health"): "Health",
    ("get", "/status"): "Status",
    ("get", "/sources"): "Source[]",
    ("get", "/jobs"): "Job[]",
    ("post", "/jobs"): "SubmittedJob",
    ("post", "/jobs/batch"): "Answer[]",
    ("post", "/jobs/actions"): "Answer[]",
    ("post", "/jobs/order"): "Job[]",
    ("get", "/jobs/{job_id}"): "Job",
    ("patch", "/jobs/{job_id}"): "Job",
    ("get", "/jobs/{job_id}/events"): "Event[]",
    ("put", "/jobs/{job_id}/debug"): "DebugState",
    ("post", "/jobs/{job_id}/pause"): "Job",
    ("post", "/jobs/{job_id}/resume"): "Job",
    ("post", "/jobs/{job_id}/cancel"): "Job",
    ("post", "/jobs/{job_id}/retry"): "Job",
    ("get", "/chats"): "ChatList",
    ("get", "/chats/known"): "Chat[]",
    ("get", "/chats/find"): "Chat",
    ("put", "/chats/{chat_id}"): "Chat",
    ("get", "/deliveries"): "Delivery[]",
    ("post", "/deliveries/{delivery_id}/retry"): "Delivery",
    ("post", "/maintenance"): "MaintenanceState",
    ("get", "/history"): "DayFigures[]",
    ("get", "/limits"): "Limit[]",
    ("put", "/limits/{name}"): "Limit",
    ("get", "/groups"): "Group[]",
    ("get", "/groups/{group_id}"): "Group",
    ("post", "/groups/{group_id}/{action}"): "GroupAnswer",
    ("get", "/library"): "LibraryPage",
    ("get", "/library/copies"): "Copies[]",
    ("get", "/library/tags"): "Tag[]",
    ("get", "/library/facets"): "FacetCounts",
    ("patch", "/library/{item_id}"): "MediaItem",
    ("delete", "/library/copies/{item_id}"): "MediaItem",
    ("get", "/library/{item_id}"): "LibraryEntry",
    ("post", "/library/{item_id}/send"): "Delivery",
    ("get", "/metadata"): "Metadata",
    ("get", "/spaces/{space_id}/metadata"): "Metadata",
    ("get", "/profiles"): "Profile[]",
    ("post", "/profiles"): "Profile",
    ("post", "/profiles/{profile_id}/check"): "Profile",
    ("get", "/tokens"): "Token[]",
    ("post", "/tokens"): "IssuedToken",
    ("delete", "/tokens/{token_id}"): "Token",
    ("get", "/audit"): "AuditEntry[]",
    ("get", "/webhooks"): "WebhookReceiver[]",
    ("post", "/webhooks/{receiver}/send"): "WebhookReceiver",
    ("post", "/webhooks/{receiver}/test"): "WebhookReceiver",
    ("post", "/stop"): "Stopping",
}
#: What is no JSON. A file has the kind of its name where that is harmless.
_OTHER_MEDIA: Mapping[tuple[str, str], str] = {
    ("get", "/metrics"): "text/plain",
    ("get", "/events"): "text/event-stream",
    ("post", "/collect"): "application/x-ndjson",
    ("post", "/library/import"): "application/x-ndjson",
    ("get", "/jobs/{job_id}/file"): "*/*",
}
_PROFILE_TIMES = ("last_success", "last_failure", "expires", "checked", "created")


def _object(properties: Mapping[str, Any], *, required: Sequence[str] | None = None) -> dict[str, Any]:
    """An object that always has *required*, or else all of its *properties*."""
    always = properties if required is None else required
    return {"type": "object", "properties": properties, "required": list(always)}


def _job_schema() -> dict[str, Any]:
    columns = _flat(TypeAdapter(Job).json_schema())
    columns.pop("checkpoint")
    columns |= dict.fromkeys(TIME_COLUMNS, TIME)
    columns |= {"progress": NUMBER, "eta_s": NUMBER}
    delivery = {"$ref": "#/components/schemas/Delivery"}
    columns |= {"group": LABEL, "deliveries": {"type": "array", "items": delivery}}
    return _object(columns)


def _delivery_schema() -> dict[str, Any]:
    columns = _flat(TypeAdapter(Delivery).json_schema())
    for name in HIDDEN_COLUMNS:
        del columns[name]
    return _object(columns | dict.fromkeys(DELIVERY_TIMES, TIME))


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """The properties of *schema*, with the definitions they name put in their place."""
    definitions = schema.get("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            name = value.get("$ref", "").rpartition("/")[2]
            return definitions[name] if name else {key: resolved(item) for key, item in value.items()}
        return [resolved(item) for item in value] if isinstance(value, list) else value

    properties: dict[str, Any] = resolved(schema["properties"])
    return properties
