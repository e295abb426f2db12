"""What routes are given: the engine, the open streams, and by which door a request came."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from core.api.callers import Caller, caller_of
from core.api.doorkeeper import Door, door_of
from core.api.labels import GroupLabels
from core.api.schemas import JobRequest
from core.api.stream import Streams
from core.domain.errors import Forbidden
from core.domain.interface import EngineInterface


async def _engine(connection: HTTPConnection) -> EngineInterface:
    engine: EngineInterface = connection.app.state.engine
    return engine


async def _streams(connection: HTTPConnection) -> Streams:
    streams: Streams = connection.app.state.streams
    return streams


async def _labels(connection: HTTPConnection) -> GroupLabels:
    labels: GroupLabels = connection.app.state.labels
    return labels


async def _caller(connection: HTTPConnection) -> Caller:
    caller = caller_of(connection.scope)
    assert caller is not None, "only WebSockets come in without"
    return caller


Asking = Annotated[Caller, Depends(_caller)]
Engine = Annotated[EngineInterface, Depends(_engine)]
Labels = Annotated[GroupLabels, Depends(_labels)]
OpenStreams = Annotated[Streams, Depends(_streams)]


def require_socket(connection: HTTPConnection, what: str) -> None:
    """Refuse *what* to anybody who did not come by the Unix socket.

    Raises:
        Forbidden: Came by another door.
    """
    if door_of(connection.scope) is not Door.SOCKET:
        hint = "Ask over the Unix socket, on the machine itself."
        raise Forbidden(f"{what} only for people on this machine", hint=hint)


def require_local(connection: HTTPConnection, body: JobRequest) -> None:
    """Refuse fields that only people on this machine may set.

    Raises:
        Forbidden: One is set, and the request came by another door.
    """
    if body.local_fields:
        require_socket(connection, f"{', '.join(body.local_fields)}:")
