"""The dialog that makes a token of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.errors import InvalidRequest
from core.domain.token import IssuedToken, Scope
from tui.screens.form import FormScreen
from tui.widgets.choice import Choice
from tui.widgets.safe_input import SafeInput

_NAME, _OPENS = "name", "opens"
#: What is offered: each opens what the one before it does.
_OPENED: Mapping[str, frozenset[Scope]] = {
    "read": frozenset({Scope.READ}),
    "+ submit": frozenset({Scope.READ, Scope.SUBMIT}),
    "+ control": frozenset({Scope.READ, Scope.SUBMIT, Scope.CONTROL}),
    "admin": frozenset({Scope.ADMIN}),
}
_TOLD = {
    "read": "Sees jobs, files, the library and figures; changes nothing.",
    "+ submit": "Sees all that, and asks for links.",
    "+ control": "Also pauses, resumes, cancels, retries and deletes jobs, and tags files.",
    "admin": "All of that, and logins, rules of chats, limits and the record of changes.",
}


class NewTokenScreen(FormScreen):
    """Answers with the token that was made, and its secret; or None."""

    TITLE_TEXT, VERB = "A token for the HTTP API", "make it"

    def fields(self) -> Mapping[str, SafeInput | Choice]:
        """Its name, and what it opens."""
        return {
            _NAME: SafeInput(id="token-name", placeholder="who or what will use it, as in: phone"),
            _OPENS: Choice(_OPENS, tuple(_OPENED), id="token-opens"),
        }

    def advice(self, name: str) -> str:
        """What the chosen scope opens."""
        if name == _NAME:
            return "It is told once, when it is made. Only a hash of it is stored."
        return _TOLD[self.text(_OPENS)]

    async def act(self) -> IssuedToken:
        """Make it."""
        if not self.text(_NAME):
            raise InvalidRequest("a token needs a name", hint="As in: phone")
        return await self.deck.client.create_token(self.text(_NAME), _OPENED[self.text(_OPENS)])
