"""Cookies of a browser, for sites that show more to who is logged in."""

from __future__ import annotations

import shlex
from pathlib import Path

from core.config.settings import Settings
from core.domain.errors import InvalidRequest, JobError
from core.domain.profile import Profile
from core.sources.registry import Registry
from tui.console.connect import any_engine, run_async
from tui.setup.answers import Answers

_ABOUT = """\
Some sites show more, or anything at all, to who is logged in. Export their cookies from your browser \
(Netscape format, cookies.txt), best from a private window that you then close. The file stays where it is."""


def add_logins(answers: Answers, settings: Settings) -> None:
    """Ask for cookie files until there are no more."""
    if answers.takes_defaults:
        return
    answers.say()
    answers.say(_ABOUT)
    known = sorted(source.name for source in Registry(settings).all())

    def read_source(answer: str) -> str:
        if answer and answer not in known:
            raise InvalidRequest(f"there is no source {answer!r}", hint=f"Known are: {', '.join(known)}.")
        return answer

    while source := answers.ask(
        "Source that a login is for, such as youtube (Enter: none)", read_source, default=""
    ):
        file = answers.ask("Its cookie file (Enter: none)", _read_file, default="")
        if file is not None:
            if file.stat().st_mode & 0o077:
                closing = f"chmod 600 {shlex.quote(str(file))}"
                answers.say(f"Others may read {file}, and whoever does is logged in: {closing}")
            added = run_async(_add(source, file))
            account = f" as {added.account}" if added.account else ""
            reason = f" ({added.reason.value})" if added.reason else ""
            answers.say(f"{added.source_type}/{added.name}{account}: {added.status.value}{reason}")


def _read_file(answer: str) -> Path | None:
    if not answer:
        return None
    file = Path(answer).expanduser().absolute()
    if not file.is_file():
        raise InvalidRequest(f"{file} is no file", hint="Give the full path of the export.")
    return file


async def _add(source: str, file: Path) -> Profile:
    async with any_engine() as (running, _):
        added = await running.add_profile(source, str(file), "main")
        try:
            return await running.check_profile(added.id)
        except JobError:
            return added
