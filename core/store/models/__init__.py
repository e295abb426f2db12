"""The tables as Tortoise models, a module for each subject: what migrations are made from and compared with.

Times are REAL seconds since the epoch, UTC. Columns named after JSON hold JSON text. Indexes stand in the
migrations alone, because Tortoise 1.1.9 drops partial ones on SQLite without a word.
"""

from __future__ import annotations

#: What Tortoise reads.
MODULES = [f"{__name__}.{subject}" for subject in ("jobs", "library", "telegram", "access", "engine")]
