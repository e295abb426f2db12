"""Sending, editing, deleting, forwarding, reacting (core.telegram.org/method/messages.sendMessage and its
neighbours: the errors named there are the ones given here).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.api_files import media_of
from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.state import Post
from tests.fakes.telegram.view import when
from tests.fakes.telegram.wire import Refused
from tests.fakes.telegram.world import Change, units

_TEXT, _CAPTION, _CAPTION_PREMIUM = 4096, 1024, 4096


@answers(functions.messages.SendMessageRequest)
def _send(call: Call, request: functions.messages.SendMessageRequest) -> types.Updates:
    def make(key: str) -> Change:
        if not request.message:
            raise Refused("MESSAGE_EMPTY")
        if units(request.message) > _TEXT:
            raise Refused("MESSAGE_TOO_LONG")
        change = _publish(call, key, request, request.message)
        if request.no_webpage:
            change.post.media = None
        return change

    return _once(call, request.peer, [(request.random_id, make)])


@answers(functions.messages.SendMediaRequest)
def _send_media(call: Call, request: functions.messages.SendMediaRequest) -> types.Updates:
    def make(key: str) -> Change:
        _check_caption(call, request.message)
        _place(call, key, request.reply_to)  # A message that is refused leaves the upload as it is.
        return _publish(call, key, request, request.message, media=media_of(call, request.media))

    return _once(call, request.peer, [(request.random_id, make)])


@answers(functions.messages.SendMultiMediaRequest)
def _send_album(call: Call, request: functions.messages.SendMultiMediaRequest) -> types.Updates:
    if not 1 <= len(request.multi_media) <= 10:
        raise Refused("MULTI_MEDIA_TOO_LONG")
    album = call.server.random_id()

    def maker(single: Any) -> Callable[[str], Change]:
        def make(key: str) -> Change:
            _check_caption(call, single.message)
            media = media_of(call, single.media)
            entities = single.entities or []
            where = _place(call, key, request.reply_to)
            return call.world.publish(
                call.account, key, single.message, media=media, album=album, entities=entities, **where
            )

        return make

    return _once(call, request.peer, [(one.random_id, maker(one)) for one in request.multi_media])


def _check_caption(call: Call, text: str) -> None:
    premium = call.world.state.accounts[call.account].premium
    if units(text) > (_CAPTION_PREMIUM if premium else _CAPTION):
        raise Refused("MEDIA_CAPTION_TOO_LONG")


def _publish(call: Call, key: str, request: Any, text: str, **fields: Any) -> Change:
    fields |= {"silent": bool(request.silent), **_place(call, key, request.reply_to)}
    return call.world.publish(
        call.account, key, text, entities=request.entities or [], markup=request.reply_markup, **fields
    )


def _place(call: Call, key: str, reply_to: Any) -> dict[str, int]:
    """Which post is answered and in which topic: the number of a topic stands for the topic itself."""
    if reply_to is None:
        return {}
    if not isinstance(reply_to, types.InputReplyToMessage):
        raise Refused("REPLY_TO_INVALID")
    chat = call.world.state.chats.get(int(key[2:])) if key.startswith("c:") else None
    number = reply_to.reply_to_msg_id
    if chat and chat.forum and number in chat.topics:
        return {"topic": number}
    answered = call.world.post_at(call.account, key, number)
    if answered is None:
        raise Refused("REPLY_MESSAGE_ID_INVALID")
    return {"reply_to": answered.uid, "topic": answered.topic}


def _once(call: Call, peer: Any, wanted: list[tuple[int, Callable[[str], Change]]]) -> types.Updates:
    """Make each post once per random_id.

    A random_id that was used before is answered with the post it made and pts_count 0, as the service was
    seen to do (hydrogram/hydrogram, issue 70).
    Scripted faults stand for RANDOM_ID_DUPLICATE, its other answer.
    """
    key = call.view.key_of(peer)
    call.world.may_write(call.account, key)
    sent = call.world.state.sent
    shown, fresh, before = [], [], []
    for random_id, make in wanted:
        if not random_id:
            raise Refused("RANDOM_ID_EMPTY")
        name = f"{call.account}:{random_id}"
        if name in sent:
            change = _repeated(call, call.world.state.posts[sent[name]])
            call.server.counts["random_id again"] += 1
        else:
            change = make(key)
            sent[name] = change.post.uid
            fresh.append(change)
        shown.append(change)
        before.append(types.UpdateMessageID(call.view.number(change.post), random_id))
    call.world.announce(fresh, skip=call.connection)
    return call.world.updates(call.account, shown, before)


def _repeated(call: Call, post: Post) -> Change:
    boxes = call.world.boxes(post.chat)
    made = {
        who: next(one for one in box.events if one.kind == "new" and post.uid in one.uids)
        for who, box in boxes.items()
        if who in post.numbers
    }
    old = {who: type(one)(one.pts, 0, one.kind, one.date, one.uids) for who, one in made.items()}
    return Change(post, "new", old)


@answers(functions.messages.ForwardMessagesRequest)
def _forward(call: Call, request: functions.messages.ForwardMessagesRequest) -> types.Updates:
    source = call.view.key_of(request.from_peer)
    state = call.world.state
    if source[0] in "cg" and state.chats[int(source[2:])].noforwards:
        raise Refused("CHAT_FORWARDS_RESTRICTED")
    topic = {"topic": request.top_msg_id} if request.top_msg_id else {}

    def maker(number: int) -> Callable[[str], Change]:
        post = call.world.post_at(call.account, source, number)
        if post is None:
            raise Refused("MESSAGE_ID_INVALID")
        author = call.view.message(post).from_id or call.view.peer(source)
        header = post.forwarded or types.MessageFwdHeader(when(post.date), from_id=author)

        def make(key: str) -> Change:
            return call.world.publish(
                call.account,
                key,
                post.text,
                media=post.media,
                entities=post.entities,
                markup=post.markup,
                forwarded=header,
                **topic,
            )

        return make

    pairs = zip(request.random_id, request.id, strict=True)
    return _once(call, request.to_peer, [(random_id, maker(number)) for random_id, number in pairs])


@answers(functions.messages.EditMessageRequest)
def _edit(call: Call, request: functions.messages.EditMessageRequest) -> types.Updates:
    key = call.view.key_of(request.peer)
    post = call.world.post_at(call.account, key, request.id)
    if post is None or post.action:
        raise Refused("MESSAGE_ID_INVALID")
    if post.sender != call.account:
        raise Refused("MESSAGE_AUTHOR_REQUIRED", 403)
    fields: dict[str, Any] = {}
    if request.message is not None and request.message != post.text:
        if units(request.message) > _TEXT:
            raise Refused("MESSAGE_TOO_LONG")
        fields |= {"text": request.message, "entities": request.entities or []}
    if request.media is not None:
        fields["media"] = media_of(call, request.media)
    if request.reply_markup is not None:
        fields["markup"] = request.reply_markup
    if not fields:
        raise Refused("MESSAGE_NOT_MODIFIED")
    change = call.world.edit(post, **fields)
    call.world.announce([change], skip=call.connection)
    return call.world.updates(call.account, [change])


@answers(functions.messages.DeleteMessagesRequest, functions.channels.DeleteMessagesRequest)
def _delete(call: Call, request: Any) -> types.messages.AffectedMessages:
    channel = getattr(request, "channel", None)
    key = call.view.key_of(channel) if channel else None
    found = [call.world.post_at(call.account, key, number) for number in request.id]
    posts = [post for post in found if post is not None]
    for post in posts:
        if key and call.account not in {post.sender, call.world.state.chats[int(key[2:])].creator}:
            raise Refused("MESSAGE_DELETE_FORBIDDEN", 403)
    for change in call.world.delete(posts):
        call.world.announce([change], skip=call.connection)
    box = call.world.box_for(call.account, key or f"u:{call.account}")
    return types.messages.AffectedMessages(box.pts, len(posts))


@answers(functions.messages.SendReactionRequest)
def _react(call: Call, request: functions.messages.SendReactionRequest) -> types.Updates:
    key = call.view.key_of(request.peer)
    post = call.world.post_at(call.account, key, request.msg_id)
    if post is None:
        raise Refused("MESSAGE_ID_INVALID")
    given = [one for one in request.reaction or [] if not isinstance(one, types.ReactionEmpty)]
    emojis = [one.emoticon for one in given if isinstance(one, types.ReactionEmoji)]
    if len(emojis) != len(given) or not set(emojis) <= call.server.reactions:
        raise Refused("REACTION_INVALID")
    call.world.react(call.account, post, emojis)
    call.world.announce_reactions(post, skip=call.connection)
    return call.world.reaction_updates(call.account, post)
