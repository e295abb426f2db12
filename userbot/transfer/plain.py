"""File parts go out as they are.

Telethon compresses every call above 512 bytes to see whether that makes it smaller. Media are compressed
already: of the time that an upload takes its processor, five sixths went into that (measured).
"""

from __future__ import annotations

import io
import struct
from types import MethodType

from telethon.network import MTProtoSender
from telethon.network.mtprotostate import MTProtoState
from telethon.tl.functions.upload import SaveBigFilePartRequest, SaveFilePartRequest

_PARTS = tuple(
    struct.pack("<I", request.CONSTRUCTOR_ID) for request in (SaveFilePartRequest, SaveBigFilePartRequest)
)


def send_parts_plain(sender: MTProtoSender) -> None:
    """Stop this one sender from compressing file parts, however often it connects; all else is as before.

    Telethon has no setting for it. What writes a message belongs to the sender's state, an object of its own,
    on which a method of the instance takes the place of its class's.
    """
    state = sender._state  # noqa: SLF001 -- see above
    state.write_data_as_message = MethodType(_write, state)


def _write(
    state: MTProtoState,
    buffer: io.BytesIO,
    data: bytes,
    content_related: bool,  # noqa: FBT001 -- as Telethon has it
    *,
    after_id: int | None = None,
) -> int:
    if not data.startswith(_PARTS) or after_id is not None:
        plainly = MTProtoState.write_data_as_message
        return int(plainly(state, buffer, data, content_related, after_id=after_id))
    msg_id: int = state._get_new_msg_id()  # noqa: SLF001 -- this is a method of the class in all but place
    sequence = state._get_seq_no(content_related)  # noqa: SLF001 -- as above
    buffer.write(struct.pack("<qii", msg_id, sequence, len(data)))
    buffer.write(data)
    return msg_id
