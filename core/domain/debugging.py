"""Of which jobs everything is to be written down, whatever the level of the log.

Like the levels of loggers this is the process's: whoever writes a line or reads one asks here.
"""

from __future__ import annotations

import logging

#: Ids of jobs. The engine changes it; everybody else only looks.
DEBUGGED: set[int] = set()


def is_debugged(job_id: object) -> bool:
    """Whether everything about a job is written down, or everything at all."""
    return job_id in DEBUGGED or logging.getLogger().level <= logging.DEBUG
