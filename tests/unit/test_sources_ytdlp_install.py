from __future__ import annotations

from pathlib import Path

from core.sources.ytdlp.errors import Cause, classify
from core.sources.ytdlp.install import install_command

PYTHON = Path("/opt/my tools/bin/python")


def command(prefix: Path, *, has_pip: bool) -> str:
    packages = ("yt-dlp", "yt-dlp-ejs")
    return install_command(*packages, prefix=prefix, python=PYTHON, has_module=lambda _name: has_pip)


def test_pipx_installs_into_the_environment_that_it_made(tmp_path: Path) -> None:
    home = tmp_path / "reeldeck"
    home.mkdir()
    (home / "pipx_metadata.json").write_text("{}")
    assert command(home, has_pip=True) == "pipx runpip reeldeck install -U yt-dlp yt-dlp-ejs"


def test_elsewhere_the_interpreters_own_pip_does(tmp_path: Path) -> None:
    assert command(tmp_path, has_pip=True) == "'/opt/my tools/bin/python' -m pip install -U yt-dlp yt-dlp-ejs"


def test_where_there_is_no_pip_uv_does(tmp_path: Path) -> None:
    assert command(tmp_path, has_pip=False) == (
        "uv pip install --python '/opt/my tools/bin/python' -U yt-dlp yt-dlp-ejs"
    )


def test_an_outdated_yt_dlp_names_its_version_its_age_and_the_command() -> None:
    from datetime import date

    cause = Cause(types=("ExtractorError",), text="Unable to extract title", expected=False)
    found = classify([cause], version="2026.08.19", today=date(2026, 11, 21))
    assert found.code == "EXTRACTOR_UPDATE_REQUIRED"
    assert found.hint.startswith("yt-dlp 2026.08.19 is 94 days old. Update it: ")
    assert "reeldeck ytdlp update" in found.hint
