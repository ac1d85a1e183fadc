"""What the handlers of a sales bot share: its funnel, its service, and putting a press of a button on record."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from beseda.dispatch.context import BotServices, Context
from beseda.dispatch.events import Press
from beseda.domain.conversation import ChatKind
from beseda.domain.message import Message, Role
from beseda.domain.sales import Funnel
from beseda.domain.turn import TurnKind, TurnState
from beseda.services.sales.service import SalesParts, SalesService, Talk
from beseda.telegram.base import Markup

STATE = "sales"

# What follows from words of a person, by the number of the message they are filed under: Markdown and buttons.
Respond = Callable[[int], Awaitable[tuple[str, Markup]]]


class SalesContext:
    """One bot that sells by a funnel. `service` is there once the bot is prepared."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._service: SalesService | None = None

    @property
    def service(self) -> SalesService:
        """The sales of this bot."""
        if self._service is None:
            raise RuntimeError("the bot was not prepared")
        return self._service

    async def prepare(self, desk: BotServices) -> None:
        """Put the service together; without a calendar no consultation is offered."""
        funnel = self._funnel if desk.profile.calendar is not None else replace(self._funnel, consultation=False)
        parts = SalesParts(desk.leads, desk.sales, desk.state, desk.find_model, desk.call_book)
        self._service = SalesService(funnel, parts)

    async def talk(self, context: Context) -> Talk:
        """Return whose sale the event belongs to."""
        return Talk(await context.conversation(), context.person, context.state_key(STATE), context.desk.profile.model)


def is_private(context: Context) -> bool:
    """Return whether the event's chat is private: elsewhere others read along, and nothing is sold."""
    return context.event.place.kind is ChatKind.PRIVATE


async def converse(context: Context, words: str, respond: Respond, *, in_place: bool = False) -> None:
    """Put `words` on record as said by the person, which a press of a button stands for, and what is said in return.

    With `in_place` that takes the place of the message whose button was pressed. After a crash `respond` may run
    again for the same message.
    """
    desk, question = context.desk, await context.question(words, TurnKind.COMMAND)
    turn = await context.turn() or question.open_turn()
    if turn.state is TurnState.RECEIVED:
        await desk.turns.open(turn, question.as_message())
        context.hand_over()
        markdown, markup = await respond(await desk.sales.message_of(turn.id) or 0)
        turn.parts = await desk.messenger.compose(markdown, markup)
        if in_place and isinstance(context.event, Press):
            turn.parts[0].message_id = context.event.message_id
        turn.state = TurnState.ANSWERED
        await desk.turns.answer(turn, Message(Role.ASSISTANT, markdown), None)
    context.hand_over()
    await desk.chat.answer(question, turn)
