"""Whatever is sent, the API answers as its own description says: the real engine, asked by chance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.api.app import create_app
from core.config.settings import Settings
from core.domain.job import Request
from core.domain.token import Scope
from core.engine.engine import Engine
from tests.fakes.api import a_token
from tests.fakes.shape import Shapes

T = TypeVar("T")
EXAMPLES = 60
#: These ask other machines, go on for long, or end the engine.
_ELSEWHERE = {
    "/api/v1/metadata", "/api/v1/spaces/{space_id}/metadata", "/api/v1/collect", "/api/v1/events",
    "/api/v1/stop", "/api/v1/backup", "/api/v1/library/import",
}  # fmt: skip
#: What may be right in form, and still cannot be done. 403: for people on the machine alone.
_REFUSALS = {403, 404, 409, 429}
#: Links, the language of searches, names of sources, and ranges of each limit are beyond JSON Schema.
_BY_CONTENT = {
    ("post", "/api/v1/jobs"),
    ("get", "/api/v1/library"),
    ("put", "/api/v1/chats/{chat_id}"),
    ("put", "/api/v1/limits/{name}"),
}


@dataclass(slots=True)
class World:
    """An engine that stands still between two questions."""

    loop: asyncio.AbstractEventLoop
    http: httpx.AsyncClient
    description: dict[str, Any]
    shapes: Shapes

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("contract")
    loop = asyncio.new_event_loop()
    engine = Engine(
        Settings.model_validate(
            {
                "paths": {"data_dir": folder},
                "limits": {"min_free_disk_bytes": 1024, "quiet_hours": "00:00-23:59"},
            }
        )
    )
    token = a_token(Scope.ADMIN)

    async def check(_secret: str):
        return token

    async def begin() -> httpx.AsyncClient:
        await engine.start()
        await engine.set_maintenance(is_on=False)
        for number in range(3):
            await engine.cancel((await engine.submit(Request(url=f"http://127.0.0.1:9/{number}"))).job.id)
        app = create_app(engine, token_check=check, record=engine.record)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://localhost",
            headers={"authorization": "Bearer x"},
        )

    http = loop.run_until_complete(begin())
    description = loop.run_until_complete(http.get("/api/v1/openapi.json")).json()
    try:
        yield World(loop, http, description, Shapes(description))
    finally:
        loop.run_until_complete(http.aclose())
        loop.run_until_complete(engine.stop())
        loop.close()


_ODD = st.text(max_size=20) | st.integers(-5, 5) | st.none() | st.floats()


class Asked:
    """One request made from the description: with values that fit, or with any at all."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        paths = world.description["paths"]
        self.path = data.draw(st.sampled_from(sorted(set(paths) - _ELSEWHERE)))
        self.method = data.draw(st.sampled_from(sorted(paths[self.path])))
        self.operation = paths[self.path][self.method]
        self.is_fitting = data.draw(st.booleans())
        self._data, self._shapes = data, world.shapes
        self.url = self.path
        self.query: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        for parameter in self.operation.get("parameters", ()):
            self._put(parameter)
        self.body = self._body()

    def _value(self, schema: dict[str, Any]) -> Any:
        fits = self._shapes.values(schema)
        if self.is_fitting:
            return self._data.draw(fits)
        # Small ids lead somewhere.
        return self._data.draw(fits if self._data.draw(st.booleans()) else _ODD)

    def _put(self, parameter: dict[str, Any]) -> None:
        name, place = parameter["name"], parameter["in"]
        if not parameter.get("required") and self._data.draw(st.booleans()):
            return
        value = self._value(parameter["schema"])
        if value is None:
            return
        if place == "path":
            text = str(value).replace("/", "")
            self.url = self.url.replace("{" + name + "}", httpx.QueryParams({"x": text or "0"}).__str__()[2:])
        elif place == "query":
            values = value if isinstance(value, list) else [value]
            self.query += [(name, str(each)) for each in values]
        elif str(value).isascii() and str(value).isprintable():
            self.headers[name] = str(value)

    def _body(self) -> bytes | None:
        content = self.operation.get("requestBody", {}).get("content", {})
        if not content:
            return None
        self.headers["content-type"] = "application/json"
        value = self._value(content["application/json"]["schema"])
        if not self.is_fitting and self._data.draw(st.booleans()):
            return self._data.draw(st.binary(max_size=40))
        return json.dumps(value).encode()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    # The engine remembers what it was asked: the same question has another answer the next time.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_every_answer_is_as_described(world: World, data: st.DataObject):
    asked = Asked(world, data)
    request = world.http.build_request(
        asked.method, asked.url, params=asked.query, headers=asked.headers, content=asked.body
    )
    answer = world.run(world.http.send(request))
    told = f"{request.method} {request.url} {asked.body!r}: {answer.status_code} {answer.text[:300]}"
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert answer.status_code < 500, told
    if answer.status_code >= 400:
        assert kind == "application/problem+json", told
        schema = world.description["components"]["schemas"]["Problem"]
        assert world.shapes.misfit(answer.json(), schema) is None, told
        may_fail = (asked.method, asked.path) in _BY_CONTENT or not asked.is_fitting
        assert may_fail or answer.status_code in _REFUSALS, told
        return
    described = asked.operation["responses"][str(answer.status_code)].get("content", {})
    if not described:
        assert answer.content == b"", told
        return
    ((described_kind, content),) = described.items()
    assert described_kind in {kind, "*/*"}, told
    if kind == "application/json":
        assert world.shapes.misfit(answer.json(), content["schema"]) is None, told
