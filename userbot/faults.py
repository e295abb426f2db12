"""What Telegram and Telethon raise, as errors of our tree. The one place where that is decided.

Codes and names are those of core.telegram.org/api/errors; a class of Telethon stands for each.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from telethon import errors
from telethon.errors import rpcerrorlist

from core.domain.errors import (
    ConfigError,
    FloodWait,
    Forbidden,
    NetworkFailure,
    NotFound,
    ReeldeckError,
    SessionLost,
    Stalled,
    Unknown,
)

WHERE_FROM = "Get both at https://my.telegram.org under API development tools; reeldeck setup asks for them."
#: Telegram does not say how long an account that it takes for a spammer must be still; hours, by experience.
PEER_FLOOD_S = 3600.0
#: An answer that has not come by then will not come.
ANSWER_S = 60.0

_REFUSED_PROGRAM = (errors.ApiIdInvalidError, errors.ApiIdPublishedFloodError)
#: 406 is the class of many things; of these, only this one ends a login.
_LOST = (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, errors.AuthKeyNotFound)
_WAITS = (
    errors.FloodWaitError,
    errors.FloodPremiumWaitError,
    errors.SlowModeWaitError,
    errors.FloodTestPhoneWaitError,
)
_BROKEN = (
    errors.ServerError,
    errors.TimedOutError,
    errors.BotTimeout,
    errors.SecurityError,
    errors.InvalidBufferError,
    errors.InvalidChecksumError,
    OSError,  # ConnectionError and TimeoutError are among them
    EOFError,  # asyncio.IncompleteReadError is one
)
_GONE = (
    errors.UsernameNotOccupiedError,
    errors.UsernameInvalidError,
    errors.ChannelInvalidError,
    errors.ChatIdInvalidError,
    errors.PeerIdInvalidError,
    errors.MessageIdInvalidError,
    errors.MsgIdInvalidError,
    errors.NotFoundError,
)
_NOT_ALLOWED = {
    errors.ChatWriteForbiddenError: "this account may not write in that chat",
    errors.ChatAdminRequiredError: "only admins may do this in that chat",
    errors.ChannelPrivateError: "that chat is private, or this account was removed from it",
    errors.ChannelBannedError: "this account is banned from that chat",
    errors.UserBannedInChannelError: "this account may not write in groups and channels for now",
    errors.ChatRestrictedError: "Telegram has closed that chat",
    errors.ChatForwardsRestrictedError: "that chat lets nobody take messages out of it",
    errors.ChatSendMediaForbiddenError: "that chat takes no files",
    errors.ChatSendVideosForbiddenError: "that chat takes no videos",
    errors.UserIsBlockedError: "that person has blocked this account",
    errors.YouBlockedUserError: "this account has blocked that person",
    errors.InputUserDeactivatedError: "that account was deleted",
    errors.FrozenMethodInvalidError: "Telegram has frozen this account",
    errors.BotMethodInvalidError: "bots cannot do this; it takes the account of a person",
}


#: Of these, what concerns the account and not a chat.
_RESTRICTED = (errors.UserBannedInChannelError, errors.FrozenMethodInvalidError)


class AccountRestricted(Forbidden):
    """Telegram lets this account do less than others, wherever it is."""


class SlowMode(FloodWait):
    """One chat lets this account write only now and then; others do not care."""


@contextmanager
def telegram_errors() -> Iterator[None]:
    """Let only errors of `core.domain.errors` out of this block, and the cancelling of the caller itself.

    Raises:
        FloodWait: With the seconds that Telegram named. SlowMode: For this chat only.
        SessionLost: The login has ended.
        Forbidden: The chat or the account does not allow it.
        NotFound: There is no such chat, person or message.
        ConfigError: Telegram does not know this api_id.
        NetworkFailure: The connection broke, or Telegram has trouble inside.
        Unknown: Telegram answered with something else; its own word for it is in the detail.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Telethon cancels what waits for an answer when it disconnects; nobody has cancelled us.
        raise NetworkFailure("the connection to Telegram was closed") from error
    except (errors.RPCError, *_BROKEN, errors.AuthKeyNotFound) as error:
        raise translated(error) from error


@asynccontextmanager
async def answered(within_s: float = ANSWER_S) -> AsyncIterator[None]:
    """`telegram_errors` for a call that must not wait for its answer for ever, as Telethon's do.

    Raises:
        Stalled: No answer has come.
    """
    try:
        async with asyncio.timeout(within_s):
            with telegram_errors():
                yield
    except TimeoutError as error:
        raise Stalled("Telegram did not answer") from error


def translated(error: Exception) -> ReeldeckError:  # noqa: PLR0911 -- one line for each kind
    """The error of our tree that says the same."""
    word = _word(error)
    if isinstance(error, _WAITS):
        kind = SlowMode if isinstance(error, errors.SlowModeWaitError) else FloodWait
        return kind(f"{error.seconds} s", retry_after_s=float(error.seconds))
    if isinstance(error, errors.PeerFloodError):
        return FloodWait("Telegram limits what this account may send", retry_after_s=PEER_FLOOD_S)
    if is_lost(error):
        return SessionLost(word)
    if isinstance(error, (errors.ForbiddenError, *_NOT_ALLOWED)):
        sentence = next((text for kind, text in _NOT_ALLOWED.items() if isinstance(error, kind)), word)
        if isinstance(error, _RESTRICTED):
            return AccountRestricted(sentence, hint="Ask @SpamBot in Telegram what is wrong.")
        return Forbidden(sentence, hint="See what the chat allows in a Telegram app.")
    if isinstance(error, _REFUSED_PROGRAM):
        return ConfigError(f"Telegram does not take telegram.api_id and api_hash ({word})", hint=WHERE_FROM)
    if isinstance(error, _GONE):
        return NotFound(f"Telegram knows nothing of it ({word})")
    return (NetworkFailure if isinstance(error, _BROKEN) else Unknown)(f"Telegram: {word}")


def is_lost(error: BaseException) -> bool:
    """Whether the login has ended for good, so that trying again would only do harm."""
    return isinstance(error, _LOST) and not isinstance(error, errors.SessionPasswordNeededError)


def _word(error: Exception) -> str:
    """Telegram's own word for it, such as CHAT_WRITE_FORBIDDEN, else the name of what happened."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, errors.RPCError) and type(error).__module__ != rpcerrorlist.__name__:
        # A word that Telethon has no class for.
        return str(error.message)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).upper()
