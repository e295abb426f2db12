"""`auth`: the logins that sources may use. Only paths travel; what is in a file stays there."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import click

from core.domain.errors import AuthRequired, InvalidRequest, JobError
from core.domain.interface import EngineInterface
from core.domain.profile import Profile, ProfileStatus
from core.domain.text import for_terminal
from tui.console.connect import engine, run_async
from tui.console.exits import complain
from tui.console.output import json_line, line, span, table

_HEADER = ("id", "login", "status", "reason", "asked", "last used", "ends", "file")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_profile = click.argument("profile", metavar="ID|SOURCE/NAME")


@click.group()
def auth() -> None:
    """Add, list, check and remove logins of sources.

    Export the cookies of a site from your browser (Netscape format, cookies.txt), best from a private window
    that you then close: a browser that goes on using them makes the site replace them.
    """


@auth.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List logins and how they fare."""
    run_async(_list(as_json=as_json))


async def _list(*, as_json: bool) -> None:
    async with engine() as running:
        found = await running.profiles()
    _show(found, as_json=as_json)
    if not found and not as_json:
        _note("There are no logins. Add one: reeldeck auth add SOURCE FILE")


@auth.command()
@click.argument("source")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", default="main", show_default=True, help="What to call it among the source's logins.")
@_json
def add(source: str, file: str, *, name: str, as_json: bool) -> int:
    """Use the cookies in FILE for SOURCE; jobs that wait for a login go on.

    FILE is checked, and the site asked whether it takes them: ends with 13 when it does not. FILE stays where
    it is: put a newer export into its place and it is used within seconds.
    """
    path = os.path.abspath(file)  # noqa: PTH100 -- keeps symbolic links
    if Path(path).stat().st_mode & 0o077:
        _note(f"Others may read {path}, and whoever does is logged in: chmod 600 {shlex.quote(path)}")
    return run_async(_add(source, path, name, as_json=as_json))


async def _add(source: str, file: str, name: str, *, as_json: bool) -> int:
    async with engine() as running:
        added = await running.add_profile(source, file, name)
        try:
            added = await running.check_profile(added.id)
        except JobError as error:
            _note(f"{_name(added)} is added; its site could not be asked: {error}")
    _show([added], as_json=as_json)
    return AuthRequired.exit_code if added.status is ProfileStatus.DISABLED else 0


@auth.command()
@click.argument("profile", metavar="[ID|SOURCE/NAME]", required=False)
@click.option("--afresh", is_flag=True, help="Ask the site although it was asked within five minutes.")
@_json
def check(profile: str | None, *, afresh: bool, as_json: bool) -> int:
    """Read the files of logins again, of all or of one, ask their sites, and say how they are.

    Ends with 13 when a login is not taken any more. A site that does not answer says nothing of its login,
    which stays as it is; the error that kept it from answering is told, and decides how the command ends.
    """
    return run_async(_check(profile, afresh=afresh, as_json=as_json))


async def _check(wanted: str | None, *, afresh: bool, as_json: bool) -> int:
    async with engine() as running:
        known = await running.profiles()
        chosen = known if wanted is None else [_find(known, wanted)]
        answers = await asyncio.gather(*(_answer(running, each, afresh=afresh) for each in chosen))
    checked = [answer for answer in answers if isinstance(answer, Profile)]
    silent = [answer for answer in answers if isinstance(answer, JobError)]
    _show(checked, as_json=as_json)
    for each in checked:
        if each.checked is None and each.status is not ProfileStatus.DISABLED:
            _note(f"{_name(each)}: its file was read; {each.source_type} cannot be asked about logins.")
    if any(each.status is ProfileStatus.DISABLED for each in checked):
        return AuthRequired.exit_code
    return silent[0].exit_code if silent else 0


async def _answer(running: EngineInterface, profile: Profile, *, afresh: bool) -> Profile | JobError:
    try:
        return await running.check_profile(profile.id, afresh=afresh)
    except JobError as error:
        complain(error, about=_name(profile))
        return error


@auth.command()
@_profile
def remove(profile: str) -> None:
    """Forget a login; its file stays."""
    run_async(_remove(profile))


async def _remove(wanted: str) -> None:
    async with engine() as running:
        chosen = _find(await running.profiles(), wanted)
        await running.remove_profile(chosen.id)
    line(f"{_name(chosen)} is forgotten; its file stays.")


def _note(text: str) -> None:
    click.echo(for_terminal(text), err=True)


def _find(profiles: Sequence[Profile], wanted: str) -> Profile:
    for profile in profiles:
        if wanted in {str(profile.id), _name(profile)}:
            return profile
    raise InvalidRequest(f"there is no login {wanted!r}", hint="See: reeldeck auth list")


def _show(profiles: Sequence[Profile], *, as_json: bool) -> None:
    if as_json:
        for profile in profiles:
            json_line(profile.to_json())
    elif profiles:
        table(_HEADER, [_row(profile) for profile in profiles], flexible=len(_HEADER) - 1)


def _row(profile: Profile) -> tuple[str, ...]:
    now = time.time()
    return (
        str(profile.id),
        _name(profile) + (f" ({profile.account})" if profile.account else ""),
        profile.status.value,
        profile.reason.value if profile.reason else "",
        _ago(profile.checked, now),
        _ago(profile.last_success, now),
        _ends(profile.expires, now),
        profile.cookie_file_path or "(configuration)",
    )


def _ago(moment: float | None, now: float) -> str:
    return f"{span(now - moment)} ago" if moment else "never"


def _ends(expires: float | None, now: float) -> str:
    if expires is None:
        return "-"
    return f"in {span(expires - now)}" if expires > now else "has ended"


def _name(profile: Profile) -> str:
    return f"{profile.source_type}/{profile.name}"
