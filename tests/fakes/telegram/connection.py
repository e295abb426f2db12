"""One TCP connection of a client: packets in, messages decrypted, checked, run, answered
(core.telegram.org/mtproto/description and /service_messages).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLRequest, functions, types
from telethon.tl.core import GzipPacked, MessageContainer

from tests.fakes.telegram.crypto import (
    decrypt_ige,
    encrypt_ige,
    message_cipher,
    message_key,
    random_long,
)
from tests.fakes.telegram.handshake import Handshake, HandshakeError
from tests.fakes.telegram.transport import BrokenFrameError, Framing, framing_of
from tests.fakes.telegram.wire import Refused, encode, rpc_result

if TYPE_CHECKING:
    from tests.fakes.telegram.server import TelegramServer

_SHELLS = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeAfterMsgRequest,
    functions.InvokeAfterMsgsRequest,
    functions.InvokeWithMessagesRangeRequest,
    functions.InvokeWithTakeoutRequest,
)
#: How far a message id may lie from the server's clock, seconds back and ahead.
_OLDEST_S, _NEWEST_S = 300, 30
#: So many answers are kept for repeats, none longer than this.
_REMEMBERED_ANSWERS, _LONGEST_BYTES = 100, 1 << 16


class Drop(Exception):
    """The connection is to be cut now."""


class Connection:
    """What one client has open. *key_id*, *session* and *account* are known from its first message on."""

    def __init__(
        self, server: TelegramServer, dc: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.dc = server, dc
        self._reader, self._writer = reader, writer
        self._framing: Framing | None = None
        self._handshake = Handshake(server.key, self._learned, server.now)
        self._auth_key = b""
        self.key_id = 0
        self.session = 0
        self._fresh = False
        #: Set by the first call that shows this to be a client's main connection.
        self.wants_updates = False
        self._sequence = self._last_id = 0
        #: Answers by message id, for messages that come twice.
        self._answers: OrderedDict[int, bytes | None] = OrderedDict()

    @property
    def account(self) -> int:
        """The account that is logged in here; 0 for none."""
        return self.server.state.logins.get(self.key_id, 0)

    async def serve(self) -> None:
        """Answer until the client or a fault ends the connection."""
        try:
            self._framing = await framing_of(self._reader)
            while True:
                self._packet(await self._framing.read())
                await self._writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, Drop):
            pass
        finally:
            self.cut()

    def cut(self) -> None:
        """End the connection at once, without a word."""
        self._writer.transport.abort()

    def push(self, updates: Any) -> None:
        """Send something that was not asked for."""
        self._send_message(encode(updates), reply=False)

    # -- in ---------------------------------------------------------------------------------------------

    def _packet(self, packet: bytes) -> None:
        key_id = struct.unpack_from("<Q", packet)[0]
        if key_id == 0:
            self._plain(packet)
            return
        if key_id != self.key_id:
            auth_key = self.server.state.auth_keys.get(key_id)
            if auth_key is None:
                self._write(struct.pack("<i", -404))
                return
            self.key_id, self._auth_key = key_id, auth_key
        msg_key = packet[8:24]
        cipher = message_cipher(self._auth_key, msg_key, from_server=False)
        plain = decrypt_ige(packet[24:], *cipher)
        if message_key(self._auth_key, plain, from_server=False) != msg_key:
            raise BrokenFrameError("msg_key")
        salt, session, msg_id, sequence, length = struct.unpack_from("<qqqii", plain)
        if not 12 <= len(plain) - 32 - length <= 1024:
            raise BrokenFrameError("padding")
        if session != self.session:
            self.session, self._fresh, self._sequence = session, True, 0
            self._answers.clear()
        if self._refuses(salt, msg_id, sequence):
            return
        try:
            message = BinaryReader(plain[32 : 32 + length]).tgread_object()
        except TypeNotFoundError:
            self._answer(msg_id, Refused("INPUT_METHOD_INVALID"))
            return
        if self._fresh:
            self._fresh = False
            created = types.NewSessionCreated(msg_id, random_long(), self.server.state.salt)
            self._send_message(bytes(created), reply=False)
        self._message(msg_id, sequence, message)

    def _plain(self, packet: bytes) -> None:
        try:
            answer = bytes(self._handshake.answer(BinaryReader(packet[20:]).tgread_object()))
        except HandshakeError as error:
            raise Drop from error
        self._write(struct.pack("<qqi", 0, self._message_id(reply=True), len(answer)) + answer)

    def _learned(self, auth_key: bytes) -> None:
        self.server.learned_key(auth_key)

    def _refuses(self, salt: int, msg_id: int, sequence: int) -> bool:
        code = self._wrong(msg_id)
        if code:
            notice = types.BadMsgNotification(msg_id, sequence, code)
        elif salt != self.server.state.salt:
            notice = types.BadServerSalt(msg_id, sequence, 48, self.server.state.salt)
        else:
            return False
        self.server.counts[f"bad_msg {code or 48}"] += 1
        self._send_message(bytes(notice), reply=True)
        return True

    def _wrong(self, msg_id: int) -> int:
        if msg_id % 4:
            return 18
        age_s = self.server.now() - (msg_id >> 32)
        if age_s > _OLDEST_S:
            return 16
        return 17 if age_s < -_NEWEST_S else 0

    def _message(self, msg_id: int, sequence: int, message: Any) -> None:
        if msg_id in self._answers:  # Sent again: the answer is repeated, the call is not.
            if answer := self._answers[msg_id]:
                self._send_message(answer, reply=True)
            return
        if isinstance(message, GzipPacked):
            message = BinaryReader(message.data).tgread_object()
        odd = isinstance(message, TLRequest)
        if sequence % 2 != odd:
            notice = types.BadMsgNotification(msg_id, sequence, 35 if odd else 34)
            self._send_message(bytes(notice), reply=True)
            return
        self._answers[msg_id] = None
        while len(self._answers) > _REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)
        self._handle(msg_id, message)

    def _handle(self, msg_id: int, message: Any) -> None:
        match message:
            case MessageContainer():
                for inner in message.messages:
                    self._message(inner.msg_id, inner.seq_no, inner.obj)
            case types.MsgsAck():
                self.server.counts["msgs_ack"] += len(message.msg_ids)
            case types.MsgsStateReq():
                known = bytes(4 if one in self._answers else 1 for one in message.msg_ids)
                self._send_message(bytes(types.MsgsStateInfo(msg_id, known)), reply=True)
            case functions.PingRequest() | functions.PingDelayDisconnectRequest():
                self._send_message(bytes(types.Pong(msg_id, message.ping_id)), reply=True)
            case functions.GetFutureSaltsRequest():
                now = self.server.now()
                salt = types.FutureSalt(now, now + 3600, self.server.state.salt)
                self._send_message(bytes(types.FutureSalts(msg_id, now, [salt])), reply=True)
            case functions.DestroySessionRequest():
                self._send_message(bytes(types.DestroySessionNone(message.session_id)), reply=True)
            case TLRequest():
                self._call(msg_id, message)

    def _call(self, msg_id: int, request: Any) -> None:
        quiet = False
        while isinstance(request, (*_SHELLS, functions.InvokeWithoutUpdatesRequest)):
            quiet |= isinstance(request, functions.InvokeWithoutUpdatesRequest)
            request = request.query
        if not quiet and not type(request).__module__.endswith(".upload"):
            self.wants_updates = True
        try:
            result = self.server.call(self, request)
            if result is not None:
                self._answer(msg_id, result)
        except Refused as error:
            self._answer(msg_id, error)
        except Drop:
            raise
        except Exception as error:  # noqa: BLE001 -- kept for stop(), which raises it
            # Were the connection cut, the client would ask the same again and again.
            self.server.mistakes.append(error)
            self._answer(msg_id, Refused("TEST_SERVER_MISTAKE"))

    # -- out --------------------------------------------------------------------------------------------

    def _answer(self, msg_id: int, result: Any) -> None:
        if isinstance(result, Refused):
            body = bytes(types.RpcError(result.code, result.message))
        else:
            body = encode(result)
        answer = rpc_result(msg_id, body, compressible=not isinstance(result, types.upload.File))
        if msg_id in self._answers and len(answer) < _LONGEST_BYTES:
            self._answers[msg_id] = answer
        self._send_message(answer, reply=True)

    def _send_message(self, body: bytes, *, reply: bool) -> None:
        if self.server.latency_s:
            asyncio.get_running_loop().call_later(self.server.latency_s, self._send_now, body, reply)
        else:
            self._send_now(body, reply)

    def _send_now(self, body: bytes, reply: bool) -> None:
        if self._framing is None or self._writer.transport.is_closing():
            return
        self._sequence += 1
        head = struct.pack(
            "<qqqii",
            self.server.state.salt,
            self.session,
            self._message_id(reply=reply),
            self._sequence * 2 - 1,
            len(body),
        )
        plain = head + body
        plain += os.urandom(-(len(plain) + 12) % 16 + 12)
        msg_key = message_key(self._auth_key, plain, from_server=True)
        cipher = message_cipher(self._auth_key, msg_key, from_server=True)
        self._write(struct.pack("<Q", self.key_id) + msg_key + encrypt_ige(plain, *cipher))

    def _message_id(self, *, reply: bool) -> int:
        """The next number of a message: time in the upper half, growing, 1 or 3 in the lowest bits."""
        clock = self.server.clock()
        number = (int(clock) << 32) | (int(clock % 1 * (1 << 30)) << 2)
        self._last_id = max(number, self._last_id + 4) & ~3
        return self._last_id | (1 if reply else 3)

    def _write(self, packet: bytes) -> None:
        if self._framing is not None:
            with contextlib.suppress(ConnectionError):
                self._writer.write(self._framing.frame(packet))
