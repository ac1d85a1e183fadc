"""The services that turn speech into text, a row each."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from beseda.speech.base import SpeechLimits


class Wire(StrEnum):
    """How a service is spoken to."""

    OPENAI = "openai"  # a multipart form to /audio/transcriptions
    OPENROUTER = "openrouter"  # JSON with the sound in base64 to the same route
    PLAIN = "plain"  # a multipart form to /transcribe, {"text": …} back


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """A recognition service. Without `base_url` the owner sets the server's address; `path` completes a bare host."""

    name: str
    key_variable: str
    url_variable: str
    wire: Wire = Wire.OPENAI
    base_url: str = ""
    default_model: str = ""
    needs_key: bool = True
    key_page: str = ""
    path: str = "/v1"
    limits: SpeechLimits = field(default_factory=SpeechLimits)


# The order is the order of preference where the settings name nothing.
ENDPOINTS: Final = (
    SpeechEndpoint(
        name="groq",
        key_variable="GROQ_API_KEY",
        url_variable="GROQ_BASE_URL",
        base_url="https://api.groq.com/openai/v1",
        default_model="whisper-large-v3-turbo",
        key_page="https://console.groq.com/keys",
        path="/openai/v1",
        limits=SpeechLimits(parallel=3),  # 20 requests a minute for free accounts
    ),
    SpeechEndpoint(
        name="openai",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        base_url="https://api.openai.com/v1",
        default_model="gpt-transcribe",
        key_page="https://platform.openai.com/api-keys",
        # The transcribe family refuses more than 1,500 seconds, whisper-1 does not.
        limits=SpeechLimits(max_seconds=1400, parallel=4),
    ),
    # vLLM, speaches, whisper.cpp or llama-server of one's own. Without a model none is named, and vLLM takes the one
    # that it serves.
    SpeechEndpoint(name="asr", key_variable="ASR_API_KEY", url_variable="ASR_BASE_URL", needs_key=False),
    # A small service of one's own around faster-whisper or the like: it has one route and no list of models.
    SpeechEndpoint(
        name="transcribe",
        key_variable="TRANSCRIBE_API_KEY",
        url_variable="TRANSCRIBE_BASE_URL",
        wire=Wire.PLAIN,
        needs_key=False,
        path="",
        limits=SpeechLimits(max_seconds=3600, parallel=1),
    ),
    # Its parts are small: the whole body is base64 in JSON, and providers behind it give up after a minute or so.
    SpeechEndpoint(
        name="openrouter",
        key_variable="OPENROUTER_API_KEY",
        url_variable="OPENROUTER_BASE_URL",
        wire=Wire.OPENROUTER,
        base_url="https://openrouter.ai/api/v1",
        default_model="openai/whisper-large-v3-turbo",
        key_page="https://openrouter.ai/keys",
        path="/api/v1",
        limits=SpeechLimits(max_bytes=6_000_000, max_seconds=600, parallel=4),
    ),
)
