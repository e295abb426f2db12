"""Catching up (core.telegram.org/api/updates#recovering-gaps): differences of an account and of a channel."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.api_chats import dialog_of
from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.state import Box, Event, Post
from tests.fakes.telegram.view import chat_key, when
from tests.fakes.telegram.wire import Refused
from tests.fakes.telegram.world import update_of


@answers(functions.updates.GetStateRequest)
def _state(call: Call, _: Any) -> types.updates.State:
    return call.server.state_of(call.account)


@answers(functions.updates.GetDifferenceRequest)
def _difference(call: Call, request: functions.updates.GetDifferenceRequest) -> Any:
    if not request.pts:
        raise Refused("PERSISTENT_TIMESTAMP_EMPTY")
    box = call.world.box(f"u:{call.account}")
    missed = _missed(box, request.pts)
    now = when(call.server.now())
    limit = request.pts_total_limit or call.server.too_long_after
    if limit and len(missed) > limit:
        call.server.counts["difference too long"] += 1
        return types.updates.DifferenceTooLong(box.pts)
    moved = _moved(call, request.date.timestamp())
    if not missed and not moved:
        return types.updates.DifferenceEmpty(now, 0)
    taken = missed[: call.server.slice_length]
    posts, others = _told(call, taken)
    common = {
        "new_messages": [call.view.message(post) for post in posts],
        "new_encrypted_messages": [],
        **call.view.peers(posts, [f"c:{one.channel_id}" for one in moved]),
    }
    state = call.server.state_of(call.account)
    if len(taken) < len(missed):
        # The date moves on with the last slice only: channels are looked at from the date asked with.
        state.pts, state.date = taken[-1].pts, request.date
        return types.updates.DifferenceSlice(other_updates=others, intermediate_state=state, **common)
    return types.updates.Difference(other_updates=[*others, *moved], state=state, **common)


@answers(functions.updates.GetChannelDifferenceRequest)
def _channel_difference(call: Call, request: functions.updates.GetChannelDifferenceRequest) -> Any:
    chat = call.view.chat_of(request.channel)
    if request.pts <= 0:
        raise Refused("PERSISTENT_TIMESTAMP_EMPTY")
    key = chat_key(chat)
    box = call.world.box(key)
    missed = _missed(box, request.pts)
    if not missed:
        return types.updates.ChannelDifferenceEmpty(box.pts, final=True)
    if call.server.too_long_after and len(missed) > call.server.too_long_after:
        posts = call.world.posts(call.account, key)
        call.server.counts["channel difference too long"] += 1
        return types.updates.ChannelDifferenceTooLong(
            dialog=dialog_of(call, key, posts),
            messages=[call.view.message(post) for post in posts[:10]],
            final=True,
            **call.view.peers(posts[:10], [key]),
        )
    taken = missed[: min(request.limit, call.server.slice_length)]
    told, others = _told(call, taken)
    return types.updates.ChannelDifference(
        pts=taken[-1].pts,
        new_messages=[call.view.message(post) for post in told],
        other_updates=others,
        final=len(taken) == len(missed),
        **call.view.peers(told, [key]),
    )


def _missed(box: Box, pts: int) -> list[Event]:
    return [event for event in box.events if event.pts > pts]


def _told(call: Call, events: list[Event]) -> tuple[list[Post], list[Any]]:
    """The new posts that are still there, and the updates for all else."""
    posts, others = [], []
    for event in events:
        post = call.world.state.posts[event.uids[0]]
        if event.kind == "new" and not post.deleted:
            posts.append(post)
        elif event.kind == "delete" or (event.kind == "edit" and not post.deleted):
            others.append(update_of(call.view, event.kind, post, event))
    return posts, others


def _moved(call: Call, since: float) -> list[types.UpdateChannelTooLong]:
    """The caller's channels in which something happened since, to ask about one by one."""
    found = []
    for chat in call.world.state.chats.values():
        if not chat.is_channel or call.account not in chat.members:
            continue
        box = call.world.box(chat_key(chat))
        if box.events and box.events[-1].date >= since:
            found.append(types.UpdateChannelTooLong(chat.id, pts=box.pts))
    return found
