"""Methods that send files, albums and stickers, and `getFile`."""

from __future__ import annotations

import base64
import io
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from botapi_sandbox.attachments import describe_file
from botapi_sandbox.files import MAX_DOWNLOAD_BYTES, ReceivedFile
from botapi_sandbox.methods.content import complete_caption, parse_caption, read_file, read_media
from botapi_sandbox.methods.delivery import deliver, deliver_all, prepare
from botapi_sandbox.refusals import ApiRefusalError, bad_request, forbidden

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

_MAX_ALBUM = 10
_WITHOUT_CAPTION = frozenset({"video_note", "sticker"})
# One small set, so that bots which look up a set and send from it can be tried.
SET_NAME = "SandboxSquares"
# 512 x 512 WebP pictures of a square each, and the emoji that stand for them.
_PICTURES = {
    "👍": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8woAM1//Mf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
    "❤": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8wWvM/bvMf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
    "🎉": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8wyKM/PPMf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
}


async def send_file(call: MethodCall, *, kind: str) -> Json:
    """#sendphoto, #sendaudio, #senddocument, #sendvideo, #sendvoice, #sendvideonote, #sendanimation, #sendsticker."""
    caption = None if kind in _WITHOUT_CAPTION else parse_caption(call)
    delivery = prepare(call)
    content = await read_file(call, kind, kind)
    return deliver(call, delivery, {**content, **(complete_caption(call, caption) if caption else {})})


async def send_media_group(call: MethodCall) -> list[Json]:
    """#sendmediagroup"""
    call.params.required_text("media")
    items = call.params.decode_json("media", "media")
    if not isinstance(items, list):
        raise bad_request("expected an Array of InputMedia")
    delivery = prepare(call)
    words = "message caption is too long"
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > _MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    contents = [await _read_member(call, number, item, words) for number, item in enumerate(items, start=1)]
    kinds = {str(item["type"]) for item in items}
    for kind in ("document", "audio"):  # #sendmediagroup: they stand only with their like
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")
    if delivery.dialog.blocked:
        raise forbidden('failed to send message #1 with the error message "USER_IS_BLOCKED"')
    group_id = str(secrets.randbits(53))
    return deliver_all(call, delivery, [{"media_group_id": group_id, **content} for content in contents])


async def _read_member(call: MethodCall, number: int, item: Any, words: str) -> Json:
    try:
        return await read_media(call, item, words=words, for_album=True)
    except ApiRefusalError as refusal:
        if not refusal.in_album:
            raise
        # What goes wrong while one file of an album is being sent is told with its number.
        reason = f'failed to send message #{number} with the error message "{refusal.in_album}"'
        raise bad_request(reason) from refusal


async def get_file(call: MethodCall) -> Json:
    """#getfile"""
    file_id = call.params.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    stored = call.services.files.get(file_id, call.bot.username)
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.size > MAX_DOWNLOAD_BYTES:
        raise ApiRefusalError(400, "Bad Request: file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": stored.size,
        "file_path": stored.remote_path,
    }


async def get_sticker_set(call: MethodCall) -> Json:
    """#getstickerset"""
    name = call.params.text("name")
    if name.lower() != SET_NAME.lower():
        raise bad_request("STICKERSET_INVALID")
    stickers = [await _describe_sticker(call, number, emoji) for number, emoji in enumerate(_PICTURES)]
    return {"name": SET_NAME, "title": "Sandbox Squares", "sticker_type": "regular", "stickers": stickers}


async def _describe_sticker(call: MethodCall, number: int, emoji: str) -> Json:
    files, name = call.services.files, f"{SET_NAME}-{number}.webp"
    stored = files.find_named("sticker", name)
    if stored is None:
        data = base64.b64decode(_PICTURES[emoji])
        saved = await files.save(ReceivedFile(io.BytesIO(data), len(data), name, "image/webp"), "sticker")
        stored = files.add_to_set(saved, SET_NAME, emoji)
    files.grant(stored.file_id, [call.bot.username])
    sticker: Json = describe_file(stored, "sticker", {})["sticker"]
    return sticker


METHODS: dict[str, Handler] = {
    "sendPhoto": partial(send_file, kind="photo"),
    "sendDocument": partial(send_file, kind="document"),
    "sendAudio": partial(send_file, kind="audio"),
    "sendVoice": partial(send_file, kind="voice"),
    "sendVideo": partial(send_file, kind="video"),
    "sendVideoNote": partial(send_file, kind="video_note"),
    "sendAnimation": partial(send_file, kind="animation"),
    "sendSticker": partial(send_file, kind="sticker"),
    "sendMediaGroup": send_media_group,
    "getFile": get_file,
    "getStickerSet": get_sticker_set,
}
