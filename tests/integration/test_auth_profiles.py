"""Logins over the real store: their order, their health, and new files."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.auth.health import MAX_REFUSALS, SOON_S, Verdict
from core.auth.profiles import Opened, Profiles
from core.config.sources import Sources
from core.domain.errors import AuthRequired, InvalidRequest
from core.domain.profile import Profile, ProfileReason, ProfileStatus, profile_from_json
from core.store.store import Store
from tests.fakes.members import cookie_file, identity
from tests.fakes.stored import opened

ACTIVE, DEGRADED, DISABLED = ProfileStatus.ACTIVE, ProfileStatus.DEGRADED, ProfileStatus.DISABLED


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as store:
        yield store


@pytest.fixture
def told() -> list[Profile]:
    return []


@pytest.fixture
async def profiles(store: Store, told: list[Profile]) -> Profiles:
    return await started(store, told=told)


async def started(store: Store, *, told: list[Profile] | None = None, **sources: dict) -> Profiles:
    heard = told if told is not None else []
    found = Profiles(
        store.profiles, Sources.model_validate(sources), tell_owner=lambda who, _: heard.append(who)
    )
    await found.start()
    return found


async def use(profiles: Profiles, tmp_path: Path, *skip: int, preferred: str | None = None) -> Opened | None:
    return await profiles.open("site", preferred, folder=tmp_path / "job", skip=skip)


async def test_a_login_is_opened_as_a_private_copy_and_its_file_is_not_touched(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    before = identity(file)
    await profiles.add("site", file)
    login = (await use(profiles, tmp_path)).login
    assert login.profile == "main"
    assert login.cookie_file.parent == tmp_path / "job"
    assert login.cookie_file.stat().st_mode & 0o777 == 0o600
    login.cookie_file.write_text("rewritten")
    assert identity(file) == before
    assert await profiles.open("other", folder=tmp_path) is None


async def test_a_wrong_file_or_name_adds_nothing(profiles, tmp_path):
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("a b c")
    past = cookie_file(tmp_path / "past.txt", "one", expires=1_000_000)
    past.chmod(0o600)
    past.write_text("\n".join(line for line in past.read_text().splitlines() if "theme" not in line))
    good = cookie_file(tmp_path / "c.txt", "one")
    for path, name in [
        (wrong, "main"), (tmp_path / "none", "main"), (tmp_path, "main"), (past, "main"),
        (good, "config"), (good, ""), (good, "../x"),
    ]:  # fmt: skip
        with pytest.raises(InvalidRequest):
            await profiles.add("site", path, name)
    assert not await profiles.list()


async def test_logins_are_tried_in_the_order_of_preference_health_and_age(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    ids = {name: (await profiles.add("site", file, name)).id for name in ("main", "alt", "third")}
    assert (await use(profiles, tmp_path)).profile.name == "main"
    assert (await use(profiles, tmp_path, preferred="third")).profile.name == "third"
    assert (await use(profiles, tmp_path, ids["main"])).profile.name == "alt"
    await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    assert (await use(profiles, tmp_path)).profile.name == "alt", "one that was refused comes last"
    assert await use(profiles, tmp_path, *ids.values()) is None


async def test_refusals_in_a_row_end_a_logins_use_and_a_success_forgives_them(profiles, tmp_path):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    for number in range(1, MAX_REFUSALS):
        assert await profiles.failed(await use(profiles, tmp_path), AuthRequired())
        (profile,) = await profiles.list()
        assert (profile.status, profile.failure_count_recent) == (DEGRADED, number)
        assert profile.reason is ProfileReason.REFUSED
    await profiles.succeeded(await use(profiles, tmp_path))
    (profile,) = await profiles.list()
    assert (profile.status, profile.reason, profile.failure_count_recent) == (ACTIVE, None, 0)
    assert profile.last_success is not None
    assert profile.last_failure is not None
    for _ in range(MAX_REFUSALS):
        await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    assert await use(profiles, tmp_path) is None


async def test_a_refusal_that_the_site_confirms_ends_a_logins_use_at_once(profiles, told, tmp_path):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    await profiles.failed(await use(profiles, tmp_path), AuthRequired(), Verdict.REFUSED)
    (profile,) = await profiles.list()
    assert (profile.status, profile.reason) == (DISABLED, ProfileReason.REFUSED)
    assert [each.id for each in told] == [profile.id]


async def test_a_success_does_not_bring_back_a_login_that_the_site_does_not_take(profiles, tmp_path):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    in_use = await use(profiles, tmp_path)
    await profiles.denied(in_use, AuthRequired())
    await profiles.succeeded(in_use)
    (profile,) = await profiles.list()
    assert (profile.status, profile.reason) == (DISABLED, ProfileReason.REFUSED)
    assert profile.last_success is not None


async def test_refusals_count_nothing_for_a_login_that_the_site_takes_or_cannot_be_asked_about(
    profiles, tmp_path
):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    for _ in range(MAX_REFUSALS + 1):
        await profiles.failed(await use(profiles, tmp_path), AuthRequired(), Verdict.TAKEN)
    assert (await profiles.list())[0].status is ACTIVE
    for _ in range(MAX_REFUSALS + 1):
        await profiles.failed(await use(profiles, tmp_path), AuthRequired(), Verdict.UNKNOWN)
    (profile,) = await profiles.list()
    assert (profile.status, profile.failure_count_recent) == (DEGRADED, 0)


async def test_what_the_site_said_of_a_file_that_was_replaced_meanwhile_is_dropped(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    await profiles.add("site", file)
    asked_with = await use(profiles, tmp_path)
    cookie_file(file, "two")
    await profiles.denied(asked_with, AuthRequired())
    await profiles.taken(asked_with, "Amal")
    (profile,) = await profiles.list()
    assert (profile.status, profile.checked, profile.account) == (ACTIVE, None, None)
    await profiles.taken(await use(profiles, tmp_path), "Amal")
    (profile,) = await profiles.list()
    assert profile.account == "Amal"
    cookie_file(file, "three")
    (renewed,) = await profiles.renewed()
    assert (renewed.checked, renewed.account) == (None, None), "it may be another account's"


async def test_an_owner_who_was_told_is_not_told_again_at_the_next_start(store, profiles, told, tmp_path):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    await profiles.failed(await use(profiles, tmp_path), AuthRequired(), Verdict.REFUSED)
    again = list[Profile]()
    later = await started(store, told=again)
    later.health.need((await later.list())[0], "members only")
    assert (len(told), len(again)) == (1, 0)


async def test_rotated_cookies_are_recognised_by_the_sites_words(profiles, tmp_path):
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    error = AuthRequired("The provided cookies are no longer valid. They have likely been rotated")
    await profiles.failed(await use(profiles, tmp_path), error)
    (profile,) = await profiles.list()
    assert (profile.status, profile.reason) == (DISABLED, ProfileReason.ROTATED)


async def test_a_refusal_of_a_file_that_was_replaced_meanwhile_counts_nothing(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    await profiles.add("site", file)
    in_use = await use(profiles, tmp_path)
    cookie_file(file, "two")
    assert not await profiles.failed(in_use, AuthRequired())
    assert (await profiles.list())[0].failure_count_recent == 0


async def test_a_lost_file_is_missing_until_it_is_back(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    profile = await profiles.add("site", file)
    file.unlink()
    assert await use(profiles, tmp_path) is None
    (lost,) = await profiles.list()
    assert (lost.status, lost.reason) == (DISABLED, ProfileReason.MISSING)
    assert not await profiles.renewed()
    cookie_file(file, "two")
    assert [each.id for each in await profiles.renewed()] == [profile.id]
    assert (await profiles.list())[0].status is ACTIVE
    assert not await profiles.renewed(), "a file is new once"


async def test_a_new_file_renews_a_refused_login_and_a_broken_one_does_not(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    await profiles.add("site", file)
    for _ in range(MAX_REFUSALS):
        await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    file.unlink()
    file.write_text("half a li")
    assert not await profiles.renewed()
    assert (await profiles.list())[0].status is DISABLED
    cookie_file(file, "two")
    (renewed,) = await profiles.renewed()
    assert (renewed.status, renewed.failure_count_recent) == (ACTIVE, 0)


async def test_a_file_that_came_while_no_engine_ran_is_noticed(store, profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    await profiles.add("site", file)
    await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    assert not await (await started(store)).renewed(), "the refused file is still there"
    cookie_file(file, "two")
    assert len(await (await started(store)).renewed()) == 1


async def test_a_login_that_ends_soon_says_so_and_one_that_has_ended_is_not_used(profiles, store, tmp_path):
    file = tmp_path / "c.txt"
    only = f"127.0.0.1\tFALSE\t/\tFALSE\t{int(time.time() + SOON_S / 2)}\tsession\tone\n"
    file.write_text(only)
    soon = await profiles.add("site", file)
    assert (soon.status, soon.reason) == (DEGRADED, ProfileReason.EXPIRING)
    assert (await use(profiles, tmp_path)).profile.id == soon.id
    await store.profiles.write(soon.id, expires=time.time() - 1)
    assert await use(profiles, tmp_path) is None
    assert (await profiles.list())[0].reason is ProfileReason.EXPIRED


async def test_the_owner_is_told_once_until_there_is_a_new_file(profiles, told, tmp_path):
    profile = await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    for _ in range(3):
        profiles.health.need(profile, "members only")
    assert len(told) == 1
    cookie_file(tmp_path / "c.txt", "two")
    await profiles.renewed()
    profiles.health.need(profile, "members only")
    assert len(told) == 2


async def test_the_configurations_login_is_a_profile_whose_tokens_stay_in_memory(store, tmp_path):
    file = cookie_file(tmp_path / "x.txt", "one")
    settings = {"x": {"cookie_file": str(file), "auth_token": "canary-a", "ct0": "canary-c"}}
    profiles = await started(store, **settings)
    (profile,) = await profiles.list()
    assert (profile.source_type, profile.name, profile.cookie_file_path) == ("x", "config", str(file))
    login = (await profiles.open("x", folder=tmp_path / "job")).login
    assert login.tokens == {"auth_token": "canary-a", "ct0": "canary-c"}
    assert login.cookie_file is not None
    assert "canary" not in repr(login)
    with pytest.raises(InvalidRequest, match="configuration"):
        await profiles.remove(profile.id)
    tokens_only = await started(store, x={"auth_token": "a", "ct0": "c"})
    assert (await tokens_only.open("x", folder=tmp_path)).login.cookie_file is None
    assert not await (await started(store)).list()


async def test_the_configurations_file_is_read_for_its_end_at_the_first_look(store, tmp_path):
    file = tmp_path / "x.txt"
    ends = int(time.time() + 30 * 86_400)
    file.write_text(f".x.com\tTRUE\t/\tTRUE\t{ends}\tauth_token\tv\n")
    profiles = await started(store, x={"cookie_file": str(file)})
    await profiles.renewed()
    assert (await profiles.list())[0].expires == ends


async def test_a_login_that_is_removed_while_it_is_in_use_harms_nothing(profiles, tmp_path):
    profile = await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    in_use = await use(profiles, tmp_path)
    await profiles.remove(profile.id)
    await profiles.succeeded(in_use)
    assert await profiles.failed(in_use, AuthRequired())
    assert await profiles.wanted("site") is None


async def test_a_check_reads_the_file_and_forgets_no_refusal(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    profile = await profiles.add("site", file)
    await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    assert (await profiles.reread(profile.id)).reason is ProfileReason.REFUSED
    file.unlink()
    assert (await profiles.reread(profile.id)).reason is ProfileReason.MISSING
    cookie_file(file, "two")
    assert (await profiles.reread(profile.id)).status is ACTIVE
    with pytest.raises(InvalidRequest):
        await profiles.reread(999)


async def test_removing_and_adding_again_begins_anew(profiles, tmp_path):
    file = cookie_file(tmp_path / "c.txt", "one")
    first = await profiles.add("site", file)
    await profiles.failed(await use(profiles, tmp_path), AuthRequired())
    assert (await profiles.add("site", file)).id == first.id
    assert (await profiles.list())[0].failure_count_recent == 0
    await profiles.remove(first.id)
    assert not await profiles.list()
    assert file.exists()


async def test_a_profile_survives_the_way_through_json(profiles, tmp_path):
    profile = await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    again = profile_from_json(profile.to_json())
    assert again.created == pytest.approx(profile.created, abs=0.001)
    assert again.id == profile.id
    assert again.status is ACTIVE


async def test_a_login_that_is_added_is_found_by_the_next_job(profiles, store, tmp_path):
    assert await use(profiles, tmp_path) is None
    reads = []
    ask = store.profiles._reader.rows
    store.profiles._reader = SimpleNamespace(rows=lambda *asked: reads.append(asked) or ask(*asked))
    assert await use(profiles, tmp_path) is None
    assert reads == []  # sources without logins are known
    await profiles.add("site", cookie_file(tmp_path / "c.txt", "one"))
    opened_now = await use(profiles, tmp_path)
    assert opened_now is not None
    await profiles.remove(opened_now.profile.id)
    assert await use(profiles, tmp_path) is None
