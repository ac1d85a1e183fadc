"""Shared parts of the handlers of a sales bot: its funnel, its service, and the recording of button presses."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from beseda.core.chat import ChatKind
from beseda.core.message import Message, Role
from beseda.engine.context import BotServices, Context
from beseda.engine.incoming import Press
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.features.leads.service import LeadService
from beseda.features.meetings.service import MeetingService
from beseda.features.sales.model import Funnel
from beseda.features.sales.repository import SalesRepository
from beseda.features.sales.service import SalesParts, SalesService, Talk
from beseda.telegram.keyboards import Markup

STATE = "sales"

# What follows from words of a person, by the number of the message they are filed under: Markdown and buttons.
Respond = Callable[[int], Awaitable[tuple[str, Markup]]]


class SalesContext:
    """One bot that sells by a funnel. Everything but the funnel is available after `prepare`."""

    store: SalesRepository
    leads: LeadService
    meetings: MeetingService

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._service: SalesService | None = None

    @property
    def service(self) -> SalesService:
        """The sales service of this bot. Raises RuntimeError before `prepare`."""
        if self._service is None:
            raise RuntimeError("the bot was not prepared")
        return self._service

    async def prepare(self, bot: BotServices, parts: SalesParts, meetings: MeetingService) -> None:
        """Build the service. Without a calendar no consultation is offered."""
        self.store, self.leads, self.meetings = parts.store, parts.leads, meetings
        funnel = self._funnel if bot.profile.calendar is not None else replace(self._funnel, consultation=False)
        self._service = SalesService(funnel, parts)

    async def talk(self, context: Context) -> Talk:
        """Return the conversation and the person of the event, as the sales service takes them."""
        return Talk(await context.conversation(), context.person, context.state_key(STATE), context.bot.profile.model)

    async def converse(self, context: Context, words: str, respond: Respond, *, in_place: bool = False) -> None:
        """Store `words` as a message of the person, which a button press stands for, and the bot's reply to it.

        With `in_place` the reply replaces the message with the button. After a crash `respond` may run again for the
        same message.
        """
        bot, question = context.bot, await context.question(words, TurnKind.COMMAND)
        turn = await context.turn() or question.open_turn()
        if turn.state is TurnState.RECEIVED:
            await bot.turns.open(turn, question.as_message())
            context.hand_over()
            markdown, markup = await respond(await self.store.message_of(turn.id) or 0)
            turn.parts = await bot.messenger.compose(markdown, markup)
            if in_place and isinstance(context.event, Press):
                turn.parts[0].message_id = context.event.message_id
            turn.state = TurnState.ANSWERED
            await bot.turns.answer(turn, Message(Role.ASSISTANT, markdown), None)
        context.hand_over()
        await bot.chat.answer(question, turn)


def is_private(context: Context) -> bool:
    """Return whether the event's chat is private. Nothing is sold in groups, since others read along."""
    return context.event.place.kind is ChatKind.PRIVATE
