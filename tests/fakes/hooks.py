"""The part of the engine in memory that tells others when jobs end. A test puts them into `receivers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.errors import NoSuchEntry


def a_receiver(number: int = 1, **facts: Any) -> dict[str, Any]:
    """A receiver that takes all it is told."""
    values: dict[str, Any] = {
        "id": f"{number:016x}", "host": f"hooks{number}.example", "waiting": 0, "oldest": None,
        "failing_since": None, "retry_at": None, "error_type": None, "error_message": None,
        "sent": 0, "failed": 0, "given_up": 0,
    }  # fmt: skip
    return values | facts


class FakeHooks:
    """Receivers of webhooks."""

    def __init__(self) -> None:
        super().__init__()
        #: Rows of `/status`.
        self.receivers: list[Mapping[str, Any]] = []

    # EngineInterface

    async def webhooks(self) -> Sequence[Mapping[str, Any]]:
        self._called("webhooks")
        return self.receivers

    async def send_webhooks(self, receiver: str) -> Mapping[str, Any]:
        self._called("send_webhooks", receiver)
        return self._receiver(receiver)

    async def test_webhook(self, receiver: str) -> Mapping[str, Any]:
        self._called("test_webhook", receiver)
        return self._receiver(receiver)

    def _receiver(self, receiver: str) -> Mapping[str, Any]:
        for row in self.receivers:
            if row["id"] == receiver:
                return row
        raise NoSuchEntry(f"there is no receiver {receiver!r}")

    # The engine in memory has this

    def _called(self, method: str, *arguments: Any) -> None:
        raise NotImplementedError
