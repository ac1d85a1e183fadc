"""The plainest of recognisers: a form with a file to `/transcribe`, a text back."""

from pathlib import Path

import aiohttp

from beseda.speech._answer import read_transcript
from beseda.speech._http import HttpTranscriber
from beseda.speech.base import SpeechHealth, Transcript
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
            async with self._exchange("POST", "/transcribe", form, size=size) as response:
                body = await self._read(response)
        if response.status != 200:
            raise self._explain(response, body)
        return read_transcript(body)

    def _judge(self, response: aiohttp.ClientResponse, body: bytes) -> SpeechHealth:
        # Any page will do, also "no such page": but not a proxy that finds nobody behind it, or asks for a key.
        if response.status >= 500 or response.status in {401, 403} or 300 <= response.status < 400:
            return SpeechHealth(ok=False, detail=str(self._explain(response, body)))
        return SpeechHealth(ok=True, detail=f"{self.name} answers")
