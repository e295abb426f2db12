"""The API's description, made when somebody asks for it: as OpenAPI, and as a page of its own."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from core.api.callers import PREFIX, needed_scope
from core.api.shapes import answers, schemas

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


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
    components = schema["components"]
    components["schemas"] |= schemas()
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "Over TCP always; the Unix socket needs none",
        }
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses.pop("422", None)
            responses["default"] = {
                "description": "What is wrong",
                "content": {"application/problem+json": {"schema": _PROBLEM}},
            }
            content = answers(method, path.removeprefix(PREFIX))
            if content is not None:
                for code in responses.keys() & {"200", "201", "202", "206"}:
                    responses[code]["content"] = content
            scope = needed_scope(method.upper(), path).value
            operation["security"] = [{"token": []}]
            operation["description"] = f"{operation.get('description', '')}\n\nScope: {scope}".strip()


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
