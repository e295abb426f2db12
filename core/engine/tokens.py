"""Bearer tokens: made, judged and ended; and who changed what."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection, Sequence

from core.domain.errors import InvalidRequest
from core.domain.token import IssuedToken, Scope, Token
from core.store.store import Store

#: So that people and scanners recognise one where it should not be.
PREFIX = "reeldeck_"
SECRET_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: The use of a token is written down this often at most.
USE_WRITTEN_S = 60.0


class TokenDesk:
    """The tokens of one engine. Valid ones are kept in memory, so that a guess costs no disk.

    Args:
        store: Opened; nobody else changes its tokens.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._valid: dict[str, Token] = {}
        self._written: dict[int, float] = {}

    async def open(self) -> None:
        """Read the tokens that are valid."""
        self._valid = await self._store.tokens.valid()

    async def all(self) -> Sequence[Token]:
        """Every token, revoked ones too."""
        return await self._store.tokens.all()

    async def create(self, name: str, scopes: Collection[Scope]) -> IssuedToken:
        """Make a token. Its secret is told here and never again: only a hash of it is stored.

        Raises:
            InvalidRequest: The name cannot be used or is taken, or there is no scope.
        """
        if not _NAME.fullmatch(name):
            hint = "Up to 64 letters, digits, dots, hyphens; for example: phone"
            raise InvalidRequest("this cannot be the name of a token", hint=hint)
        if not scopes:
            raise InvalidRequest("a token needs a scope", hint="One of " + ", ".join(Scope))
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        token = await self._store.tokens.add(name, _hash(secret), scopes, now=time.time())
        self._valid[_hash(secret)] = token
        return IssuedToken(token, secret)

    async def revoke(self, token_id: int) -> Token:
        """End a token, at once.

        Raises:
            NoSuchEntry: There is none.
        """
        revoked = await self._store.tokens.revoke(token_id, now=time.time())
        self._valid = {hash_: token for hash_, token in self._valid.items() if token.id != token_id}
        return revoked

    async def judge(self, secret: str) -> Token | None:
        """The valid token with this secret. What is compared are hashes: their timing tells nothing."""
        token = self._valid.get(_hash(secret))
        if token is None:
            return None
        now = time.time()
        if now - self._written.get(token.id, 0.0) >= USE_WRITTEN_S:
            self._written[token.id] = now
            await self._store.tokens.used(token.id, now=now)
        return token


def _hash(secret: str) -> str:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
