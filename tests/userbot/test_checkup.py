"""What `reeldeck doctor` says of Telegram."""

from __future__ import annotations

import pytest

from core.ops.doctor import Level
from userbot.checkup import check_up


async def test_what_is_missing_is_named_with_the_cure(make_settings):
    finding = await check_up(make_settings(telegram={"api_hash": None}), None)
    assert finding.level is Level.FAIL
    assert "my.telegram.org" in finding.fix


async def test_nobody_has_logged_in(make_settings):
    finding = await check_up(make_settings(), None)
    assert (finding.level, finding.detail) == (Level.WARN, "nobody has logged in")


async def test_a_login_that_others_can_read_is_a_failure(make_settings, account, log_in):
    file = await log_in(account, make_settings())
    file.chmod(0o644)
    finding = await check_up(make_settings(), None)
    assert finding.level is Level.FAIL
    assert "chmod 600" in finding.fix


async def test_the_server_is_reached_or_not(make_settings, account, log_in, telegram):
    settings = make_settings()
    await log_in(account, settings)
    finding = await check_up(settings, None)
    assert finding.level is Level.OK
    assert finding.detail.endswith("is reached")
    await telegram.stop()
    finding = await check_up(settings, None)
    assert finding.level is Level.WARN
    assert "is not reached" in finding.detail


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ("online", Level.OK),
        ("connecting", Level.WARN),
        ("waiting", Level.WARN),
        ("off", Level.WARN),
        ("login_needed", Level.FAIL),
        ("failed", Level.FAIL),
    ],
)
async def test_a_running_engine_knows_better(make_settings, account, log_in, state, level):
    await log_in(account, make_settings())
    told = {"state": state, "account": "Alice", "detail": "why"}
    finding = await check_up(make_settings(), told)
    assert finding.level is level
    assert "Alice" in finding.detail or "why" in finding.detail or state == "off"


async def test_a_proxy_that_telethon_cannot_use_is_not_passed_by(make_settings):
    finding = await check_up(make_settings(network={"proxy": "https://127.0.0.1:3128"}), None)
    assert finding.level is Level.FAIL
    assert "socks5" in finding.fix
