"""Files in messages: from a parameter to the Bot API object that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botapi_sandbox.file_ids import describe_fault
from botapi_sandbox.files import MAX_PHOTO_BYTES
from botapi_sandbox.linked_files import fetch_upload
from botapi_sandbox.refusals import bad_request

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
        if kind == "photo" and upload.size > MAX_PHOTO_BYTES:
            words = (
                f"file of size {upload.size} bytes is too big for a photo; the maximum size is {MAX_PHOTO_BYTES} bytes"
            )
            raise bad_request(words)
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
        # The id is damaged, of another bot, or of a file that is gone.
        unknown = "Wrong file identifier/HTTP URL specified"
        fault = describe_fault(reference)
        raise bad_request(fault) if fault else bad_request(unknown, in_album=unknown)
    if stored.kind != kind and _TITLES.keys() & {stored.kind, kind} & _UNCHANGEABLE:
        raise bad_request(f"can't use file of type {_TITLES[stored.kind]} as {_TITLES[kind]}")
    return stored


def describe_file(stored: KeptFile, kind: str, details: Json) -> Json:
    """The content of a message with this file; `details` are the sender's fields about it.

    A file of another kind than it was sent as becomes a document.
    """
    is_not_voice = kind == "voice" and not stored.is_voice_format  # #sendvoice
    if is_not_voice or (kind in _LOOKED_AT and stored.is_text):
        kind = "document"
    base: Json = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size}
    named = {**base, "file_name": stored.name, "mime_type": stored.mime_type}
    seconds = details.get("duration") or 0
    width, height = details.get("width"), details.get("height")
    content: Json = {"document": named}
    match kind:
        case "photo":
            content = {"photo": [{**base, **_measure_photo(stored)}]}
        case "audio":
            extra = {name: details[name] for name in ("title", "performer") if details.get(name)}
            content = {"audio": {**named, "duration": seconds or stored.seconds or 0, **extra}}
        case "voice":
            mime_type = stored.mime_type if stored.mime_type.startswith("audio/") else "audio/ogg"
            content = {"voice": {**base, "duration": seconds or stored.seconds or 0, "mime_type": mime_type}}
        case "video":
            content = {"video": {**named, "width": width or 640, "height": height or 360, "duration": seconds}}
        case "video_note":
            content = {"video_note": {**base, "length": details.get("length") or 240, "duration": seconds}}
        case "animation":  # #message: for backward compatibility the document is set as well
            size = {"width": width or stored.width or 320, "height": height or stored.height or 240}
            content["animation"] = {**named, **size, "duration": seconds}
        case "sticker":
            content = {"sticker": {**base, **_describe_sticker(stored, details)}}
    return content


def _measure_photo(stored: KeptFile) -> Json:
    width, height = stored.width, stored.height
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    too_thin = max(width, height) > _MAX_PHOTO_RATIO * min(width, height)
    if width + height > _MAX_PHOTO_SIDES or too_thin:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return {"width": width, "height": height}


def _describe_sticker(stored: KeptFile, details: Json) -> Json:
    kinds = {"is_animated": stored.name.endswith(".tgs"), "is_video": stored.name.endswith(".webm")}
    known = {"emoji": stored.emoji or details.get("emoji"), "set_name": stored.set_name}
    known = {name: value for name, value in known.items() if value}
    size = {"width": stored.width or 512, "height": stored.height or 512}
    return {**size, **known, **kinds, "type": "regular"}
