"""Two or more real clients talk through the loopback Telegram."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, events, utils
from telethon.tl import functions, types

from tests.fakes.telegram import FakeTelegram


@pytest.fixture
async def tg(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


@pytest.fixture
async def people(tg, tmp_path):
    """Alice and Bob with a client each, in this order."""
    alice, bob = tg.add_user("Alice", username="alice"), tg.add_user("Bob", username="bob")
    clients = []
    for account in (alice, bob):
        client = tg.client(tmp_path / f"{account.username}.session")
        await tg.log_in(client, account)
        clients.append(client)
    yield (alice, clients[0]), (bob, clients[1])
    for client in clients:
        await client.disconnect()


def inbox(client, event=None):
    """What a client is told of, as it comes."""
    heard: asyncio.Queue = asyncio.Queue()
    client.add_event_handler(heard.put, event or events.NewMessage())
    return heard


async def heard_from(queue):
    async with asyncio.timeout(10):
        return await queue.get()


async def test_a_text_reaches_the_other_client_and_the_sender_knows_its_number(tg, people):
    (_, a), (_bob, b) = people
    heard = inbox(b)
    sent = await a.send_message("bob", "see **this** https://x.example/1")
    event = await heard_from(heard)
    assert (event.raw_text, event.is_private) == ("see this https://x.example/1", True)
    assert [text for _, text in event.message.get_entities_text(types.MessageEntityUrl)] == [
        "https://x.example/1"
    ]
    assert (await event.get_sender()).username == "alice"
    assert sent.out
    assert sent.id == 1
    assert (await a.get_messages("bob", ids=sent.id)).raw_text == sent.raw_text


async def test_links_are_found_with_utf16_offsets_and_without_scheme(tg, people):
    (_, a), _ = people
    sent = await a.send_message("bob", "🎉🎉 t.me/x/1 and /help")
    found = {type(entity): text for entity, text in sent.get_entities_text()}
    assert found == {types.MessageEntityUrl: "t.me/x/1", types.MessageEntityBotCommand: "/help"}


async def test_another_session_of_the_sender_hears_of_it_too(tg, people, tmp_path):
    (alice, a), _ = people
    second = tg.client(tmp_path / "second.session")
    await tg.log_in(second, alice)
    heard = inbox(second)
    await a.send_message("bob", "hello")
    assert (await heard_from(heard)).out
    await second.disconnect()


async def test_history_pages_in_both_directions(tg, people):
    (alice, a), (bob, _) = people
    for number in range(250):
        tg.post(bob, alice, f"{number}")
    newest_first = [message.raw_text async for message in a.iter_messages("bob")]
    assert newest_first == [f"{number}" for number in reversed(range(250))]
    middle = [m async for m in a.iter_messages("bob", reverse=True, min_id=100)]
    assert [message.id for message in middle] == list(range(101, 251))
    assert (await a.get_messages("bob", limit=1)).total == 250
    found = await a.get_messages("bob", search="24", limit=None)
    assert {m.raw_text for m in found} == {"24", "124", "224", *(f"24{n}" for n in range(10))}


async def test_groups_supergroups_and_channels_are_dialogs(tg, people):
    (alice, a), (bob, b) = people
    group = tg.add_group("Group", alice, bob)
    supergroup = tg.add_supergroup("Super", alice, bob)
    channel = tg.add_channel("News", alice, bob, username="news")
    heard = inbox(b)
    tg.post(alice, bob, "private")
    await heard_from(heard)
    dialogs = await b.get_dialogs()
    assert [(one.name, one.is_group, one.is_channel) for one in dialogs] == [
        ("Alice", False, False),
        ("News", False, True),
        ("Super", True, True),
        ("Group", True, False),
    ]
    peers = {dialog.name: dialog.entity for dialog in await a.get_dialogs()}
    event = None
    for chat, name in ((group, "Group"), (supergroup, "Super"), (channel, "News")):
        await a.send_message(peers[name], f"to {name}")
        event = await heard_from(heard)
        assert (event.raw_text, (await event.get_chat()).title) == (f"to {name}", chat.title)
    with pytest.raises(errors.ChatWriteForbiddenError):
        await b.send_message("news", "not mine")
    assert event.sender_id == utils.get_peer_id(types.PeerChannel(channel.id))


async def test_more_dialogs_than_a_page(tg, people):
    (alice, a), (bob, _) = people
    for number in range(150):
        tg.add_supergroup(f"S{number}", alice, bob)
    assert len(await a.get_dialogs()) == 150


async def test_topics_are_listed_and_answers_stay_inside(tg, people):
    (alice, a), (bob, b) = people
    forum = tg.add_supergroup("Forum", alice, bob, topics=["Music", "Films"])
    music = next(number for number, title in forum.topics.items() if title == "Music")
    await b.get_dialogs()
    await a.get_dialogs()
    heard = inbox(b)
    peer = utils.get_peer_id(types.PeerChannel(forum.id))
    question = await a.send_message(peer, "a song?", reply_to=music)
    event = await heard_from(heard)
    header = event.message.reply_to
    assert (header.forum_topic, header.reply_to_msg_id, header.reply_to_top_id) == (True, music, None)
    answer = await event.reply("this one")
    header = answer.reply_to
    assert (header.forum_topic, header.reply_to_msg_id, header.reply_to_top_id) == (True, question.id, music)
    await a.send_message(peer, "in general")
    topics = await a(
        functions.messages.GetForumTopicsRequest(await a.get_input_entity(peer), None, 0, 0, 100)
    )
    assert {topic.title: topic.id for topic in topics.topics} == {
        title: number for number, title in forum.topics.items()
    }
    inside = await a.get_messages(peer, reply_to=music, limit=None)
    assert [message.raw_text for message in inside if not message.action] == ["this one", "a song?"]
    general = await a.get_messages(peer, reply_to=1, limit=None)
    assert [message.raw_text for message in general if not message.action] == ["in general"]


async def test_names_are_resolved_and_private_channels_are_closed(tg, people, tmp_path):
    (alice, a), (_, b) = people
    open_one = tg.add_channel("Open", alice, username="open_one")
    closed = tg.add_channel("Closed", alice)
    tg.post(alice, open_one, "for all")
    assert [m.raw_text for m in await b.get_messages("open_one", limit=1)] == ["for all"]
    with pytest.raises(ValueError, match="No user has"):
        await b.get_entity("nobody_here")
    await a.get_dialogs()
    mine = await a.get_input_entity(types.PeerChannel(closed.id))
    with pytest.raises(errors.ChannelInvalidError):  # Another account's access hash.
        await b.get_messages(mine, limit=1)
    own_hash = tg.world.view(people[1][0].id).hash("channel", closed.id)
    with pytest.raises(errors.ChannelPrivateError):
        await b.get_messages(types.InputPeerChannel(closed.id, own_hash), limit=1)


async def test_edits_and_deletions_are_told(tg, people):
    (alice, a), (bob, b) = people
    edited, deleted = inbox(b, events.MessageEdited()), inbox(b, events.MessageDeleted())
    sent = await a.send_message("bob", "one")
    await sent.edit("two https://x.example")
    event = await heard_from(edited)
    assert event.raw_text == "two https://x.example"
    assert event.message.edit_date
    with pytest.raises(errors.MessageNotModifiedError):
        await sent.edit("two https://x.example")
    theirs = tg.post(bob, alice, "mine")
    with pytest.raises(errors.MessageAuthorRequiredError):
        await a.edit_message("bob", theirs.numbers[alice.id], "yours")
    await sent.delete()
    assert (await heard_from(deleted)).deleted_ids == [event.id]
    assert await a.get_messages("bob", ids=sent.id) is None


async def test_reactions_are_told_and_seen(tg, people):
    (_, a), (_, b) = people
    raw = inbox(a, events.Raw(types.UpdateMessageReactions))
    heard = inbox(b)
    sent = await a.send_message("bob", "look")
    event = await heard_from(heard)
    react = functions.messages.SendReactionRequest
    peer = await b.get_input_entity("alice")
    await b(react(peer, event.id, reaction=[types.ReactionEmoji("👀")]))
    update = await heard_from(raw)
    assert (update.msg_id, update.reactions.results[0].reaction.emoticon) == (sent.id, "👀")
    seen = await a.get_messages("bob", ids=sent.id)
    assert seen.reactions.results[0].count == 1
    with pytest.raises(errors.ReactionInvalidError):
        await b(react(peer, event.id, reaction=[types.ReactionEmoji("🧨")]))


async def test_forwards_name_their_source_and_may_be_forbidden(tg, people):
    (alice, a), (_bob, b) = people
    channel = tg.add_channel("News", alice, username="news")
    post = tg.post(alice, channel, "read https://x.example/news")
    heard = inbox(b)
    await a.forward_messages("bob", post.numbers[0], "news")
    event = await heard_from(heard)
    assert event.message.fwd_from.from_id.channel_id == channel.id
    assert event.raw_text == post.text
    channel.noforwards = True
    with pytest.raises(errors.ChatForwardsRestrictedError):
        await a.forward_messages("bob", post.numbers[0], "news")


async def test_previews_and_buttons_carry_links(tg, people):
    (alice, _), (bob, b) = people
    tg.world.pages["https://x.example/page"] = "A page"
    heard = inbox(b)
    tg.post(alice, bob, "https://x.example/page")
    assert (await heard_from(heard)).message.media.webpage.title == "A page"
    button = types.KeyboardInlineButton("Go", types.InlineButtonTypeUrl("https://x.example/button"))
    tg.post(alice, bob, "press", markup=types.ReplyInlineMarkup([types.KeyboardInlineButtonRow([button])]))
    message = (await heard_from(heard)).message
    assert message.buttons[0][0].url == "https://x.example/button"


async def test_the_same_random_id_makes_one_message(tg, people):
    (alice, a), (bob, _) = people
    peer = await a.get_input_entity("bob")
    request = functions.messages.SendMessageRequest(peer, "once", random_id=77)
    first, again = await a(request), await a(request)
    assert [update.id for update in (first.updates[0], again.updates[0])] == [1, 1]
    assert again.updates[1].pts_count == 0
    assert [post.text for post in tg.posts(alice, bob)] == ["once"]


async def test_an_answer_lost_with_the_connection_makes_no_second_message(tg, people):
    (alice, a), (bob, _) = people
    await a.get_input_entity("bob")
    tg.drop("messages.sendMessage", after=True)
    sent = await a.send_message("bob", "once")
    assert sent.id == 1
    assert [post.text for post in tg.posts(alice, bob)] == ["once"]
    assert tg.counts["messages.sendMessage"] == 2
    assert tg.counts["random_id again"] == 1


async def test_a_flood_is_raised_with_its_seconds_and_impatience_is_counted(tg, people):
    (_, a), _ = people
    a.flood_sleep_threshold = 0
    tg.fail("messages.sendMessage", "FLOOD_WAIT_5")
    with pytest.raises(errors.FloodWaitError) as caught:
        await a.send_message("bob", "too fast")
    assert caught.value.seconds == 5
    tg.flood("messages.sendMedia", 300)
    a._flood_waited_requests.clear()
    media = types.InputMediaContact("1", "A", "B", "")
    peer = await a.get_input_entity("bob")
    for impatient in (0, 1):
        with pytest.raises(errors.FloodWaitError):
            await a(functions.messages.SendMediaRequest(peer, media, ""))
        a._flood_waited_requests.clear()
        assert tg.script.impatient["messages.sendMedia"] == impatient
    tg.script.clear()
    assert (await a.send_message("bob", "slowly")).id == 1


async def test_a_server_error_is_repeated_by_the_client(tg, people):
    (_, a), _ = people
    a._request_retries = 0
    tg.fail("messages.sendMessage", "RPC_CALL_FAIL")
    with pytest.raises(ValueError, match="unsuccessful"):
        await a.send_message("bob", "never")


async def test_answers_are_late_by_the_latency_and_overlap(tg, people):
    (_, a), _ = people
    await a.get_input_entity("bob")
    tg.latency_s = 0.2
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(*(a.send_message("bob", f"{number}") for number in range(10)))
    assert 0.2 <= loop.time() - start < 1.5
    tg.latency_s = 0


async def test_a_channels_post_leads_to_its_comments(tg, people):
    (alice, a), _ = people
    channel = tg.add_channel("News", alice, username="newsroom")
    group = tg.add_supergroup("Talk", alice)
    post = tg.post(alice, channel, "what do you say?")
    ask = functions.messages.GetDiscussionMessageRequest("newsroom", post.numbers[0])
    with pytest.raises(errors.MsgIdInvalidError):
        await a(ask)
    channel.linked = group.id
    source = types.PeerChannel(channel.id)
    head = types.MessageFwdHeader(post.date, from_id=source, channel_post=post.numbers[0])
    stands_for = tg.post(alice, group, "what do you say?", forwarded=head)
    found = await a(ask)
    assert [(each.id, each.peer_id.channel_id) for each in found.messages] == [
        (stands_for.numbers[0], group.id)
    ]


async def test_voices_and_round_films_are_found_together(tg, people):
    (alice, a), (bob, _) = people
    sent = {
        name: tg.post(bob, alice, name, file=b"x", attributes=[attribute])
        for name, attribute in {
            "voice": types.DocumentAttributeAudio(1, voice=True),
            "music": types.DocumentAttributeAudio(1),
            "round": types.DocumentAttributeVideo(1, 1, 1, round_message=True),
            "film": types.DocumentAttributeVideo(1, 1, 1),
        }.items()
    }
    assert len(sent) == 4
    for kind, expected in (
        (types.InputMessagesFilterRoundVoice, ["round", "voice"]),
        (types.InputMessagesFilterVideo, ["film"]),
        (types.InputMessagesFilterMusic, ["music"]),
    ):
        found = await a.get_messages("bob", limit=None, filter=kind())
        assert [message.raw_text for message in found] == expected
