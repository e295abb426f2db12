"""What every tier shares: databases begin as a copy of one that was made once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.store.folder import private_folder
from core.store.sqlite import locate
from core.store.store import Store


@pytest.fixture(scope="session", autouse=True)
def _prepared_databases() -> Iterator[None]:
    """Making the schema takes half a second of a processor; a thousand tests would each pay for it."""
    really_open: Any = Store.open
    made: list[Path] = []

    async def open_prepared(
        data_dir: Path, url: str | None, *, on_commit: Callable[[Any], None], **others: Any
    ) -> Store:
        path = locate(data_dir, url)
        if not path.exists():
            if not made:
                first = Path(tempfile.mkdtemp(prefix="reeldeck-schema-", dir=folder))
                await (await really_open(first, None, on_commit=lambda _: None)).close()
                made.append(locate(first, None))
            private_folder(data_dir)
            shutil.copyfile(made[0], path)
            path.chmod(0o600)
        opened: Store = await really_open(data_dir, url, on_commit=on_commit, **others)
        return opened

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(Store, "open", open_prepared)
        yield
