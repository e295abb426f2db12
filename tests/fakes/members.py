"""An origin that lets only some cookies in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.fakes.origin import Origin, Seen, _send_plain


class MembersOrigin(Origin):
    """Asks for a login below `/members/`. Whoever shows a session of `accepted` is let in.

    What is below `/members/vip/` is for `vips` among them only, and what is below `/open/` for guests, too,
    but not for sessions that are over. `/account` tells whether one is signed in, and sends others on to
    `/login`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accepted: set[str] = set()
        self.vips: set[str] = set()
        #: `/account` answers with this status instead.
        self.account_status: int | None = None
        #: Given to those whose session is not accepted, in its place.
        self.new_session: str | None = None
        #: The session of every request.
        self.sessions: list[str | None] = []

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        cookies = dict(
            part.split("=", 1) for part in seen.headers.get("cookie", "").split("; ") if "=" in part
        )
        session = cookies.get("session")
        self.sessions.append(session)
        if seen.path in {"/account", "/login"}:
            return await self._send_account(seen, writer, session)
        if not self._is_let_in(seen.path, session):
            seen.status = 401
            return await _send_plain(writer, seen, b"members only")
        return await super()._answer(seen, writer)

    def _is_let_in(self, path: str, session: str | None) -> bool:
        if path.startswith("/open/"):
            return session is None or session in self.accepted
        is_vip = session in self.vips or not path.startswith("/members/vip/")
        return not path.startswith("/members/") or (session in self.accepted and is_vip)

    async def _send_account(self, seen: Seen, writer: asyncio.StreamWriter, session: str | None) -> bool:
        if self.account_status is not None and seen.path == "/account":
            seen.status = self.account_status
            return await _send_plain(writer, seen, b"not now")
        if seen.path == "/account" and session in self.accepted:
            seen.status = 200
            return await _send_plain(writer, seen, b"<p>Signed in as Amal. <a>Sign out</a></p>")
        fields = {"Set-Cookie": f"session={self.new_session}; Path=/"} if self.new_session else {}
        seen.status = 200 if seen.path == "/login" else 302
        return await _send_plain(writer, seen, b"Sign in", fields | {"Location": "/login"})


def cookie_file(path: Path, session: str, *, expires: float | None = None, domain: str = "127.0.0.1") -> Path:
    """Write an owner's cookie file, as browsers' extensions do."""
    end = int(time.time() + 90 * 86_400 if expires is None else expires)
    new = path.with_name(path.name + ".new")
    new.write_text(
        "# Netscape HTTP Cookie File\r\n# https://curl.se/docs/http-cookies.html\r\n\r\n"
        f"#HttpOnly_{domain}\tFALSE\t/\tFALSE\t{end}\tsession\t{session}\r\n"
        f"{domain}\tFALSE\t/\tFALSE\t0\ttheme\tdark\r\n",
        newline="",
    )
    new.chmod(0o400)
    new.replace(path)
    return path


def identity(file: Path) -> tuple[int, int, bytes]:
    """Changes with any write to *file*, and not when it is read."""
    seen = file.stat()
    return seen.st_ino, seen.st_ctime_ns, file.read_bytes()
