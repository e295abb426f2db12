"""What every source must do alike, each against the replica of its site, driven by the real engine."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.config.settings import Settings
from core.domain.errors import UnsupportedSource
from core.domain.job import Job, JobStatus, Kind, Request
from core.engine.engine import Engine
from core.sources.registry import Registry, known_sources
from tests.fakes.origin import HEALTHY, Fault
from tests.fakes.sites import REPLICAS, Page, Site
from tests.integration.conftest import finish, until

#: One way of extraction, many names: what costs seconds is run for a few of them only.
SLOW = [replica for replica in REPLICAS if replica.forced in {None, "youtube", "facebook"}]
#: As much as goes into one name is in one: each costs a whole download from every site.
HOSTILE = (
    "../../../etc/passwd \x1b]0;owned\x07\x1b[31mred line\r\nbreak\tand\x00nul \u202egpj.exe\u2066",
    "-rf $(reboot) `id` {title} [bold]x[/bold] " + "ا" * 2000,
    "CON",
    " . ",
)


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with request.param() as running:
        yield running


def each(replicas: Any = REPLICAS) -> Any:
    return pytest.mark.parametrize(
        "site", replicas, indirect=True, ids=lambda replica: replica.__name__.lower()
    )


def ways() -> Any:
    """Every way in which every site can refuse."""
    found = []
    for replica in SLOW:
        found += [
            pytest.param(replica, way, id=f"{replica.__name__.lower()}-{way}") for way in replica().refusals
        ]
    return pytest.mark.parametrize(("site", "way"), found, indirect=["site"])


async def settled(engine: Engine, job_id: int) -> Job:
    """The job, once it has ended or waits for something."""
    async for _frame in engine.stream():
        job = await engine.job(job_id)
        if job.status.is_final or job.waiting_for is not None:
            return job
    raise AssertionError("the stream ended")


async def ask(engine: Engine, site: Site, **options: Any) -> Job:
    return await finish(engine, site.link, source=site.forced, **options)


def test_every_source_has_a_replica() -> None:
    assert {replica.source for replica in REPLICAS} >= {
        source.name for source in known_sources(Settings()) if source.name != "short_links"
    }


@pytest.mark.parametrize("replica", REPLICAS)
def test_links_of_the_site_are_its_own(replica: type[Site]) -> None:
    registry = Registry(Settings())
    for url in replica.takes:
        # Share links of a site are followed before the site itself is asked.
        names = [source.name for source in registry.candidates(url) if source.name != "short_links"]
        assert replica.source in names, url
        if replica is not Page:
            assert names[0] == replica.source, url


@pytest.mark.parametrize("replica", REPLICAS)
def test_links_that_look_like_it_are_not(replica: type[Site]) -> None:
    registry = Registry(Settings())
    for url in replica.leaves:
        assert registry.candidates(url)[0].name != replica.source, url


@pytest.mark.parametrize("replica", [each for each in REPLICAS if each.source not in {"direct", "ytdlp"}])
def test_a_source_that_is_switched_off_takes_nothing(replica: type[Site]) -> None:
    settings = Settings.model_validate({"sources": {replica.source: {"enabled": False}}})
    with pytest.raises(UnsupportedSource):
        Registry(settings).candidates(replica.takes[0])


@each()
async def test_a_link_becomes_a_file_with_its_title(run_engine: Any, site: Site) -> None:
    async with run_engine(**site.sections) as engine:
        job = await ask(engine, site)
        assert job.status is JobStatus.COMPLETED, job.error_message
        assert job.source_type == site.source
        assert job.file_path is not None
        assert job.title
        assert job.sha256
        file = Path(job.file_path)
        assert file.is_file()
        assert file.stat().st_size == job.size_bytes
        assert job.duration_s == pytest.approx(20, abs=1) or job.duration_s == pytest.approx(30, abs=1)
        # Nothing of the making stays.
        assert not list(engine.settings.paths.tmp.glob("*/*"))


@each(SLOW)
async def test_a_preview_names_what_the_download_brings(run_engine: Any, site: Site) -> None:
    async with run_engine(**site.sections) as engine:
        seen = await engine.preview(Request(url=site.link, source=site.forced))
        job = await ask(engine, site)
    assert seen.source == job.source_type
    assert seen.title == job.title
    assert seen.kind in {site.kind, Kind.AUTO}


@ways()
async def test_each_refusal_has_its_class_and_a_next_step(run_engine: Any, site: Site, way: str) -> None:
    refuse, expected = site.refusals[way]
    refuse()
    async with run_engine(retries={"max_retries": 0}, **site.sections) as engine:
        submitted = await engine.submit(Request(url=site.link, source=site.forced))
        job = await settled(engine, submitted.job.id)
    assert job.error_type == expected.code, job.error_message
    assert job.error_message
    assert job.error_hint
    assert job.file_path is None


@each(SLOW)
async def test_a_cancelled_job_leaves_nothing(run_engine: Any, site: Site) -> None:
    server, _ = site.media
    site.resource.always = Fault(hold_after=len(site.resource.body) // 2)
    async with run_engine(**site.sections) as engine:
        submitted = await engine.submit(Request(url=site.link, source=site.forced))
        await server.held.wait()
        await engine.cancel(submitted.job.id)
        job = await until(engine, submitted.job.id, JobStatus.CANCELLED)
        assert job.file_path is None
        assert not (engine.settings.paths.tmp / str(job.id)).exists()
        assert not [each for each in engine.settings.paths.archive.rglob("*") if each.is_file()]
    server.release.set()


@each(SLOW)
async def test_a_paused_job_goes_on_where_it_was(run_engine: Any, site: Site) -> None:
    server, path = site.media
    size = len(site.resource.body)
    async with run_engine(**site.sections) as engine:
        whole = await ask(engine, site)
    before = server.bytes_sent(path)
    site.resource.always = Fault(hold_after=size // 2)
    server.held.clear()
    async with run_engine(**site.sections) as engine:
        submitted = await engine.submit(Request(url=site.link, source=site.forced, force=True))
        await server.held.wait()
        await engine.pause(submitted.job.id)
        await until(engine, submitted.job.id, JobStatus.PAUSED)
        # What is held stays so: let go of, it would still be sent, to nobody, and counted.
        site.resource.always = HEALTHY
        await engine.resume(submitted.job.id)
        job = await until(engine, submitted.job.id, JobStatus.COMPLETED, JobStatus.FAILED)
    server.release.set()
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.sha256 == whole.sha256
    # What was there is kept: all segments but the held one, or the file's first half.
    assert server.bytes_sent(path) - before <= 2 * size


@each(SLOW)
async def test_hostile_titles_harm_nothing(run_engine: Any, site: Site, caplog: Any) -> None:
    async with run_engine(**site.sections) as engine:
        for number, title in enumerate(HOSTILE):
            site.retitle(title)
            job = await ask(engine, site, force=True)
            assert job.status is JobStatus.COMPLETED, (number, job.error_message)
            _assert_safe(Path(str(job.file_path)), engine.settings.paths.archive)
    assert "\x1b" not in caplog.text


def _assert_safe(file: Path, root: Path) -> None:
    assert file.resolve() == file
    assert file.is_relative_to(root)
    for name in file.relative_to(root).parts:
        assert len(name.encode()) <= 255
        assert not name.startswith((".", "-"))
        assert not any(unicodedata.category(char) in {"Cc", "Cf"} for char in name.replace("\u200c", ""))
