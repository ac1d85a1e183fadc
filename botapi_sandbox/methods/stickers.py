"""One small set of stickers, so that bots which look up a set and send from it can be tried."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from botapi_sandbox.attachments import describe_file
from botapi_sandbox.files import ReceivedFile
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

SET_NAME = "SandboxSquares"
# 512 x 512 WebP pictures of a square each, and the emoji that stand for them.
_PICTURES = {
    "👍": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8woAM1//Mf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
    "❤": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8wWvM/bvMf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
    "🎉": ("UklGRjoAAABXRUJQVlA4TC0AAAAv/8F/EA8wyKM/PPMf8DAbScbrv2gxORvR/wkI//8Ce23xH//xH//x3wz/H+0A"),
}


async def get_sticker_set(call: MethodCall) -> Json:
    """#getstickerset"""
    name = call.params.text("name")
    if name.lower() != SET_NAME.lower():
        raise bad_request("STICKERSET_INVALID")
    stickers = [await _describe(call, number, emoji) for number, emoji in enumerate(_PICTURES)]
    return {"name": SET_NAME, "title": "Sandbox Squares", "sticker_type": "regular", "stickers": stickers}


async def _describe(call: MethodCall, number: int, emoji: str) -> Json:
    files, name = call.services.files, f"{SET_NAME}-{number}.webp"
    stored = files.find_named("sticker", name)
    if stored is None:
        data = base64.b64decode(_PICTURES[emoji])
        saved = await files.save(ReceivedFile(io.BytesIO(data), len(data), name, "image/webp"), "sticker")
        stored = files.add_to_set(saved, SET_NAME, emoji)
    files.grant(stored.file_id, [call.bot.username])
    sticker: Json = describe_file(stored, "sticker", {})["sticker"]
    return sticker


METHODS: dict[str, Handler] = {"getStickerSet": get_sticker_set}
