"""The token that opens the dashboard in a browser: a file that only its owner reads, and what it leads to."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.domain.errors import ConfigError

#: Beside the database, so that every engine has its own.
FILE = "web-token"
_SECRET_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_MOST_BYTES = 256
_RENEW = "Make a new one: reeldeck web --new-token"


@dataclass(frozen=True, slots=True)
class Key:
    """The token, and what follows from it, so that a server that starts again knows its browsers."""

    token: str

    def opens(self, given: str) -> bool:
        """Whether *given* is the token."""
        return _same(given, self.token)

    @property
    def place(self) -> str:
        """The part of the path below which the dashboard lies.

        Browsers send a cookie of this machine to all its ports, whoever listens there. Bound to a path that
        nobody can guess it reaches nobody else.
        """
        return self._derived("place")[:24]

    @property
    def cookie_name(self) -> str:
        """A name that no other server of this machine can overwrite, as none knows it."""
        return f"reeldeck-{self.place}"

    @property
    def cookie(self) -> str:
        """What a browser gets in exchange for the token."""
        return self._derived("cookie")

    def is_place(self, given: str) -> bool:
        """Whether *given* is the place."""
        return _same(given, self.place)

    def knows(self, cookie: str) -> bool:
        """Whether a browser that sends *cookie* has shown the token."""
        return _same(cookie, self.cookie)

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), f"reeldeck web {purpose}".encode(), hashlib.sha256).hexdigest()

    @classmethod
    def read(cls, file: Path) -> Self:
        """The key in *file*.

        Raises:
            ConfigError: There is none, or one that others may have read.
        """
        try:
            with file.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                token = stream.read(_MOST_BYTES).decode("ascii", "replace").strip()
        except OSError as error:
            raise ConfigError(f"the token {file} cannot be read: {error.strerror}", hint=_RENEW) from error
        if mode & 0o077:
            raise ConfigError(f"others may read the token {file} (mode {mode & 0o777:04o})", hint=_RENEW)
        if not _TOKEN.fullmatch(token):
            raise ConfigError(f"{file} holds no token", hint=_RENEW)
        return cls(token)

    @classmethod
    def ensure(cls, file: Path, *, renew: bool = False) -> Self:
        """The key in *file*, made where there is none; with *renew* a new one, and the old opens nothing.

        Raises:
            ConfigError: It cannot be written, or what is there cannot be used.
        """
        if renew or not file.exists():
            try:
                _write(file, is_new=renew)
            except OSError as error:
                hint = "Set paths.data_dir to a place where you may write."
                raise ConfigError(f"{file} cannot be written: {error.strerror}", hint=hint) from error
        return cls.read(file)


def _write(file: Path, *, is_new: bool) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{secrets.token_urlsafe(_SECRET_BYTES)}\n")
    if is_new:
        draft.replace(file)
        return
    with suppress(FileExistsError):  # of two that start at once, one token holds
        os.link(draft, file)
    draft.unlink()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
