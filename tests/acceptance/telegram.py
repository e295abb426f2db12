"""The program and a loopback Telegram that it knows."""

from __future__ import annotations

from tests.acceptance.program import REELDECK, Program
from tests.acceptance.typist import Typist, at_a_terminal
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH, API_ID
from tests.fakes.telegram.state import Account


def lead_to(program: Program, telegram: FakeTelegram) -> None:
    """Write the configuration by which the program uses this Telegram."""
    key = program.home / "telegram.pem"
    key.write_text(telegram.public_key)
    dc_id, host, port = telegram.home
    config = program.home / "config.toml"
    config.write_text(
        f"""
        [telegram]
        enabled = true
        api_id = {API_ID}
        api_hash = "{API_HASH}"

        [telegram.server]
        dc_id = {dc_id}
        host = "{host}"
        port = {port}
        public_key_file = "{key}"
        """
    )
    config.chmod(0o600)


async def log_in(program: Program, telegram: FakeTelegram, account: Account) -> Typist:
    """Log an account in as a person does."""
    async with at_a_terminal(str(REELDECK), "telegram", "login", env=program.env) as (typist, process):
        await typist.reads("Phone number")
        typist.types(f"+{account.phone}")
        await typist.reads("Code, sent in a Telegram app")
        typist.types(telegram.code_for(account))
        if account.password:
            await typist.reads("Password")
            typist.types(account.password)
        await typist.reads(f"Logged in as {account.name}")
    assert process.returncode == 0
    return typist
