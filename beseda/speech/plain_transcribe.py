"""The plainest of recognisers: a form with a file to `/transcribe`, a text back."""

from pathlib import Path

import aiohttp

from beseda.core.failover import BackendHealth
from beseda.http.client import HttpAnswer
from beseda.speech._answer import read_transcript
from beseda.speech._http import HttpTranscriber
from beseda.speech.base import Transcript
from beseda.speech.openai_multipart import add_file


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
