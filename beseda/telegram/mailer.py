"""One letter to many people: a photo is uploaded once, and then sent by the number that Telegram gave it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from beseda.core.chat import ChatKey, ChatKind
from beseda.core.errors import TelegramFloodError
from beseda.telegram.base import Target
from beseda.telegram.sending import Sender

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg"}


@dataclass(frozen=True, slots=True)
class PhotoUpload:
    """A photo to send: its bytes, and its type such as `image/png`."""

    content: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for many people: HTML that fits a message, or a photo's caption, and reply_markup as JSON."""

    html: str
    markup: str = ""
    picture: PhotoUpload | None = None


class Mailer:
    """Sends a bot's unrequested messages to people in private, within the rate limits of its messenger.

    It is the only sender outside of a chat's lane: the lease of the chat is not checked.
    """

    def __init__(self, bot: str, sender: Sender) -> None:
        self._bot = bot
        self._sender = sender
        self._uploaded: tuple[PhotoUpload | None, str] = (None, "")
        self._uploading = asyncio.Lock()

    async def send(self, user_id: int, letter: Letter) -> int:
        """Send a letter once and return its message id.

        Wait until another message to the chat keeps within Telegram's limits. Raise a leaf of TelegramError;
        TelegramFloodError carries the seconds to wait.
        """
        target = Target(ChatKey(self._bot, user_id), ChatKind.PRIVATE)
        await self._sender.wait(target)
        self._sender.count(target)
        common: dict[str, Any] = {
            "chat_id": user_id,
            "parse_mode": "HTML",
            "reply_markup": orjson.Fragment(letter.markup) if letter.markup else None,
        }
        try:
            sent = await self._send(letter, common)
        except TelegramFloodError as error:
            await self._sender.obey_flood(target, error)
            raise
        return int(sent["message_id"])

    async def _send(self, letter: Letter, common: dict[str, Any]) -> Any:
        api = self._sender.api
        if letter.picture is None:
            return await api.call("sendMessage", text=letter.html, link_preview_options={"is_disabled": True}, **common)
        async with self._uploading:
            picture, number = self._uploaded
            if picture != letter.picture:
                file = (f"picture.{_SUFFIXES.get(letter.picture.mime, 'jpg')}", letter.picture.content)
                fields = {**common, "caption": letter.html, "reply_markup": letter.markup or None}
                sent = await api.upload("sendPhoto", {"photo": file}, **fields)
                # The largest size comes last (https://core.telegram.org/bots/api#message); the others are of no use.
                self._uploaded = (letter.picture, str(sent["photo"][-1]["file_id"]))
                return sent
        return await api.call("sendPhoto", photo=number, caption=letter.html, **common)
