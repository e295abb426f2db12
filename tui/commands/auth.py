"""`auth`: the logins that sources may use. Only paths travel; what is in a file stays there."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import click

from core.domain.errors import AuthRequired, InvalidRequest
from core.domain.profile import Profile, ProfileStatus
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, span, table

_HEADER = ("id", "login", "status", "reason", "last used", "ends", "file")
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
        click.echo("There are no logins. Add one: reeldeck auth add SOURCE FILE", err=True)


@auth.command()
@click.argument("source")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", default="main", show_default=True, help="What to call it among the source's logins.")
@_json
def add(source: str, file: str, *, name: str, as_json: bool) -> None:
    """Use the cookies in FILE for SOURCE; jobs that wait for a login go on.

    FILE is checked, and stays where it is: put a newer export into its place and it is used within seconds.
    """
    run_async(_add(source, os.path.abspath(file), name, as_json=as_json))  # noqa: PTH100 -- keeps symbolic links


async def _add(source: str, file: str, name: str, *, as_json: bool) -> None:
    async with engine() as running:
        added = await running.add_profile(source, file, name)
    _show([added], as_json=as_json)


@auth.command()
@click.argument("profile", metavar="[ID|SOURCE/NAME]", required=False)
@_json
def check(profile: str | None, *, as_json: bool) -> int:
    """Read the files of logins again, of all or of one, and say how they are."""
    return run_async(_check(profile, as_json=as_json))


async def _check(wanted: str | None, *, as_json: bool) -> int:
    async with engine() as running:
        known = await running.profiles()
        chosen = known if wanted is None else [_find(known, wanted)]
        checked = [await running.check_profile(each.id) for each in chosen]
    _show(checked, as_json=as_json)
    is_well = all(each.status is not ProfileStatus.DISABLED for each in checked)
    return 0 if is_well else AuthRequired.exit_code


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
        table(_HEADER, [_row(profile) for profile in profiles], flexible=6)


def _row(profile: Profile) -> tuple[str, ...]:
    now = time.time()
    return (
        str(profile.id),
        _name(profile),
        profile.status.value,
        profile.reason.value if profile.reason else "",
        f"{span(now - profile.last_success)} ago" if profile.last_success else "never",
        _ends(profile.expires, now),
        profile.cookie_file_path or "(configuration)",
    )


def _ends(expires: float | None, now: float) -> str:
    if expires is None:
        return "-"
    return f"in {span(expires - now)}" if expires > now else "has ended"


def _name(profile: Profile) -> str:
    return f"{profile.source_type}/{profile.name}"
