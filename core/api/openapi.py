"""The API's description, made when somebody asks for it: as OpenAPI, and as a page of its own."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from core.domain.events import Event
from core.domain.job import TIME_COLUMNS, Job
from core.domain.media import FormatInfo

_TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
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

_SCHEMAS: Mapping[str, Any] = {
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
        "properties": {"job": _JOB, "joined": {"type": "boolean"}, "error": _PROBLEM},
    },
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

#: What the end of a path answers with: method → (schema, whether it is a list of them).
_ANSWERS: Mapping[str, Mapping[str, tuple[str, bool]]] = {
    "/jobs": {"get": ("Job", True), "post": ("SubmittedJob", False)},
    "/jobs/batch": {"post": ("Answer", True)},
    "/jobs/actions": {"post": ("Answer", True)},
    "/jobs/{job_id}": {"get": ("Job", False), "patch": ("Job", False)},
    "/jobs/{job_id}/events": {"get": ("Event", True)},
    "/jobs/{job_id}/pause": {"post": ("Job", False)},
    "/jobs/{job_id}/resume": {"post": ("Job", False)},
    "/jobs/{job_id}/cancel": {"post": ("Job", False)},
    "/jobs/{job_id}/retry": {"post": ("Job", False)},
    "/groups": {"get": ("Group", True)},
    "/groups/{group_id}": {"get": ("Group", False)},
    "/groups/{group_id}/{action}": {"post": ("GroupAnswer", False)},
    "/metadata": {"get": ("Metadata", False)},
}


def describe(app: FastAPI) -> None:
    """Let *app* describe itself with the shapes it answers in. Nothing is built before the first question."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _add_answers(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _add_answers(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    components |= {**_SCHEMAS, "Job": _job_schema(), "Event": _event_schema(), "Format": _format_schema()}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses.pop("422", None)
            responses["default"] = {
                "description": "What is wrong",
                "content": {"application/problem+json": {"schema": _PROBLEM}},
            }
            answer = _ANSWERS.get(path.removeprefix("/api/v1"), {}).get(method)
            if answer is not None:
                done = responses[min(responses)]
                done["content"] = {"application/json": {"schema": _answer_schema(*answer)}}


def _answer_schema(name: str, is_list: bool) -> dict[str, Any]:  # noqa: FBT001 -- unpacked from the table above
    one = {"$ref": f"#/components/schemas/{name}"}
    if not is_list:
        return one
    cursor = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {"type": "object", "properties": {"items": {"type": "array", "items": one}, "next": cursor}}


def _job_schema() -> dict[str, Any]:
    columns = _flat(TypeAdapter(Job).json_schema())
    columns.pop("checkpoint")
    columns |= dict.fromkeys(TIME_COLUMNS, _TIME)
    columns |= {"progress": _NUMBER, "eta_s": _NUMBER}
    columns |= {"group": _LABEL, "deliveries": {"type": "array", "items": {"type": "object"}}}
    return {"type": "object", "properties": columns}


def _event_schema() -> dict[str, Any]:
    return {"type": "object", "properties": _flat(TypeAdapter(Event).json_schema()) | {"created": _TIME}}


def _format_schema() -> dict[str, Any]:
    return {"type": "object", "properties": _flat(TypeAdapter(FormatInfo).json_schema())}


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


def page(schema: Mapping[str, Any]) -> str:
    """The description as one HTML page, without scripts and without anything from elsewhere."""
    rows = "".join(_rows(schema))
    title = html.escape(f"{schema['info']['title']} {schema['info']['version']}")
    about = html.escape(schema["info"].get("description", ""))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{about}</p><dl>{rows}</dl>"
        '<p>For programs: <a href="openapi.json">openapi.json</a></p></html>'
    )


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "dt{margin-top:1.2rem}code{font-size:1rem}dd{margin:0 0 0 1.5rem}@media(prefers-color-scheme:dark)"
    "{body{background:#111;color:#ddd}a{color:#8bf}}"
)


def _rows(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            call = html.escape(f"{method.upper()} {path}")
            yield f"<dt><code>{call}</code> — {html.escape(operation.get('summary', ''))}</dt>"
            yield f"<dd>{html.escape(operation.get('description', ''))}{_inputs(schema, operation)}</dd>"


def _inputs(schema: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    names = [f"{each['name']} ({each['in']})" for each in operation.get("parameters", ())]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        names += [f"{name} (body)" for name in body["properties"]]
    return f"<br>Takes: <code>{html.escape(', '.join(names))}</code>" if names else ""
