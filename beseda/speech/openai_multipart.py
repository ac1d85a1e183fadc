"""OpenAI's transcription route: a file in a multipart form. Groq, vLLM and most servers of one's own have it too."""

import asyncio
import mimetypes
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import aiohttp
import orjson

from beseda.errors import (
    BesedaError,
    FileTooLargeError,
    ProtocolError,
    QuotaExceededError,
    TimedOutError,
    ToolError,
    UnavailableError,
)
from beseda.kit.backoff import Backoff
from beseda.speech._faults import explain_status
from beseda.speech.base import SpeechHealth, Transcript

MAX_UPLOAD = 25_000_000  # bytes: Groq's and OpenAI's limit for an attachment, vLLM's default
_MAX_ANSWER = 2_000_000  # bytes: hours of speech are a tenth of it
_LONGEST_WAIT = 5.0  # seconds: a person is waiting
# By the file's name they tell what it is; Telegram's .oga is one that they do not know.
_SUFFIXES: Final = frozenset({".flac", ".m4a", ".mp3", ".mp4", ".mpeg", ".mpga", ".ogg", ".wav", ".webm"})


@dataclass(frozen=True, slots=True)
class SpeechConnection:
    """Where to send speech, and how long to wait (seconds)."""

    endpoint: str
    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)
    timeout: float = 120.0
    connect_timeout: float = 10.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5, cap=_LONGEST_WAIT))


class OpenAITranscriber:
    """A `Transcriber` over `POST {base_url}/audio/transcriptions`. Tries once more where that may help soon."""

    def __init__(self, connection: SpeechConnection) -> None:
        self._connection = connection
        self._base_url = connection.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """`endpoint:model`, or `endpoint` where the server chooses the model."""
        return ":".join(filter(None, (self._connection.endpoint, self._connection.model)))

    async def transcribe(self, audio: Path, *, language: str = "") -> Transcript:
        """Return the text spoken in `audio`; empty if the service heard no words.

        Raises a leaf of `RemoteError`, `FileTooLargeError`, or `ToolError` if `audio` is not there.
        """
        try:
            return await self._ask(audio, language)
        except (QuotaExceededError, UnavailableError) as error:
            wait = self._connection.backoff.delay(0) if error.retry_after is None else error.retry_after
            if wait > _LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
        return await self._ask(audio, language)

    async def check(self) -> SpeechHealth:
        """Ask for the list of models, which costs nothing."""
        try:
            async with self._exchange("GET", "/models") as response:
                body = await self._read(response)
        except BesedaError as error:
            return SpeechHealth(ok=False, detail=str(error))
        # Not every server of one's own has this route; that it answers is what we wanted to know.
        served = _read_models(body) if response.status == 200 else []
        if response.status not in {200, 404}:
            return SpeechHealth(ok=False, detail=str(self._explain(response, body)))
        if served and self._connection.model and self._connection.model not in served:
            return SpeechHealth(ok=False, detail=f"{self._connection.endpoint} has no model {self._connection.model}")
        return SpeechHealth(ok=True, detail=f"{self.name} answers")

    async def close(self) -> None:
        """Give back connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, audio: Path, language: str) -> Transcript:
        with _open_bounded(audio) as file:
            form = self._fill_form(file, audio.suffix, language)
            async with self._exchange("POST", "/audio/transcriptions", form) as response:
                body = await self._read(response)
        if response.status != 200:
            raise self._explain(response, body)
        return _read_transcript(body)

    def _fill_form(self, file: IO[bytes], suffix: str, language: str) -> aiohttp.FormData:
        form = aiohttp.FormData()
        if self._connection.model:
            form.add_field("model", self._connection.model)
        form.add_field("response_format", "json")
        if hint := _read_language(language):
            form.add_field("language", hint)
        name = f"voice{suffix if suffix in _SUFFIXES else '.ogg'}"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        form.add_field("file", file, filename=name, content_type=kind)
        return form

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, form: aiohttp.FormData | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        url = self._base_url + path
        try:
            # A redirect would turn the upload into a GET, or carry the key to another host.
            async with self._open_session().request(method, url, data=form, allow_redirects=False) as response:
                yield response
        except TimeoutError as error:
            raise TimedOutError(f"{self.name}: no answer within {self._connection.timeout:g} s") from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            raise UnavailableError(f"{self.name}: {type(error).__name__}: {error}") from error
        except aiohttp.InvalidURL as error:
            raise ProtocolError(f"{self.name}: {url} is not an address") from error
        except aiohttp.ClientError as error:
            raise ProtocolError(f"{self.name}: {type(error).__name__}: {error}") from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connection = self._connection
            key = connection.api_key
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=64, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=connection.timeout, sock_connect=connection.connect_timeout),
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > _MAX_ANSWER:
                raise ProtocolError(f"{self.name}: an answer of more than {_MAX_ANSWER} bytes")
        return bytes(body)

    def _explain(self, response: aiohttp.ClientResponse, body: bytes) -> BesedaError:
        error = explain_status(response.status, response.headers, body)
        detail = f"{self.name}: {error.detail}"
        # Some services repeat the key that they refuse.
        key = self._connection.api_key
        return type(error)(detail.replace(key, "<key>") if key else detail, retry_after=error.retry_after)


def _open_bounded(audio: Path) -> IO[bytes]:
    try:
        if (size := audio.stat().st_size) > MAX_UPLOAD:
            raise FileTooLargeError(f"{audio.name}: {size} bytes, and recognisers take {MAX_UPLOAD}")
        return audio.open("rb")
    except OSError as error:
        raise ToolError(f"{audio.name} cannot be read: {error.strerror or error}") from error


def _read_language(language: str) -> str:
    hint = language.strip().lower().replace("_", "-").split("-")[0]
    return hint if hint.isalpha() and hint.isascii() and 2 <= len(hint) <= 3 else ""


def _read_transcript(body: bytes) -> Transcript:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(f"not JSON: {body[:200].decode(errors='replace')}") from error
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise ProtocolError(f"no text in the answer: {body[:200].decode(errors='replace')}")
    return Transcript(text.strip(), _read_seconds(answer))


def _read_seconds(answer: dict[str, object]) -> float | None:
    usage = answer.get("usage")
    seconds = usage.get("seconds") if isinstance(usage, dict) else answer.get("duration")
    return float(seconds) if isinstance(seconds, int | float) else None


def _read_models(body: bytes) -> list[str]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    rows = answer.get("data") if isinstance(answer, dict) else None
    return [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
