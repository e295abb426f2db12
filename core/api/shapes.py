"""The shapes that the API answers in, as JSON Schema: routes that encode themselves tell FastAPI none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from core.domain.chat import ChatRules
from core.domain.delivery import HIDDEN_COLUMNS, Delivery
from core.domain.delivery import TIME_COLUMNS as DELIVERY_TIMES
from core.domain.events import Event
from core.domain.job import TIME_COLUMNS, Job
from core.domain.library import MediaItem
from core.domain.media import FormatInfo
from core.domain.profile import Profile
from core.domain.token import Scope

_TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_JOB = {"$ref": "#/components/schemas/Job"}
_LABEL = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "total": {"type": "integer"},
            },
        },
        {"type": "null"},
    ]
}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}

_WRITTEN: Mapping[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457; `type` is the class of the error",
        "required": ["type", "title", "status", "detail", "hint"],
        "properties": {
            "type": {"type": "string", "examples": ["NO_SUCH_JOB"]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "hint": {"type": "string", "description": "What to do next"},
            "retry_after_s": {"type": "number"},
            "remote_status": {"type": "integer"},
        },
    },
    "SubmittedJob": {
        "allOf": [_JOB, {"type": "object", "properties": {"joined": {"type": "boolean"}}}],
    },
    "Answer": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "job": _JOB,
            "joined": {"type": "boolean"},
            "error": _PROBLEM,
        },
    },
    "Health": {
        "type": "object",
        "required": ["status", "state", "version"],
        "properties": dict.fromkeys(("status", "state", "version"), _STRING),
    },
    "Status": {
        "type": "object",
        "required": ["engine", "counts", "speed_bps", "disk", "sources", "limits"],
        "properties": {
            "engine": {"type": "object"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "speed_bps": {"type": "number"},
            "disk": {"type": "object"},
            "cpu_percent": {"type": "number"},
            "memory_bytes": {"type": "integer"},
            "telegram": {"type": "object"},
            "network": {"type": "object"},
            "quiet_until": _TIME,
            "sources": {"type": "array", "items": {"$ref": "#/components/schemas/Source"}},
            "limits": {"type": "object"},
            "paths": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Source": {
        "type": "object",
        "required": ["name", "label", "enabled"],
        "properties": {
            "name": {"type": "string"},
            "label": {"type": "string"},
            "enabled": {"type": "boolean"},
            **dict.fromkeys(("max_parallel", "in_flight", "queued", "waiting"), _INTEGER),
            "rate_per_s": _NUMBER,
            "bandwidth_bps": _NUMBER,
            "is_proxied": {"type": "boolean"},
            "quiet_until": _TIME,
            "slowed": {"type": "array", "items": {"type": "object"}},
            "breaker": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "hosts": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Token": {
        "type": "object",
        "required": ["id", "name", "scopes", "created", "last_used", "revoked"],
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "scopes": {"type": "array", "items": {"type": "string", "enum": list(Scope)}},
            **dict.fromkeys(("created", "last_used", "revoked"), _TIME),
        },
    },
    "IssuedToken": {
        "allOf": [
            {"$ref": "#/components/schemas/Token"},
            {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string"}}},
        ],
    },
    "AuditEntry": {
        "type": "object",
        "required": ["id", "actor", "action", "target", "data", "created"],
        "properties": {
            "id": {"type": "integer"},
            "actor": {"type": "string", "description": "`socket`, or `token:` and its name"},
            "action": {"type": "string", "description": "Method and path, with {id} in place of numbers"},
            "target": {"type": "string"},
            "data": {"type": "object", "description": "`jobs`: ids of those that were made or moved"},
            "created": _TIME,
        },
    },
    "ChatList": {
        "type": "object",
        "required": ["items", "next", "backlog"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Chat"}},
            "next": _TEXT,
            "backlog": {
                "type": "object",
                "description": "Files that wait to be sent, by chat",
                "additionalProperties": _INTEGER,
            },
        },
    },
    "MaintenanceState": {
        "type": "object",
        "required": ["on"],
        "properties": {"on": {"type": "boolean"}},
    },
    "Stopping": {"type": "object", "properties": {"stopping": {"type": "boolean"}}},
    "Group": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "job_id": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "total": {"type": "integer", "description": "Items that were taken"},
            "created": _TIME,
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    },
    "GroupAnswer": {
        "type": "object",
        "properties": {
            "group": {"$ref": "#/components/schemas/Group"},
            "changed": {"type": "integer"},
            "refused": {"type": "integer", "description": "Jobs that had moved on by themselves"},
        },
    },
    "LibraryPage": {
        "type": "object",
        "required": ["items", "next", "meant"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/MediaItem"}},
            "next": _TEXT,
            "meant": _TEXT | {"description": "Words that were looked for instead of those that nothing has"},
        },
    },
    "Metadata": {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "source": {"type": "string"},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "kind": {"type": "string"},
            "duration_s": _NUMBER,
            "size_bytes": _NUMBER,
            "formats": {
                "type": "array",
                "description": "The best first; `id` is what `format` of a request names it by",
                "items": {"$ref": "#/components/schemas/Format"},
            },
            "entries": _NUMBER | {"description": "Items behind it; null when it is no list"},
            "taken": _NUMBER | {"description": "Items that would become jobs"},
            "sample": {"type": "array", "items": {"type": "string"}, "description": "The first titles"},
        },
    },
}


def schemas() -> dict[str, Any]:
    """Every shape by its name."""
    return {
        **_WRITTEN,
        "Job": _job_schema(),
        "MediaItem": _object(_flat(TypeAdapter(MediaItem).json_schema()) | {"created": _TIME}),
        "Event": _object(_flat(TypeAdapter(Event).json_schema()) | {"created": _TIME}),
        "Chat": _object(_flat(TypeAdapter(ChatRules).json_schema())),
        "Delivery": _delivery_schema(),
        "Format": _object(_flat(TypeAdapter(FormatInfo).json_schema())),
        "Profile": _object(_flat(TypeAdapter(Profile).json_schema()) | dict.fromkeys(_PROFILE_TIMES, _TIME)),
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
    listed = _object({"items": {"type": "array", "items": one}, "next": _TEXT}, required=["items"])
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
    ("get", "/jobs/{job_id}"): "Job",
    ("patch", "/jobs/{job_id}"): "Job",
    ("get", "/jobs/{job_id}/events"): "Event[]",
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
    ("get", "/groups"): "Group[]",
    ("get", "/groups/{group_id}"): "Group",
    ("post", "/groups/{group_id}/{action}"): "GroupAnswer",
    ("get", "/library"): "LibraryPage",
    ("get", "/metadata"): "Metadata",
    ("get", "/spaces/{space_id}/metadata"): "Metadata",
    ("get", "/profiles"): "Profile[]",
    ("post", "/profiles"): "Profile",
    ("post", "/profiles/{profile_id}/check"): "Profile",
    ("get", "/tokens"): "Token[]",
    ("post", "/tokens"): "IssuedToken",
    ("delete", "/tokens/{token_id}"): "Token",
    ("get", "/audit"): "AuditEntry[]",
    ("post", "/stop"): "Stopping",
}
#: What is no JSON. A file has the kind of its name where that is harmless.
_OTHER_MEDIA: Mapping[tuple[str, str], str] = {
    ("get", "/metrics"): "text/plain",
    ("get", "/events"): "text/event-stream",
    ("post", "/collect"): "application/x-ndjson",
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
    columns |= dict.fromkeys(TIME_COLUMNS, _TIME)
    columns |= {"progress": _NUMBER, "eta_s": _NUMBER}
    delivery = {"$ref": "#/components/schemas/Delivery"}
    columns |= {"group": _LABEL, "deliveries": {"type": "array", "items": delivery}}
    return _object(columns)


def _delivery_schema() -> dict[str, Any]:
    columns = _flat(TypeAdapter(Delivery).json_schema())
    for name in HIDDEN_COLUMNS:
        del columns[name]
    return _object(columns | dict.fromkeys(DELIVERY_TIMES, _TIME))


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
