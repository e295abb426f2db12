"""How one account sees the state: peers, messages and documents with the hashes and numbers that are its own.

Access hashes differ from account to account and are checked on the way in, as the service does
(core.telegram.org/api/peers).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from tests.fakes.telegram.crypto import sha256
from tests.fakes.telegram.state import Account, Chat, Post, State, Stored
from tests.fakes.telegram.wire import Refused


def private_key(one: int, other: int) -> str:
    """The chat of two people (or of one with itself: Saved Messages)."""
    low, high = sorted((one, other))
    return f"p:{low}:{high}"


def chat_key(chat: Chat) -> str:
    """The chat's name in posts."""
    return f"{'c' if chat.is_channel else 'g'}:{chat.id}"


def when(seconds: int) -> datetime:
    """A moment as Telethon's classes want it."""
    return datetime.fromtimestamp(seconds, UTC)


class View:
    """The state through the eyes of *viewer* (an account's id; 0 is nobody)."""

    def __init__(self, state: State, viewer: int) -> None:
        self.state, self.viewer = state, viewer

    # -- peers ------------------------------------------------------------------------------------------

    def hash(self, kind: str, number: int) -> int:
        """The access hash that this account has for something."""
        text = f"{self.state.secret}:{self.viewer}:{kind}:{number}".encode()
        return struct.unpack("<q", sha256(text)[:8])[0]

    def user(self, account: Account) -> types.User:
        """A person or bot."""
        return types.User(
            id=account.id,
            is_self=account.id == self.viewer,
            access_hash=self.hash("user", account.id),
            first_name=account.name,
            username=account.username or None,
            phone=account.phone if account.id == self.viewer else None,
            bot=bool(account.token),
            bot_info_version=1 if account.token else None,
            premium=account.premium,
        )

    def chat(self, chat: Chat) -> types.Chat | types.Channel:
        """A group or channel."""
        left = self.viewer not in chat.members
        creator = chat.creator == self.viewer
        photo = types.ChatPhotoEmpty()
        rights = types.ChatBannedRights(until_date=None, send_messages=True) if chat.read_only else None
        if not chat.is_channel:
            return types.Chat(
                id=chat.id,
                title=chat.title,
                photo=photo,
                participants_count=len(chat.members),
                date=when(chat.date),
                version=1,
                left=left,
                creator=creator,
                noforwards=chat.noforwards,
                default_banned_rights=rights,
                deactivated=bool(chat.migrated_to),
                migrated_to=self._successor(chat),
            )
        return types.Channel(
            id=chat.id,
            title=chat.title,
            photo=photo,
            date=when(chat.date),
            left=left,
            creator=creator,
            broadcast=chat.kind == "channel",
            megagroup=chat.kind == "supergroup",
            forum=chat.forum,
            noforwards=chat.noforwards,
            default_banned_rights=rights,
            access_hash=self.hash("channel", chat.id),
            username=chat.username or None,
        )

    def _successor(self, chat: Chat) -> types.InputChannel | None:
        number = chat.migrated_to
        return types.InputChannel(number, self.hash("channel", number)) if number else None

    def peer(self, key: str) -> Any:
        """The Peer of a chat."""
        kind, _, rest = key.partition(":")
        if kind == "p":
            one, other = map(int, rest.split(":"))
            return types.PeerUser(other if one == self.viewer else one)
        return types.PeerChannel(int(rest)) if kind == "c" else types.PeerChat(int(rest))

    def peers_of(self, keys: Iterable[str], accounts: Iterable[int] = ()) -> dict[str, list[Any]]:
        """users= and chats= that make every named peer known to the client."""
        users, chats = set(accounts), set()
        for key in keys:
            kind, _, rest = key.partition(":")
            if kind == "p":
                users.update(map(int, rest.split(":")))
            else:
                chats.add(int(rest))
        return {
            "users": [self.user(self.state.accounts[one]) for one in sorted(users) if one],
            "chats": [self.chat(self.state.chats[one]) for one in sorted(chats)],
        }

    def peers(self, posts: Iterable[Post], keys: Iterable[str] = ()) -> dict[str, list[Any]]:
        """As peers_of, for everything that the posts name."""
        posts = list(posts)
        accounts = {post.sender for post in posts}
        wanted = {post.chat for post in posts} | set(keys)
        for post in posts:
            source = getattr(post.forwarded, "from_id", None)
            if isinstance(source, types.PeerUser):
                accounts.add(source.user_id)
            elif isinstance(source, types.PeerChannel):
                wanted.add(f"c:{source.channel_id}")
        return self.peers_of(wanted, accounts)

    # -- what comes in ----------------------------------------------------------------------------------

    def key_of(self, peer: Any) -> str:
        """The chat that an input names. Raises Refused for strangers' hashes and closed doors."""
        match peer:
            case types.InputPeerSelf() | types.InputUserSelf():
                return private_key(self.viewer, self.viewer)
            case types.InputPeerUser() | types.InputUser():
                return private_key(self.viewer, self.account_of(peer))
            case types.InputPeerChat():
                chat = self.state.chats.get(peer.chat_id)
                if chat is None or chat.is_channel or self.viewer not in chat.members:
                    raise Refused("CHAT_ID_INVALID" if chat is None else "PEER_ID_INVALID")
                return chat_key(chat)
            case types.InputPeerChannel() | types.InputChannel():
                chat = self.state.chats.get(peer.channel_id)
                if chat is None or peer.access_hash != self.hash("channel", peer.channel_id):
                    raise Refused("CHANNEL_INVALID")
                if self.viewer not in chat.members and not chat.username:
                    raise Refused("CHANNEL_PRIVATE")
                return chat_key(chat)
        raise Refused("PEER_ID_INVALID")

    def account_of(self, user: Any) -> int:
        """The account that an input names. Raises Refused."""
        if isinstance(user, types.InputUserSelf | types.InputPeerSelf):
            return self.viewer
        if user.user_id not in self.state.accounts or user.access_hash != self.hash("user", user.user_id):
            raise Refused("USER_ID_INVALID" if isinstance(user, types.InputUser) else "PEER_ID_INVALID")
        return user.user_id

    def chat_of(self, peer: Any) -> Chat:
        """As key_of, for what must be a channel or supergroup."""
        key = self.key_of(peer)
        if not key.startswith("c:"):
            raise Refused("CHANNEL_INVALID")
        return self.state.chats[int(key[2:])]

    # -- messages ---------------------------------------------------------------------------------------

    def number(self, post: Post) -> int:
        """The message number of a post; 0 when this account has none."""
        return post.numbers.get(0 if post.chat.startswith("c:") else self.viewer, 0)

    def message(self, post: Post) -> Any:
        """A post as a Message or MessageService."""
        broadcast = self._is_broadcast(post)
        common = {
            "id": self.number(post),
            "peer_id": self.peer(post.chat),
            "date": when(post.date),
            "out": post.sender == self.viewer,
            "post": broadcast,
            "from_id": None if broadcast else self._author(post),
            "reply_to": self._reply_header(post),
        }
        if post.action:
            return types.MessageService(action=post.action, **common)
        return types.Message(
            message=post.text,
            entities=post.entities or None,
            media=self.media(post.media),
            reply_markup=post.markup,
            fwd_from=post.forwarded,
            grouped_id=post.album or None,
            edit_date=when(post.edited) if post.edited else None,
            edit_hide=post.edit_hidden,
            silent=post.silent,
            reactions=self.reactions(post) if post.reactions else None,
            views=1 if broadcast else None,
            forwards=1 if broadcast else None,
            **common,
        )

    def _author(self, post: Post) -> Any:
        return self.peer(post.chat) if post.anonymous else types.PeerUser(post.sender)

    def _is_broadcast(self, post: Post) -> bool:
        return post.chat.startswith("c:") and self.state.chats[int(post.chat[2:])].kind == "channel"

    def _reply_header(self, post: Post) -> types.MessageReplyHeader | None:
        answered = self.state.posts.get(post.reply_to)
        topic = post.topic if post.topic > 1 else 0  # Posts in "General" look like those of a plain group.
        if answered is None:
            return types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=topic) if topic else None
        return types.MessageReplyHeader(
            reply_to_msg_id=self.number(answered), forum_topic=bool(topic), reply_to_top_id=topic or None
        )

    def reactions(self, post: Post) -> types.MessageReactions:
        """Who reacted how."""
        recent = [
            types.MessagePeerReaction(types.PeerUser(who), when(post.date), types.ReactionEmoji(emoji))
            for emoji, people in post.reactions.items()
            for who in people
        ]
        counts = [
            types.ReactionCount(
                types.ReactionEmoji(emoji), len(people), chosen_order=0 if self.viewer in people else None
            )
            for emoji, people in post.reactions.items()
        ]
        return types.MessageReactions(counts, can_see_list=True, recent_reactions=recent)

    # -- media ------------------------------------------------------------------------------------------

    def media(self, media: Any) -> Any:
        """Stored media with this account's hash and a reference that is good now."""
        if isinstance(media, types.MessageMediaDocument):
            document = self.document(self.state.files[media.document.id])
            attributes = {type(one) for one in document.attributes}
            return types.MessageMediaDocument(
                document=document,
                video=types.DocumentAttributeVideo in attributes,
                voice=any(getattr(one, "voice", False) for one in document.attributes),
            )
        if isinstance(media, types.MessageMediaPhoto):
            return types.MessageMediaPhoto(photo=self.photo(self.state.files[media.photo.id]))
        return media

    def reference(self, stored: Stored) -> bytes:
        """The file reference that the service takes at the moment."""
        return struct.pack("<qq", self.state.reference_epoch, stored.id)

    def document(self, stored: Stored) -> types.Document:
        """A file as a Document."""
        thumb = self.state.files.get(stored.thumb)
        sizes = thumb and [types.PhotoSize("m", thumb.width, thumb.height, thumb.size_bytes)]
        return types.Document(
            id=stored.id,
            access_hash=self.hash("file", stored.id),
            file_reference=self.reference(stored),
            date=when(stored.date),
            mime_type=stored.mime_type,
            size=stored.size_bytes,
            dc_id=stored.dc,
            attributes=stored.attributes,
            thumbs=sizes or None,
        )

    def photo(self, stored: Stored) -> types.Photo:
        """A file as a Photo."""
        return types.Photo(
            id=stored.id,
            access_hash=self.hash("file", stored.id),
            file_reference=self.reference(stored),
            date=when(stored.date),
            sizes=[types.PhotoSize("x", stored.width, stored.height, stored.size_bytes)],
            dc_id=stored.dc,
        )

    def file_of(self, given: Any) -> Stored:
        """The file that an input names. Raises Refused: unknown, another's hash, an old reference."""
        stored = self.state.files.get(given.id)
        if stored is None or given.access_hash != self.hash("file", given.id):
            raise Refused("MEDIA_EMPTY")
        if given.file_reference != self.reference(stored):
            raise Refused("FILE_REFERENCE_EXPIRED")
        return stored
