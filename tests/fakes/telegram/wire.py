"""Small pieces of TL that the classes of Telethon do not write by themselves, and names of methods."""

from __future__ import annotations

import gzip
import struct
from typing import Any

from telethon.tl import TLObject

BOOL_TRUE, BOOL_FALSE = struct.pack("<I", 0x997275B5), struct.pack("<I", 0xBC799737)
_VECTOR, _RPC_RESULT, _GZIP = 0x1CB5C415, 0xF35C6D01, 0x3072CFA1
#: Replies from this size on go compressed, as the service does with long lists.
GZIP_FROM_BYTES = 4096


class Refused(Exception):
    """The answer to a call is this rpc_error."""

    def __init__(self, message: str, code: int = 400) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message


def encode(value: Any) -> bytes:
    """A result as TL: an object, a Bool, or a Vector of objects."""
    if value is True:
        return BOOL_TRUE
    if value is False:
        return BOOL_FALSE
    if isinstance(value, list):
        return struct.pack("<II", _VECTOR, len(value)) + b"".join(encode(item) for item in value)
    return bytes(value)


def rpc_result(request_id: int, body: bytes, *, compressible: bool) -> bytes:
    """The envelope of every answer (core.telegram.org/mtproto/service_messages#response-to-an-rpc-query)."""
    if compressible and len(body) >= GZIP_FROM_BYTES:
        packed = TLObject.serialize_bytes(gzip.compress(body, 1))
        body = struct.pack("<I", _GZIP) + packed
    return struct.pack("<Iq", _RPC_RESULT, request_id) + body


def method_of(request: Any) -> str:
    """A request's name as the documentation has it: "messages.sendMessage"."""
    cls = type(request)
    space = cls.__module__.rpartition(".")[2]
    name = cls.__name__.removesuffix("Request")
    name = name[0].lower() + name[1:]
    return name if space == "functions" else f"{space}.{name}"
