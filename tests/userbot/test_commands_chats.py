"""Commands that change the rules of chats."""

from __future__ import annotations

import pytest

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.job import Kind
from tests.userbot.commanding import desk, make_desk
from tests.userbot.conftest import marked

__all__ = ["desk", "make_desk"]


async def rules(desk):
    """All rules by chat and topic."""
    return {(one.chat_id, one.topic_id): one for one in await desk.engine.chat_rules()}


@pytest.fixture
def forum(telegram, account, friend):
    return telegram.add_supergroup("Forum", account, friend, username="forum_x", topics=["Films", "Talk"])


def topic_of(forum, title):
    return next(number for number, name in forum.topics.items() if name == title)


async def test_a_named_chat_is_watched_from_saved_messages(desk, forum):
    answer = await desk.say("/watch @forum_x")
    assert answer.splitlines()[:2] == ["✅ Watching Forum", "Every link becomes a job."]
    assert await rules(desk) == {
        (marked(forum), 0): ChatRules(chat_id=marked(forum), title="Forum", mode=ChatMode.AUTO)
    }


async def test_all_rules_are_set_by_words(desk, forum):
    answer = await desk.say(
        "/watch command sources=youtube,direct kind=audio quality=audio_192 reply=off archive=off"
        f" feedback=status {marked(forum)}"
    )
    assert (await rules(desk))[marked(forum), 0] == ChatRules(
        chat_id=marked(forum),
        title="Forum",
        mode=ChatMode.COMMAND,
        sources=("youtube", "direct"),
        kind=Kind.AUDIO,
        quality="audio_192",
        archive=False,
        reply=False,
        feedback=Feedback.STATUS,
    )
    assert "Sources: youtube, direct" in answer
    assert "Wanted: audio audio_192" in answer
    assert "Files: not sent back, deleted once sent" in answer


async def test_what_is_not_said_stays(desk, forum):
    await desk.say("/watch command quality=720p @forum_x")
    await desk.say("/watch auto sources=direct @forum_x")
    now = (await rules(desk))[marked(forum), 0]
    assert (now.mode, now.quality, now.sources) == (ChatMode.AUTO, "720p", ("direct",))
    await desk.say("/watch command @forum_x")
    await desk.say("/watch sources=all @forum_x")
    now = (await rules(desk))[marked(forum), 0]
    assert (now.mode, now.sources) == (ChatMode.COMMAND, None)


async def test_the_current_chat_is_meant_where_none_is_named(desk, friend):
    group = desk.telegram.add_group("Films", desk.account, friend)
    await desk.watch(group, ChatMode.COMMAND)
    assert "Watching Films" in await desk.say("/watch auto", group)
    assert (await rules(desk))[marked(group), 0].mode is ChatMode.AUTO
    assert "Watching Saved Messages" in await desk.say("/watch")


async def test_in_a_topic_the_topic_is_meant(desk, forum):
    await desk.watch(forum, ChatMode.COMMAND, quality="480p")
    films = topic_of(forum, "Films")
    (answer,) = await desk.type("/watch auto", forum, topic=films)
    assert answer.topic == films
    assert answer.text.startswith("✅ Watching Forum / Films\n")
    known = await rules(desk)
    assert (known[marked(forum), films].mode, known[marked(forum), films].quality) == (ChatMode.AUTO, "480p")
    assert known[marked(forum), 0].mode is ChatMode.COMMAND
    await desk.say("/watch auto topic=0", forum, topic=films)
    assert (await rules(desk))[marked(forum), 0].mode is ChatMode.AUTO


async def test_a_topic_is_unwatched_while_its_chat_goes_on(desk, forum):
    await desk.watch(forum)
    films = topic_of(forum, "Films")
    assert "No longer watching Forum / Films" in await desk.say("/unwatch", forum, topic=films)
    known = await rules(desk)
    assert (known[marked(forum), films].mode, known[marked(forum), 0].mode) == (ChatMode.OFF, ChatMode.AUTO)
    assert await desk.say("/health", forum, topic=films) == ""


async def test_a_chat_is_unwatched_and_then_shut(desk, forum):
    await desk.watch(forum)
    assert "No longer watching Forum" in await desk.say("/unwatch topic=0", forum)
    assert await rules(desk) == {}
    assert await desk.say("/watch", forum) == ""
    (*_, note) = desk.telegram.posts(desk.account, desk.account)
    assert note.text.splitlines()[0] == "ℹ Forum is not watched: commands do nothing there."
    assert note.text.splitlines()[1] == f"To watch it: /watch {marked(forum)} topic=1"
    assert "Forum is not watched" in await desk.say("/unwatch @forum_x")


async def test_where_the_account_only_reads_nothing_is_sent_back_or_shown(desk, telegram, friend):
    theirs = telegram.add_channel("News", friend, desk.account)
    closed = telegram.add_supergroup("Hall", friend, desk.account)
    small = telegram.add_group("Board", friend, desk.account)
    closed.read_only = small.read_only = True
    own = telegram.add_channel("Mine", desk.account, friend)
    for chat in (theirs, closed, small, own):
        telegram.post(telegram.state.accounts[chat.creator], chat, "hello")
    for chat in (theirs, closed, small):
        assert "Files: not sent back, kept\nFeedback: none" in await desk.say(f"/watch {marked(chat)}")
    assert "Files: sent back, kept\nFeedback: reaction" in await desk.say(f"/watch {marked(own)}")


async def test_archiving_is_switched_by_chat(desk, friend):
    group = desk.telegram.add_group("Films", desk.account, friend)
    await desk.watch(group)
    assert await desk.say("/archive_off", group) == "✅ Files are deleted once they were sent: Films"
    assert (await rules(desk))[marked(group), 0].archive is False
    assert await desk.say(f"/archive_on {marked(group)}") == "✅ Files are kept: Films"
    assert (await rules(desk))[marked(group), 0] == ChatRules(
        chat_id=marked(group), title="Films", mode=ChatMode.AUTO
    )


WRONG = {
    "sources=nowhere @forum_x": "nowhere",
    "kind=film @forum_x": "auto, video, audio",
    "feedback=bells @forum_x": "reaction, status, none",
    "reply=perhaps @forum_x": "neither on nor off",
    "color=red @forum_x": "color= is not known",
    "@forum_x @other": "2 chats are named",
    "@nobody_here": "nobody_here",
    "quality=4000 @forum_x": "no quality",
    "!!": "names no chat",
}


async def test_wrong_rules_are_refused_and_change_nothing(desk, forum):
    for arguments, words in WRONG.items():
        answer = await desk.say(f"/watch {arguments}")
        assert answer.startswith("❌")
        assert words in answer
    assert await rules(desk) == {}


async def test_rules_are_changed_by_people_and_written_down(desk, forum):
    await desk.say("/watch command @forum_x quality=720p")
    (row,) = await desk.audit()
    assert (row.action, row.data["arguments"]) == ("command.watch", "command @forum_x quality=720p")


async def test_a_title_of_a_chat_is_remote_text(desk, friend):
    group = desk.telegram.add_group("@all \u202eevil", desk.account, friend)
    assert "\u202e" not in await desk.say(f"/watch {marked(group)}")
