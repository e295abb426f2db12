"""The shapes of answers that no class of `core.domain` describes, written out as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.token import Scope

TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
STRING, INTEGER = {"type": "string"}, {"type": "integer"}
TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
COUNTS = {"type": "object", "additionalProperties": INTEGER}
JOB = {"$ref": "#/components/schemas/Job"}
LABEL = {
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
PROBLEM = {"$ref": "#/components/schemas/Problem"}
ITEM = {"$ref": "#/components/schemas/MediaItem"}

WRITTEN: Mapping[str, Any] = {
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
        "allOf": [JOB, {"type": "object", "properties": {"joined": {"type": "boolean"}}}],
    },
    "Answer": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "job": JOB,
            "joined": {"type": "boolean"},
            "error": PROBLEM,
        },
    },
    "DebugState": {
        "type": "object",
        "required": ["job_id", "on"],
        "properties": {"job_id": INTEGER, "on": {"type": "boolean"}},
    },
    "Health": {
        "type": "object",
        "required": ["status", "state", "version"],
        "properties": dict.fromkeys(("status", "state", "version"), STRING),
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
            "debugged": {"type": "array", "items": INTEGER},
            "webhooks": {"type": "array", "items": {"$ref": "#/components/schemas/WebhookReceiver"}},
            "quiet_until": TIME,
            "sources": {"type": "array", "items": {"$ref": "#/components/schemas/Source"}},
            "limits": {"type": "object"},
            "paths": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "WebhookReceiver": {
        "type": "object",
        "required": ["id", "host", "waiting", "failing_since"],
        "properties": {
            "id": STRING | {"description": "Stands for the address, which may hold a secret"},
            "host": STRING,
            "waiting": INTEGER | {"description": "Messages that are still to be taken"},
            **dict.fromkeys(("oldest", "failing_since", "retry_at"), TIME),
            **dict.fromkeys(("error_type", "error_message"), TEXT),
            **dict.fromkeys(("sent", "failed", "given_up"), INTEGER),
        },
    },
    "Source": {
        "type": "object",
        "required": ["name", "label", "enabled"],
        "properties": {
            "name": {"type": "string"},
            "label": {"type": "string"},
            "enabled": {"type": "boolean"},
            **dict.fromkeys(("max_parallel", "in_flight", "queued", "waiting"), INTEGER),
            "rate_per_s": NUMBER,
            "bandwidth_bps": NUMBER,
            "is_proxied": {"type": "boolean"},
            "quiet_until": TIME,
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
            **dict.fromkeys(("created", "last_used", "revoked"), TIME),
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
            "created": TIME,
        },
    },
    "ChatList": {
        "type": "object",
        "required": ["items", "next", "backlog"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Chat"}},
            "next": TEXT,
            "backlog": {
                "type": "object",
                "description": "Files that wait to be sent, by chat",
                "additionalProperties": INTEGER,
            },
        },
    },
    "MaintenanceState": {
        "type": "object",
        "required": ["on"],
        "properties": {"on": {"type": "boolean"}},
    },
    "Limit": {
        "type": "object",
        "required": ["name", "value", "configured", "least", "most", "about"],
        "properties": {
            "name": {"type": "string"},
            "value": {"type": "integer", "description": "What holds now"},
            "configured": {"type": "integer", "description": "What the configuration says"},
            "least": {"type": "integer"},
            "most": {"type": "integer"},
            "about": {"type": "string"},
        },
    },
    "Stopping": {"type": "object", "properties": {"stopping": {"type": "boolean"}}},
    "Group": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "job_id": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "total": {"type": "integer", "description": "Items that were taken"},
            "created": TIME,
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
            "next": TEXT,
            "meant": TEXT | {"description": "Words that were looked for instead of those that nothing has"},
        },
    },
    "LibraryEntry": {
        "allOf": [
            ITEM,
            {
                "type": "object",
                "required": ["is_there", "copies"],
                "properties": {
                    "is_there": {"type": "boolean", "description": "Whether the file is where it was put"},
                    "copies": {"type": "array", "items": ITEM},
                },
            },
        ],
    },
    "FacetCounts": {
        "type": "object",
        "required": ["counted", "is_all", "kind", "source", "tag"],
        "properties": {
            "counted": INTEGER | {"description": "Files that were looked at"},
            "is_all": {"type": "boolean", "description": "Whether the search finds no more than these"},
            **dict.fromkeys(("kind", "source", "tag"), COUNTS),
        },
    },
    "Tag": {
        "type": "object",
        "required": ["name", "count"],
        "properties": {"name": STRING, "count": INTEGER | {"description": "Files that have it"}},
    },
    "Copies": {
        "type": "object",
        "required": ["sha256", "spare_bytes", "items"],
        "properties": {
            "sha256": STRING,
            "spare_bytes": INTEGER | {"description": "What all but one of them take"},
            "items": {"type": "array", "items": ITEM},
        },
    },
    "Metadata": {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "source": {"type": "string"},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "kind": {"type": "string"},
            "duration_s": NUMBER,
            "size_bytes": NUMBER,
            "formats": {
                "type": "array",
                "description": "The best first; `id` is what `format` of a request names it by",
                "items": {"$ref": "#/components/schemas/Format"},
            },
            "entries": NUMBER | {"description": "Items behind it; null when it is no list"},
            "taken": NUMBER | {"description": "Items that would become jobs"},
            "sample": {"type": "array", "items": {"type": "string"}, "description": "The first titles"},
        },
    },
}
