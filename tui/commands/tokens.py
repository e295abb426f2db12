"""`tokens` and `audit`: who may use the HTTP API over TCP, and what was changed from outside."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.domain.errors import InvalidRequest
from core.domain.text import for_terminal
from core.domain.token import AuditEntry, Scope, Token
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, table, when

_HEADER = ("id", "name", "scopes", "made", "last used", "ended")
_AUDIT_HEADER = ("when", "who", "what", "jobs")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
#: Ids of jobs that a line for people names.
_SHOWN_JOBS = 5


@click.group()
def tokens() -> None:
    """Make, list and end tokens of the HTTP API.

    Whoever asks over TCP (`api.tcp_port`) needs one. On this machine the Unix socket needs none.
    """


@tokens.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in Scope]),
              default=(Scope.READ.value,), show_default=True, help="What it opens; repeatable.")  # fmt: skip
@_json
def create(name: str, scopes: tuple[str, ...], *, as_json: bool) -> None:
    """Make a token and print it, this once.

    read sees everything but logins; submit asks for links; control pauses, resumes, cancels and deletes;
    admin does all of this, and sees logins, tokens and the record of changes.
    """
    run_async(_create(name, frozenset(Scope(scope) for scope in scopes), as_json=as_json))


async def _create(name: str, scopes: frozenset[Scope], *, as_json: bool) -> None:
    async with engine() as running:
        issued = await running.create_token(name, scopes)
    if as_json:
        json_line(issued.token.to_json() | {"secret": issued.secret})
        return
    click.echo(issued.secret)
    _note("Keep it: it is not shown again. Send it as the header Authorization: Bearer TOKEN")


@tokens.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List tokens, ended ones too; never what they are."""
    run_async(_list(as_json=as_json))


async def _list(*, as_json: bool) -> None:
    async with engine() as running:
        found = await running.tokens()
    if as_json:
        for token in found:
            json_line(token.to_json())
    elif found:
        table(_HEADER, [_row(token) for token in found], flexible=1)
    else:
        _note("There are no tokens. Make one: reeldeck tokens create NAME --scope read")


@tokens.command()
@click.argument("token", metavar="ID|NAME")
def revoke(token: str) -> None:
    """End a token at once; its streams end too."""
    run_async(_revoke(token))


async def _revoke(wanted: str) -> None:
    async with engine() as running:
        ended = await running.revoke_token(_find(await running.tokens(), wanted).id)
    line(f"{ended.name} opens nothing any more.")


@click.command()
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@_json
def audit(limit: int, *, as_json: bool) -> None:
    """Show what was changed from outside, newest first: by whom, what and when."""
    run_async(_audit(limit, as_json=as_json))


async def _audit(limit: int, *, as_json: bool) -> None:
    async with engine() as running:
        page = await running.audit(limit=limit)
    if as_json:
        for entry in page.items:
            json_line(entry.to_json())
    elif page.items:
        table(_AUDIT_HEADER, [_audit_row(entry) for entry in page.items], flexible=2)


def _audit_row(entry: AuditEntry) -> tuple[str, ...]:
    jobs = [str(each) for each in entry.data.get("jobs", ())]
    more = f" and {len(jobs) - _SHOWN_JOBS} more" if len(jobs) > _SHOWN_JOBS else ""
    method = entry.action.partition(" ")[0]
    return when(entry.created), entry.actor, f"{method} {entry.target}", ", ".join(jobs[:_SHOWN_JOBS]) + more


def _find(found: Sequence[Token], wanted: str) -> Token:
    valid = [token for token in found if token.revoked is None]
    for token in valid:
        if wanted in {str(token.id), token.name}:
            return token
    raise InvalidRequest(f"there is no valid token {wanted!r}", hint="See: reeldeck tokens list")


def _row(token: Token) -> tuple[str, ...]:
    times = (token.created, token.last_used, token.revoked)
    made, used, ended = (when(each) if each else "-" for each in times)
    return str(token.id), token.name, ", ".join(sorted(token.scopes)), made, used, ended


def _note(text: str) -> None:
    click.echo(for_terminal(text), err=True)
