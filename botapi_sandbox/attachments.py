"""Files in messages: from a parameter to the Bot API object that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botapi_sandbox.file_ids import describe_fault
from botapi_sandbox.files import MAX_PHOTO_BYTES
from botapi_sandbox.loopback import fetch_upload
from botapi_sandbox.refusals import ApiRefusalError, bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.files import KeptFile
    from botapi_sandbox.services import MethodCall

_TITLES = {
    "photo": "Photo",
    "video": "Video",
    "audio": "Audio",
    "document": "Document",
    "voice": "VoiceNote",
    "video_note": "VideoNote",
    "animation": "Animation",
    "sticker": "Sticker",
}
_UNCHANGEABLE = frozenset({"photo", "sticker"})
_LOOKED_AT = frozenset({"video", "audio", "video_note", "animation"})
# What TDLib finds wrong with "localhost" in a button is no fault in the address of a file.
_LOCAL_FAULTS = frozenset({"Wrong HTTP URL"})
_MAX_PHOTO_SIDES = 10_000
_MAX_PHOTO_RATIO = 20


async def take_file(call: MethodCall, name: str, kind: str) -> KeptFile:
    """The file a parameter names: uploaded, known by its id, or fetched from a loopback address.

    Raises ApiRefusalError.
    """
    files, upload = call.services.files, call.params.upload(name)
    if upload is not None:
        _check_size(kind, upload.size)
        return await files.save(upload, kind, owners=[call.bot.username])
    reference = call.params.text(name)
    if not reference:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    if "." in reference or "://" in reference:
        fault = call.services.parser.find_link_fault(reference)
        if fault and fault not in _LOCAL_FAULTS:
            raise bad_request(f"invalid file HTTP URL specified: {fault}")
        url = reference if "://" in reference else f"http://{reference}"
        async with fetch_upload(url, kind) as fetched:
            return await files.save(fetched, kind, owners=[call.bot.username])
    stored = files.get(reference, call.bot.username)
    if stored is None:
        raise _refuse_unknown(reference)
    if stored.kind != kind and _TITLES.keys() & {stored.kind, kind} & _UNCHANGEABLE:
        raise bad_request(f"can't use file of type {_TITLES[stored.kind]} as {_TITLES[kind]}")
    return stored


def _refuse_unknown(file_id: str) -> ApiRefusalError:
    """The refusal of an id that names no file: it is damaged, of another bot, or of a file that is gone."""
    if fault := describe_fault(file_id):
        return bad_request(fault)
    unknown = "Wrong file identifier/HTTP URL specified"
    return bad_request(unknown, in_album=unknown)


def _check_size(kind: str, size: int) -> None:
    if kind == "photo" and size > MAX_PHOTO_BYTES:
        raise bad_request(
            f"file of size {size} bytes is too big for a photo; the maximum size is {MAX_PHOTO_BYTES} bytes"
        )


def describe_file(stored: KeptFile, kind: str, details: Json) -> Json:
    """The content of a message with this file; `details` are the sender's fields about it.

    A file of another kind than it was sent as becomes a document.
    """
    is_not_voice = kind == "voice" and not stored.is_voice_format  # #sendvoice
    if is_not_voice or (kind in _LOOKED_AT and stored.is_text):
        kind = "document"
    base: Json = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size}
    content: Json = {kind: _DESCRIBE[kind](stored, base, details)}
    if kind == "animation":  # #message: for backward compatibility the document is set as well
        content["document"] = _describe_document(stored, base, details)
    return content


def _describe_photo(stored: KeptFile, base: Json, details: Json) -> list[Json]:
    width, height = stored.width, stored.height
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    too_thin = max(width, height) > _MAX_PHOTO_RATIO * min(width, height)
    if width + height > _MAX_PHOTO_SIDES or too_thin:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return [{**base, "width": width, "height": height}]


def _describe_document(stored: KeptFile, base: Json, details: Json) -> Json:
    return {**base, "file_name": stored.name, "mime_type": stored.mime_type}


def _describe_audio(stored: KeptFile, base: Json, details: Json) -> Json:
    extra = {name: details[name] for name in ("title", "performer") if details.get(name)}
    seconds = details.get("duration") or stored.seconds or 0
    return {**base, "duration": seconds, "file_name": stored.name, "mime_type": stored.mime_type, **extra}


def _describe_voice(stored: KeptFile, base: Json, details: Json) -> Json:
    seconds = details.get("duration") or stored.seconds or 0
    mime_type = stored.mime_type if stored.mime_type.startswith("audio/") else "audio/ogg"
    return {**base, "duration": seconds, "mime_type": mime_type}


def _describe_video(stored: KeptFile, base: Json, details: Json) -> Json:
    size = {"width": details.get("width") or 640, "height": details.get("height") or 360}
    about = {"file_name": stored.name, "mime_type": stored.mime_type}
    return {**base, **size, "duration": details.get("duration") or 0, **about}


def _describe_video_note(stored: KeptFile, base: Json, details: Json) -> Json:
    return {**base, "length": details.get("length") or 240, "duration": details.get("duration") or 0}


def _describe_animation(stored: KeptFile, base: Json, details: Json) -> Json:
    width, height = details.get("width") or stored.width or 320, details.get("height") or stored.height or 240
    about = {"file_name": stored.name, "mime_type": stored.mime_type}
    return {**base, "width": width, "height": height, "duration": details.get("duration") or 0, **about}


def _describe_sticker(stored: KeptFile, base: Json, details: Json) -> Json:
    kinds = {"is_animated": stored.name.endswith(".tgs"), "is_video": stored.name.endswith(".webm")}
    known = {"emoji": stored.emoji or details.get("emoji"), "set_name": stored.set_name}
    known = {name: value for name, value in known.items() if value}
    size = {"width": stored.width or 512, "height": stored.height or 512}
    return {**base, **size, **known, **kinds, "type": "regular"}


_DESCRIBE: dict[str, Any] = {
    "photo": _describe_photo,
    "document": _describe_document,
    "audio": _describe_audio,
    "voice": _describe_voice,
    "video": _describe_video,
    "video_note": _describe_video_note,
    "animation": _describe_animation,
    "sticker": _describe_sticker,
}
