"""What acceptance tests share: the program in a fresh home, and an origin that it may reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.fakes.origin import Origin


@pytest.fixture
def reeldeck(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as running:
        yield running
