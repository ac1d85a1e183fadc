"""Files in messages: from a parameter to the Bot API object that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beseda.sandbox.files import MAX_PHOTO_BYTES
from beseda.sandbox.refusals import ApiRefusalError, bad_request

if TYPE_CHECKING:
    from beseda.sandbox.chats import Json
    from beseda.sandbox.files import StoredFile
    from beseda.sandbox.params import Params
    from beseda.sandbox.realm import Realm

_TITLES = {
    "photo": "Photo",
    "video": "Video",
    "audio": "Audio",
    "document": "Document",
    "voice": "VoiceNote",
    "video_note": "VideoNote",
}
_MAX_PHOTO_SIDES = 10_000
_MAX_PHOTO_RATIO = 20


async def take_file(realm: Realm, params: Params, name: str, kind: str) -> StoredFile:
    """The file a parameter names: uploaded, or known by its id; raises ApiRefusalError."""
    upload = params.upload(name)
    if upload is not None:
        if kind == "photo" and upload.size > MAX_PHOTO_BYTES:
            raise ApiRefusalError(
                400,
                f"Bad Request: file of size {upload.size} bytes is too big for a photo; "
                f"the maximum size is {MAX_PHOTO_BYTES} bytes",
            )
        return await realm.files.save(upload, kind)
    reference = params.text(name)
    if not reference:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    if reference.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    stored = realm.files.get(reference)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if stored.kind != kind and "photo" in {stored.kind, kind}:
        raise bad_request(f"can't use file of type {_TITLES[stored.kind]} as {_TITLES[kind]}")
    return stored


def describe_file(stored: StoredFile, kind: str, details: Json) -> Json:
    """The content of a message with this file; `details` are what the sender says about it."""
    if kind == "voice" and not stored.is_voice_format:
        kind = "document"  # #sendvoice: other formats may be sent as Audio or Document
    base: Json = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size}
    return {kind: _DESCRIBE[kind](stored, base, details)}


def _describe_photo(stored: StoredFile, base: Json, details: Json) -> list[Json]:
    width, height = stored.width, stored.height
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    too_thin = max(width, height) > _MAX_PHOTO_RATIO * min(width, height)
    if width + height > _MAX_PHOTO_SIDES or too_thin:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return [{**base, "width": width, "height": height}]


def _describe_document(stored: StoredFile, base: Json, details: Json) -> Json:
    return {**base, "file_name": stored.name, "mime_type": stored.mime_type}


def _describe_audio(stored: StoredFile, base: Json, details: Json) -> Json:
    extra = {name: details[name] for name in ("title", "performer") if details.get(name)}
    seconds = details.get("duration") or stored.seconds or 0
    return {**base, "duration": seconds, "file_name": stored.name, "mime_type": stored.mime_type, **extra}


def _describe_voice(stored: StoredFile, base: Json, details: Json) -> Json:
    seconds = details.get("duration") or stored.seconds or 0
    mime_type = stored.mime_type if stored.mime_type.startswith("audio/") else "audio/ogg"
    return {**base, "duration": seconds, "mime_type": mime_type}


def _describe_video(stored: StoredFile, base: Json, details: Json) -> Json:
    size = {"width": details.get("width") or 640, "height": details.get("height") or 360}
    about = {"file_name": stored.name, "mime_type": stored.mime_type}
    return {**base, **size, "duration": details.get("duration") or 0, **about}


def _describe_video_note(stored: StoredFile, base: Json, details: Json) -> Json:
    return {**base, "length": details.get("length") or 240, "duration": details.get("duration") or 0}


_DESCRIBE: dict[str, Any] = {
    "photo": _describe_photo,
    "document": _describe_document,
    "audio": _describe_audio,
    "voice": _describe_voice,
    "video": _describe_video,
    "video_note": _describe_video_note,
}
