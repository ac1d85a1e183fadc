"""Several answers to one question, side by side: at different temperatures, by different models.

Each answer is sent as soon as it is complete, and a failed answer does not affect the others. The turn stays `received`
until all answers are stored. Its parts are slots, so that a crash repeats no answer:

    seat 0: parts 0…15 │ seat 1: parts 16…31 │ … │ the closing: the last part

The parts of an answer are stored before they are sent. A seat without text is answered again after a restart. The
closing part has no text until the end: it is the one part that is not sent, so it keeps the turn open. Its markup
stores the outcomes of the variants, in the same transaction as the parts.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from beseda.core.errors import BudgetExhaustedError, EmptyAnswerError, RemoteError
from beseda.core.logs import log_context
from beseda.core.message import Message, Role
from beseda.core.usage import ModelCall, Usage
from beseda.engine.bot import BotProfile
from beseda.engine.conversations.memory import PromptWriter
from beseda.engine.turns.answer_stream import AnswerStream, CallRecord, GrowingAnswer, draft_number
from beseda.engine.turns.model import Turn, TurnState
from beseda.engine.turns.question import Footer, Question
from beseda.engine.turns.service import CUT, STOP, STOPPED_EMPTY, TRY_AGAIN, ChatParts, apologize, complain, keep_words
from beseda.engine.usage.budget import Unit
from beseda.engine.usage.budget_service import ensure_left
from beseda.llm.base import FinishReason, ModelRequest
from beseda.locales import Text
from beseda.locales.errors import error_text, explain
from beseda.telegram.base import LiveAnswer, LiveRequest
from beseda.telegram.keyboards import Button
from beseda.telegram.markdown.escape import close_code
from beseda.telegram.part import Part, PartState

log = logging.getLogger(__name__)

_SLOT = 16  # messages that one answer may take: the guard before a model lets 60,000 characters through
_ABREAST = 4  # models asked at one time for one question

NOBODY = Text("parallel_answers.nobody")


@dataclass(frozen=True, slots=True)
class Variant:
    """One voice: the Markdown above its answer, the spec of its model ("" is the bot's own), its temperature."""

    label: str
    model: str = ""
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class VariantOutcome:
    """The outcome of one variant. If it failed, `said` is empty and `failure` is shown, with any partial answer."""

    said: str
    failure: str
    call: ModelCall


@dataclass(frozen=True, slots=True)
class ParallelQuestion:
    """A question for several variants. `close` writes the footer below all answers, from their outcomes in order."""

    question: Question
    variants: Sequence[Variant]
    close: Callable[[Sequence[VariantOutcome]], Footer]


class ParallelAnswers:
    """Answers questions with several voices, for one bot."""

    def __init__(self, bot: BotProfile, parts: ChatParts) -> None:
        self._bot = bot
        self._parts = parts
        self._delivery = parts.delivery

    async def answer(self, panel: ParallelQuestion, turn: Turn | None = None) -> Turn:
        """Answer a question from wherever its turn stands, asking only the variants that have not answered.

        Raises StorageError and TelegramUnauthorizedError: they leave the turn as it is, for the next sweep.
        """
        question = panel.question
        if turn is None:
            turn = question.open_turn()
            await self._parts.turns.open(turn, question.as_message())
        else:
            if turn.state is TurnState.RECEIVED:
                await self._parts.turns.open(turn, question.as_message())
            await self._parts.memory.reload(question.conversation)
        with log_context(turn=turn.id):
            if turn.state is TurnState.RECEIVED:
                if await self._delivery.is_hopeless(turn, question.target):
                    return turn
                table = _VariantTurn(panel, turn)
                if not table.ready_parts() and await self._is_refused(question, turn):
                    return turn
                if not await self._hear_all(table):
                    return turn  # nobody can be told any more
                await self._close(table)
            await self._delivery.deliver(turn, question.target)
        return turn

    async def _is_refused(self, question: Question, turn: Turn) -> bool:
        """Return whether the budget is used up, after notifying the user once instead of once per variant."""
        try:
            await ensure_left(Unit.TOKENS)
        except BudgetExhaustedError as error:
            turn.parts = await self._parts.messenger.compose(complain(error, question.language))
            turn.state, turn.reason = TurnState.FAILED, type(error).__name__
            await self._parts.turns.answer(turn, None, None)
            await self._delivery.deliver(turn, question.target)
            return True
        return False

    async def _hear_all(self, table: "_VariantTurn") -> bool:
        """Send stored answers and request the missing ones. Return False if the chat cannot be reached."""
        question = table.panel.question
        if not await self._delivery.send(table.turn, table.ready_parts(), question.target):
            return False
        missing = table.missing()
        stage = _VariantRun(self._bot, self._parts, table)
        tasks = [asyncio.create_task(stage.hear(seat)) for seat in missing]
        try:
            variants = len(table.panel.variants)
            with self._parts.running.hold(question.conversation.key, table, table.turn.id, drafts=variants):
                for task in asyncio.as_completed(tasks):
                    if not await self._take(table, *(await task)):
                        return False
        finally:
            for unfinished in tasks:
                unfinished.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await stage.end()
        return True

    async def _take(self, table: "_VariantTurn", seat: int, outcome: VariantOutcome) -> bool:
        """Store and send the outcome of a variant. Return False if the chat cannot be reached."""
        question = table.panel.question
        above = (question.opening() if seat == 0 else "") + table.panel.variants[seat].label
        cut = CUT.say(question.language) if outcome.call.finish_reason == FinishReason.LENGTH else ""
        said = close_code(outcome.said) if cut else outcome.said
        text = "\n\n".join(filter(None, [above, said or outcome.failure, cut]))
        table.enter(seat, outcome, await self._parts.messenger.compose(text))
        await self._parts.turns.answer(table.turn, None, table.total())
        return await self._delivery.send(table.turn, table.ready_parts(), question.target)

    async def _close(self, table: "_VariantTurn") -> None:
        """Write the footer below all answers, and store the turn as answered or failed."""
        turn, question = table.turn, table.panel.question
        said = table.said()
        if said:
            footer, turn.state = table.panel.close(table.outcomes()), TurnState.ANSWERED
            footer = replace(footer, note="\n\n".join(filter(None, [question.closing(), footer.note])))
        else:
            retry = Button(TRY_AGAIN.say(question.language), f"retry:{turn.id}")
            footer = Footer(NOBODY.say(question.language), [[retry]])
            turn.state, turn.reason = TurnState.FAILED, table.outcomes()[0].call.error or "stopped by the user"
        table.finish(await self._parts.messenger.compose(footer.note, footer.keyboard))
        reply = Message(Role.ASSISTANT, said) if said else None
        await self._parts.turns.answer(turn, reply, table.total())
        if reply and self._bot.window > 1:
            await self._parts.memory.remember(question.conversation, turn.id, question.exchange(reply, table.total()))


class _VariantTurn:
    """A turn with several variants and their outcomes, as stored in its parts. Can be stopped."""

    def __init__(self, panel: ParallelQuestion, turn: Turn) -> None:
        self.panel = panel
        self.turn = turn
        self.answers = [GrowingAnswer(f"{seat.label}\n\n", panel.question.language) for seat in panel.variants]
        self.stopped = False
        self._closing = len(panel.variants) * _SLOT
        known = {part.number: part for part in turn.parts}
        turn.parts = [known.get(number) or Part(number, "") for number in range(self._closing + 1)]
        self._outcomes = _read_outcomes(turn.parts[-1].markup)

    def stop(self) -> bool:
        """Stop all answers in progress and keep their text so far. Return False if they were already stopped."""
        if self.stopped:
            return False
        self.stopped = True
        for answer in self.answers:
            answer.stop()
        return True

    def missing(self) -> list[int]:
        """Return the variants that have not answered."""
        return [seat for seat in range(len(self.panel.variants)) if seat not in self._outcomes]

    def first_part(self, seat: int) -> Part:
        """Return the first part of a variant's answer. It may already be in the chat while the answer grows."""
        return self.turn.parts[seat * _SLOT]

    def ready_parts(self) -> list[Part]:
        """Return the parts that have their text and are not sent."""
        return [part for part in self.turn.unsent() if part.html]

    def enter(self, seat: int, outcome: VariantOutcome, parts: Sequence[Part]) -> None:
        """Put an answer into its slot."""
        first = seat * _SLOT
        parts[0].continue_from(self.first_part(seat))
        for number in range(first, first + _SLOT):
            at = number - first
            part = parts[at] if at < len(parts) else Part(number, "", state=PartState.DROPPED)
            part.number = number
            self.turn.parts[number] = part
        self._outcomes[seat] = outcome
        self.turn.parts[-1].markup = _write_outcomes(self._outcomes)

    def finish(self, parts: Sequence[Part]) -> None:
        """Put the closing in its place."""
        for number, part in enumerate(parts, self._closing):
            part.number = number
        self.turn.parts[self._closing :] = parts

    def outcomes(self) -> list[VariantOutcome]:
        """Return the outcomes of the variants that have one, in order."""
        return [self._outcomes[seat] for seat in sorted(self._outcomes)]

    def said(self) -> str:
        """Return all answers as one message for the database, or an empty string if every variant failed."""
        pairs = zip(self.panel.variants, self.outcomes(), strict=True)
        return "\n\n".join(f"{seat.label}\n\n{outcome.said}" for seat, outcome in pairs if outcome.said)

    def total(self) -> ModelCall:
        """Return the calls so far as one, since a turn has one on record: tokens and money summed, the longest time."""
        calls = [outcome.call for outcome in self.outcomes()]
        costs = [call.usage.cost for call in calls if call.usage.cost is not None]
        usage = Usage(
            sum(call.usage.prompt_tokens for call in calls),
            sum(call.usage.completion_tokens for call in calls),
            sum(costs) if costs else None,
            estimated=any(call.usage.estimated for call in calls),
        )
        return ModelCall(
            endpoint=calls[0].endpoint,
            model=",".join(dict.fromkeys(call.model for call in calls)),
            usage=usage,
            finish_reason=",".join(dict.fromkeys(call.finish_reason for call in calls)),
            first_token_ms=min(call.first_token_ms for call in calls),
            total_ms=max(call.total_ms for call in calls),
            error=",".join(filter(None, dict.fromkeys(call.error for call in calls))),
        )


class _VariantRun:
    """Asks the models of one table, and shows the first unfinished answer as it grows.

    One at a time: a private chat has room for one draft, and Telegram counts the edits of a group.
    """

    def __init__(self, bot: BotProfile, parts: ChatParts, table: _VariantTurn) -> None:
        self._bot = bot
        self._parts = parts
        self._table = table
        self._prompts = PromptWriter(bot, parts.memory, parts.clock)
        self._width = asyncio.Semaphore(_ABREAST)
        self._queue = table.missing()
        self._live: LiveAnswer | None = None
        self._pass_on()

    async def hear(self, seat: int) -> tuple[int, VariantOutcome]:
        """Return a variant and its outcome, after its growing answer is no longer shown."""
        async with self._width:
            outcome = await self._ask(seat)
        await self._leave(seat)
        return seat, outcome

    async def end(self) -> None:
        """Show nothing more."""
        self._queue.clear()
        live, self._live = self._live, None
        if live is not None:
            await live.settle()

    async def _ask(self, seat: int) -> VariantOutcome:
        entry, language = self._table.panel.variants[seat], self._table.panel.question.language
        model = await self._parts.models.find(entry.model)
        record = CallRecord(model.name, self._parts.clock)
        if self._table.stopped:
            return VariantOutcome("", STOPPED_EMPTY.say(language), record.finished(record.stopped()))
        answer = self._table.answers[seat]
        temperature = self._bot.temperature if entry.temperature is None else entry.temperature
        try:
            prompt = await self._prompts.write(self._table.panel.question, model)
            request = ModelRequest(prompt, temperature, self._bot.max_tokens)
            end = await AnswerStream(model, answer, _VariantView(self, seat), record).listen(request)
        except BudgetExhaustedError as error:
            return VariantOutcome("", explain(error, language), record.failed(error))
        except RemoteError as error:
            log.warning("%s failed: %s: %s", model.name, type(error).__name__, error.detail)
            failure = keep_words(answer.said, error, language) or apologize(error, self._bot, language)
            return VariantOutcome("", failure, record.failed(error))
        if answer.said.strip():
            return VariantOutcome(answer.said, "", record.finished(end))
        silence = STOPPED_EMPTY if end.reason is FinishReason.STOPPED else error_text(EmptyAnswerError)
        return VariantOutcome("", silence.say(language), record.finished(end))

    def touch(self, seat: int) -> None:
        """Note that an answer has grown."""
        if self._live is not None and self._queue[0] == seat:
            self._live.touch()

    async def _leave(self, seat: int) -> None:
        """Take a seat out of the queue of those that are shown."""
        shown = bool(self._queue) and self._queue[0] == seat
        live = self._live
        if shown and live is not None:
            await live.settle()
        if seat in self._queue:
            self._queue.remove(seat)
        if shown:
            self._pass_on()

    def _pass_on(self) -> None:
        self._live = self._show(self._queue[0]) if self._queue else None

    def _show(self, seat: int) -> LiveAnswer:
        table, question = self._table, self._table.panel.question

        async def record(part: Part) -> None:
            await self._parts.delivery.record_growing(table.turn, part)

        stop = Button(STOP.say(question.language), f"stop:{table.turn.id}")
        draft_id = draft_number(table.turn.id, seat)
        first = table.first_part(seat)
        return self._parts.messenger.live(
            LiveRequest(question.target, table.answers[seat], draft_id, first, record, stop)
        )


@dataclass(frozen=True, slots=True)
class _VariantView:
    """A seat's place on the stage, as its listener sees it."""

    stage: _VariantRun
    seat: int

    def touch(self) -> None:
        self.stage.touch(self.seat)

    async def settle(self) -> None:
        """Do nothing: `_VariantRun` ends the message that it shows."""


def _write_outcomes(outcomes: Mapping[int, VariantOutcome]) -> str:
    return orjson.dumps({str(seat): asdict(outcome) for seat, outcome in outcomes.items()}).decode()


def _read_outcomes(ledger: str) -> dict[int, VariantOutcome]:
    found = {}
    for seat, fields in (orjson.loads(ledger) if ledger else {}).items():
        call = fields["call"]
        usage = Usage(**call.pop("usage"))
        found[int(seat)] = VariantOutcome(fields["said"], fields["failure"], ModelCall(**call, usage=usage))
    return found
