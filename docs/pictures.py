"""Take the pictures of the dashboard from the running demo: `python docs/pictures.py`.

They are exported by the dashboard itself while a real engine works, so they cannot show what is not there.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from tui.terminal import prepare_environment

prepare_environment()  # before Textual is imported, which reads the environment only then

from core.domain.interface import EngineInterface  # noqa: E402 -- as above
from core.domain.job import JobStatus  # noqa: E402 -- as above
from tui.app import ReeldeckApp  # noqa: E402 -- as above
from tui.demo.run import running_demo  # noqa: E402 -- as above

SIZES = ((80, 24), (140, 40))
FOLDER = Path(__file__).parent
#: Remote fonts would make a reader's browser tell a stranger about it.
_FONT_FACE = re.compile(r"@font-face\s*{[^}]*}\s*")


async def half_way(engine: EngineInterface) -> None:
    """Return when the demo has something to show: one finished, one failed, others on their way."""
    async for frame in engine.stream():
        counts = frame.counts
        if counts.get(JobStatus.FAILED) and counts.get(JobStatus.COMPLETED):
            return


async def main() -> None:
    """Run the demo and take each picture."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_demo(Path(folder) / "demo") as demo:
            apps = [ReeldeckApp(demo.client) for _ in SIZES]
            for app, (columns, lines) in zip(apps, SIZES, strict=True):
                async with app.run_test(size=(columns, lines)) as pilot:
                    if app is apps[0]:
                        await half_way(demo.client)
                    await pilot.pause(1.0)
                    picture = app.export_screenshot(title="reeldeck")
                name = f"dashboard-{columns}x{lines}.svg"
                picture = _FONT_FACE.sub("", picture)
                picture = picture.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
                await asyncio.to_thread((FOLDER / name).write_text, picture)


asyncio.run(main())
