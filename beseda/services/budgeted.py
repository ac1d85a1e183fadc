"""A model and an enhancer that ask for the budget first: every call of a bot goes through them, once."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from beseda.domain.budget import ANSWER, LEAST, Reservation, Unit
from beseda.domain.estimate import estimate_tokens
from beseda.llm.base import (
    ChatModel,
    Finished,
    ModelEvent,
    ModelRequest,
    ModelWrapper,
    ReasoningDelta,
    TextDelta,
)
from beseda.photo.base import Enhanced, EnhanceOptions, Enhancer, PhotoHealth
from beseda.services.budget import BudgetService, Payer, current_payer, spending

FindModel = Callable[[str], Awaitable[ChatModel]]


def budget_models(find: FindModel, budgets: BudgetService, bot: str) -> FindModel:
    """Return a model lookup that applies the bot's token budget, or `find` itself if the bot has none."""
    rules = budgets.rules_of(bot)
    if not rules.limits_anything(Unit.TOKENS):
        return find

    async def find_budgeted(spec: str) -> ChatModel:
        return BudgetedModel(await find(spec), find, budgets, bot)

    return find_budgeted


class BudgetedModel(ModelWrapper):
    """A `ChatModel` that reserves budget before each call and settles it afterwards.

    From 80 % of a budget on, a cheaper model answers, if one is set. The rest of the budget limits the length of the
    answer, so that the budget is not overdrawn. A failover below counts as one call: its failed attempts generated no
    text.
    """

    def __init__(self, model: ChatModel, find: FindModel, budgets: BudgetService, bot: str) -> None:
        """`find` looks up the cheaper model. The payer is set by `paying`; without one, the bot itself is charged."""
        super().__init__(model)
        self._find = find
        self._budgets = budgets
        self._bot = bot

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer. Raises BudgetExhaustedError before it begins, StorageError, and a leaf of RemoteError."""
        payer = current_payer() or Payer(self._budgets, self._bot)
        asked = sum(estimate_tokens(message.content) for message in request.messages)
        wanted = asked + (request.max_tokens or ANSWER)
        least = asked + min(LEAST[Unit.TOKENS], request.max_tokens or ANSWER)
        reservation = await self._budgets.reserve(payer.spend(Unit.TOKENS, wanted, least))
        meter = _Meter(asked)
        try:
            model = await self._choose(reservation)
            if reservation.amount < wanted:
                request = replace(request, max_tokens=reservation.amount - asked)
            async with aclosing(model.stream(request)) as events:
                async for event in events:
                    meter.take(event)
                    yield event
        finally:
            await self._budgets.settle(reservation, meter.used)

    async def _choose(self, reservation: Reservation) -> ChatModel:
        cheaper = self._budgets.rules_of(self._bot).cheaper_model
        return await self._find(cheaper) if reservation.cheaper and cheaper else self._model


@dataclass(slots=True)
class _Meter:
    """Counts the tokens of a call: as reported by the server, otherwise by an estimate of request and answer."""

    asked: int
    said: list[str] = field(default_factory=list)
    counted: int = 0

    def take(self, event: ModelEvent) -> None:
        if type(event) is TextDelta or type(event) is ReasoningDelta:
            self.said.append(event.text)
        elif type(event) is Finished:
            self.counted = event.usage.total_tokens or self.estimate

    @property
    def used(self) -> int:
        return self.counted or (self.estimate if self.said else 0)

    @property
    def estimate(self) -> int:
        return self.asked + estimate_tokens("".join(self.said))


class BudgetedEnhancer:
    """An `Enhancer` that charges each photo to the budget."""

    def __init__(self, enhancer: Enhancer) -> None:
        self._enhancer = enhancer

    @property
    def name(self) -> str:
        return self._enhancer.name

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Enhance a photo. Raises BudgetExhaustedError, StorageError and the errors of the enhancer."""
        async with spending(Unit.PICTURES, 1):
            return await self._enhancer.enhance(source, target, options)

    async def check(self) -> PhotoHealth:
        return await self._enhancer.check()

    async def close(self) -> None:
        await self._enhancer.close()
