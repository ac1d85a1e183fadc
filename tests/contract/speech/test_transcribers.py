"""Every endpoint of the table, and a failover of two, keep what `Transcriber` promises."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beseda.core.errors import (
    BesedaError,
    CreditExhaustedError,
    FileTooLargeError,
    KeyRejectedError,
    ModelNotFoundError,
    ProtocolError,
    QuotaExceededError,
    TimedOutError,
    ToolError,
    UnansweredError,
    UnavailableError,
)
from beseda.http.endpoints import SPEECH_ENDPOINTS
from beseda.speech.base import Transcriber, Transcript
from beseda.speech.registry import SpeechSettings, build_transcriber
from tests.parts.speech_server import MODEL, Fault, SpeechServer

KEY = "gsk_0123456789abcdef"
AUDIO = (Path(__file__).parents[2] / "samples" / "voice" / "hello.ogg").read_bytes()
SPECS = [*(f"{row.name}:{MODEL}" for row in SPEECH_ENDPOINTS), f"groq:{MODEL},asr:{MODEL}"]
WANTED = {
    "openai": ({"model": MODEL, "response_format": "json", "language": "ru"}, "audio/ogg"),
    "transcribe": ({"language": "ru"}, "audio/ogg"),
    "openrouter": ({"model": MODEL, "language": "ru"}, "application/json"),
}
FAULTS = {
    Fault.UNAUTHORIZED: KeyRejectedError,
    Fault.NO_MODEL: ModelNotFoundError,
    Fault.WRONG_METHOD: ProtocolError,
    Fault.TOO_LARGE: FileTooLargeError,
    Fault.TOO_MANY: QuotaExceededError,
    Fault.NO_CREDIT: CreditExhaustedError,
    Fault.BROKEN: UnavailableError,
    Fault.DISCONNECT: UnansweredError,
    Fault.REDIRECT: ProtocolError,
    Fault.HTML: ProtocolError,
    Fault.NO_TEXT: ProtocolError,
    Fault.HUGE: ProtocolError,
}


@asynccontextmanager
async def _build(server: SpeechServer, spec: str, timeout: float) -> AsyncGenerator[Transcriber, None]:
    names = [row.name for row in SPEECH_ENDPOINTS]
    keys, urls = dict.fromkeys(names, KEY), dict.fromkeys(names, server.base_url)
    built = build_transcriber(SpeechSettings(spec, keys, urls, timeout=timeout))
    yield built
    await built.close()


@pytest.fixture(params=SPECS)
async def transcriber(request: pytest.FixtureRequest, server: SpeechServer) -> AsyncIterator[Transcriber]:
    async with _build(server, request.param, 30) as built:
        yield built


@pytest.fixture(params=SPECS)
async def impatient(request: pytest.FixtureRequest, server: SpeechServer) -> AsyncIterator[Transcriber]:
    async with _build(server, request.param, 0.2) as built:
        yield built


async def test_transcribe_sends_the_fields_of_the_route(
    transcriber: Transcriber, server: SpeechServer, voice: Path
) -> None:
    assert await transcriber.transcribe(voice, language="ru-RU") == Transcript("Привет, мир", 4.0)
    (heard,) = server.heard
    fields, kind = WANTED.get(transcriber.name.partition(":")[0], WANTED["openai"])
    assert heard.fields == fields
    assert (heard.file_name, heard.content_type) == ("voice.ogg", kind)
    assert (heard.authorization, heard.audio) == (f"Bearer {KEY}", AUDIO)


async def test_transcribe_without_a_language_lets_the_service_guess(
    transcriber: Transcriber, server: SpeechServer, voice: Path
) -> None:
    await transcriber.transcribe(voice, language="зло; rm -rf")
    assert "language" not in server.heard[0].fields


async def test_transcribe_telegrams_oga_under_a_name_they_know(
    transcriber: Transcriber, server: SpeechServer, voice: Path, tmp_path: Path
) -> None:
    shutil.copy(voice, tmp_path / "file_12.oga")
    await transcriber.transcribe(tmp_path / "file_12.oga")
    assert server.heard[0].file_name == "voice.ogg"


async def test_transcribe_of_silence_is_an_empty_text(
    transcriber: Transcriber, server: SpeechServer, voice: Path
) -> None:
    server.faults.append(Fault.EMPTY)
    assert (await transcriber.transcribe(voice)).text == ""


@pytest.mark.parametrize("fault", FAULTS)
async def test_transcribe_failure_is_an_error_of_the_tree(
    transcriber: Transcriber, server: SpeechServer, voice: Path, fault: Fault
) -> None:
    server.faults.extend([fault] * 4)
    with pytest.raises(BesedaError) as caught:
        await transcriber.transcribe(voice)
    assert type(caught.value) is FAULTS[fault]
    assert KEY not in str(caught.value)


async def test_service_that_hangs_is_given_up(impatient: Transcriber, server: SpeechServer, voice: Path) -> None:
    server.faults.extend([Fault.HANG] * 4)
    with pytest.raises(TimedOutError, match=r"no answer within 0\.2 s"):
        await impatient.transcribe(voice)
    assert not (await impatient.check()).ok


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.BROKEN, Fault.DISCONNECT])
async def test_transcribe_retries_once_if_that_helps(
    transcriber: Transcriber, server: SpeechServer, voice: Path, fault: Fault
) -> None:
    server.faults.append(fault)
    assert (await transcriber.transcribe(voice)).text == "Привет, мир"
    assert [len(heard.audio) for heard in server.heard] == [len(AUDIO)] * 2


async def test_transcribe_cancelled_ends_immediately(
    transcriber: Transcriber, server: SpeechServer, voice: Path
) -> None:
    server.faults.append(Fault.HANG)
    task = asyncio.create_task(transcriber.transcribe(voice))
    async with asyncio.timeout(30):
        while not server.heard:  # noqa: ASYNC110 - the server is a condition, not an event
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_transcribe_of_a_missing_file_is_this_machines_fault(transcriber: Transcriber, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        await transcriber.transcribe(tmp_path / "gone.ogg")


async def test_transcribe_of_too_large_a_file_is_not_sent(
    transcriber: Transcriber, server: SpeechServer, tmp_path: Path
) -> None:
    with (tmp_path / "long.ogg").open("wb") as file:
        file.truncate(25_000_001)
    with pytest.raises(FileTooLargeError):
        await transcriber.transcribe(tmp_path / "long.ogg")
    assert not server.heard


async def test_check_of_a_working_service(transcriber: Transcriber) -> None:
    health = await transcriber.check()
    assert health.ok
    assert "answers" in health.detail


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.BROKEN, Fault.REDIRECT])
async def test_check_of_a_broken_service_names_the_cause(
    transcriber: Transcriber, server: SpeechServer, fault: Fault
) -> None:
    server.faults.extend([fault] * 2)
    health = await transcriber.check()
    assert not health.ok
    assert health.detail
    assert KEY not in health.detail


async def test_transcriber_works_again_after_close(transcriber: Transcriber, voice: Path) -> None:
    await transcriber.transcribe(voice)
    await transcriber.close()
    assert (await transcriber.transcribe(voice)).text == "Привет, мир"


async def test_limits_name_size_and_number(transcriber: Transcriber) -> None:
    limits = transcriber.limits
    assert 1_000_000 <= limits.max_bytes <= 25_000_000
    assert limits.max_seconds is None or limits.max_seconds >= 600
    assert limits.parallel >= 1
