"""An origin that lets only some cookies in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.fakes.origin import Origin, Seen, _send_plain


class MembersOrigin(Origin):
    """Asks for a login below `/members/`. Whoever shows a session of `accepted` is let in."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: set[str] = set()
        #: The session of every request.
        self.sessions: list[str | None] = []

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        cookies = dict(
            part.split("=", 1) for part in seen.headers.get("cookie", "").split("; ") if "=" in part
        )
        self.sessions.append(cookies.get("session"))
        if seen.path.startswith("/members/") and cookies.get("session") not in self.accepted:
            seen.status = 401
            return await _send_plain(writer, seen, b"members only")
        return await super()._answer(seen, writer)


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
