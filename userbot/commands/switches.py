"""Commands that switch the engine: maintenance, debug_on, debug_off."""

from __future__ import annotations

from core.domain.errors import InvalidRequest
from userbot.commands.arguments import is_on, job_ids, parse
from userbot.commands.call import Call
from userbot.replies import DONE, INFO
from userbot.texts import Text, compose, counted


async def maintenance(call: Call) -> Text:
    """Take nothing new, or take it again; without a word, say which."""
    words = parse(call.arguments).words
    if len(words) > 1:
        raise InvalidRequest("it is on or off")
    if words:
        await call.engine.set_maintenance(is_on=is_on(words[0]))
    now = await call.engine.is_in_maintenance()
    told = "Maintenance is on: nothing new is taken." if now else "Maintenance is off: links are taken."
    return compose(DONE if words else INFO, [told])


async def debug(call: Call) -> Text:
    """Log everything, or as configured; or everything about some jobs, until they end."""
    to_on = call.command.name == "debug_on"
    if ids := job_ids(parse(call.arguments).words):
        for job_id in ids:
            await call.engine.debug_job(job_id, is_on=to_on)
        jobs = counted(len(ids), "job")
        return compose(DONE, [f"Everything about {jobs} is logged." if to_on else f"{jobs}: as configured."])
    await call.engine.set_debug(is_on=to_on)
    return compose(DONE, ["Everything is logged now." if to_on else "The log is as configured."])
