"""New cookie files are noticed, and jobs that came to wait just then are not forgotten."""

from __future__ import annotations

import asyncio

from core.auth.profiles import Profiles
from core.auth.watch import LOOK_S, CookieWatch
from core.config.sources import Sources
from core.domain.errors import AuthRequired, StoreFailure
from core.domain.profile import Profile
from tests.fakes.members import cookie_file
from tests.fakes.stored import opened


async def test_a_new_file_releases_at_once_and_once_more(tmp_path):
    assert LOOK_S < 10
    released: list[str] = []

    async def release(profile: Profile) -> None:
        released.append(profile.name)

    async with opened(tmp_path / "data") as store:
        profiles = Profiles(store.profiles, Sources())
        await profiles.start()
        file = cookie_file(tmp_path / "c.txt", "one")
        await profiles.add("site", file)
        watch = CookieWatch(profiles, release)
        await watch.look()
        assert not released
        used = await profiles.open("site", folder=tmp_path / "job")
        await profiles.failed(used, AuthRequired())
        cookie_file(file, "two")
        for looks in (1, 2, 2):
            await watch.look()
            assert released == ["main"] * looks


async def test_it_goes_on_when_the_store_does_not(tmp_path):
    calls: asyncio.Queue[str] = asyncio.Queue()

    async def release(profile: Profile) -> None:
        calls.put_nowait(profile.name)
        raise StoreFailure("the disk is full")

    async with opened(tmp_path / "data") as store:
        profiles = Profiles(store.profiles, Sources())
        file = cookie_file(tmp_path / "c.txt", "one")
        await profiles.add("site", file)
        watching = asyncio.create_task(CookieWatch(profiles, release, look_s=0.01).run())
        for session in ("two", "three"):
            cookie_file(file, session)
            async with asyncio.timeout(5):
                assert await calls.get() == "main"
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
