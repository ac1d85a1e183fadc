"""The services that turn speech into text, a row each. All of them speak OpenAI's multipart route."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """One service. Without `base_url` the owner has to say where his own server is."""

    name: str
    key_variable: str
    url_variable: str
    base_url: str = ""
    default_model: str = ""
    needs_key: bool = True
    key_page: str = ""


# The order is the order of preference where the settings name nothing.
ENDPOINTS: Final = (
    SpeechEndpoint(
        name="groq",
        key_variable="GROQ_API_KEY",
        url_variable="GROQ_BASE_URL",
        base_url="https://api.groq.com/openai/v1",
        default_model="whisper-large-v3-turbo",
        key_page="https://console.groq.com/keys",
    ),
    SpeechEndpoint(
        name="openai",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        base_url="https://api.openai.com/v1",
        default_model="gpt-transcribe",
        key_page="https://platform.openai.com/api-keys",
    ),
    # vLLM, speaches, whisper.cpp or llama-server of one's own. Without a model none is named, and vLLM takes the one
    # that it serves.
    SpeechEndpoint(name="asr", key_variable="ASR_API_KEY", url_variable="ASR_BASE_URL", needs_key=False),
)
