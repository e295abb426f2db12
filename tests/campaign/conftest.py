"""How long a campaign is and where its chance comes from.

`CAMPAIGN=long` asks for the long form, `CAMPAIGN_SEED` for another one than the usual, `CAMPAIGN_ONLY` for a
single round of it, as a failure names it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import reeldeck
from tests.integration.conftest import make_settings, origin, run_engine, short_waits

__all__ = ["make_settings", "origin", "reeldeck", "run_engine", "short_waits"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What was asked for."""

    seed: int
    is_long: bool
    only: int | None

    def rounds(self, *, short: int, long: int) -> range:
        """The numbers of the rounds to run."""
        if self.only is not None:
            return range(self.only, self.only + 1)
        return range(long if self.is_long else short)


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    only = os.environ.get("CAMPAIGN_ONLY")
    return Campaign(
        seed=int(os.environ.get("CAMPAIGN_SEED", "1")),
        is_long=os.environ.get("CAMPAIGN") == "long",
        only=int(only) if only else None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the disk is no part of the campaign: in memory, where that is possible."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="reeldeck-campaign-", dir=memory) as name:
        yield Path(name)
