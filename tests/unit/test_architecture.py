"""What the import contracts promise holds for what is really loaded."""

from __future__ import annotations

import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import core
import tui

FACES = ("tui", "userbot", "textual", "telethon")
HEAVY = ("yt_dlp", "telethon", "textual", "tortoise", "fastapi", "uvicorn", "av", "core.engine.engine")
#: Programs of their own, which their parents start.
WORKERS = {"core.sources.ytdlp.worker", "core.media.probe_worker", "core.media.exec_shim"}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(core.__path__, "core.")
    if ".migrations." not in module.name
)


def loaded_after(statement: str) -> set[str]:
    """Modules that a fresh interpreter holds after *statement*."""
    program = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_the_whole_core_loads_without_any_face():
    imports = "; ".join(f"import {name}" for name in MODULES if name not in WORKERS)
    loaded = loaded_after(imports)
    assert not [name for name in loaded if name.split(".")[0] in FACES]
    assert "yt_dlp" not in loaded, "yt-dlp lives in worker processes only"


def test_the_domain_needs_nothing_but_python():
    names = [name for name in MODULES if name.startswith("core.domain.")]
    loaded = loaded_after("; ".join(f"import {name}" for name in names))
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"core", "__main__"}
    assert not {name for name in foreign if not name.startswith("_")}


@pytest.mark.parametrize("statement", ["import tui.cli", "import core.client.http"])
def test_what_must_be_quick_loads_nothing_heavy(statement):
    assert not loaded_after(statement) & set(HEAVY)


def test_the_dashboard_loads_no_part_of_the_engine():
    loaded = loaded_after("import tui.app, core.client.http")
    ours = ("core.engine.", "core.store.", "core.net.", "core.media.", "core.sources.", "core.api.")
    assert not [name for name in loaded if name.startswith(ours)]


def test_no_handler_of_the_dashboard_calls_that_of_its_base():
    # Textual calls the handler of every class of a widget: what calls its base's too paints and asks twice.
    calls = re.compile(r"super\(\)\.(_?on_(?!event\b)\w+)\(")
    found = {path.name: calls.findall(path.read_text()) for path in Path(tui.__path__[0]).rglob("*.py")}
    assert {name: called for name, called in found.items() if called} == {}
