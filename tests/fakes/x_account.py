"""The part of X's API that tells whose login it is asked with."""

from __future__ import annotations

import asyncio
import json

from tests.fakes.origin import Origin, Seen, _send_plain
from tests.fakes.x import AUTH_TOKEN, BEARER, CT0

PATH = "/1.1/account/settings.json"


class XAccount(Origin):
    """Answers as the API does to its own web client: both cookies, and the guard's value once more."""

    def __init__(self) -> None:
        super().__init__()
        self.auth_token = AUTH_TOKEN
        self.ct0 = CT0

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        seen.status, body = self._reply(seen)
        return await _send_plain(
            writer, seen, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )

    def _reply(self, seen: Seen) -> tuple[int, object]:
        cookies = dict(pair.split("=", 1) for pair in seen.headers.get("cookie", "=").split("; "))
        if seen.path != PATH:
            return 404, _error(34)
        if not BEARER.match(seen.headers.get("authorization", "")):
            return 401, _error(215)
        if cookies.get("auth_token") != self.auth_token:
            return 401, _error(32)
        if not cookies.get("ct0") == seen.headers.get("x-csrf-token") == self.ct0:
            return 403, _error(353)
        return 200, {"protected": False, "screen_name": "amal"}


def _error(code: int) -> object:
    return {"errors": [{"code": code, "message": "No."}]}
