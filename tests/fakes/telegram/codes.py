"""Login codes that were "sent"."""

from __future__ import annotations

import secrets

from tests.fakes.telegram.wire import Refused


class Codes:
    """The last code of each telephone number (digits only)."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[str, str]] = {}

    def send(self, phone: str) -> str:
        """Make and remember a code."""
        code = f"{secrets.randbelow(90_000) + 10_000}"
        self._sent[phone] = code, secrets.token_hex(9)
        return code

    def last(self, phone: str) -> str:
        """The code that the owner of the number reads."""
        return self._sent[phone.lstrip("+")][0]

    def hash_of(self, phone: str) -> str:
        """phone_code_hash of the last code."""
        return self._sent[phone][1]

    def expire(self) -> None:
        """All codes are too old now."""
        self._sent.clear()

    def check(self, phone: str, code_hash: str, code: str) -> None:
        """Raises Refused unless the code is the right one; a code is good once."""
        if phone not in self._sent or self._sent[phone][1] != code_hash:
            raise Refused("PHONE_CODE_EXPIRED")
        if self._sent[phone][0] != code:
            raise Refused("PHONE_CODE_INVALID")
        del self._sent[phone]
