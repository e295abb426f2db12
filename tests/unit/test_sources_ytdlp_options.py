from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.config.settings import Network, Timeouts
from core.config.sources import SourceSettings
from core.domain.errors import Unknown
from core.domain.job import Request
from core.domain.media import Resolution, Role, Track, Transport
from core.sources.base import Matcher, Source, SourceContext
from core.sources.ytdlp import options

#: What has run code, read files or leaked secrets before; see the advisories of yt-dlp.
DANGEROUS = (
    "exec_cmd", "postprocessors", "netrc_cmd", "usenetrc", "netrc_location", "external_downloader_args",
    "writelink", "writeurllink", "writedesktoplink", "writeinfojson", "writesubtitles", "writethumbnail",
    "cookiesfrombrowser", "remote_components", "load_info_filename", "nocheckcertificate",
    "allow_unplayable_formats",
)  # fmt: skip


def everything(**network: Any) -> dict[str, Any]:
    common = options.common(
        network=Network(**network),
        timeouts=Timeouts(read_s=7),
        proxy_url="http://reeldeck:token@127.0.0.1:1",
        ffmpeg_path=Path("/opt/ffmpeg"),
    )
    own = options.for_source(SourceSettings(user_agent="Ours/1", rate_per_s=4))
    found = options.extraction(max_items=3, extractors=("default", "-generic"))
    found |= options.WITHOUT_FORMATS
    return common | own | found | options.download(Path("/tmp/job/0-muxed"))


def test_options_travel_as_json() -> None:
    assert json.loads(json.dumps(everything())) == everything()


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_has_been_dangerous_is_never_set(name: str) -> None:
    assert not everything().get(name)


def test_the_proxy_is_the_only_way_out_and_files_are_none_of_the_network() -> None:
    given = everything()
    assert given["proxy"] == "http://reeldeck:token@127.0.0.1:1"
    assert given["enable_file_urls"] is False
    assert given["default_search"] == "error"
    assert given["external_downloader"] == {"default": "native"}


def test_a_file_with_holes_is_no_success() -> None:
    assert everything()["skip_unavailable_fragments"] is False


def test_every_option_is_known_to_the_installed_yt_dlp() -> None:
    import yt_dlp

    folder = Path(yt_dlp.__file__).parent
    sources = "\n".join(
        path.read_text()
        for name in ("", "downloader", "networking", "utils")
        for path in (folder / name).glob("*.py")
    )
    sources += (folder / "extractor/common.py").read_text()
    unknown = [name for name in everything() if f"'{name}'" not in sources and f"{name}:" not in sources]
    assert unknown == []


def test_percent_signs_in_a_path_are_no_template() -> None:
    assert options.download(Path("/tmp/100% %(id)s"))["outtmpl"] == {"default": "/tmp/100%% %%(id)s"}


def test_an_expression_lets_yt_dlp_choose() -> None:
    chosen = options.extraction(max_items=3, format_expression="bv+ba")
    assert (chosen["format"], chosen["simulate"]) == ("bv+ba", True)
    assert "format" not in options.extraction(max_items=3)


def test_a_source_changes_only_what_is_set_for_it() -> None:
    assert options.for_source(SourceSettings()) == {}
    assert options.for_source(SourceSettings(user_agent="Ours/1", rate_per_s=4)) == {
        "http_headers": {"User-Agent": "Ours/1"},
        "sleep_interval_requests": 0.25,
    }


def test_extractors_are_restricted_only_where_they_are_named() -> None:
    assert "allowed_extractors" not in options.extraction(max_items=3)
    restricted = options.extraction(max_items=3, extractors=("default", "-generic"))
    assert restricted["allowed_extractors"] == ["default", "-generic"]


def test_the_runtimes_for_scripts_are_those_that_yt_dlp_takes_from_these_versions_on() -> None:
    from yt_dlp.globals import supported_js_runtimes

    known = {name: found.MIN_SUPPORTED_VERSION for name, found in supported_js_runtimes.value.items()}
    assert {name: known[name] for name in options.JS_RUNTIMES} == dict(options.JS_RUNTIMES)
    assert set(everything()["js_runtimes"]) == set(options.JS_RUNTIMES)


def test_plug_ins_are_off_and_own_certificates_are_used() -> None:
    assert options.environment(Network()) == {"YTDLP_NO_PLUGINS": "1"}
    own = Network(ca_file=Path("/etc/own.pem"))
    assert options.environment(own)["SSL_CERT_FILE"] == "/etc/own.pem"
    assert everything(ca_file=Path("/etc/own.pem"))["compat_opts"] == ["no-certifi"]


def test_the_engine_never_imports_yt_dlp() -> None:
    code = (
        "import sys, core.sources.registry, core.sources.ytdlp.worker;"
        "sys.exit(', '.join({'yt_dlp', 'av', 'tortoise', 'textual'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


class PageOnly(Source):
    """A source whose tracks are all ours to fetch."""

    name, label, matchers = "page_only", "Pages", (Matcher(),)

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        raise AssertionError("never asked")


async def test_a_source_without_a_transfer_says_so() -> None:
    track = Track(role=Role.MUXED, transport=Transport.SOURCE, url="https://a.example/")
    nothing: Any = None
    with pytest.raises(Unknown, match="page_only"):
        await PageOnly().fetch(track, nothing, Path(), nothing, lambda _done, _total: None)
