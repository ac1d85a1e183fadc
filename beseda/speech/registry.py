"""From settings to a recogniser."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from beseda.core.errors import SettingsError
from beseda.http.endpoints import SPEECH_ENDPOINTS, Endpoint, Wire
from beseda.speech._http import HttpTranscriber
from beseda.speech.base import Transcriber
from beseda.speech.connection import SpeechConnection
from beseda.speech.demo import UnconfiguredTranscriber
from beseda.speech.failover import FailoverTranscriber
from beseda.speech.openai_multipart import OpenAITranscriber
from beseda.speech.openrouter_json import OpenRouterTranscriber
from beseda.speech.plain_transcribe import PlainTranscriber

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


def build_transcriber(settings: SpeechSettings) -> Transcriber:
    """Return the recogniser that `settings` ask for, the first configured one if they name none.

    Raises `SettingsError` for an unknown endpoint or one that lacks its key or address.
    """
    specs = [spec.strip() for spec in settings.spec.split(",") if spec.strip()]
    if not specs:
        usable = [row.name for row in _list_preferred() if _find_gap(row, settings) is None]
        specs = usable[:1]
    transcribers = [_build_one(spec, settings) for spec in specs]
    if not transcribers:
        return UnconfiguredTranscriber()
    return transcribers[0] if len(transcribers) == 1 else FailoverTranscriber(transcribers)


def _list_preferred() -> list[Endpoint]:
    """Return the endpoints in their order of preference without `BESEDA_SPEECH`.

    Recognisers with an address that the owner set come before those with a key: a key for chat must not send voices to
    a company.
    """
    return sorted(SPEECH_ENDPOINTS, key=lambda row: row.needs_key)


def _build_one(spec: str, settings: SpeechSettings) -> Transcriber:
    name, _, model = spec.partition(":")
    row = _find_row(name)
    if gap := _find_gap(row, settings):
        raise SettingsError(f"BESEDA_SPEECH names {name}, but {gap}")
    url = _complete_url(settings.base_urls.get(row.name) or row.base_url, row)
    return _choose_wire(row, url)(
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


def _choose_wire(row: Endpoint, url: str) -> type[HttpTranscriber]:
    # A server of one's own may be named by its whole route: then the route says how it is spoken to.
    return PlainTranscriber if url.endswith(_PLAIN_ROUTE) else _WIRES[row.speech.wire]


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
