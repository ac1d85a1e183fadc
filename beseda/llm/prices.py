"""What an answer costs where the endpoint does not say it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from beseda.domain.usage import Usage
from beseda.errors import SettingsError
from beseda.llm.base import ChatModel, Finished, ModelEvent, ModelRequest, ModelWrapper

_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens read and for a million written."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """Return what the tokens of `usage` cost, in US dollars."""
        return (usage.prompt_tokens * self.input + usage.completion_tokens * self.output) / _TOKENS_PER_PRICE


class PriceBook:
    """Prices that the owner has written down, by `endpoint:model`."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        """Read entries like `endpoint:maker/model=0.14/0.28`. Raises SettingsError."""
        self._prices = dict(_parse_entry(entry) for entry in entries)

    def find(self, *names: str) -> Price | None:
        """Return the price of the first of `names` that is written down."""
        return next((price for name in names if (price := self._prices.get(name))), None)

    def __bool__(self) -> bool:
        return bool(self._prices)


class PricedModel(ModelWrapper):
    """A `ChatModel` whose answers have a cost where the book has a price."""

    def __init__(self, model: ChatModel, book: PriceBook) -> None:
        super().__init__(model)
        self._book = book

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer; the cost that an endpoint gives itself stays."""
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                if type(event) is Finished and event.usage.cost is None:
                    yield add_cost(event, self._book.find(self.name, f"{event.endpoint}:{event.model}"))
                else:
                    yield event


def add_cost(end: Finished, price: Price | None) -> Finished:
    """Return `end` with what it cost at `price`, or as it is."""
    if price is None or end.usage.cost is not None:
        return end
    return replace(end, usage=replace(end.usage, cost=price.cost(end.usage)))


def _parse_entry(entry: str) -> tuple[str, Price]:
    name, equals, both = entry.strip().rpartition("=")
    first, slash, second = both.partition("/")
    try:
        price = Price(float(first), float(second if slash else first))
    except ValueError:
        price = Price(-1, -1)
    if not name or not equals or ":" not in name or not 0 <= price.input < float("inf") > price.output >= 0:
        raise SettingsError(f"BESEDA_PRICES: {entry!r} is not like endpoint:model=0.14/0.28 (dollars per million)")
    return name.strip(), price
