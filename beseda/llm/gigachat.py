"""GigaChat as a dialect of the OpenAI protocol.

Differences: a token is fetched with the key and lasts half an hour; the only system message must be the first message
(else 422); the key's scope limits the answers in parallel; certificates come from the Russian Trusted Root CA; and
`blacklist` is a finish reason. Facts: developers.sber.ru and the source of its SDK 0.2.3.
"""

import asyncio
import base64
import binascii
import hashlib
import logging
import ssl
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.errors import (
    KeyRejectedError,
    ProtocolError,
    QuotaExceededError,
    RejectedRequestError,
    RemoteError,
    SettingsError,
)
from beseda.core.foreign_json import load_json
from beseda.http.client import HttpClient, HttpRequest, Trust
from beseda.http.endpoints import GIGACHAT_AUTH_URL
from beseda.http.faults import FaultReader
from beseda.llm.base import Measuring, ModelEvent, ModelHealth, ModelRequest, Timeouts, Waiting
from beseda.llm.fair_queue import FairQueue
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel

logger = logging.getLogger(__name__)

PERSONAL_SCOPE = "GIGACHAT_API_PERS"
SCOPES = (PERSONAL_SCOPE, "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")

_PERSONAL_STREAMS = 1
_COMPANY_STREAMS = 10
_LONGEST_LINE = 100
_RENEW_BEFORE = 60.0
_TOKEN_SECONDS = 10.0
_DOUBTFUL_LIFETIME = 300.0  # of a token that is out of date on arrival: this machine's clock is wrong
_MILLISECONDS_FROM = 1e11  # an expiry above it is in milliseconds since the epoch
_CERTIFICATE_HINT = (
    "GigaChat's chain ends in the Russian Trusted Root CA: take russian_trusted_root_ca from "
    "https://www.gosuslugi.ru/crt as PEM and set GIGA_CA_BUNDLE to the file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GigaChatSettings:
    """Settings of GigaChat besides its key and address. `streams` 0 means the limit of the scope."""

    auth_url: str = GIGACHAT_AUTH_URL
    scope: str = PERSONAL_SCOPE
    verify_ssl: bool = True
    ca_bundle: Path | None = None
    streams: int = 0

    def count_streams(self) -> int:
        """Return the number of answers in parallel: `streams` if set, else one for a person and ten for a company."""
        usual = _PERSONAL_STREAMS if self.scope == PERSONAL_SCOPE else _COMPANY_STREAMS
        return self.streams or usual


class GigaChatAccount:
    """The token of a key and the queue before it, shared by all models of the process with this key.

    Implements `beseda.llm.openai_compatible.Credentials`.
    """

    def __init__(self, key: str, settings: GigaChatSettings, clock: Clock) -> None:
        self._key = key
        self._settings = settings
        self._clock = clock
        self._faults = FaultReader("gigachat: the token", key)
        self._fetching = asyncio.Lock()
        self._headers: Mapping[str, str] = {}
        self._renew_at = 0.0
        self.line = FairQueue(settings.count_streams())

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the token as a header; one request at a time fetches a new one a minute before the old one ends.

        Raises RemoteError.
        """
        if not self._is_good():
            async with self._fetching:
                if not self._is_good():  # another may have fetched it while we waited
                    await self._fetch(http)
        return self._headers

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Discard a token that was refused, unless another request has already replaced it."""
        if self._headers and headers.get("Authorization") == self._headers["Authorization"]:
            self._headers = {}
        return True

    def _is_good(self) -> bool:
        return bool(self._headers) and self._clock.monotonic() < self._renew_at

    async def _fetch(self, http: HttpClient) -> None:
        headers = {
            "Authorization": f"Basic {self._key}",
            "RqUID": str(uuid.uuid4()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        body = f"scope={self._settings.scope}".encode()
        answer = await http.send(HttpRequest("POST", URL(self._settings.auth_url), body, headers, _TOKEN_SECONDS))
        if answer.status != 200:
            raise self._explain(self._faults.read_refusal(answer.status, answer.body, answer.headers))
        token, expires = _parse_token(answer.body)
        left = expires - self._clock.now().timestamp()
        life = left - _RENEW_BEFORE if left > _RENEW_BEFORE else _DOUBTFUL_LIFETIME
        self._headers = {"Authorization": f"Bearer {token}"}
        self._renew_at = self._clock.monotonic() + life

    def _explain(self, error: RemoteError) -> RemoteError:
        if isinstance(error, RejectedRequestError):  # 400: an empty or another scope, or no base64
            scopes = f"GIGA_SCOPE is {self._settings.scope}; a key has one of {', '.join(SCOPES)}"
            rejected = KeyRejectedError(error.message, endpoint=error.endpoint, status=error.status, code=error.code)
            rejected.hint = scopes
            return rejected
        if isinstance(error, KeyRejectedError):
            error.hint = "GIGA_CLIENT_BASIC is the project's authorization key, not its id and not its secret"
        return error


class GigaChatModel:
    """A `ChatModel` with a queue for the limit of answers in parallel. Also counts tokens."""

    def __init__(
        self, connection: Connection, http: HttpClient, timeouts: Timeouts, *, account: GigaChatAccount
    ) -> None:
        self._wire = OpenAICompatibleModel(connection, http, timeouts, credentials=account)
        self._count_url = URL(connection.base_url) / "tokens/count"
        self._model = connection.model
        self._account = account  # kept for its sharers, too: they find it while somebody holds it

    @property
    def name(self) -> str:
        return self._wire.name

    @property
    def measuring(self) -> Measuring:
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield `Waiting` while others are served first, then the answer. Raises a leaf of RemoteError."""
        line = self._account.line
        if len(line) >= _LONGEST_LINE:
            raise QuotaExceededError(f"{_LONGEST_LINE} wait for this key already", endpoint=self.name)
        place = line.join()
        try:
            while ahead := place.ahead:
                yield Waiting(ahead)
                await place.wait_for_move()
            async with aclosing(self._wire.stream(request)) as events:
                async for event in events:
                    yield event
        finally:
            place.leave()

    async def check(self) -> ModelHealth:
        return await self._wire.check()

    async def close(self) -> None:
        await self._wire.close()

    async def context_size(self) -> int | None:
        """Return None: the service does not report it."""
        return None

    async def count_tokens(self, text: str) -> int | None:
        """Return how many tokens `text` has. Raises RemoteError."""
        return (await self.count_each([text]))[0] if text else 0

    async def count_each(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each of `texts` has, in one request. Raises RemoteError."""
        answer = await self._wire.post(self._count_url, {"model": self._model, "input": list(texts)})
        if answer.status != 200:
            raise FaultReader(self.name).read_refusal(answer.status, answer.body, answer.headers)
        try:
            return [int(entry["tokens"]) for entry in load_json(answer.body)]
        except (LookupError, TypeError, ValueError):
            raise ProtocolError("an unknown answer to a count of tokens", endpoint=self.name) from None


def build_gigachat(
    connection: Connection, http: HttpClient, timeouts: Timeouts, settings: GigaChatSettings, clock: Clock
) -> GigaChatModel:
    """Return a model at GigaChat. Raises SettingsError for a key or a bundle that cannot be one."""
    key = read_key(connection.api_key)
    account = _find_account(key, settings, clock)
    return GigaChatModel(connection, http.with_trust(build_trust(settings)), timeouts, account=account)


def read_key(text: str) -> str:
    """Return the key as the service wants it: base64 of `client_id:client_secret`. Raises SettingsError."""
    key = text.strip().removeprefix("Basic ").strip()
    if key.isascii() and key.count(":") == 1 and all(key.split(":")):  # the pair itself
        return base64.b64encode(key.encode()).decode()
    try:
        pair = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        pair = b""
    if b":" not in pair:
        raise SettingsError(
            "GIGA_CLIENT_BASIC: not base64 of client_id:client_secret; copy the authorization key of your project "
            "at https://developers.sber.ru/studio"
        )
    return key


def build_trust(settings: GigaChatSettings) -> Trust:
    """Return the trusted certificates. Raises SettingsError if the bundle cannot be read."""
    if not settings.verify_ssl:
        logger.warning("GIGA_VERIFY_SSL=false: anybody on the way can read the key and the chats; set GIGA_CA_BUNDLE")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return Trust(context)
    if settings.ca_bundle is None:
        return Trust(hint=_CERTIFICATE_HINT)
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=settings.ca_bundle)
    except ssl.SSLError:
        raise SettingsError(f"GIGA_CA_BUNDLE: no certificates in PEM in {settings.ca_bundle}") from None
    except OSError as error:
        raise SettingsError(f"GIGA_CA_BUNDLE: {settings.ca_bundle} cannot be read: {error.strerror}") from None
    return Trust(context, f"GIGA_CA_BUNDLE={settings.ca_bundle} does not hold its authority. {_CERTIFICATE_HINT}")


# The limit on streams is the key's, so whoever has the same key shares its line, however many models there are.
_accounts: WeakValueDictionary[tuple[object, ...], GigaChatAccount] = WeakValueDictionary()


def _find_account(key: str, settings: GigaChatSettings, clock: Clock) -> GigaChatAccount:
    digest = hashlib.sha256(key.encode()).hexdigest()
    known = (digest, settings.auth_url, settings.scope, settings.count_streams())
    account = _accounts.get(known)
    if account is None:
        account = _accounts[known] = GigaChatAccount(key, settings, clock)
    return account


def _parse_token(body: bytes) -> tuple[str, float]:
    """Return the token and its end in seconds since the epoch, which comes in milliseconds or in seconds."""
    try:
        fields = load_json(body)
        token = str(fields.get("access_token") or fields["tok"])
        end = float(fields.get("expires_at") or fields["exp"])
    except (AttributeError, LookupError, TypeError, ValueError):
        raise ProtocolError("the answer from GIGA_AUTH_URL holds no token", endpoint="gigachat") from None
    return token, end / 1000 if end > _MILLISECONDS_FROM else end
