"""The protocol of most model servers: `POST /chat/completions`, answered by server-sent events.

It knows no vendor: the differences are in the row of the endpoint table. One answer costs one request, one timer and
one JSON parse per chunk. The text of one read of the socket is one event.
"""

import asyncio
import difflib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import aiohttp
import orjson
from yarl import URL

from beseda import __version__
from beseda.core.errors import LoadingError, ModelNotFoundError, ProtocolError, RemoteError
from beseda.core.foreign_json import load_json
from beseda.core.usage import Usage
from beseda.http.client import MAX_BODY_BYTES, HttpAnswer, HttpClient, HttpRequest, read_bounded
from beseda.http.endpoints import Endpoint
from beseda.http.faults import FaultReader, find_refused_parameter, names_format
from beseda.llm._answer import StreamedAnswer
from beseda.llm.base import Finished, FinishReason, Measuring, ModelEvent, ModelHealth, ModelRequest, Timeouts
from beseda.llm.dialect import ChatDialect, Dialect, spell_schema
from beseda.llm.thoughts import begins_with_thought
from beseda.llm.token_estimate import LearnedMeasuring, estimate_tokens

logger = logging.getLogger(__name__)

_MESSAGE_TOKENS = 4  # what a chat template puts around each message
_ANY_MODEL = "local"  # how a model is called whose server has no names
_SUGGESTIONS = 3
# A server that counts less than half of what was sent has cut it; estimates of long prompts are not that wrong.
_CUT_SHARE, _LONG_PROMPT = 0.5, 1500  # tokens
_NO_ROUTE = (404, 405, 501)  # how servers say that they lack the route of a dialect
_PROMPT_SHARE = 0.75  # of a context: the rest is for the answer
_FORMAT = "response_format"
_OPTIONAL_FIELDS = frozenset({"temperature", "max_tokens", "max_completion_tokens", "stream_options", "user", _FORMAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Connection parameters of a model: an endpoint's row with the address, key and model of this installation."""

    endpoint: Endpoint
    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)


class Credentials(Protocol):
    """Headers that authenticate a request. They may have to be fetched first, and may expire."""

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the headers of a request. Raises RemoteError if they cannot be fetched."""
        ...

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Discard headers that the endpoint refused (401). Return whether new ones can be fetched."""
        ...


class KeyCredentials:
    """A static API key. Without a key no header is sent."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the key as a header."""
        return self._headers

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Return False: there is no other key."""
        return False


class OpenAICompatibleModel:
    """A `ChatModel` at an OpenAI-compatible endpoint.

    `dialects` are tried in order until the server has the route of one; the default is the chat route alone.
    """

    def __init__(
        self,
        connection: Connection,
        http: HttpClient,
        timeouts: Timeouts | None = None,
        *,
        dialects: Sequence[Dialect] = (),
        credentials: Credentials | None = None,
    ) -> None:
        self._endpoint = connection.endpoint
        self._secret = connection.api_key
        self._http = http
        self._timeouts = timeouts or Timeouts()
        self._model = connection.model
        self._base = URL(connection.base_url.rstrip("/"))
        self._dialects = list(dialects) or [ChatDialect(connection.endpoint)]
        self._credentials = credentials or KeyCredentials(connection.api_key)
        self._faults = self._read_faults()
        self._headers = _build_headers(connection.endpoint)
        # Fields that this model refused once: asking with them again would cost a round trip per message.
        self._refused: set[str] = set()
        self.reported: Measuring | None = None
        self.learned_context: int | None = None
        # The last answer began with a thought without its opening mark: the template puts it into the prompt. Before
        # the first answer the name of the model decides.
        self._thinks_first = begins_with_thought(connection.model)

    @property
    def name(self) -> str:
        return f"{self._endpoint.name}:{self._model}" if self._model else self._endpoint.name

    @property
    def measuring(self) -> Measuring | None:
        """`reported`, set where the server has routes for it, else the context that counts of answers have shown."""
        return self.reported or (LearnedMeasuring(self.learned_context) if self.learned_context else None)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer as it comes. Raises a leaf of RemoteError; closing it closes the connection."""
        started = asyncio.get_running_loop().time()
        answer: StreamedAnswer | None = None
        try:
            response, dialect = await self._ask(request)
            reader = dialect.open_reader()
            if self._thinks_first:
                reader.expect_thought()
            answer = StreamedAnswer(response, reader, faults=self._faults, timeouts=self._timeouts, started=started)
            while events := await answer.read_events():
                for event in events:
                    yield event
            self._thinks_first = reader.thinks_first
            yield self._describe_end(answer, request)
        except RemoteError as error:
            await self._explain(error)
            raise
        finally:
            if answer is not None:
                answer.close()

    async def check(self) -> ModelHealth:
        """Query the health route if the endpoint has one, then check the key and the model."""
        try:
            healthy = bool(self._endpoint.local.health_path) and await self._ask_health()
            answer = await self.get(self._base.joinpath(self._endpoint.chat.check_path.lstrip("/")))
            if answer.status == 404 and healthy and self._endpoint.local.takes_any_model:
                health = ModelHealth(ok=True, detail=f"{self.name}: ready")  # a server with `/completion` alone
                return await self._add_context(health)
            if answer.status != 200:
                raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
        except RemoteError as error:
            await self._explain(error)
            return ModelHealth(ok=False, detail=error.detail, loading=isinstance(error, LoadingError))
        return await self._add_context(self._judge_models(answer.body))

    async def _add_context(self, health: ModelHealth) -> ModelHealth:
        if not health.ok or self.reported is None:
            return health
        try:
            return replace(health, context=await self.reported.context_size())
        except RemoteError:
            return health

    async def close(self) -> None:
        """Do nothing: connections belong to the client, which outlives its models."""

    async def get(self, url: URL) -> HttpAnswer:
        """Return the answer to a GET outside the chat route, with our credentials. Raises RemoteError."""
        return await self._call(url, None)

    async def post(self, url: URL, fields: object) -> HttpAnswer:
        """Return the answer to a POST of `fields` as JSON, with our credentials. Raises RemoteError."""
        return await self._call(url, orjson.dumps(fields))

    async def _call(self, url: URL, body: bytes | None) -> HttpAnswer:
        headers = {**self._headers, **await self._credentials.fetch_headers(self._http)}
        request = HttpRequest("POST" if body else "GET", url, body, headers, self._timeouts.check)
        answer = await self._http.send(request)
        if answer.status == 401 and self._credentials.reject(headers):
            headers = {**self._headers, **await self._credentials.fetch_headers(self._http)}
            answer = await self._http.send(replace(request, headers=headers))
        return answer

    async def _ask(self, request: ModelRequest) -> tuple[aiohttp.ClientResponse, Dialect]:
        if not self._model:
            self._model = await self._find_model()
            self._faults = self._read_faults()
        missing: ProtocolError | None = None
        for dialect in list(self._dialects):
            try:
                response = await self._ask_in(dialect, request)
            except ProtocolError as error:
                if error.endpoint != self.name or error.status not in _NO_ROUTE:
                    raise
                missing = missing or error  # no such route here; perhaps that of another dialect
            else:
                if missing is not None:
                    self._dialects = [dialect]
                return response, dialect
        raise missing or ProtocolError("no dialect to ask in", endpoint=self.name)

    def _read_faults(self) -> FaultReader:
        return FaultReader(self.name, self._secret, self._endpoint.local.takes_any_model)

    async def _ask_in(self, dialect: Dialect, request: ModelRequest) -> aiohttp.ClientResponse:
        url = dialect.locate(self._base)
        renewed = False
        while True:
            asked = spell_schema(request) if _FORMAT in self._refused else request
            fields = dialect.build_fields(asked, self._model)
            for parameter in self._refused:
                fields.pop(parameter, None)
            headers = {**self._headers, **await self._credentials.fetch_headers(self._http)}
            first_token, connect = self._timeouts.first_token, self._timeouts.connect
            response = await self._http.open(
                HttpRequest("POST", url, orjson.dumps(fields), headers, first_token, connect)
            )
            if response.status == 200:
                return response
            body = await self._read_refusal(response)
            if response.status == 401 and not renewed and self._credentials.reject(headers):
                renewed = True
                continue
            parameter = find_refused_parameter(body) if response.status in (400, 422) else ""
            if _FORMAT in fields and response.status in (400, 422) and names_format(body):
                parameter = _FORMAT
            if parameter not in fields or parameter not in _OPTIONAL_FIELDS:
                raise self._faults.read_refusal(response.status, body, response.headers)
            self._refused.add(parameter)

    async def _ask_health(self) -> bool:
        """Return whether the server has a health route and is healthy. Raises the error that the route reports."""
        answer = await self.get(self._base.with_path(self._endpoint.local.health_path))
        if answer.status not in (200, 404, 405):
            raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
        return answer.status == 200

    async def _explain(self, error: RemoteError) -> None:
        """Add the name of the model and a hint for the owner to the error."""
        error.endpoint = error.endpoint or self.name  # a fault of the connection knows no model
        hint = self._dialects[0].explain(error)
        if isinstance(error, ModelNotFoundError):
            hint = await self._suggest_model() or hint
        error.hint = error.hint or hint  # the service of a token knows its own faults better

    async def _suggest_model(self) -> str:
        try:
            answer = await self.get(self._base / "models")
        except RemoteError:
            return ""
        return suggest_model(self._model, list_models(answer.body)) if answer.status == 200 else ""

    async def _read_refusal(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            async with asyncio.timeout(self._timeouts.check):
                return await read_bounded(response, MAX_BODY_BYTES)
        except (aiohttp.ClientError, OSError, ProtocolError):
            return b""  # the status alone says enough
        finally:
            response.release()

    def _describe_end(self, answer: StreamedAnswer, request: ModelRequest) -> Finished:
        usage = answer.usage
        prompt = sum(estimate_tokens(message.content) + _MESSAGE_TOKENS for message in request.messages)
        if usage is not None:
            self._notice_cut(usage.prompt_tokens, prompt)
        if usage is None or not usage.total_tokens:
            cost = usage.cost if usage else None
            usage = Usage(prompt, estimate_tokens(answer.text), cost, estimated=True)
        said_by = shorten_name(answer.model) or self._model
        return Finished(answer.reason or FinishReason.UNKNOWN, usage, self._endpoint.name, said_by)

    def _notice_cut(self, counted: int, sent: int) -> None:
        """Estimate the context of a server that cuts long requests instead of refusing them."""
        if sent < _LONG_PROMPT or not 0 < counted < _CUT_SHARE * sent:
            return
        context = round(counted / _PROMPT_SHARE)
        if self.learned_context is None or context < self.learned_context:
            self.learned_context = context
            logger.warning(
                "%s: the server read %d of about %d tokens, as its context holds no more; %s. Until then "
                "conversations are cut to what it reads",
                *(self.name, counted, sent, self._endpoint.local.context_hint),
            )

    async def _find_model(self) -> str:
        answer = await self.get(self._base / "models")
        if answer.status == 404 and self._endpoint.local.takes_any_model:
            return _ANY_MODEL
        if answer.status != 200:
            raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
        models = list_models(answer.body)
        if not models:
            raise ProtocolError("no model is loaded, and none is named in the settings", endpoint=self.name)
        return choose_chat_model(models)

    def _judge_models(self, body: bytes) -> ModelHealth:
        models = list_models(body)
        wanted = {self._model, self._model.partition(":")[0]}
        if self._model and models and not self._endpoint.local.takes_any_model and wanted.isdisjoint(models):
            hint = suggest_model(self._model, models)
            detail = f"{self.name}: the endpoint answers, but does not list this model; {hint}"
            return ModelHealth(ok=False, detail=detail)
        served = self._model or (choose_chat_model(models) if models else "")
        return ModelHealth(ok=True, detail=f"{self.name}: ready", model=served)


def find_root(base: URL) -> URL:
    """Return the server's root, the base of the routes outside the OpenAI API."""
    return base.with_path(base.path.rstrip("/").removesuffix("/v1") or "/")


def list_models(body: bytes) -> list[str]:
    """Return the ids in an OpenAI-like list of models; empty for anything else."""
    try:
        entries = load_json(body)["data"]
        return [str(entry["id"]) for entry in entries]
    except (ValueError, LookupError, TypeError):
        return []


def choose_chat_model(models: list[str]) -> str:
    """Return the first of `models` that does not look like one for embeddings or speech."""
    others = ("embed", "bge-", "rerank", "whisper")
    chosen = next((model for model in models if not any(mark in model.lower() for mark in others)), models[0])
    return shorten_name(chosen)


def shorten_name(model: str) -> str:
    """Return the name of a model without its folder: a server that loads files reports a path, which is private."""
    return model.replace("\\", "/").rpartition("/")[2] if model.lower().endswith(".gguf") else model


def suggest_model(wanted: str, models: Sequence[str]) -> str:
    """Return a sentence with the names nearest to `wanted`, or with the first few there are; empty for none."""
    if not models or wanted in models:
        return ""
    # People forget the maker before the slash more often than they mistype the rest.
    tails = {model.rpartition("/")[2].lower(): model for model in reversed(models)}
    tail = wanted.rpartition("/")[2].lower()
    nearest = (difflib.get_close_matches(name, tails, _SUGGESTIONS, 0.5) for name in (tail, tail.partition(":")[0]))
    if near := next(filter(None, nearest), None):
        return f"did you mean {' or '.join(tails[name] for name in near)}?"
    more = ", …" if len(models) > _SUGGESTIONS else ""
    return f"there are {', '.join(models[:_SUGGESTIONS])}{more}"


def _build_headers(endpoint: Endpoint) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",  # a compressed stream waits for a full block
        "User-Agent": f"beseda/{__version__}",
        **endpoint.chat.headers,
    }
