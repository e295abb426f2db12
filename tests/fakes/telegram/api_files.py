"""upload.* and the media of messages (core.telegram.org/api/files)."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.state import Stored
from tests.fakes.telegram.wire import Refused


@answers(functions.upload.SaveFilePartRequest, functions.upload.SaveBigFilePartRequest)
def _save(call: Call, request: Any) -> bool:
    return call.server.files.save_part(call.account, request.file_id, request.file_part, request.bytes)


@answers(functions.upload.GetFileRequest)
def _get(call: Call, request: functions.upload.GetFileRequest) -> Any:
    location = request.location
    if not isinstance(location, types.InputDocumentFileLocation | types.InputPhotoFileLocation):
        raise Refused("LOCATION_INVALID")
    stored = call.view.file_of(location)
    if stored.dc != call.connection.dc:
        raise Refused(f"FILE_MIGRATE_{stored.dc}", 303)
    if location.thumb_size and not stored.is_photo:
        stored = call.world.state.files.get(stored.thumb, stored)
    if call.server.sends_to_cdn:
        return types.upload.FileCdnRedirect(203, b"token", bytes(32), bytes(16), [])
    data = call.server.files.read(stored, request)
    return types.upload.File(types.storage.FileJpeg(), 0, data)


@answers(functions.messages.UploadMediaRequest)
def _upload(call: Call, request: functions.messages.UploadMediaRequest) -> Any:
    call.view.key_of(request.peer)
    return call.view.media(media_of(call, request.media))


def media_of(call: Call, given: Any) -> Any:
    """An InputMedia as what a post keeps: which file, nothing that depends on who looks. Raises Refused."""
    match given:
        case types.InputMediaUploadedPhoto():
            stored = call.server.files.join(call.account, given.file)
            stored.is_photo = True
            return kept_media(call.server.stamp(stored, "image/jpeg"))
        case types.InputMediaUploadedDocument():
            return kept_media(_uploaded_document(call, given))
        case types.InputMediaDocument() | types.InputMediaPhoto():
            return kept_media(call.view.file_of(given.id))
    raise Refused("MEDIA_INVALID")


def _uploaded_document(call: Call, given: types.InputMediaUploadedDocument) -> Stored:
    stored = call.server.files.join(call.account, given.file)
    stored.attributes = list(given.attributes)
    if not any(isinstance(one, types.DocumentAttributeFilename) for one in stored.attributes):
        stored.attributes.append(types.DocumentAttributeFilename(given.file.name))
    if given.thumb is not None:
        stored.thumb = call.server.stamp(call.server.files.join(call.account, given.thumb), "image/jpeg").id
    return call.server.stamp(stored, given.mime_type)


def kept_media(stored: Stored) -> Any:
    """A file as a post keeps it: its id is all that counts."""
    if stored.is_photo:
        return types.MessageMediaPhoto(photo=types.PhotoEmpty(stored.id))
    return types.MessageMediaDocument(document=types.DocumentEmpty(stored.id))


def matches(stored: Stored, kind: Any) -> bool:  # noqa: PLR0911 -- a table
    """Whether a document falls under a filter of messages.search."""
    videos = [one for one in stored.attributes if isinstance(one, types.DocumentAttributeVideo)]
    sounds = [one for one in stored.attributes if isinstance(one, types.DocumentAttributeAudio)]
    match kind:
        case types.InputMessagesFilterPhotos():
            return stored.is_photo
        case types.InputMessagesFilterVideo():
            return any(not one.round_message for one in videos)
        case types.InputMessagesFilterPhotoVideo():
            return stored.is_photo or bool(videos)
        case types.InputMessagesFilterMusic():
            return any(not one.voice for one in sounds)
        case types.InputMessagesFilterVoice():
            return any(one.voice for one in sounds)
        case types.InputMessagesFilterRoundVoice():
            return any(one.voice for one in sounds) or any(one.round_message for one in videos)
        case types.InputMessagesFilterDocument():
            return not (stored.is_photo or videos or sounds)
    return False
