"""Cost of answers from endpoints that do not report it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beseda.core.errors import SettingsError
from beseda.core.usage import Usage
from beseda.llm.base import Finished, ModelEvent, ObservedCall, StreamObserver

_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens read and for a million written."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """Return the cost of `usage` in US dollars."""
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


class PriceObserver(StreamObserver):
    """Adds the cost to an answer with a price in the book. A cost that the endpoint reports itself is kept."""

    def __init__(self, call: ObservedCall, book: PriceBook) -> None:
        super().__init__(call)
        self._book = book

    def on_event(self, event: ModelEvent) -> ModelEvent:
        """Return the event, an end with its cost."""
        if type(event) is not Finished or event.usage.cost is not None:
            return event
        return add_cost(event, self._book.find(self._call.model.name, f"{event.endpoint}:{event.model}"))


def add_cost(end: Finished, price: Price | None) -> Finished:
    """Return `end` with its cost at `price`. An end that has a cost, or no price, is returned unchanged."""
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
