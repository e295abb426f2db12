"""Telegram: the program's own id, the account's login, and the chats that it watches."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.config.edit import API_HASH_FILE, ConfigFile
from core.config.load import load_settings
from core.config.settings import Settings
from core.domain.chat import ChatMode, ChatRules
from core.domain.errors import InvalidRequest, ReeldeckError
from tui.commands.telegram_login import Terminal, name_of
from tui.console.connect import any_engine, engine, run_async
from tui.console.exits import complain
from tui.console.output import table
from tui.setup.answers import Answers

_ABOUT = """\
Reeldeck can watch chats of your Telegram account and take the links that are posted there. For that it \
needs an API id of its own, which is free: log in at https://my.telegram.org, open "API development tools", \
make an app (any name), and copy its api_id and api_hash."""
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


def set_up_telegram(answers: Answers, file: ConfigFile, settings: Settings) -> None:
    """Ask whether, with which id, by which login, for which chats. Each answer is stored at once."""
    if not answers.agrees("Take links from chats of a Telegram account?", default=settings.telegram.enabled):
        if settings.telegram.enabled:
            file.set(("telegram", "enabled"), False)
            file.write_blocking()
        return
    if not (settings.telegram.api_id and settings.telegram.api_hash):
        answers.say(_ABOUT)
    _set_program(answers, file, settings)
    settings = load_settings()
    if settings.telegram.bot_token is not None or answers.takes_defaults:
        return
    try:
        if _logged_in(answers, settings):
            _choose_chats(answers, settings)
    except ReeldeckError as error:
        complain(error)
        answers.say("This can be done later: reeldeck telegram login, then reeldeck telegram watch CHAT")


def _set_program(answers: Answers, file: ConfigFile, settings: Settings) -> None:
    known = settings.telegram
    api_id = answers.ask("api_id", _read_api_id, default=str(known.api_id or ""))
    while True:
        kept = " (Enter keeps the one that is known)" if known.api_hash else ""
        api_hash = answers.secret(f"api_hash, which is not shown{kept}")
        if re.fullmatch(r"[0-9a-f]{32}", api_hash) or (not api_hash and known.api_hash):
            break
        complain(
            InvalidRequest("an api_hash has 32 digits from 0 to f", hint="Copy it from my.telegram.org.")
        )
    if api_hash:
        file.remove(("telegram", "api_hash"))
        _keep_secret(file.path.parent / API_HASH_FILE, api_hash)
        # Not as a full path: it may be put back in another home.
        file.set(("telegram", "api_hash_file"), str(API_HASH_FILE))
    file.set(("telegram", "api_id"), api_id)
    file.set(("telegram", "enabled"), True)
    file.write_blocking()


def _read_api_id(answer: str) -> int:
    if not (answer.isascii() and answer.isdecimal()):
        raise InvalidRequest("an api_id is a number", hint="Copy it from https://my.telegram.org.")
    return int(answer)


def _keep_secret(path: Path, api_hash: str) -> None:
    """Write it into a file of its own beside the configuration, which then can be shown to others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{api_hash}\n")
    draft.replace(path)


def _logged_in(answers: Answers, settings: Settings) -> bool:
    """Whether the account is logged in, at the end."""
    # Telethon takes a while to import.
    from userbot.login import log_in, logged_in_as  # noqa: PLC0415
    from userbot.session import SessionBusy  # noqa: PLC0415

    try:
        user = run_async(logged_in_as(settings))
    except SessionBusy:
        answers.say("The engine is logged in.")
        return True
    if user is None:
        if not answers.agrees("Log the account in now?", default=True):
            answers.say("Later: reeldeck telegram login")
            return False
        by_qr = answers.agrees(
            "With a QR code, scanned by a Telegram app? Else by phone number.", default=False
        )
        user = run_async(log_in(settings, Terminal(), by_qr=by_qr))
    answers.say(f"Logged in as {name_of(user)}.")
    return True


def _choose_chats(answers: Answers, settings: Settings) -> None:
    known, watched = run_async(_chats(settings))
    if not known:
        answers.say("The account is in no chats yet.")
        return
    rows = [
        (str(number), "watched" if _place(chat) in watched else "", chat.title or str(chat.chat_id))
        for number, chat in enumerate(known, 1)
    ]
    table(("NO", "", "CHAT"), rows, flexible=2)

    def read_numbers(answer: str) -> list[ChatRules]:
        return [known[number - 1] for number in read_ranges(answer, len(known))]

    chosen = answers.ask(
        "Numbers of chats to watch, such as 1 3-5 (Enter: no more)", read_numbers, default=""
    )
    for chat in run_async(_watch([chat for chat in chosen if _place(chat) not in watched])):
        answers.say(f"{chat.title or chat.chat_id}: watched from now on")


def read_ranges(answer: str, highest: int) -> list[int]:
    """The numbers in `1 3-5`, each once, in order.

    Raises:
        InvalidRequest: Something else stands there, or a number that there is not.
    """
    found: set[int] = set()
    for word in answer.replace(",", " ").split():
        match = _RANGE.fullmatch(word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= highest:
            raise InvalidRequest(f"{word} is none of the numbers", hint=f"Use 1 to {highest}, such as 1 3-5.")
        found.update(range(first, last + 1))
    return sorted(found)


def _place(chat: ChatRules) -> tuple[int, int]:
    return chat.chat_id, chat.topic_id


async def _chats(settings: Settings) -> tuple[Sequence[ChatRules], set[tuple[int, int]]]:
    """The account's chats, and which are watched. A running engine is asked: it holds the login."""
    from userbot.login import chats_of_account  # noqa: PLC0415 -- as above
    from userbot.session import SessionBusy  # noqa: PLC0415

    try:
        known = await chats_of_account(settings)
    except SessionBusy:
        async with engine(settings) as running:
            known = await running.known_chats()
    async with any_engine() as (running, _):
        rules = (await running.chats()).rules
    return known, {_place(chat) for chat in rules if chat.mode is not ChatMode.OFF}


async def _watch(chosen: Sequence[ChatRules]) -> list[ChatRules]:
    if not chosen:
        return []
    async with any_engine() as (running, _):
        return [await running.set_chat(replace(chat, mode=ChatMode.AUTO)) for chat in chosen]
