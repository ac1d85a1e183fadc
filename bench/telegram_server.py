"""A Bot API server for load: honest about offsets, silent about everything that does not cost.

An update is handed out again and again until getUpdates asks for a higher one, and a message counts as sent as soon
as the call has been read, whoever is there to hear the answer (https://core.telegram.org/bots/api#getupdates).
"""

import asyncio
import random
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from bench.http_server import Request

TOKEN = "7300000001:token-for-measuring-token-for-measuring"
_ME = {"id": 7300000001, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
_PATH = re.compile(r"/bot([^/]+)/(\w+)")
_TRUE = b'{"ok":true,"result":true}'
_UNKNOWN = b'{"ok":false,"error_code":404,"description":"Not Found"}'
_NOT_MODIFIED = (
    b'{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content '
    b'and reply markup are exactly the same as a current content and reply markup of the message"}'
)
_NOT_FOUND = b'{"ok":false,"error_code":400,"description":"Bad Request: message to edit not found"}'
_FAILED = b'{"ok":false,"error_code":500,"description":"Internal Server Error"}'
_CONFLICT = (
    b'{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request; '
    b'make sure that only one bot instance is running"}'
)
_DONE_AT_ONCE = {
    "sendChatAction",
    "sendMessageDraft",
    "setMyCommands",
    "deleteWebhook",
    "answerCallbackQuery",
    "deleteMessage",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the bot's as it stands now; `moment` of `time.perf_counter` is that of the call."""

    chat: int
    number: int
    text: str
    moment: float
    edited: bool = False


@dataclass(slots=True)
class _Poll:
    """A getUpdates call that waits."""

    request: Request
    limit: int
    timer: asyncio.TimerHandle


class TelegramServer:
    """The server of one bot. `on_shown` hears of every message and edit, `on_handed` of every update given out."""

    def __init__(self, on_shown: Callable[[Shown], None], on_handed: Callable[[int, float], None]) -> None:
        self.calls: Counter[str] = Counter()
        self._firsts: defaultdict[str, asyncio.Future[float]] = defaultdict(asyncio.Future)
        self._on_shown = on_shown
        self._on_handed = on_handed
        self._updates: deque[tuple[int, bytes]] = deque()
        self._next_update = 1
        self._last_messages: Counter[int] = Counter()  # by counter: a supergroup has its own
        self._contents: dict[tuple[int, int], int] = {}
        self._poll: _Poll | None = None
        self._flushing = False
        self.loss = 0.0
        """The share of messages and edits whose answer is lost: the connection is cut after the effect."""
        self.lost = 0
        self._random = random.Random(1)
        self.failing_chats: set[int] = set()  # messages to them meet a server error

    @property
    def backlog(self) -> int:
        """How many updates the bot has not acknowledged."""
        return len(self._updates)

    def forget_calls(self) -> None:
        """Count calls and their first moments anew: another process takes over."""
        self.calls.clear()
        self._firsts.clear()

    async def until_called(self, method: str) -> float:
        """Wait for the first call of a method since the last `forget_calls` and return its moment."""
        return await asyncio.shield(self._firsts[method])

    def write(self, user: int, chat: int, text: str) -> int:
        """Let a user write in a chat, their private one or a group (below 0), and return the number of the update."""
        return self.post(user, chat, {"text": text if chat > 0 else f"@{_ME['username']} {text}"})

    def post(self, user: int, chat: int, content: Mapping[str, object]) -> int:
        """Let a user send a message of any kind: `content` is what it has beside who, where and when."""
        number, self._next_update = self._next_update, self._next_update + 1
        message = {
            "message_id": self._take_message_id(chat),
            "date": int(time.time()),
            "from": {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"},
            "chat": _chat(chat),
            **content,
        }
        self._updates.append((number, orjson.dumps({"update_id": number, "message": message})))
        if self._poll is not None and not self._flushing:
            self._flushing = True  # what is written in this turn of the loop goes out as one batch
            asyncio.get_running_loop().call_soon(self._flush)
        return number

    def handle(self, request: Request) -> None:
        """Answer one call."""
        match = _PATH.fullmatch(request.path)
        if match is None or match[1] != TOKEN:
            request.connection.reply(_UNKNOWN, status=b"404 Not Found")
            return
        method, now = match[2], time.perf_counter()
        self.calls[method] += 1
        if self.calls[method] == 1:
            self._firsts[method].set_result(now)
        if method == "getUpdates":
            self._take_poll(request, _read(request.body))
        elif method == "sendMessage":
            fields = _read(request.body)
            if fields["chat_id"] in self.failing_chats:
                request.connection.reply(_FAILED, status=b"500 Internal Server Error")
            else:
                self._answer(request, self._send(fields, now))
        elif method == "editMessageText":
            self._answer(request, *self._edit(_read(request.body), now))
        elif method == "getWebhookInfo":
            request.connection.reply(_ok({"url": "", "pending_update_count": len(self._updates)}))
        elif method == "getMe":
            request.connection.reply(_ok(_ME))
        elif method in _DONE_AT_ONCE:
            request.connection.reply(_TRUE)
        else:
            request.connection.reply(_UNKNOWN, status=b"404 Not Found")

    def _send(self, fields: dict[str, Any], now: float) -> bytes:
        chat = int(fields["chat_id"])
        return self._show(fields, Shown(chat, self._take_message_id(chat), fields["text"], now))

    def _answer(self, request: Request, body: bytes, status: bytes = b"200 OK") -> None:
        """Answer a call that has had its effect, unless the answer is among those that get lost."""
        if self.loss and self._random.random() < self.loss:
            self.lost += 1
            request.connection.close()
        else:
            request.connection.reply(body, status=status)

    def _edit(self, fields: dict[str, Any], now: float) -> tuple[bytes, bytes]:
        shown = Shown(int(fields["chat_id"]), int(fields["message_id"]), fields["text"], now, edited=True)
        known = self._contents.get((shown.chat, shown.number))
        if known is None:
            return _NOT_FOUND, b"400 Bad Request"
        if known == _digest(fields):
            return _NOT_MODIFIED, b"400 Bad Request"
        return self._show(fields, shown), b"200 OK"

    def _show(self, fields: dict[str, Any], shown: Shown) -> bytes:
        self._contents[shown.chat, shown.number] = _digest(fields)
        self._on_shown(shown)
        return _ok(_message(shown))

    def _take_message_id(self, chat: int) -> int:
        box = min(chat, 0)
        self._last_messages[box] += 1
        return self._last_messages[box]

    def _take_poll(self, request: Request, fields: dict[str, Any]) -> None:
        if self._poll is not None:
            self._end_poll().request.connection.reply(_CONFLICT, status=b"409 Conflict")
        offset = int(fields.get("offset") or 0)
        while self._updates and self._updates[0][0] < offset:
            self._updates.popleft()
        patience = float(fields.get("timeout") or 0)
        timer = asyncio.get_running_loop().call_later(patience, self._flush)
        self._poll = _Poll(request, int(fields.get("limit") or 100), timer)
        request.connection.on_lost = lambda: self._forget_poll(request)
        if self._updates or not patience:
            self._flush()

    def _forget_poll(self, request: Request) -> None:
        if self._poll is not None and self._poll.request is request:
            self._end_poll()

    def _end_poll(self) -> _Poll:
        poll, self._poll = self._poll, None
        assert poll is not None
        poll.timer.cancel()
        poll.request.connection.on_lost = None
        return poll

    def _flush(self) -> None:
        self._flushing = False
        if self._poll is None:
            return
        poll, now = self._end_poll(), time.perf_counter()
        batch = [self._updates[index] for index in range(min(poll.limit, len(self._updates)))]
        for number, _ in batch:
            self._on_handed(number, now)
        poll.request.connection.reply(b'{"ok":true,"result":[%b]}' % b",".join(data for _, data in batch))


def _read(body: bytes) -> dict[str, Any]:
    if body.startswith(b"{"):
        fields: dict[str, Any] = orjson.loads(body)
        return fields
    return dict(parse_qsl(body.decode()))


def _digest(fields: dict[str, Any]) -> int:
    """Return what tells one content of a message from another, without keeping every text."""
    return hash((fields["text"], repr(fields.get("reply_markup"))))


def _ok(result: object) -> bytes:
    return orjson.dumps({"ok": True, "result": result})


def _message(shown: Shown) -> dict[str, Any]:
    return {
        "message_id": shown.number,
        "date": int(time.time()),
        "from": _ME,
        "chat": _chat(shown.chat),
        "text": shown.text,
    }


def _chat(chat: int) -> dict[str, Any]:
    if chat < 0:
        return {"id": chat, "type": "supergroup", "title": f"Group {-chat}"}
    return {"id": chat, "type": "private", "first_name": f"User {chat}"}
