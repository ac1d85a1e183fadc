"""Conversation of a sales bot: facts are extracted from a message in parallel with the answer to it.

    message ──► turn stored ──► study (model, form) ─┬─► in time: used by this answer
                                                      └─► late: used by the next answer

`wait` in funnel.yaml is the time that an answer waits for the facts of its own message. A failed extraction never fails
an answer: the next message makes up for it.
"""

import asyncio
import contextlib
from dataclasses import replace

from beseda.bots.sales import texts
from beseda.bots.sales.arrival import Arrival
from beseda.bots.sales.booking import Booking
from beseda.bots.sales.consent import Consents, consent_keyboard
from beseda.bots.sales.owner import OwnerNews
from beseda.bots.sales.sales_context import SalesContext, is_private
from beseda.bots.sales.wishes import read_plain_wishes
from beseda.engine.context import Context
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn, TurnState
from beseda.engine.turns.question import Footer, Question
from beseda.features.sales.extraction import ASK_CONSENT
from beseda.features.sales.instructions import Situation, write_instructions
from beseda.features.sales.model import Funnel
from beseda.features.sales.service import Talk
from beseda.llm.quotation import own_words
from beseda.telegram.keyboards import Button


def build_router(funnel: Funnel) -> Router:
    """Return the handlers of a bot with this funnel."""
    sales, router = SalesContext(funnel), Router()
    router.prepare(sales.prepare)
    selling = SalesConversation(sales)
    router.answer(selling.answer)
    router.correct(selling.read_again)
    for part in (Arrival(sales), Consents(sales), Booking(sales), OwnerNews(sales)):
        router.include(part.router())
    return router


class SalesConversation:
    """Answers messages to a sales bot."""

    def __init__(self, sales: SalesContext) -> None:
        self._sales = sales

    async def answer(self, context: Context, question: Question, turn: Turn | None) -> None:
        """Answer with the model by the stage of the sale. In a group the bot is an ordinary assistant."""
        if not is_private(context) or (turn is not None and turn.state is not TurnState.RECEIVED):
            await context.bot.chat.answer(question, turn)
            return
        turn = turn or question.open_turn()
        # On record first: what is read points at it.
        await context.bot.turns.open(turn, question.as_message())
        talk = await self._sales.talk(context)
        deadline = context.bot.clock.monotonic() + self._sales.service.funnel.patience
        study = asyncio.create_task(self._sales.service.study(talk))
        try:
            situation = await self._wait(study, talk, own_words(question.text))
            done = await context.bot.chat.answer(self._prepare(context, question, situation), turn)
            # Within the chat's lane, so that the next message finds it done; a form that hangs does not hold that up.
            await asyncio.wait({study}, timeout=max(0.0, deadline - context.bot.clock.monotonic()))
        finally:
            study.cancel()
            await asyncio.wait({study})
        if done.state is TurnState.DELIVERED:  # what a failed answer should have asked the next one asks
            await self._note(situation, talk)
        await OwnerNews(self._sales).tell(context, talk)

    async def read_again(self, context: Context) -> None:
        """Extract facts again after an earlier message was edited. Slots with a source that is gone are emptied."""
        if is_private(context):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sales.service.funnel.patience):
                    await self._sales.service.study(await self._sales.talk(context))

    async def _note(self, situation: Situation, talk: Talk) -> None:
        if situation.ask_consent:
            await self._sales.service.note_asked(talk)
        if situation.plan.offer:
            await self._sales.service.note_offered(talk)

    async def _wait(self, study: "asyncio.Task[Situation | None]", talk: Talk, words: str) -> Situation:
        """Return the state of the sale, including this message if its facts are extracted in time.

        If the extraction has ended without a result, plain words of the message count. Late results are used by the
        next answer.
        """
        await asyncio.wait({study}, timeout=self._sales.service.funnel.wait)
        found = study.result() if study.done() else None
        plain = read_plain_wishes(words) if study.done() else ()
        return found or await self._sales.service.assess(talk, plain)

    def _prepare(self, context: Context, question: Question, situation: Situation) -> Question:
        language, plan = question.language, situation.plan
        footer = Footer(self._answer_word(situation, language))
        if situation.misspelt:
            footer = Footer(texts.MISSPELT_NUMBER.say(language, phone=situation.misspelt))
        if situation.ask_consent:
            footer = Footer(ASK_CONSENT.say(language), consent_keyboard(language))
        if plan.offer:
            pick = [Button(self._sales.service.funnel.pick.say(language), "meet:pick")]
            footer = Footer(footer.note, [*footer.keyboard, pick])
        return replace(
            question,
            instructions=write_instructions(self._sales.service.funnel, situation, question.text, language),
            temperature=plan.stage.temperature,
            footer=lambda _: footer,
        )

    def _answer_word(self, situation: Situation, language: str) -> str:
        """Return the confirmation of a consent or refusal in words, or an empty string."""
        slots = self._sales.service.funnel.slots
        kept = any(slots[name].contact for name in situation.known)
        told = {"yes": texts.KEPT if kept else texts.ALLOWED, "no": texts.NOT_KEPT}.get(situation.consent)
        return told.say(language) if told is not None else ""
