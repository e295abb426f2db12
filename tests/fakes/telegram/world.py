"""What happens in the service: posts, edits, deletions, reactions, and the updates that tell of them
(core.telegram.org/api/updates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from telethon.tl import types

from tests.fakes.telegram.state import Box, Chat, Event, EventKind, Post, State
from tests.fakes.telegram.view import View, when
from tests.fakes.telegram.wire import Refused

#: What the service takes for a link in a text; a scheme is not needed.
_URL = re.compile(r"(?:https?://|\b(?=[\w-]+\.(?:com|org|net|io|me|tv|example)\b))[^\s<>\"]+[^\s<>\".,!?)]")
_COMMAND = re.compile(r"(?<!\S)/[A-Za-z]\w*(?:@\w+)?")


def units(text: str) -> int:
    """Length in UTF-16 units, which is what entities count in."""
    return len(text.encode("utf-16-le")) // 2


def found_entities(text: str) -> list[Any]:
    """The entities that the service adds by itself."""
    found: list[Any] = []
    for pattern, kind in ((_URL, types.MessageEntityUrl), (_COMMAND, types.MessageEntityBotCommand)):
        for match in pattern.finditer(text):
            found.append(kind(units(text[: match.start()]), units(match.group())))  # noqa: PERF401 -- two levels
    return found


@dataclass(frozen=True)
class Change:
    """One event in a chat, with the event in each box that it went to (0: the channel's)."""

    post: Post
    kind: EventKind
    events: dict[int, Event]


#: Takes an account, what to tell it, and the connection that needs no telling.
Deliver = Callable[[int, Any, Any], None]


class World:
    """Acts upon the state and tells everybody concerned."""

    def __init__(self, state: State, now: Callable[[], int], deliver: Deliver) -> None:
        self.state, self.now, self._deliver = state, now, deliver
        #: Pages that the service knows and shows below messages: address to title.
        self.pages: dict[str, str] = {}

    def view(self, viewer: int) -> View:
        """The state as an account sees it."""
        return View(self.state, viewer)

    # -- who and where ----------------------------------------------------------------------------------

    def audience(self, key: str) -> list[int]:
        """The accounts that see a chat's messages at once."""
        kind, _, rest = key.partition(":")
        if kind == "p":
            return sorted(set(map(int, rest.split(":"))))
        return list(self.state.chats[int(rest)].members)

    def box(self, key: str) -> Box:
        """An account's box ("u:ID") or a channel's ("c:ID")."""
        return self.state.boxes.setdefault(key, Box())

    def boxes(self, key: str) -> dict[int, Box]:
        """The boxes that an event in a chat goes to."""
        if key.startswith("c:"):
            return {0: self.box(key)}
        return {account: self.box(f"u:{account}") for account in self.audience(key)}

    def box_for(self, viewer: int, key: str) -> Box:
        """The box whose numbers a viewer's messages in a chat have."""
        return self.box(key if key.startswith("c:") else f"u:{viewer}")

    def may_write(self, account: int, key: str) -> None:
        """Raises Refused for those who may only read."""
        if key.startswith("p:"):
            return
        chat: Chat = self.state.chats[int(key[2:])]
        is_closed = chat.kind == "channel" or chat.read_only
        if account not in chat.members or (is_closed and account != chat.creator):
            raise Refused("CHAT_WRITE_FORBIDDEN", 403)

    def posts(self, viewer: int, key: str) -> list[Post]:
        """A chat's posts, newest first."""
        box = self.box_for(viewer, key)
        found = [self.state.posts[uid] for uid in box.posts.values()]
        return [post for post in reversed(found) if post.chat == key and not post.deleted]

    def post_at(self, viewer: int, key: str | None, number: int) -> Post | None:
        """The post with a number; None for those gone or, where a chat is named, elsewhere."""
        box = self.box_for(viewer, key or f"u:{viewer}")
        post = self.state.posts.get(box.posts.get(number, 0))
        if post is None or post.deleted or (key is not None and post.chat != key):
            return None
        return post

    # -- what happens -----------------------------------------------------------------------------------

    def publish(self, sender: int, key: str, text: str = "", **fields: Any) -> Change:
        """A new post; *fields* are those of Post. Nobody is told yet: see announce."""
        entities = [*fields.pop("entities", ()), *found_entities(text)]
        post = Post(
            self.state.fresh_id(),
            key,
            sender,
            self.now(),
            text,
            entities=_without_overlaps(entities),
            **fields,
        )
        self.state.posts[post.uid] = post
        if post.media is None and not post.action:
            post.media = self._preview(post)
        for account, box in self.boxes(key).items():
            box.last_number += 1
            box.posts[box.last_number] = post.uid
            post.numbers[account] = box.last_number
        return self._happened("new", post)

    def edit(self, post: Post, **fields: Any) -> Change:
        """Change a post's text, entities, media or markup."""
        for name, value in fields.items():
            setattr(post, name, value)
        post.entities = _without_overlaps([*post.entities, *found_entities(post.text)])
        post.edited = self.now()
        return self._happened("edit", post)

    def delete(self, posts: Iterable[Post]) -> list[Change]:
        """Remove posts for everybody."""
        changes = []
        for post in posts:
            post.deleted = True
            changes.append(self._happened("delete", post))
        return changes

    def _happened(self, kind: EventKind, post: Post) -> Change:
        boxes = self.boxes(post.chat)
        events = {who: box.happened(kind, self.now(), [post.uid]) for who, box in boxes.items()}
        return Change(post, kind, events)

    def _preview(self, post: Post) -> types.MessageMediaWebPage | None:
        for url, title in self.pages.items():
            if url in post.text:
                page = types.WebPage(self.state.fresh_id(), url, url, 0, type="article", title=title)
                return types.MessageMediaWebPage(page)
        return None

    # -- telling ----------------------------------------------------------------------------------------

    def updates(self, viewer: int, changes: Sequence[Change], before: Sequence[Any] = ()) -> types.Updates:
        """Changes as one packet for a viewer, after *before* (updates without peers of their own)."""
        view = self.view(viewer)
        shown = [
            update_of(view, change.kind, change.post, change.events.get(0) or change.events[viewer])
            for change in changes
        ]
        return types.Updates(
            updates=[*before, *shown],
            date=when(self.now()),
            seq=0,
            **view.peers(change.post for change in changes),
        )

    def announce(self, changes: Sequence[Change], skip: Any = None) -> None:
        """Push changes of one chat to all who see it; *skip* has them in its answer."""
        for account in self.audience(changes[0].post.chat) if changes else ():
            self._deliver(account, self.updates(account, changes), skip)

    def react(self, account: int, post: Post, emojis: Sequence[str]) -> None:
        """Set an account's reactions to a post."""
        for people in post.reactions.values():
            if account in people:
                people.remove(account)
        for emoji in emojis:
            post.reactions.setdefault(emoji, []).append(account)
        post.reactions = {emoji: people for emoji, people in post.reactions.items() if people}

    def reaction_updates(self, viewer: int, post: Post) -> types.Updates:
        """The reactions of a post as a packet; it has no pts."""
        view = self.view(viewer)
        update = types.UpdateMessageReactions(
            view.peer(post.chat), view.number(post), view.reactions(post), top_msg_id=post.topic or None
        )
        return types.Updates([update], date=when(self.now()), seq=0, **view.peers([post]))

    def announce_reactions(self, post: Post, skip: Any = None) -> None:
        """Push a post's reactions."""
        for account in self.audience(post.chat):
            self._deliver(account, self.reaction_updates(account, post), skip)


def update_of(view: View, kind: EventKind, post: Post, event: Event) -> Any:
    """An event as the update that tells of it."""
    channel = int(post.chat[2:]) if post.chat.startswith("c:") else 0
    if kind == "delete":
        numbers = [view.number(post)]
        if channel:
            return types.UpdateDeleteChannelMessages(channel, numbers, event.pts, event.count)
        return types.UpdateDeleteMessages(numbers, event.pts, event.count)
    updates = {
        ("new", False): types.UpdateNewMessage,
        ("new", True): types.UpdateNewChannelMessage,
        ("edit", False): types.UpdateEditMessage,
        ("edit", True): types.UpdateEditChannelMessage,
    }
    return updates[kind, bool(channel)](view.message(post), event.pts, event.count)


def _without_overlaps(entities: Sequence[Any]) -> list[Any]:
    """Entities by place; one found by the service gives way to the client's at the same place."""
    kept: list[Any] = []
    for entity in entities:
        same = [one for one in kept if type(one) is type(entity) and one.offset == entity.offset]
        hidden = [
            one
            for one in kept
            if isinstance(entity, types.MessageEntityUrl)
            and isinstance(one, types.MessageEntityTextUrl | types.MessageEntityCode | types.MessageEntityPre)
            and one.offset <= entity.offset < one.offset + one.length
        ]
        if not same and not hidden:
            kept.append(entity)
    return sorted(kept, key=lambda one: one.offset)
