"""The vendors' own clients get from our test server what ours gets: the server is honest about the wire."""

from pathlib import Path
from typing import TYPE_CHECKING

from beseda.speech.registry import SpeechSettings, build_transcriber
from tests.parts.later import LateModule
from tests.parts.speech_server import MODEL, SpeechServer

if TYPE_CHECKING:
    import groq
    import openai
else:
    groq, openai = LateModule("groq"), LateModule("openai")

AUDIO = (Path(__file__).parents[2] / "samples" / "voice" / "hello.ogg").read_bytes()


async def test_groq_sdk_gets_the_same_text(server: SpeechServer, voice: Path) -> None:
    async with groq.AsyncGroq(api_key="gsk_k", base_url=server.root_url, max_retries=0) as client:
        answer = await client.audio.transcriptions.create(
            model=MODEL, file=("voice.ogg", AUDIO), language="ru", response_format="json"
        )
    await _expect_the_same("groq", server, voice, answer.text)


async def test_openai_sdk_gets_the_same_text(server: SpeechServer, voice: Path) -> None:
    async with openai.AsyncOpenAI(api_key="gsk_k", base_url=server.base_url, max_retries=0) as client:
        answer = await client.audio.transcriptions.create(
            model=MODEL, file=("voice.ogg", AUDIO), language="ru", response_format="json"
        )
    await _expect_the_same("openai", server, voice, answer.text)


async def _expect_the_same(endpoint: str, server: SpeechServer, voice: Path, text: str) -> None:
    ours = build_transcriber(SpeechSettings(f"{endpoint}:{MODEL}", {endpoint: "gsk_k"}, {endpoint: server.base_url}))
    transcript = await ours.transcribe(voice, language="ru")
    await ours.close()
    assert transcript.text == text.strip()
    theirs, own = server.heard
    assert (own.fields, own.file_name, own.authorization) == (theirs.fields, theirs.file_name, theirs.authorization)
    assert own.audio == theirs.audio
