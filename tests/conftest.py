"""What every tier shares: made media, and that Ctrl-C reaches the programs that tests start."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile

import pytest

from tests.fakes.media import SHARED_FOLDER


def pytest_configure(config: pytest.Config) -> None:
    """One folder of made media for all workers, whose environment is that of the process that starts them."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="reeldeck-media-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED_FOLDER), ignore_errors=True))


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_children() -> None:
    """A shell makes what it runs in the background deaf to Ctrl-C, and with it every program started here."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
