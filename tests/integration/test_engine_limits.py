"""What a batch may add: its own requests count as those that are stored."""

from __future__ import annotations

import pytest

from core.domain.errors import LimitReached
from core.domain.job import Request


@pytest.mark.parametrize(
    ("limit", "who"),
    [
        ("max_jobs_per_user_per_hour", {"user_id": 7}),
        ("max_active_jobs_per_user", {"user_id": 7}),
        ("max_jobs_per_chat_per_hour", {"chat_id": 9}),
        ("max_queue_length", {}),
    ],
)
async def test_the_requests_of_one_batch_count_against_a_limit(run_engine, limit, who):
    links = [Request(url=f"https://a.example/{number}.mp4", **who) for number in range(4)]
    async with run_engine(limits={limit: 3, "quiet_hours": "00:00-23:59"}) as engine:
        first, *others = await engine.submit_many([links[0], links[1], links[1], links[2], links[3]])
        refused = [answer for answer in others if isinstance(answer, LimitReached)]
        assert not isinstance(first, LimitReached)
        # The link that is there twice is one job.
        assert len(refused) == 1
        assert limit in str(refused[0])
        assert others[-1] is refused[0]


async def test_limits_of_a_user_and_of_a_chat_are_their_own(run_engine):
    limits = {"max_jobs_per_user_per_hour": 1, "max_jobs_per_chat_per_hour": 2}
    async with run_engine(limits={**limits, "quiet_hours": "00:00-23:59"}) as engine:
        answers = await engine.submit_many(
            [
                Request(url="https://a.example/1.mp4", user_id=1, chat_id=5),
                Request(url="https://a.example/2.mp4", user_id=1, chat_id=6),
                Request(url="https://a.example/3.mp4", user_id=2, chat_id=5),
                Request(url="https://a.example/4.mp4", user_id=3, chat_id=5),
                Request(url="https://a.example/5.mp4"),
            ]
        )
    assert [isinstance(answer, LimitReached) for answer in answers] == [False, True, False, True, False]
    assert "max_jobs_per_user_per_hour" in str(answers[1])
    assert "max_jobs_per_chat_per_hour" in str(answers[3])
