"""A scripted user for tests and load generators, in place of a person with a phone."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from botapi_sandbox.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
_CALL_TIMEOUT = aiohttp.ClientTimeout(total=60)
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
_MAX_EVENTS = 10_000
_LINE_BYTES = 4 * 1024 * 1024


class SandboxUserError(Exception):
    """The sandbox rejected an action of the user, or an expected event did not arrive."""


class SandboxUser:
    """One person in one dialog, over HTTP; use as `async with`. Waiting reads the event stream, it never sleeps.

    Every wait takes the earliest event that fits and was not taken yet, and drops those before it.
    """

    def __init__(
        self, base_url: str, user_id: int, dialog: str, *, session: aiohttp.ClientSession | None = None
    ) -> None:
        self.user_id = user_id
        self.dialog = dialog
        self._root = base_url.rstrip("/") + "/sandbox/api"
        self._path = f"/dialogs/{quote(dialog, safe='')}"
        self._session = session
        self._owns_session = session is None
        self._events: deque[Json] = deque(maxlen=_MAX_EVENTS)
        self._arrived = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        """Connect to the event stream; from here on nothing is missed."""
        if self._session is None:
            self._session = open_session(self._root, json_serialize=lambda value: orjson.dumps(value).decode())
        url = f"{self._root}/events"
        response = await self._session.get(
            url, params={"dialog": self.dialog}, timeout=_STREAM_TIMEOUT, read_bufsize=_LINE_BYTES
        )
        response.raise_for_status()
        self._reader = asyncio.create_task(self._read(response))
        return self

    async def __aexit__(self, *error: object) -> None:
        """Disconnect."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._owns_session and self._session is not None:
            await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        try:
            async for line in response.content:
                if line.startswith(b"data: "):
                    self._events.append(orjson.loads(line[6:]))
                    self._arrived.set()
            self._failure = SandboxUserError("the sandbox closed the event stream")
        except (aiohttp.ClientError, ValueError, OSError) as error:
            self._failure = error
        finally:
            self._arrived.set()
            response.close()

    # -- doing ----------------------------------------------------------------------------------------------------

    async def say(self, text: str, **fields: Any) -> Json:
        """Send a text; `fields` are those of the user side (entities, reply_to_message_id, forward_from and so on)."""
        return await self._post("/messages", {"text": text, **fields})

    async def edit(self, message_id: int, text: str) -> Json:
        """Change one's own text."""
        return await self._post("/edits", {"message_id": message_id, "text": text})

    async def send_voice(self, data: bytes, *, duration: int | None = None, **fields: Any) -> Json:
        """Send a voice message; the length in seconds is read from an OGG file when not given."""
        return await self.send_file(data, "voice", "voice.ogg", duration=duration, **fields)

    async def send_file(self, data: bytes, kind: str, name: str, **fields: Any) -> Json:
        """Send a file as `voice`, `audio`, `video_note`, `video`, `photo` or `document`."""
        form = aiohttp.FormData(quote_fields=False)  # names in any language, as they are
        form.add_field("user_id", str(self.user_id))
        form.add_field("kind", kind)
        for field, value in fields.items():
            if value is not None:
                form.add_field(field, str(value))
        # A stream: aiohttp warns of large bodies given as bytes.
        form.add_field("file", io.BytesIO(data), filename=name, content_type="application/octet-stream")
        return await self.call("POST", self._path + "/files", data=form)

    async def share_contact(self, phone: str = "", **fields: Any) -> Json:
        """Send the user's phone number, as the bot's button does.

        `contact_user_id` makes it the contact of another user; 0 is a contact without a user id.
        """
        return await self._post("/contacts", {"phone_number": phone, **fields})

    async def press(self, label_or_data: str) -> str | None:
        """Press the newest button with this label or data; the id of the callback query, None for a reply key."""
        history = await self.get_dialog()
        for message in reversed(history["messages"]):
            for button in _list_buttons(message.get("reply_markup"), "inline_keyboard"):
                if "callback_data" in button and label_or_data in {button["text"], button["callback_data"]}:
                    fields = {"message_id": message["message_id"], "data": button["callback_data"]}
                    return str((await self._post("/callbacks", fields))["id"])
        keys = _list_buttons(history["reply_keyboard"], "keyboard")
        key = next((button for button in keys if button["text"] == label_or_data), None)
        if key is not None:
            await (self.share_contact() if key.get("request_contact") else self.say(label_or_data))
            return None
        raise SandboxUserError(f"there is no button {label_or_data!r}")

    async def stop(self, draft_id: int | None = None) -> None:
        """Press the stop button of the draft that is shown (or of the one named)."""
        if draft_id is None:
            draft = (await self.get_dialog())["draft"]
            if draft is None:
                raise SandboxUserError("there is no draft to stop")
            draft_id = int(draft["draft_id"])
        await self._post("/stop", {"draft_id": draft_id})

    async def react(self, message_id: int, *emoji: str) -> None:
        """React to a message with these emoji; none takes the reactions back."""
        await self._post("/reactions", {"message_id": message_id, "reaction": list(emoji)})

    async def make_administrator(self, bot: str, *, is_administrator: bool = True) -> None:
        """Give a bot an administrator's rights in this group, as its owner, or take them back."""
        await self._post("/administrators", {"bot": bot, "is_administrator": is_administrator})

    async def block(self, *, blocked: bool = True) -> None:
        """Block or unblock the bot."""
        await self._post("/block", {"blocked": blocked})

    # -- seeing ---------------------------------------------------------------------------------------------------

    async def get_dialog(self, limit: int = 200) -> Json:
        """The dialog as the chat page sees it."""
        return await self.call("GET", self._path, params={"limit": str(limit)})

    async def history(self, limit: int = 200) -> list[Json]:
        """The latest messages, oldest first."""
        messages: list[Json] = (await self.get_dialog(limit))["messages"]
        return messages

    async def wait_for(self, predicate: Callable[[Json], Any], timeout: float = 30.0) -> Json:
        """The next event for which the predicate is true; raises SandboxUserError after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while self._events:
                        event = self._events.popleft()
                        if predicate(event):
                            return event
                    if self._failure is not None:
                        raise SandboxUserError("the event stream ended") from self._failure
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise SandboxUserError(f"nothing that fits came within {timeout} s") from None

    async def wait_reply(self, timeout: float = 30.0) -> Json:
        """The bot's next message."""
        event = await self.wait_for(lambda event: event["type"] == "message" and _is_from_bot(event), timeout)
        message: Json = event["message"]
        return message

    async def wait_text(self, part: str, timeout: float = 30.0) -> Json:
        """The bot's next message, new or edited, with this text in it."""
        event = await self.wait_for(lambda event: _is_from_bot(event) and part in _get_text(event), timeout)
        message: Json = event["message"]
        return message

    async def wait_draft(self, timeout: float = 30.0) -> Json:
        """The next streamed preview."""
        event = await self.wait_for(lambda event: event["type"] == "draft" and event["draft"] is not None, timeout)
        draft: Json = event["draft"]
        return draft

    async def wait_callback_answer(self, callback_id: str, timeout: float = 30.0) -> Json:
        """The bot's answer to a pressed button."""
        return await self.wait_for(lambda event: event.get("callback_query_id") == callback_id, timeout)

    # -- wire -----------------------------------------------------------------------------------------------------

    async def _post(self, path: str, fields: Json) -> Json:
        return await self.call("POST", self._path + path, json={"user_id": self.user_id, **fields})

    async def call(self, method: str, path: str, **options: Any) -> Json:
        """Any call of the user side below `/sandbox/api`: faults, flood, calls, updates; raises SandboxUserError."""
        if self._session is None:
            raise SandboxUserError("use the user as `async with`")
        async with self._session.request(method, self._root + path, timeout=_CALL_TIMEOUT, **options) as response:
            answer: Json = orjson.loads(await response.read())
        if response.status != 200:
            raise SandboxUserError(str(answer.get("detail") or response.status))
        return answer


def _list_buttons(markup: Json | None, name: str) -> list[Json]:
    return [button for row in (markup or {}).get(name, ()) for button in row]


def _is_from_bot(event: Json) -> bool:
    return bool(event.get("message", {}).get("from", {}).get("is_bot"))


def _get_text(event: Json) -> str:
    return str(event["message"].get("text") or event["message"].get("caption") or "")
