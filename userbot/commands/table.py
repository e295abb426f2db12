"""All commands, in one table: it finds them, and the help and the documentation are made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from userbot.commands import chats, control, fetching, info, jobs, library, oversight, switches
from userbot.commands.call import Call, Command, Subject
from userbot.texts import Text

Handler = Callable[[Call], Awaitable[Text | None]]


def _reads(subject: Subject, name: str, arguments: str, run: Handler, summary: str) -> Command:
    return Command(name=name, arguments=arguments, summary=summary, subject=subject, run=run)


def _changes(subject: Subject, name: str, arguments: str, run: Handler, summary: str) -> Command:
    return Command(name=name, arguments=arguments, summary=summary, subject=subject, run=run, changes=True)


_RULES = (
    "[CHAT] [auto|command] [sources=A,B|all] [kind=audio|video] [quality=720p] [reply=off] [archive=off]"
    " [feedback=reaction|status|none]"
)
_COLLECT = '[CHAT] [limit=N] [type=audio,video] [since=DATE] [until=DATE] [grep="WORDS"] [dry]'
_JOBS = "ID… | all"
_MOVES = "top|up|down|bottom ID…"
_LIMITS = "[NAME [VALUE|default]]"
_S = Subject
_ALL = (
    _reads(_S.LOOK, "start", "", info.start, "Say what this is."),
    _reads(_S.LOOK, "help", "[NAME]", info.help_, "Show the commands, or how one is used."),
    _reads(_S.LOOK, "status", "", info.status, "Show the machine, the engine and what runs."),
    _reads(_S.LOOK, "health", "", info.health, "Show what keeps jobs from going on."),
    _reads(_S.LOOK, "queue", "", jobs.queue, "Show what runs and what comes next."),
    _reads(
        _S.LOOK, "job", "ID", jobs.job, "Show a job and what happened to it; also as an answer to a link."
    ),
    _reads(_S.LOOK, "search", "WORDS", library.search, "Search what was fetched."),
    _reads(
        _S.LOOK, "tags", "[WORDS]", library.tags, "Count the library, or a search, by kind, source and tag."
    ),
    _reads(_S.LOOK, "sources", "", oversight.sources, "Show the sources: what runs, waits and rests."),
    _reads(_S.LOOK, "logins", "", oversight.logins, "Show the logins and how they are."),
    _reads(_S.LOOK, "chats", "", oversight.chats, "Show the chats that are watched."),
    _reads(_S.LOOK, "audit", "", oversight.audit, "Show the last changes, and who made them."),
    _changes(
        _S.FETCH, "get", "LINK…", fetching.get, "Fetch links; also as an answer to a message with some."
    ),
    _changes(_S.FETCH, "send", "ID…", library.send, "Send a file that is here already into this chat."),
    _changes(
        _S.FETCH, "collect", _COLLECT, fetching.collect, "Fetch the media of a chat; dry only counts it."
    ),
    _changes(_S.JOBS, "pause", _JOBS, control.control, "Hold jobs."),
    _changes(_S.JOBS, "resume", _JOBS, control.control, "Let paused jobs go on."),
    _changes(_S.JOBS, "cancel", _JOBS, control.control, "End jobs and delete what they have fetched."),
    _changes(_S.JOBS, "retry", "ID… | failed | all", control.control, "Start ended jobs again."),
    _changes(_S.JOBS, "move", _MOVES, control.move, "Move jobs within the queue."),
    _changes(_S.JOBS, "rename", "ID TITLE", control.rename, "Give a job another title."),
    _changes(_S.JOBS, "prioritize", "ID N", control.prioritize, "Let a job run before or after others."),
    _changes(_S.FETCH, "tag", "ID +TAG… -TAG…", library.tag, "Give a file tags, or take some from it."),
    _changes(_S.JOBS, "clear", "yes", control.clear, "Forget finished jobs; their files stay."),
    _changes(_S.CHATS, "watch", _RULES, chats.watch, "Fetch the links of this chat or topic, or of another."),
    _changes(_S.CHATS, "unwatch", "[CHAT]", chats.unwatch, "Leave the links of a chat or topic alone."),
    _changes(_S.CHATS, "archive_on", "[CHAT]", chats.archive, "Keep the files that a chat asks for."),
    _changes(_S.CHATS, "archive_off", "[CHAT]", chats.archive, "Delete files once they were sent."),
    _changes(_S.ENGINE, "limits", _LIMITS, oversight.limits, "Show the limits, or change one for now."),
    _changes(
        _S.ENGINE, "maintenance", "[on|off]", switches.maintenance, "Take nothing new, or take it again."
    ),
    _changes(_S.ENGINE, "debug_on", "[ID…]", switches.debug, "Log everything, or all about some jobs."),
    _changes(_S.ENGINE, "debug_off", "[ID…]", switches.debug, "Log as configured."),
)
#: By name, in the order of the help.
COMMANDS: Mapping[str, Command] = MappingProxyType({command.name: command for command in _ALL})
