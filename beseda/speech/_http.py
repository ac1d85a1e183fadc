"""Common parts of recognisers over HTTP: connections, limits, faults, one retry, the list of models."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import aiohttp

from beseda.core.errors import (
    BesedaError,
    FileTooLargeError,
    ProtocolError,
    QuotaExceededError,
    RemoteError,
    TimedOutError,
    ToolError,
    UnavailableError,
)
from beseda.core.foreign_json import load_json
from beseda.http.session import open_session
from beseda.speech._faults import choose_words, explain_status
from beseda.speech.base import SpeechHealth, SpeechLimits, Transcript
from beseda.speech.connection import LONGEST_WAIT, SpeechConnection

_MAX_ANSWER = 2_000_000  # bytes: hours of speech are a tenth of it
# What a file says beyond its first minutes may take its time: a slow server hears twice as fast as we speak.
_SHORT_BYTES, _SLOWEST = 1_000_000, 6_000  # bytes, bytes a second
# By the file's name they tell what it is; Telegram's .oga is one that they do not know.
SUFFIXES: Final = frozenset({".flac", ".m4a", ".mp3", ".mp4", ".mpeg", ".mpga", ".ogg", ".wav", ".webm"})

_log = logging.getLogger(__name__)


class HttpTranscriber:
    """Base class of a `Transcriber` over HTTP; a subclass adds `_ask`. Retries once if that may help soon."""

    # Where the service lists its models; empty where it has no such list.
    _models_path = "/models"

    def __init__(self, connection: SpeechConnection) -> None:
        self._connection = connection
        self._base_url = connection.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """`endpoint:model`, or `endpoint` if the server chooses the model."""
        return ":".join(filter(None, (self._connection.endpoint, self._connection.model)))

    @property
    def limits(self) -> SpeechLimits:
        """The limits of the endpoint."""
        return self._connection.limits

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the text spoken in `audio`; empty if the service heard no words.

        Raises a leaf of `RemoteError`, `FileTooLargeError`, or `ToolError` if `audio` is not there.
        """
        try:
            return await self._try_twice(audio, _read_language(language), times=times)
        except RemoteError as error:
            error.words = choose_words(error)
            raise

    async def _try_twice(self, audio: Path, hint: str, *, times: bool) -> Transcript:
        try:
            return await self._ask(audio, hint, times=times)
        except (QuotaExceededError, UnavailableError) as error:
            wait = self._connection.backoff.delay(0) if error.retry_after is None else error.retry_after
            if wait > LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
        return await self._ask(audio, hint, times=times)

    async def check(self) -> SpeechHealth:
        """Request the list of models, which is free of charge. If the model's service will end, return and log it."""
        try:
            async with self._exchange("GET", self._models_path) as response:
                body = await self._read(response)
        except BesedaError as error:
            return SpeechHealth(ok=False, detail=str(error))
        return self._judge(response, body)

    async def close(self) -> None:
        """Give back connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, audio: Path, language: str, *, times: bool) -> Transcript:
        raise NotImplementedError

    def _judge(self, response: aiohttp.ClientResponse, body: bytes) -> SpeechHealth:
        model = self._connection.model
        # Not every server of one's own has this route; that it answers is what we wanted to know.
        served = _read_models(body) if response.status == 200 else {}
        if response.status not in {200, 404}:
            return SpeechHealth(ok=False, detail=str(self._explain(response, body)))
        if served and model and model not in served:
            return SpeechHealth(ok=False, detail=f"{self._connection.endpoint} has no model {model}")
        if end := served.get(model, ""):
            _log.warning("%s will be switched off on %s: name another in BESEDA_SPEECH", self.name, end)
            return SpeechHealth(ok=True, detail=f"{self.name} answers until {end}, then it is switched off")
        return SpeechHealth(ok=True, detail=f"{self.name} answers")

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, body: Any = None, *, size: int = 0, headers: dict[str, str] | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        url = self._base_url + path
        seconds = self._connection.timeout + max(0, size - _SHORT_BYTES) / _SLOWEST
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=self._connection.connect_timeout)
        try:
            # A redirect would turn the upload into a GET, or carry the key to another host.
            async with self._open_session().request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                yield response
        except TimeoutError as error:
            raise TimedOutError(f"no answer within {seconds:g} s", endpoint=self.name) from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            raise UnavailableError(f"{type(error).__name__}: {error}", endpoint=self.name) from error
        except aiohttp.InvalidURL as error:
            raise ProtocolError(f"{url} is not an address", endpoint=self.name) from error
        except aiohttp.ClientError as error:
            raise ProtocolError(f"{type(error).__name__}: {error}", endpoint=self.name) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            key = self._connection.api_key
            self._session = open_session(
                connector=aiohttp.TCPConnector(limit=64, ttl_dns_cache=300),
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > _MAX_ANSWER:
                raise ProtocolError(f"an answer of more than {_MAX_ANSWER} bytes", endpoint=self.name)
        return bytes(body)

    def _explain(self, response: aiohttp.ClientResponse, body: bytes) -> BesedaError:
        return self._explain_status(response.status, response.headers, body)

    def _explain_status(self, status: int, headers: Mapping[str, str], body: bytes) -> BesedaError:
        return explain_status(status, headers, body, endpoint=self.name, secret=self._connection.api_key)

    def _open_bounded(self, audio: Path) -> tuple[IO[bytes], int]:
        most = self._connection.limits.max_bytes
        try:
            if (size := audio.stat().st_size) > most:
                raise FileTooLargeError(f"{audio.name}: {size} bytes, and {self.name} takes {most}")
            return audio.open("rb"), size
        except OSError as error:
            raise ToolError(f"{audio.name} cannot be read: {error.strerror or error}") from error


def read_object(body: bytes) -> dict[str, Any]:
    """Return an answer's JSON object. Raises `ProtocolError`."""
    try:
        answer = load_json(body)
    except ValueError as error:
        raise ProtocolError(f"not JSON: {body[:200].decode(errors='replace')}") from error
    return answer if isinstance(answer, dict) else {}


def _read_language(language: str) -> str:
    hint = language.strip().lower().replace("_", "-").split("-")[0]
    return hint if hint.isalpha() and hint.isascii() and 2 <= len(hint) <= 3 else ""


def _read_models(body: bytes) -> dict[str, str]:
    """Return the models of a list with the day of their end, or an empty string if there is none."""
    try:
        answer = load_json(body)
    except ValueError:
        return {}
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return {}
    known = [row for row in rows if isinstance(row, dict) and "id" in row]
    return {str(row["id"]): _read_day(row.get("shutdown_date")) for row in known}


def _read_day(value: object) -> str:
    """Return a day that is given as a date or as a Unix time."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 4e9:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    return value[:10] if isinstance(value, str) else ""
