"""The pages that are no dashboard: they say what is wrong and what to do."""

from __future__ import annotations

import html
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

STATIC = Path(__file__).with_name("static")

_NOTICE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Reeldeck</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/page.css">
</head>
<body class="notice">
<main>
<h1>{title}</h1>
{paragraphs}
</main>
</body>
</html>
"""


def notice(title: str, *paragraphs: str, command: str = "", status: int) -> HTMLResponse:
    """A page of words, and a command to be typed where Reeldeck runs."""
    body = [f"<p>{html.escape(each)}</p>" for each in paragraphs]
    if command:
        body.append(f"<pre>{html.escape(command)}</pre>")
    page = _NOTICE.format(title=html.escape(title), paragraphs="\n".join(body))
    return HTMLResponse(page, status_code=status)


def locked(request: Request, *, is_token_wrong: bool = False) -> HTMLResponse:
    """For a browser that has not shown the token, or a wrong one."""
    port = request.scope["server"][1]
    first = (
        "This token is not, or no longer, the right one."
        if is_token_wrong
        else "This browser has not shown the token yet, or too long ago."
    )
    then = "Ask for the address with the token on the machine where Reeldeck runs, and open that:"
    return notice(
        "The dashboard is locked", first, then, command=f"reeldeck web --url --port {port}", status=401
    )
