"""Whether X still takes a login."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from core.domain.errors import AuthRequired
from core.sources.base import SourceContext
from core.sources.login_asking import LoginSeen, ask
from core.sources.login_checks import check_of
from core.sources.x_spaces.credentials import find_credentials_blocking

_PATH = "/1.1/account/settings.json"


async def check_login(context: SourceContext) -> LoginSeen:
    """Ask the API for the account's settings, with the same two cookies as for a Space.

    Raises:
        AuthRequired: X does not take the login, or it is incomplete.
        JobError: X did not answer, which says nothing of the login.
    """
    settings, login = context.settings.sources.x, context.login
    found = await asyncio.to_thread(find_credentials_blocking, login, settings, now=time.time())
    if login is None or found is None:
        raise AuthRequired("there is no login to ask about")
    check = check_of("x", settings)
    if settings.api_base is not None and settings.check_url is None:
        check = replace(check, url=settings.api_base.rstrip("/") + _PATH)
    shown = replace(login, cookie_file=None, tokens=found.cookies)
    return await ask(context.http, check, shown, source="x")
