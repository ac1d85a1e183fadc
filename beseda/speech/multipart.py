"""Recognisers that take a file in a multipart form: OpenAI's route, which most servers have, and `/transcribe`."""

from pathlib import Path
from typing import IO

import aiohttp

from beseda.core.errors import RejectedRequestError
from beseda.core.failover import BackendHealth
from beseda.core.mime import UNKNOWN, guess_mime
from beseda.http.client import HttpAnswer
from beseda.speech._answer import read_transcript
from beseda.speech._http import SUFFIXES, HttpTranscriber
from beseda.speech.base import SpeechConnection, Transcript


class OpenAITranscriber(HttpTranscriber):
    """A `Transcriber` over `POST {base_url}/audio/transcriptions`.

    Times come in `verbose_json`, which the whisper family knows and OpenAI's later models refuse; a server of one's
    own is tried once (vLLM 0.11 refuses it, too).
    """

    def __init__(self, connection: SpeechConnection) -> None:
        super().__init__(connection)
        self._tells_times = not connection.model or "whisper" in connection.model

    async def _ask(self, audio: Path, language: str, *, times: bool) -> Transcript:
        if times and self._tells_times:
            try:
                return await self._post(audio, language, "verbose_json")
            except RejectedRequestError:
                transcript = await self._post(audio, language, "json")
                self._tells_times = False  # only now it is clear that the format was the reason
                return transcript
        return await self._post(audio, language, "json")

    async def _post(self, audio: Path, language: str, answer_format: str) -> Transcript:
        file, size = self._open_bounded(audio)
        with file:
            form = self._fill_form(file, audio.suffix, language, answer_format)
            answer = await self._send("POST", "/audio/transcriptions", form, size=size)
        if answer.status != 200:
            raise self._explain(answer)
        return read_transcript(answer.body)

    def _fill_form(self, file: IO[bytes], suffix: str, language: str, answer_format: str) -> aiohttp.FormData:
        form = aiohttp.FormData()
        if self._connection.model:
            form.add_field("model", self._connection.model)
        form.add_field("response_format", answer_format)
        if language:
            form.add_field("language", language)
        add_file(form, file, suffix)
        return form


def add_file(form: aiohttp.FormData, file: IO[bytes], suffix: str) -> None:
    """Add a recording to a form under a name of our own."""
    name = f"voice{suffix if suffix in SUFFIXES else '.ogg'}"
    form.add_field("file", file, filename=name, content_type=guess_mime(name) or UNKNOWN)


class PlainTranscriber(HttpTranscriber):
    """A `Transcriber` over `POST {base_url}/transcribe`: fields `file` and `language`, answer `{"text": …}`."""

    _models_path = "/"  # it has no list: that it answers is all one can learn

    async def _ask(self, audio: Path, language: str, *, times: bool) -> Transcript:
        del times  # segments come along by themselves or not at all
        file, size = self._open_bounded(audio)
        with file:
            form = aiohttp.FormData()
            if language:
                form.add_field("language", language)
            add_file(form, file, audio.suffix)
            answer = await self._send("POST", "/transcribe", form, size=size)
        if answer.status != 200:
            raise self._explain(answer)
        return read_transcript(answer.body)

    def _judge(self, answer: HttpAnswer) -> BackendHealth:
        # Any page will do, also "no such page": but not a proxy that finds nobody behind it, or asks for a key.
        if answer.status >= 500 or answer.status in {401, 403} or 300 <= answer.status < 400:
            return BackendHealth(ok=False, detail=str(self._explain(answer)))
        return BackendHealth(ok=True, detail=f"{self.name} answers")
