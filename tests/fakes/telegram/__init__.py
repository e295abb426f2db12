"""A loopback Telegram that real clients speak MTProto to: see fake.FakeTelegram."""

from tests.fakes.telegram.fake import API_HASH, API_ID, FakeTelegram

__all__ = ["API_HASH", "API_ID", "FakeTelegram"]
