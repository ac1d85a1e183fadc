"""Hugging Face's router: short names for families of models, and prices, both from its own list of models.

The list is public and changes from week to week, so a short name stands for candidates in order: the first that some
provider serves now is taken. Facts: huggingface.co/docs/inference-providers, hub-docs of 22 August 2026.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.errors import KeyRejectedError, RemoteError, SettingsError
from beseda.core.foreign_json import load_json
from beseda.http.client import HttpClient
from beseda.http.endpoints import Endpoint
from beseda.http.faults import GATED_MODEL, NO_PERMISSION
from beseda.llm.base import Finished, Measuring, ModelEvent, ModelHealth, ModelRequest, Timeouts
from beseda.llm.dialect import ChatDialect
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.llm.prices import Price, PriceBook, add_cost

logger = logging.getLogger(__name__)

# The last names are those of document 004, in case they come back.
ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "deepseek": (
            "deepseek-ai/DeepSeek-V4-Flash-0731",
            "deepseek-ai/DeepSeek-V4.1-Flash",
            "deepseek-ai/DeepSeek-V3.2",
        ),
        "llama3": (
            "meta-llama/Llama-3.1-8B-Instruct",
            "meta-llama/Llama-3.3-70B-Instruct",
            "meta-llama/Meta-Llama-3-8B-Instruct",
        ),
        "qwen2": (
            "Qwen/Qwen2.5-7B-Instruct-1M",
            "Qwen/Qwen2.5-7B-Instruct",
            "Qwen/Qwen3.8-27B",
            "Qwen/Qwen3.6-27B",
            "Qwen/Qwen3.6-35B-A3B",
            "Gensyn/Qwen2.5-1.5B-Instruct",
        ),
    }
)
_REMEMBER = 3600.0  # seconds
_REMEMBER_FAILURE = 60.0
_LIVE = "live"


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider of a model. `speed` is tokens a second, 0 if not measured; `context` is 0 if unknown."""

    provider: str
    price: Price | None
    speed: float = 0.0
    context: int = 0


class RouterCatalogue:
    """The router's list of models with their providers and prices. Fetched at most once an hour."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        self._url = URL(base_url) / "models"
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._offers: Mapping[str, Sequence[Offer]] = {}
        self._until = 0.0

    async def load(self, http: HttpClient, wait: float) -> None:
        """Refresh the list. If it cannot be fetched, keep the old list and retry after a minute."""
        async with self._fetching:
            if self._until > self._clock.monotonic():
                return
            try:
                answer = await http.get(self._url, {"Accept": "application/json"}, wait=wait)
                found = parse_offers(answer.body) if answer.status == 200 else {}
            except RemoteError as error:
                logger.info("the list of models cannot be had: %s", error.detail)
                found = {}
            self._offers = found or self._offers
            self._until = self._clock.monotonic() + (_REMEMBER if found else _REMEMBER_FAILURE)

    def choose(self, candidates: Sequence[str]) -> str:
        """Return the first candidate that is served now, or the first of all if the list has none of them."""
        return next((name for name in candidates if self._find(name)), candidates[0])

    def price(self, model: str) -> Price | None:
        """Return the price of `model` at the provider that the name includes, else at the cheapest or the fastest one.

        The router chooses the provider of a bare name, by default the fastest. If no speed is known, the highest price
        counts, so that no cost is understated. Return None if no price is known.
        """
        offers = [offer for offer in self._find(model) if offer.price]
        policy = model.partition(":")[2]
        if not offers:
            return None
        if policy == "cheapest":
            return min(offers, key=_worth).price
        fastest = max(offers, key=lambda offer: offer.speed)
        return fastest.price if fastest.speed else max(offers, key=_worth).price

    def context(self, model: str) -> int | None:
        """Return the smallest context among the possible providers, or None if no provider reports one."""
        return min((offer.context for offer in self._find(model) if offer.context), default=None)

    def _find(self, model: str) -> Sequence[Offer]:
        name, _, provider = model.partition(":")
        offers = self._offers.get(name, ())
        named = [offer for offer in offers if offer.provider == provider]
        return named or ([] if provider not in ("", "fastest", "cheapest", "preferred") else offers)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Lookup tables of short names and prices."""

    catalogue: RouterCatalogue
    aliases: Mapping[str, Sequence[str]]
    book: PriceBook


class HuggingFaceDialect(ChatDialect):
    """Chat completions with hints about licences and permissions."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        super().__init__(endpoint)
        self._page = f"https://huggingface.co/{model.partition(':')[0]}"

    def explain(self, error: RemoteError) -> str:
        if isinstance(error, KeyRejectedError):
            if error.code == GATED_MODEL:
                return f"a gated model: accept its licence at {self._page} with the account of HF_TOKEN"
            if error.code == NO_PERMISSION:
                return (
                    "give HF_TOKEN the permission to call Inference Providers: https://huggingface.co/settings/tokens"
                )
        return super().explain(error)


class HuggingFaceModel:
    """A `ChatModel` at the router, by a full name or a short one; its answers have a cost."""

    def __init__(self, connection: Connection, http: HttpClient, timeouts: Timeouts, shelf: Shelf) -> None:
        self._connection = connection
        self._http = http
        self._timeouts = timeouts
        self._shelf = shelf
        self._candidates = shelf.aliases.get(connection.model, ())
        self._wire = self._build_wire(connection.model)

    @property
    def name(self) -> str:
        return self._wire.name

    @property
    def measuring(self) -> Measuring:
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer of the model that the name stands for now. Raises a leaf of RemoteError."""
        if self._candidates:
            await self._resolve()
        # A full name needs the list for its price only, which may come while the model speaks.
        listing = asyncio.create_task(self._load())
        try:
            async with aclosing(self._wire.stream(request)) as events:
                async for event in events:
                    if type(event) is Finished:
                        await listing
                        model, shelf = self._connection.model, self._shelf
                        written = shelf.book.find(f"{event.endpoint}:{model}", f"{event.endpoint}:{event.model}")
                        yield add_cost(event, written or shelf.catalogue.price(model))
                    else:
                        yield event
        finally:
            listing.cancel()

    async def check(self) -> ModelHealth:
        if self._candidates:
            await self._resolve()
        return await self._wire.check()

    async def close(self) -> None:
        await self._wire.close()

    async def context_size(self) -> int | None:
        """Return the smallest context among the model's providers, or None if it is not known.

        The list is fetched for a short name only; for a full name the result is None until an answer has fetched it.
        """
        if self._candidates:
            await self._resolve()
        return self._shelf.catalogue.context(self._connection.model)

    async def count_tokens(self, text: str) -> int | None:
        """Return None: the router does not count tokens."""
        return None

    async def _load(self) -> None:
        await self._shelf.catalogue.load(self._http, self._timeouts.check)

    async def _resolve(self) -> None:
        await self._load()
        model = self._shelf.catalogue.choose(self._candidates)
        if model != self._connection.model:
            logger.info("hf:%s is %s now", self._connection.model, model)
            self._connection = replace(self._connection, model=model)
            self._wire = self._build_wire(model)

    def _build_wire(self, model: str) -> OpenAICompatibleModel:
        connection = replace(self._connection, model=model)
        dialect = HuggingFaceDialect(connection.endpoint, model)
        return OpenAICompatibleModel(connection, self._http, self._timeouts, dialects=[dialect])


# One list for all models of an address: three of them are often asked at once.
_catalogues: WeakValueDictionary[str, RouterCatalogue] = WeakValueDictionary()


def find_catalogue(base_url: str, clock: Clock) -> RouterCatalogue:
    """Return the list of models of an address. It is shared as long as it is in use."""
    catalogue = _catalogues.get(base_url)
    if catalogue is None:
        catalogue = _catalogues[base_url] = RouterCatalogue(base_url, clock)
    return catalogue


def read_aliases(entries: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return the short names with the owner's own, written as `qwen2=maker/model|maker/other`. Raises SettingsError."""
    aliases = dict(ALIASES)
    for entry in entries:
        name, equals, models = entry.partition("=")
        candidates = tuple(model.strip() for model in models.split("|") if model.strip())
        if not equals or not name.strip() or not candidates:
            raise SettingsError(f"HF_ALIASES: {entry!r} is not like qwen2=maker/model|maker/another")
        aliases[name.strip().lower()] = candidates
    return aliases


def parse_offers(body: bytes) -> dict[str, list[Offer]]:
    """Return the offers by model from the router's list, or an empty dict if its format is unknown."""
    try:
        entries = load_json(body)["data"]
        return {
            str(entry["id"]): [
                _parse_offer(each) for each in entry.get("providers") or [] if each.get("status", _LIVE) == _LIVE
            ]
            for entry in entries
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def _parse_offer(fields: Mapping[str, Any]) -> Offer:
    pricing = fields.get("pricing") or {}
    paid = [float(value) for key in ("input", "output") if isinstance(value := pricing.get(key), int | float)]
    speed, context = fields.get("throughput"), fields.get("context_length")
    return Offer(
        str(fields.get("provider") or ""),
        Price(*paid) if len(paid) == len(("input", "output")) else None,
        float(speed) if isinstance(speed, int | float) else 0.0,
        context if isinstance(context, int) else 0,
    )


def _worth(offer: Offer) -> float:
    return offer.price.input + offer.price.output if offer.price else 0.0
