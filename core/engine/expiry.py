"""Addresses of media that end: when those that were found are too old, and when to look them up anew."""

from __future__ import annotations

import time

from core.domain.errors import JobError, NotFound
from core.engine import checkpoint as keys
from core.engine import recording
from core.engine.attempt import Attempt
from core.engine.metadata import MARGIN_S
from core.net.progress import Progress

#: How often one attempt looks up anew what ends while it is fetched.
MAX_RENEWALS = 30
#: What servers say of an address that has ended.
_REFUSALS = frozenset({401, 403, 404, 410})


def has_ended(attempt: Attempt) -> bool:
    """Whether what is to be fetched has an end, by what its addresses say, which is over or near.

    Not of a broadcast: it may be over, and its source then has nothing to say that would go on with it.
    """
    if keys.FETCHED in attempt.checkpoint or recording.is_live(attempt.resolution):
        return False
    expires = attempt.resolution.expires
    return expires is not None and time.time() > expires - MARGIN_S


class Renewals:
    """Says, for one attempt, when what was refused is worth looking up anew.

    Refused at once, a fresh address stays refused. One that is from an earlier attempt, is past its end, or
    has brought something may have ended. What has to begin from nothing each time, as with yt-dlp's own
    downloads, must get further than before.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._left = MAX_RENEWALS
        self._has_brought = False
        #: The most that there was of each track, in bytes.
        self._most: dict[int, int] = {}

    def watched(self, index: int, progress: Progress) -> Progress:
        """*progress* of the track *index*, looked at: whether there is more of it than there ever was."""

        def update(done: int, total: int | None, /, *, recorded_s: float | None = None) -> None:
            # What is there at first has come earlier.
            self._has_brought |= done > self._most.setdefault(index, done)
            self._most[index] = max(self._most[index], done)
            progress(done, total, recorded_s=recorded_s)

        return update

    def may_help(self, error: JobError) -> bool:
        """Whether to look up anew after *error*; the caller then does."""
        if not (isinstance(error, NotFound) or error.remote_status in _REFUSALS) or not self._left:
            return False
        found, found_at = self._attempt.resolution, self._attempt.checkpoint.get(keys.RESOLVED_AT, 0.0)
        is_past_its_end = found.expires is not None and found_at < found.expires < time.time()
        # What is missing of a broadcast has mostly left its site's list: that is no sign.
        has_worked = self._has_brought and not recording.is_live(found)
        self._left -= 1
        self._has_brought = False
        return has_worked or is_past_its_end or found_at < self._attempt.started
