from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from botapi_sandbox.files import MAX_DOWNLOAD_BYTES
from botapi_sandbox.methods.content import complete_caption, parse_caption, read_file, read_media
from botapi_sandbox.methods.delivery import deliver, deliver_all, prepare
from botapi_sandbox.refusals import ApiRefusalError, bad_request, forbidden

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

_MAX_ALBUM = 10
_WITHOUT_CAPTION = frozenset({"video_note", "sticker"})


def make_sender(kind: str) -> Any:
    """#sendphoto, #sendaudio, #senddocument, #sendvideo, #sendvoice, #sendvideonote, #sendanimation, #sendsticker."""

    async def send_file(call: MethodCall) -> Json:
        caption = None if kind in _WITHOUT_CAPTION else parse_caption(call)
        delivery = prepare(call)
        content = await read_file(call, kind, kind)
        return deliver(call, delivery, {**content, **(complete_caption(call, caption) if caption else {})})

    return send_file


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
    _check_album({str(item["type"]) for item in items})
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


def _check_album(kinds: set[str]) -> None:
    """#sendmediagroup: documents and audio files stand only with their like."""
    for kind in ("document", "audio"):
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")


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


METHODS: dict[str, Handler] = {
    "sendPhoto": make_sender("photo"),
    "sendDocument": make_sender("document"),
    "sendAudio": make_sender("audio"),
    "sendVoice": make_sender("voice"),
    "sendVideo": make_sender("video"),
    "sendVideoNote": make_sender("video_note"),
    "sendAnimation": make_sender("animation"),
    "sendSticker": make_sender("sticker"),
    "sendMediaGroup": send_media_group,
    "getFile": get_file,
}
