"""People, chats, dialogs, topics (core.telegram.org/api/peers, /api/forum, /api/channel)."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.api_history import newest
from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.state import Chat, Post
from tests.fakes.telegram.view import chat_key, private_key, when
from tests.fakes.telegram.wire import Refused


@answers(functions.users.GetUsersRequest)
def _users(call: Call, request: functions.users.GetUsersRequest) -> list[Any]:
    found = []
    for given in request.id:
        try:
            found.append(call.view.user(call.world.state.accounts[call.view.account_of(given)]))
        except Refused:
            found.append(types.UserEmpty(given.user_id))
    return found


@answers(functions.channels.GetChannelsRequest)
def _channels(call: Call, request: functions.channels.GetChannelsRequest) -> types.messages.Chats:
    return types.messages.Chats([call.view.chat(call.view.chat_of(one)) for one in request.id])


@answers(functions.messages.GetChatsRequest)
def _chats(call: Call, request: functions.messages.GetChatsRequest) -> types.messages.Chats:
    keys = [call.view.key_of(types.InputPeerChat(number)) for number in request.id]
    return types.messages.Chats(call.view.peers_of(keys)["chats"])


@answers(functions.contacts.ResolveUsernameRequest)
def _resolve(call: Call, request: functions.contacts.ResolveUsernameRequest) -> types.contacts.ResolvedPeer:
    wanted = request.username.lower()
    state = call.world.state
    for account in state.accounts.values():
        if account.username.lower() == wanted:
            peers = call.view.peers_of([], [account.id])
            return types.contacts.ResolvedPeer(types.PeerUser(account.id), **peers)
    for chat in state.chats.values():
        if chat.username.lower() == wanted:
            peers = call.view.peers_of([chat_key(chat)])
            return types.contacts.ResolvedPeer(types.PeerChannel(chat.id), **peers)
    raise Refused("USERNAME_NOT_OCCUPIED")


@answers(functions.channels.JoinChannelRequest)
def _join(call: Call, request: functions.channels.JoinChannelRequest) -> types.Updates:
    chat = call.view.chat_of(request.channel)
    if call.account not in chat.members:
        chat.members.append(call.account)
    return types.Updates(
        [types.UpdateChannel(chat.id)], [], [call.view.chat(chat)], when(call.server.now()), 0
    )


@answers(functions.channels.LeaveChannelRequest)
def _leave(call: Call, request: functions.channels.LeaveChannelRequest) -> types.Updates:
    chat = call.view.chat_of(request.channel)
    if call.account not in chat.members:
        raise Refused("USER_NOT_PARTICIPANT")
    chat.members.remove(call.account)
    return types.Updates(
        [types.UpdateChannel(chat.id)], [], [call.view.chat(chat)], when(call.server.now()), 0
    )


@answers(functions.channels.GetParticipantRequest)
def _participant(call: Call, request: functions.channels.GetParticipantRequest) -> Any:
    chat = call.view.chat_of(request.channel)
    account = call.view.account_of(request.participant)
    if account not in chat.members:
        raise Refused("USER_NOT_PARTICIPANT")
    date = when(chat.date)
    if account == chat.creator:
        rights = types.ChatAdminRights(post_messages=True, delete_messages=True)
        who: Any = types.ChannelParticipantCreator(account, rights)
    elif account == call.account:
        who = types.ChannelParticipantSelf(account, account, date)
    else:
        who = types.ChannelParticipant(account, date)
    return types.channels.ChannelParticipant(who, **call.view.peers_of([chat_key(chat)], [account]))


# -- dialogs --------------------------------------------------------------------------------------------


@answers(functions.messages.GetDialogsRequest)
def _dialogs(call: Call, request: functions.messages.GetDialogsRequest) -> Any:
    if call.world.state.accounts[call.account].token:
        raise Refused("BOT_METHOD_INVALID")
    found = _ordered(call)
    if request.folder_id:
        found = []
    if not isinstance(request.offset_peer, types.InputPeerEmpty):
        after = call.view.key_of(request.offset_peer)
        keys = [key for key, _ in found]
        found = found[keys.index(after) + 1 :] if after in keys else []
    rest = len(found)
    found = found[: request.limit]
    answer = _shown(call, found)
    if len(found) < rest:
        return types.messages.DialogsSlice(count=rest, **answer)
    return types.messages.Dialogs(**answer)


@answers(functions.messages.GetPeerDialogsRequest)
def _peer_dialogs(
    call: Call, request: functions.messages.GetPeerDialogsRequest
) -> types.messages.PeerDialogs:
    keys = [call.view.key_of(one.peer) for one in request.peers]
    found = [(key, call.world.posts(call.account, key)) for key in keys]
    return types.messages.PeerDialogs(state=call.server.state_of(call.account), **_shown(call, found))


def _ordered(call: Call) -> list[tuple[str, list[Post]]]:
    """The caller's chats that hold something, newest first."""
    state = call.world.state
    keys = [chat_key(chat) for chat in state.chats.values() if call.account in chat.members]
    keys += [private_key(call.account, other) for other in state.accounts]
    found = [(key, call.world.posts(call.account, key)) for key in keys]
    kept = [(key, posts) for key, posts in found if posts]
    return sorted(kept, key=lambda one: (one[1][0].date, one[1][0].uid), reverse=True)


def _shown(call: Call, found: list[tuple[str, list[Post]]]) -> dict[str, Any]:
    tops = [posts[0] for _, posts in found if posts]
    return {
        "dialogs": [dialog_of(call, key, posts) for key, posts in found],
        "messages": [call.view.message(post) for post in tops],
        **call.view.peers(tops, [key for key, _ in found]),
    }


def dialog_of(call: Call, key: str, posts: list[Post]) -> types.Dialog:
    """A chat as a row of the list."""
    return types.Dialog(
        peer=call.view.peer(key),
        top_message=newest(call.view, posts),
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=call.world.box(key).pts if key.startswith("c:") else None,
    )


@answers(functions.messages.ReadHistoryRequest)
def _read(call: Call, request: functions.messages.ReadHistoryRequest) -> types.messages.AffectedMessages:
    call.view.key_of(request.peer)
    return types.messages.AffectedMessages(call.world.box(f"u:{call.account}").pts, 0)


@answers(functions.channels.ReadHistoryRequest, functions.messages.SetTypingRequest)
def _seen(call: Call, request: Any) -> bool:
    call.view.key_of(getattr(request, "peer", None) or request.channel)
    return True


@answers(functions.account.UpdateStatusRequest)
def _status(_: Call, __: Any) -> bool:
    return True


# -- topics ---------------------------------------------------------------------------------------------


@answers(functions.messages.GetForumTopicsRequest)
def _topics(call: Call, request: functions.messages.GetForumTopicsRequest) -> types.messages.ForumTopics:
    chat = _forum(call, request.peer)
    wanted = [
        number for number, title in chat.topics.items() if (request.q or "").casefold() in title.casefold()
    ]
    wanted.sort(reverse=True)
    after = [number for number in wanted if not request.offset_topic or number < request.offset_topic]
    return _listed(call, chat, after[: request.limit], len(wanted))


@answers(functions.messages.GetForumTopicsByIDRequest)
def _topics_by_number(call: Call, request: Any) -> types.messages.ForumTopics:
    chat = _forum(call, request.peer)
    found = [number for number in request.topics if number in chat.topics]
    return _listed(call, chat, found, len(found))


def _forum(call: Call, peer: Any) -> Chat:
    chat = call.view.chat_of(peer)
    if not chat.forum:
        raise Refused("CHANNEL_FORUM_MISSING")
    return chat


def _listed(call: Call, chat: Chat, numbers: list[int], total: int) -> types.messages.ForumTopics:
    key = chat_key(chat)
    posts = call.world.posts(call.account, key)
    tops, topics = [], []
    for number in numbers:
        inside = [post for post in posts if (post.topic or 1) == number or call.view.number(post) == number]
        tops += inside[:1]
        topics.append(
            types.ForumTopic(
                id=number,
                date=when(chat.date),
                peer=types.PeerChannel(chat.id),
                title=chat.topics[number],
                icon_color=0x6FB9F0,
                top_message=newest(call.view, inside),
                read_inbox_max_id=0,
                read_outbox_max_id=0,
                unread_count=0,
                unread_mentions_count=0,
                unread_reactions_count=0,
                unread_poll_votes_count=0,
                from_id=types.PeerUser(chat.creator),
                notify_settings=types.PeerNotifySettings(),
            )
        )
    return types.messages.ForumTopics(
        count=total,
        topics=topics,
        messages=[call.view.message(post) for post in tops],
        pts=call.world.box(key).pts,
        **call.view.peers(tops, [key]),
    )
