"""What media bots need beside texts: a Bot API server with files, and a recogniser."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench.crowd import Crowd
from bench.http_server import Request, serve
from bench.telegram_server import TOKEN, Shown, TelegramServer

_UPLOADS = {"sendDocument": 1, "sendPhoto": 1, "sendMediaGroup": 0}
"""Methods that take files, and how many files each is to bring; 0 is two or more."""

_GET_FILE = f"/bot{TOKEN}/getFile"
_FILES = f"/file/bot{TOKEN}/"
_CHAT = re.compile(rb'name="chat_id"(?:\r\n[^\r\n]+)*\r\n\r\n(-?\d+)\r\n')
_FILE_NAME = re.compile(rb'filename="([^"\r\n]+)"')
_NOT_THERE = b'{"ok":false,"error_code":400,"description":"Bad Request: invalid file_id"}'

_SEGMENT = 5  # seconds; people say about this much in a breath
_SPOKEN = "and so we agreed that the kettle is bought before the meeting begins, not after it."


@dataclass(frozen=True, slots=True)
class Upload:
    """Files that the bot sent to a chat in one call; `moment` of `time.perf_counter` is that of the call."""

    chat: int
    method: str
    names: tuple[str, ...]
    moment: float

    @property
    def kind(self) -> str:
        """The method and what the first file is."""
        return f"{self.method} of {Path(self.names[0]).suffix}"


class FileTelegram(TelegramServer):
    """A Bot API server that hands out files (https://core.telegram.org/bots/api#getfile) and takes uploads.

    A file's id is anything that begins with its name in `files` and a dash: one file goes out under many ids.
    """

    def __init__(
        self,
        on_shown: Callable[[Shown], None],
        on_handed: Callable[[int, float], None],
        on_upload: Callable[[Upload], None],
    ) -> None:
        super().__init__(on_shown, on_handed)
        self.files: dict[str, bytes] = {}
        self._on_upload = on_upload

    def handle(self, request: Request) -> None:
        """Answer one call, or hand out a file."""
        method = request.path.rpartition("/")[2]
        if request.path.startswith(_FILES):
            self._hand_out(request, method)
        elif request.path == _GET_FILE:
            self._find(request, str(orjson.loads(request.body)["file_id"]))
        elif method in _UPLOADS and request.path == f"/bot{TOKEN}/{method}":
            self._take(request, method)
        else:
            super().handle(request)

    def _find(self, request: Request, file_id: str) -> None:
        data = self.files.get(file_id.partition("-")[0])
        if data is None:
            request.connection.reply(_NOT_THERE, status=b"400 Bad Request")
            return
        found = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data), "file_path": file_id}
        request.connection.reply(orjson.dumps({"ok": True, "result": found}))

    def _hand_out(self, request: Request, file_id: str) -> None:
        data = self.files.get(file_id.partition("-")[0])
        if data is None:
            request.connection.reply(_NOT_THERE, status=b"404 Not Found")
        else:
            request.connection.reply(data, kind=b"application/octet-stream")

    def _take(self, request: Request, method: str) -> None:
        chat = _CHAT.search(request.body)
        names = tuple(name.decode(errors="replace") for name in _FILE_NAME.findall(request.body))
        if chat is None or (len(names) != _UPLOADS[method] if _UPLOADS[method] else len(names) < 2):
            request.connection.reply(_NOT_THERE, status=b"400 Bad Request")
            return
        upload = Upload(int(chat[1]), method, names, time.perf_counter())
        self._on_upload(upload)
        messages = [self._describe(upload) for _ in names]
        result = messages if method == "sendMediaGroup" else messages[0]
        request.connection.reply(orjson.dumps({"ok": True, "result": result}))

    def _describe(self, upload: Upload) -> dict[str, Any]:
        chat = {"id": upload.chat, "type": "private", "first_name": f"User {upload.chat}"}
        return {"message_id": self._take_message_id(upload.chat), "date": int(time.time()), "chat": chat}


@dataclass(slots=True)
class Sender:
    """Somebody who sends a file: what the bot has said to them and sent back."""

    said: list[str] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)


class MediaCrowd(Crowd):
    """People who write, as in any crowd, and `senders` of files among them, by the number of their chat."""

    def __init__(self, kind: type[FileTelegram] | None = None, *, seed: int = 0) -> None:
        """`kind` is the Bot API server that they write to."""
        super().__init__(seed=seed)
        self.senders: dict[int, Sender] = {}
        self.heard = asyncio.Event()
        """Set whenever a sender gets anything."""
        self.telegram: FileTelegram = (kind or FileTelegram)(self._hear, self._note_handed, self._note_upload)

    def write_as(self, sender: int, content: dict[str, object]) -> None:
        """Let a sender send a message of any kind, in private."""
        self.senders.setdefault(sender, Sender())
        self.telegram.post(sender, sender, content)

    def ask(self, user: int) -> None:
        """Let a user write one message, whether or not the one before is answered."""
        self._ask(user)

    def _hear(self, shown: Shown) -> None:
        if shown.chat in self.senders:
            self.senders[shown.chat].said.append(shown.text)
            self.heard.set()
        else:
            super()._hear(shown)

    def _note_handed(self, update_id: int, now: float) -> None:
        if update_id in self._by_update:
            super()._note_handed(update_id, now)

    def _note_upload(self, upload: Upload) -> None:
        if upload.chat in self.senders:
            self.senders[upload.chat].uploads.append(upload)
            self.heard.set()
        else:
            self.strays.append(upload.kind)


def recognise(request: Request) -> None:
    """Answer as a recogniser with OpenAI's route that has heard an hour of speech, at once and with times."""
    if request.path.endswith("/models"):
        request.connection.reply(b'{"object":"list","data":[{"id":"bench","object":"model"}]}')
    elif request.path.endswith("/audio/transcriptions"):
        request.connection.reply(_HOUR)
    else:
        request.connection.reply(b"{}", status=b"404 Not Found")


def _write_hour() -> bytes:
    starts = range(0, 3600, _SEGMENT)
    segments = [
        {"id": start // _SEGMENT, "start": start, "end": start + _SEGMENT, "text": f" {_SPOKEN}"} for start in starts
    ]
    return orjson.dumps({"text": " ".join(_SPOKEN for _ in starts), "duration": 3600.0, "segments": segments})


_HOUR = _write_hour()


@asynccontextmanager
async def open_media_crowd() -> AsyncIterator[tuple[MediaCrowd, str]]:
    """Serve Telegram, the model and a recogniser for the length of the block; the latter's address comes along."""
    crowd = MediaCrowd()
    async with (
        serve(crowd.telegram.handle) as telegram,
        serve(crowd.model.handle) as model,
        serve(recognise) as recogniser,
    ):
        crowd.servers = telegram, model
        yield crowd, recogniser.url
