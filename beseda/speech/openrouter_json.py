"""OpenRouter's transcription route: the sound as base64 within JSON.

Source: https://openrouter.ai/docs/guides/overview/multimodal/stt. The body is written while it is
sent, so that no recording is ever in memory as a whole.
"""

import base64
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO, Any

import orjson

from beseda.speech._answer import read_transcript
from beseda.speech._http import SUFFIXES, HttpTranscriber, read_object
from beseda.speech.base import Transcript

_PIECE = 3 * 16_384  # bytes: a multiple of three has no padding
_MARK = "@"


class OpenRouterTranscriber(HttpTranscriber):
    """A `Transcriber` over `POST {base_url}/audio/transcriptions` with `input_audio{data, format}`."""

    _models_path = "/models?output_modalities=transcription"

    async def _ask(self, audio: Path, language: str, *, times: bool) -> Transcript:
        del times  # the route tells none
        file, size = self._open_bounded(audio)
        with file:
            head, tail = self._frame(audio.suffix, language)
            length = len(head) + 4 * -(-size // 3) + len(tail)
            headers = {"Content-Type": "application/json", "Content-Length": str(length)}
            body = _encode(file, head, tail)
            answer = await self._send("POST", "/audio/transcriptions", body, size=size, headers=headers)
        if answer.status != 200:
            raise self._explain(answer)
        if status := _find_hidden_status(answer.body):
            raise self._explain(answer, status)
        return read_transcript(answer.body)

    def _frame(self, suffix: str, language: str) -> tuple[bytes, bytes]:
        kind = suffix.removeprefix(".") if suffix in SUFFIXES else "ogg"
        # The sound stands first in the object, so the mark cannot be a part of a model's name.
        request: dict[str, Any] = {"input_audio": {"data": _MARK, "format": kind}, "model": self._connection.model}
        if language:
            request["language"] = language
        head, _, tail = orjson.dumps(request).partition(_MARK.encode())
        return head, tail


async def _encode(file: IO[bytes], head: bytes, tail: bytes) -> AsyncGenerator[bytes, None]:
    yield head
    while piece := file.read(_PIECE):
        yield base64.b64encode(piece)
    yield tail


def _find_hidden_status(answer: bytes) -> int:
    """Return the status of an error that OpenRouter puts into an answer of 200, or 0 if there is none."""
    error = read_object(answer).get("error")
    if not isinstance(error, dict):
        return 0
    code = error.get("code")
    return code if isinstance(code, int) and code > 200 else 502
