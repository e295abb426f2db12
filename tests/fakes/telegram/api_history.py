"""Reading back: history, topics' posts, search, single messages (core.telegram.org/api/offsets)."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.api_files import matches
from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.state import Post
from tests.fakes.telegram.view import View, when
from tests.fakes.telegram.wire import Refused

#: The service's longest page.
_PAGE = 100


@answers(functions.messages.GetHistoryRequest)
def _history(call: Call, request: functions.messages.GetHistoryRequest) -> Any:
    _no_bots(call)
    key = call.view.key_of(request.peer)
    return _page(call, key, call.world.posts(call.account, key), request)


@answers(functions.messages.GetRepliesRequest)
def _replies(call: Call, request: functions.messages.GetRepliesRequest) -> Any:
    _no_bots(call)
    key = call.view.key_of(request.peer)
    root = call.world.post_at(call.account, key, request.msg_id)
    posts = call.world.posts(call.account, key)
    found = [
        post
        for post in posts
        if _topic(call, post) == request.msg_id or (root is not None and post.reply_to == root.uid)
    ]
    return _page(call, key, found, request)


@answers(functions.messages.GetDiscussionMessageRequest)
def _discussion(call: Call, request: functions.messages.GetDiscussionMessageRequest) -> Any:
    """The post in the discussion group that stands for a channel's (core.telegram.org/api/discussion)."""
    channel = call.view.chat_of(request.peer)
    key = f"c:{channel.linked}"
    for post in call.world.posts(call.account, key) if channel.linked else ():
        source = post.forwarded
        is_of = source is not None and getattr(source.from_id, "channel_id", 0) == channel.id
        if is_of and source.channel_post == request.msg_id:
            shown = [call.view.message(post)]
            return types.messages.DiscussionMessage(shown, unread_count=0, **call.view.peers([post]))
    raise Refused("MSG_ID_INVALID")


@answers(functions.messages.SearchRequest)
def _search(call: Call, request: functions.messages.SearchRequest) -> Any:
    _no_bots(call)
    if isinstance(request.peer, types.InputPeerEmpty):
        raise Refused("PEER_ID_INVALID")
    key = call.view.key_of(request.peer)
    author = call.view.account_of(request.from_id) if request.from_id else 0
    found = []
    for post in call.world.posts(call.account, key):
        if request.top_msg_id and _topic(call, post) != request.top_msg_id:
            continue
        if author and post.sender != author:
            continue
        if request.q.casefold() in post.text.casefold() and _passes(call, post, request):
            found.append(post)
    return _page(call, key, found, request)


def _passes(call: Call, post: Post, request: functions.messages.SearchRequest) -> bool:
    """Dates and the kind of media."""
    date = when(post.date)
    if (request.min_date and request.min_date.year > 1970 and date <= request.min_date) or (
        request.max_date and request.max_date.year > 1970 and date >= request.max_date
    ):
        return False
    match request.filter:
        case types.InputMessagesFilterEmpty():
            return True
        case types.InputMessagesFilterUrl():
            return any(
                isinstance(one, types.MessageEntityUrl | types.MessageEntityTextUrl) for one in post.entities
            )
    media = post.media
    kept = getattr(media, "document", None) or getattr(media, "photo", None)
    return kept is not None and matches(call.world.state.files[kept.id], request.filter)


def _topic(call: Call, post: Post) -> int:
    """The topic that a post of a forum is in; 1 is "General"."""
    chat = call.world.state.chats.get(int(post.chat[2:])) if post.chat.startswith("c:") else None
    if chat is None or not chat.forum:
        return 0
    number = call.view.number(post)
    return number if number in chat.topics else post.topic or 1


def _page(call: Call, key: str, posts: list[Post], request: Any) -> Any:
    """The window that offset, add_offset and limit cut out of posts (newest first)."""
    view = call.view
    start = 0
    if request.offset_id:
        start = sum(view.number(post) >= request.offset_id for post in posts)
    elif getattr(request, "offset_date", None) and request.offset_date.year > 1970:
        start = sum(when(post.date) >= request.offset_date for post in posts)
    start += request.add_offset
    end = start + min(request.limit, _PAGE)
    found = [
        post
        for post in posts[max(start, 0) : max(end, 0)]
        if view.number(post) > request.min_id and (not request.max_id or view.number(post) < request.max_id)
    ]
    return _messages(call, key, found, len(posts))


def _messages(call: Call, key: str, found: list[Post], total: int) -> Any:
    view = call.view
    common = {
        "messages": [view.message(post) for post in found],
        "topics": [],
        **view.peers(found, [key] if key else []),
    }
    if key.startswith("c:"):
        return types.messages.ChannelMessages(pts=call.world.box(key).pts, count=total, **common)
    if total > len(found):
        return types.messages.MessagesSlice(count=total, **common)
    return types.messages.Messages(**common)


@answers(functions.messages.GetMessagesRequest, functions.channels.GetMessagesRequest)
def _by_number(call: Call, request: Any) -> Any:
    channel = getattr(request, "channel", None)
    key = call.view.key_of(channel) if channel else ""
    found = [_named(call, key or None, one) for one in request.id]
    answer = _messages(call, key, [post for post in found if post is not None], len(found))
    shown = iter(list(answer.messages))
    answer.messages = [
        types.MessageEmpty(one.id, peer_id=None) if post is None else next(shown)
        for one, post in zip(request.id, found, strict=True)
    ]
    if isinstance(answer, types.messages.MessagesSlice):
        return types.messages.Messages(answer.messages, [], answer.chats, answer.users)
    return answer


def _named(call: Call, key: str | None, given: Any) -> Post | None:
    post = call.world.post_at(call.account, key, given.id)
    if isinstance(given, types.InputMessageReplyTo) and post is not None:
        return call.world.state.posts.get(post.reply_to)
    return post


def _no_bots(call: Call) -> None:
    if call.world.state.accounts[call.account].token:
        raise Refused("BOT_METHOD_INVALID")


def newest(view: View, posts: list[Post]) -> int:
    """The number of the first of posts (newest first); 0 for none."""
    return view.number(posts[0]) if posts else 0
