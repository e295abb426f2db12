"""What every tier shares: Ctrl-C reaches the programs that tests start."""

from __future__ import annotations

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_children() -> None:
    """A shell makes what it runs in the background deaf to Ctrl-C, and with it every program started here."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
