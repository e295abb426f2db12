"""What all errors that people are shown have."""

from __future__ import annotations

from typing import ClassVar


class ReeldeckError(Exception):
    """Base of all errors that people are shown.

    Args:
        detail: What was special this time, one plain line without secrets. Faces sanitise remote text in it.
        hint: What to do next, when something better than the class's own hint is known.
    """

    code: ClassVar[str]
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500  # of the API's answer
    summary: ClassVar[str]
    default_hint: ClassVar[str]

    def __init__(self, detail: str = "", *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        return f"{self.summary}: {self.detail}" if self.detail else self.summary
