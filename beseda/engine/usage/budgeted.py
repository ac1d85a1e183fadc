"""The models of a bot and its enhancer, charged to its budgets: every call goes through them once."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from beseda.core.failover import BackendHealth
from beseda.engine.usage.budget import ANSWER, LEAST, Reservation, Unit
from beseda.engine.usage.budget_service import BudgetService, Payer, current_payer, spending
from beseda.images.base import Enhanced, EnhanceOptions, Enhancer
from beseda.llm.base import (
    ChatModel,
    Finished,
    ModelEvent,
    ModelFinder,
    ObservedCall,
    ObservedModel,
    ReasoningDelta,
    StreamObserver,
    TextDelta,
)
from beseda.llm.token_estimate import estimate_tokens


class BotModels:
    """The models that a bot may use, on its token budget if it has one. `own` is the spec of its own model."""

    def __init__(self, models: ModelFinder, budgets: BudgetService, bot: str, *, own: str = "") -> None:
        self._models = models
        self._budgets = budgets
        self._bot = bot
        self._own = own

    async def find(self, spec: str = "") -> ChatModel:
        """Return the model of `spec`, or the bot's own model without one."""
        model = await self._models.find(spec or self._own)
        if not self._budgets.rules_of(self._bot).limits_anything(Unit.TOKENS):
            return model
        return ObservedModel(model, partial(BudgetObserver, bot=self._bot, budgets=self._budgets, models=self._models))


class BudgetObserver(StreamObserver):
    """Reserves budget before a call and settles it afterwards.

    From 80 % of a budget on, a cheaper model answers, if one is set. The rest of the budget limits the length of the
    answer, so that the budget is not overdrawn. A failover below counts as one call: its failed attempts generated no
    text. The payer is set by `paying`; without one, the bot itself is charged.
    """

    def __init__(self, call: ObservedCall, *, bot: str, budgets: BudgetService, models: ModelFinder) -> None:
        super().__init__(call)
        self._bot = bot
        self._budgets = budgets
        self._models = models
        self._reservation: Reservation | None = None
        self._asked = 0
        self._said: list[str] = []
        self._counted = 0

    async def on_start(self) -> None:
        """Reserve the tokens of the call. Raises BudgetExhaustedError and StorageError."""
        call = self._call
        request = call.request
        payer = current_payer() or Payer(self._budgets, self._bot)
        self._asked = sum(estimate_tokens(message.content) for message in request.messages)
        wanted = self._asked + (request.max_tokens or ANSWER)
        least = self._asked + min(LEAST[Unit.TOKENS], request.max_tokens or ANSWER)
        reservation = await self._budgets.reserve(payer.spend(Unit.TOKENS, wanted, least))
        self._reservation = reservation
        cheaper = self._budgets.rules_of(self._bot).cheaper_model
        if reservation.cheaper and cheaper:
            call.model = await self._models.find(cheaper)
        if reservation.amount < wanted:
            call.request = replace(request, max_tokens=reservation.amount - self._asked)

    def on_event(self, event: ModelEvent) -> ModelEvent:
        """Count the tokens: as reported by the server, otherwise by an estimate of request and answer."""
        if type(event) is TextDelta or type(event) is ReasoningDelta:
            self._said.append(event.text)
        elif type(event) is Finished:
            self._counted = event.usage.total_tokens or self._estimate()
        return event

    async def on_end(self) -> None:
        """Settle the reservation. A call that ended before its first text costs nothing."""
        if self._reservation is not None:
            used = self._counted or (self._estimate() if self._said else 0)
            await self._budgets.settle(self._reservation, used)

    def _estimate(self) -> int:
        return self._asked + estimate_tokens("".join(self._said))


class BudgetedEnhancer:
    """An `Enhancer` that charges each photo to the budget."""

    def __init__(self, enhancer: Enhancer) -> None:
        self._enhancer = enhancer

    @property
    def name(self) -> str:
        """Name of the model behind the budget."""
        return self._enhancer.name

    async def enhance(self, source: Path, target: Path, options: EnhanceOptions) -> Enhanced:
        """Enhance a photo. Raises BudgetExhaustedError, StorageError and the errors of the enhancer."""
        async with spending(Unit.PICTURES, 1):
            return await self._enhancer.enhance(source, target, options)

    async def check(self) -> BackendHealth:
        """Check the model behind the budget."""
        return await self._enhancer.check()

    async def close(self) -> None:
        """Close the model behind the budget."""
        await self._enhancer.close()
