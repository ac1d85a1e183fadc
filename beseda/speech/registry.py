"""From settings to a recogniser."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from beseda.core.errors import FileTooLargeError, RemoteError, SettingsError, SpeechNotConfiguredError
from beseda.core.failover import BackendHealth, Failover
from beseda.http.endpoints import SPEECH_ENDPOINTS, Endpoint, Wire
from beseda.speech._http import HttpTranscriber
from beseda.speech.base import SpeechConnection, SpeechLimits, Transcriber, Transcript
from beseda.speech.multipart import OpenAITranscriber, PlainTranscriber
from beseda.speech.openrouter_json import OpenRouterTranscriber

_PLAIN_ROUTE = "/transcribe"
_WIRES: Mapping[Wire, type[HttpTranscriber]] = {
    Wire.OPENAI: OpenAITranscriber,
    Wire.OPENROUTER: OpenRouterTranscriber,
    Wire.PLAIN: PlainTranscriber,
}


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """Which recognisers to use: `spec` is `endpoint:model`, a list of them with commas, or nothing.

    `api_keys` and `base_urls` are by endpoint; time-outs in seconds.
    """

    spec: str = ""
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    connect_timeout: float = 10.0


class FailoverTranscriber(Failover[Transcriber]):
    """A `Transcriber` made of others."""

    @property
    def limits(self) -> SpeechLimits:
        """Limits that all of them meet, so that each of them can process the same parts."""
        every = [transcriber.limits for transcriber in self._members]
        seconds = [limits.max_seconds for limits in every if limits.max_seconds is not None]
        parallel = min(limits.parallel for limits in every)
        return SpeechLimits(min(limits.max_bytes for limits in every), min(seconds, default=None), parallel)

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the first transcript that can be had. Another service may take larger files."""
        return await self.try_each(
            lambda member: member.transcribe(audio, language=language, times=times), (RemoteError, FileTooLargeError)
        )


class UnconfiguredTranscriber:
    """A `Transcriber` that refuses each recording with the message that none is configured."""

    @property
    def name(self) -> str:
        """`none`."""
        return "none"

    @property
    def limits(self) -> SpeechLimits:
        """Whatever: it hears nothing."""
        return SpeechLimits()

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Raise `SpeechNotConfiguredError`."""
        del language, times
        raise SpeechNotConfiguredError(f"{audio.name} was not transcribed: {_advise()}")

    async def check(self) -> BackendHealth:
        """Return the settings that are missing."""
        return BackendHealth(ok=False, detail=_advise())

    async def close(self) -> None:
        """Nothing to give back."""


def _advise() -> str:
    variables = [row.key_variable if row.needs_key else row.url_variable for row in SPEECH_ENDPOINTS]
    return f"no speech recogniser is configured; set one of {', '.join(variables)}"


def build_transcriber(settings: SpeechSettings) -> Transcriber:
    """Return the recogniser that `settings` ask for, the first configured one if they name none.

    Raises `SettingsError` for an unknown endpoint or one that lacks its key or address.
    """
    specs = [spec.strip() for spec in settings.spec.split(",") if spec.strip()]
    if not specs:
        # Recognisers with an address that the owner set come before those with a key: a key for chat must not send
        # voices to a company.
        preferred = sorted(SPEECH_ENDPOINTS, key=lambda row: row.needs_key)
        specs = [row.name for row in preferred if _find_gap(row, settings) is None][:1]
    transcribers = [_build_one(spec, settings) for spec in specs]
    if not transcribers:
        return UnconfiguredTranscriber()
    return transcribers[0] if len(transcribers) == 1 else FailoverTranscriber(transcribers)


def _build_one(spec: str, settings: SpeechSettings) -> Transcriber:
    name, _, model = spec.partition(":")
    row = _find_row(name)
    if gap := _find_gap(row, settings):
        raise SettingsError(f"BESEDA_SPEECH names {name}, but {gap}")
    url = _complete_url(settings.base_urls.get(row.name) or row.base_url, row)
    # A server of one's own may be named by its whole route: then the route says how it is spoken to.
    wire = PlainTranscriber if url.endswith(_PLAIN_ROUTE) else _WIRES[row.speech.wire]
    return wire(
        SpeechConnection(
            endpoint=row.name,
            base_url=url.removesuffix(_PLAIN_ROUTE),
            model=model or row.speech.default_model,
            api_key=settings.api_keys.get(row.name, ""),
            timeout=settings.timeout,
            connect_timeout=settings.connect_timeout,
            limits=row.speech.limits,
        )
    )


def _find_row(name: str) -> Endpoint:
    rows = {row.name: row for row in SPEECH_ENDPOINTS}
    if name in rows:
        return rows[name]
    near = difflib.get_close_matches(name, rows, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(rows)}"
    raise SettingsError(f"BESEDA_SPEECH names {name}, an unknown speech endpoint: {hint}")


def _find_gap(row: Endpoint, settings: SpeechSettings) -> str | None:
    if row.needs_key and not settings.api_keys.get(row.name):
        return f"{row.key_variable} is not set; get a key at {row.key_page}"
    if not (row.base_url or settings.base_urls.get(row.name)):
        return f"{row.url_variable} is not set"
    return None


def _complete_url(url: str, row: Endpoint) -> str:
    try:
        parts = URL(url)
    except ValueError:
        parts = URL()
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise SettingsError(f"{row.url_variable} is not an http address")
    # People write the bare host, as Groq's own SDK wants it; the path of the route is then the usual one.
    if row.speech.wire is Wire.PLAIN:
        return url.rstrip("/")
    usual = URL(row.base_url).path if row.base_url else "/v1"
    return url if parts.path.strip("/") else url.rstrip("/") + usual
