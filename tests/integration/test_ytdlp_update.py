"""Another yt-dlp: fetched from an index of our own, tried, used by real workers, and taken back."""

from __future__ import annotations

import zipfile
from pathlib import Path

import imageio_ffmpeg
import pytest

from core.config.settings import Network, Timeouts
from core.domain.errors import ExtractorFailure, InvalidRequest, NetworkFailure
from core.ops.ytdlp_update import try_blocking, update_blocking
from core.sources.ytdlp import overlay as overlays
from core.sources.ytdlp.overlay import Overlay, bundled
from core.sources.ytdlp.pool import YtdlpPool

NEWER = "2099.1.1"
#: As much of yt-dlp as a worker touches before it is asked for anything.
SMALL = {
    "yt_dlp/__init__.py": """
from . import version
class YoutubeDL:
    def __init__(self, params): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass
""",
    "yt_dlp/version.py": "__version__ = '2099.01.01'",
}
SCRIPTS = "99.1"


def wheel(folder: Path, package: str, version: str, files: dict[str, str], needs: str = "") -> None:
    stem = f"{package.replace('-', '_')}-{version}"
    told = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{needs}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
        packed.writestr(f"{stem}.dist-info/METADATA", told)
        packed.writestr(
            f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{stem}.dist-info/RECORD", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of wheels: a newer version, one that cannot be loaded, and the scripts."""
    folder = tmp_path_factory.mktemp("wheels")
    needs = f'Requires-Dist: yt-dlp-ejs=={SCRIPTS}; extra == "default"\nRequires-Dist: nobody==1\n'
    wheel(folder, "yt-dlp", NEWER, SMALL, needs)
    wheel(folder, "yt-dlp", "2098.1.1", SMALL | {"yt_dlp/version.py": "raise RuntimeError"})
    wheel(folder, "yt-dlp-ejs", SCRIPTS, {"yt_dlp_ejs/__init__.py": ""})
    return folder


@pytest.fixture
def overlay(tmp_path, index, monkeypatch):
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null" if name.endswith("FILE") else "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return Overlay(tmp_path / "data")


def pool_of(overlay, tmp_path) -> YtdlpPool:
    return YtdlpPool(
        size=1, proxy_url="http://127.0.0.1:1", ffmpeg_path=Path(imageio_ffmpeg.get_ffmpeg_exe()),
        tmp_dir=tmp_path / "tmp", network=Network(), timeouts=Timeouts(), newer=overlay.path,
    )  # fmt: skip


async def version_of_a_worker(pool: YtdlpPool) -> str:
    worker = await pool._start()
    await pool._end(worker)
    return worker.version


async def test_a_newer_one_is_tried_used_and_taken_back(overlay, tmp_path):
    pool = pool_of(overlay, tmp_path)
    assert update_blocking(overlay, None) == NEWER
    assert await version_of_a_worker(pool) == "2099.01.01"
    assert (overlay.folder / NEWER / "yt_dlp_ejs").is_dir()
    # One that does not start changes nothing.
    with pytest.raises(ExtractorFailure, match="does not start"):
        update_blocking(overlay, "2098.1.1")
    assert overlay.choice().current == NEWER
    assert {path.name for path in overlay.folder.iterdir()} == {NEWER, "active.json"}
    # The way back, and back again.
    assert overlay.go_back().current is None
    assert await version_of_a_worker(pool) == bundled_as_told()
    assert overlay.go_back().current == NEWER
    # What breaks later is passed over, so that links are resolved all the same.
    (overlay.folder / NEWER / "yt_dlp" / "version.py").write_text("raise RuntimeError")
    assert await version_of_a_worker(pool) == bundled_as_told()
    await pool.close()


def bundled_as_told() -> str:
    import yt_dlp.version

    return str(yt_dlp.version.__version__)


def test_a_version_that_nobody_has_is_a_network_failure(overlay):
    with pytest.raises(NetworkFailure, match=r"2097\.1\.1 cannot be fetched"):
        update_blocking(overlay, "2097.1.1")
    for wrong in ("latest", "../../etc", "2099.1.1; rm", "--index-url"):
        with pytest.raises(InvalidRequest, match="no version"):
            update_blocking(overlay, wrong)
    assert overlay.choice().current is None


def test_a_folder_without_a_yt_dlp_is_not_taken_for_the_installed_one(tmp_path):
    with pytest.raises(ExtractorFailure, match="workers would load"):
        try_blocking(tmp_path)


def adopted(overlay: Overlay, version: str) -> None:
    draft = overlay.folder / ".new-x"
    draft.mkdir(parents=True)
    overlay.adopt(draft, version)


def test_only_the_one_in_use_and_the_one_before_are_kept(tmp_path):
    overlay = Overlay(tmp_path)
    with pytest.raises(InvalidRequest, match="nothing else"):
        overlay.go_back()
    for version in ("2099.1.1", "2099.2.1", "2099.3.1", "2099.3.1"):
        adopted(overlay, version)
    assert (overlay.choice().current, overlay.choice().previous) == ("2099.3.1", "2099.2.1")
    assert {path.name for path in overlay.folder.iterdir()} == {"2099.3.1", "2099.2.1", "active.json"}
    overlay.go_back()
    assert overlay.path() == tmp_path / "ytdlp" / "2099.2.1"
    overlay.drop()
    assert overlay.path() is None
    assert overlay.go_back().current == "2099.2.1"


@pytest.mark.parametrize(("ours", "kept"), [("2098.12.1", True), ("2099.1.1", False), ("2099.6.1", False)])
def test_a_reeldeck_that_comes_with_a_newer_one_uses_its_own(tmp_path, monkeypatch, ours, kept):
    overlay = Overlay(tmp_path)
    adopted(overlay, NEWER)
    adopted(overlay, NEWER)
    monkeypatch.setattr(overlays, "version", lambda _: ours)
    assert (overlay.path() is not None) is kept


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"current": 5, "previous": null, "bundled": ""}'])
def test_a_note_that_cannot_be_read_stands_for_none(tmp_path, text):
    (tmp_path / "ytdlp").mkdir()
    (tmp_path / "ytdlp" / "active.json").write_text(text)
    assert Overlay(tmp_path).path() is None


def test_a_version_that_was_removed_by_hand_is_not_used(tmp_path):
    overlay = Overlay(tmp_path)
    adopted(overlay, NEWER)
    (overlay.folder / NEWER).rmdir()
    assert overlay.path() is None
    assert bundled()
