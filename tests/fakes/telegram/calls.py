"""Which function answers which method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fakes.telegram.view import View
from tests.fakes.telegram.world import World

if TYPE_CHECKING:
    from tests.fakes.telegram.connection import Connection
    from tests.fakes.telegram.server import TelegramServer


@dataclass(frozen=True)
class Call:
    """One call of a client: from where, and by whom (account 0: nobody is logged in)."""

    server: TelegramServer
    connection: Connection
    account: int

    @property
    def world(self) -> World:
        """Where things happen."""
        return self.server.world

    @property
    def view(self) -> View:
        """The state as the caller sees it."""
        return self.server.world.view(self.account)


Answer = Callable[[Call, Any], Any]
ANSWERS: dict[type, Answer] = {}
#: What may be called before a login.
PUBLIC: set[type] = set()


def answers(*requests: type, public: bool = False) -> Callable[[Answer], Answer]:
    """Mark a function as the answer to these requests."""

    def mark(function: Answer) -> Answer:
        for request in requests:
            ANSWERS[request] = function
        if public:
            PUBLIC.update(requests)
        return function

    return mark
