"""Common parts of recognisers over HTTP: connections, limits, faults, one retry, the list of models."""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from yarl import URL

from beseda.core.errors import (
    BesedaError,
    CreditExhaustedError,
    FileTooLargeError,
    KeyRejectedError,
    ModelNotFoundError,
    ProtocolError,
    QuotaExceededError,
    RemoteError,
    ToolError,
    UnavailableError,
)
from beseda.core.failover import BackendHealth
from beseda.core.foreign_json import load_json
from beseda.http.client import Body, HttpAnswer, HttpClient, HttpRequest
from beseda.http.faults import FaultReader
from beseda.speech.base import SpeechConnection, SpeechLimits, Transcript

_MAX_ANSWER = 2_000_000  # bytes: hours of speech are a tenth of it
# What a file says beyond its first minutes may take its time: a slow server hears twice as fast as we speak.
_SHORT_BYTES, _SLOWEST = 1_000_000, 6_000  # bytes, bytes a second
# By the file's name they tell what it is; Telegram's .oga is one that they do not know.
SUFFIXES: Final = frozenset({".flac", ".m4a", ".mp3", ".mp4", ".mpeg", ".mpga", ".ogg", ".wav", ".webm"})

_TOO_LARGE: Final = 413
_SETUP_FAULTS: Final = (KeyRejectedError, CreditExhaustedError, ModelNotFoundError, ProtocolError)
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

_log = logging.getLogger(__name__)


class HttpTranscriber:
    """Base class of a `Transcriber` over HTTP; a subclass adds `_ask`. Retries once if that may help soon."""

    # Where the service lists its models; empty where it has no such list.
    _models_path = "/models"

    def __init__(self, connection: SpeechConnection) -> None:
        self._connection = connection
        self._base_url = connection.base_url.rstrip("/")
        self._http = HttpClient()

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
            return await self._try_again(audio, _read_language(language), times=times)
        except RemoteError as error:
            # The errors' own texts speak of the chat model.
            if isinstance(error, QuotaExceededError):
                error.text_name = "speech.busy"
            else:
                error.text_name = "speech.wrong" if isinstance(error, _SETUP_FAULTS) else "speech.down"
            raise

    async def _try_again(self, audio: Path, hint: str, *, times: bool) -> Transcript:
        for attempt in itertools.count():
            try:
                return await self._ask(audio, hint, times=times)
            except (QuotaExceededError, UnavailableError) as error:
                wait = self._connection.retries.find_wait(error, attempt)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def check(self) -> BackendHealth:
        """Request the list of models, which is free of charge. If the model's service will end, return and log it."""
        try:
            answer = await self._send("GET", self._models_path)
        except BesedaError as error:
            return BackendHealth(ok=False, detail=str(error))
        return self._judge(answer)

    async def close(self) -> None:
        """Give back connections; a later request opens new ones."""
        await self._http.close()

    async def _ask(self, audio: Path, language: str, *, times: bool) -> Transcript:
        raise NotImplementedError

    def _judge(self, answer: HttpAnswer) -> BackendHealth:
        model = self._connection.model
        # Not every server of one's own has this route; that it answers is what we wanted to know.
        served = _read_models(answer.body) if answer.status == 200 else {}
        if answer.status not in {200, 404}:
            return BackendHealth(ok=False, detail=str(self._explain(answer)))
        if served and model and model not in served:
            return BackendHealth(ok=False, detail=f"{self._connection.endpoint} has no model {model}")
        if end := served.get(model, ""):
            _log.warning("%s will be switched off on %s: name another in BESEDA_SPEECH", self.name, end)
            return BackendHealth(ok=True, detail=f"{self.name} answers until {end}, then it is switched off")
        return BackendHealth(ok=True, detail=f"{self.name} answers")

    async def _send(
        self, method: str, path: str, body: Body = None, *, size: int = 0, headers: Mapping[str, str] = _NO_HEADERS
    ) -> HttpAnswer:
        """Return the answer. A body of `size` bytes gets the time that a slow server needs for it."""
        key = self._connection.api_key
        if key:
            headers = {**headers, "Authorization": f"Bearer {key}"}
        seconds = self._connection.timeout + max(0, size - _SHORT_BYTES) / _SLOWEST
        url = URL(self._base_url + path)
        try:
            request = HttpRequest(method, url, body, headers, seconds, self._connection.connect_timeout)
            return await self._http.send(request, limit=_MAX_ANSWER)
        except RemoteError as error:
            error.endpoint = self.name
            raise

    def _explain(self, answer: HttpAnswer, status: int = 0) -> BesedaError:
        """Return the error that `answer` stands for; `status` is that within an answer of 200."""
        headers = _NO_HEADERS if status else answer.headers
        # Servers of one's own take any name of a model, or none: a 404 that names no model is a missing route.
        faults = FaultReader(self.name, self._connection.api_key, any_model=True)
        error = faults.read_refusal(status or answer.status, answer.body, headers)
        if error.status == _TOO_LARGE and not isinstance(error, CreditExhaustedError):
            return FileTooLargeError(error.detail)
        return error

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
