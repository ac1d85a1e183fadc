"""The turn: receives a question, generates an answer with a model, and delivers it.

    answer()       opens the turn, or resumes it after a crash
      ├ _think()     received → answered, or failed: calls the model, shows the answer as it grows, stores it
      └ deliver()    answered → delivered: services/delivery.py

No transaction is open while the model generates: each call of the store is a transaction of its own.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from beseda.core.chat import ChatKey
from beseda.core.clock import Clock
from beseda.core.errors import (
    BesedaError,
    BrokenStreamError,
    BudgetExhaustedError,
    EmptyAnswerError,
    RefusedAnswerError,
    RemoteError,
    RepeatingAnswerError,
)
from beseda.core.logs import log_context
from beseda.core.message import Message, Role
from beseda.core.usage import ModelCall
from beseda.engine.bot import BotProfile
from beseda.engine.conversations.memory import ConversationMemory, PromptWriter
from beseda.engine.turns.answer_stream import AnswerStream, CallRecord, GrowingAnswer, RunningAnswers, draft_number
from beseda.engine.turns.delivery import Delivery
from beseda.engine.turns.model import Turn, TurnState
from beseda.engine.turns.question import Answered, Footer, Question
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.usage.budgeted import BotModels
from beseda.llm.base import ChatModel, FinishReason, ModelRequest
from beseda.llm.fitting import InstructionsTooLongError
from beseda.llm.prompt import is_note
from beseda.locales import Text
from beseda.locales.errors import error_text, explain
from beseda.telegram.base import LiveAnswer, LiveRequest, Messenger, Target
from beseda.telegram.keyboards import Button, Markup
from beseda.telegram.markdown.escape import close_code
from beseda.telegram.part import Media, Part, PartState, write_media

log = logging.getLogger(__name__)

TRY_AGAIN = Text("chat.try_again")
STOP = Text("chat.stop")
STOPPED_EMPTY = Text("chat.stopped_empty")
CUT = Text("chat.cut")
HALTED = Text("stop.halted")
GO_ON = Text("stop.go_on")
STOPPED = "stopped by the user"
ENDINGS: dict[str, Text] = {FinishReason.LENGTH: CUT, FinishReason.STOPPED: HALTED}
"""What stands under an answer that is not whole."""
_SHORT = 200


@dataclass(frozen=True, slots=True)
class ChatParts:
    """Dependencies of a chat service."""

    models: BotModels
    turns: TurnRepository
    memory: ConversationMemory
    messenger: Messenger
    delivery: Delivery
    clock: Clock
    running: RunningAnswers = field(default_factory=RunningAnswers)


@dataclass(frozen=True, slots=True)
class PreparedReply:
    """A fixed reply in Markdown with its buttons. With media, only text that fits a caption is sent.

    `said` is the part that is stored in the conversation, such as an operator's message, or None.
    """

    markdown: str
    keyboard: Markup = ()
    media: Sequence[Media] = ()
    said: Message | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at answering a turn. `shown` is the first part, which may be in the chat already while it grows."""

    turn: Turn
    question: Question
    answer: GrowingAnswer
    shown: Part

    @classmethod
    def at(cls, turn: Turn, question: Question) -> "Attempt":
        """Begin an attempt. Text that a crashed attempt has already shown is reused."""
        return cls(
            turn,
            question,
            GrowingAnswer(question.opening(), question.language),
            turn.parts[0] if turn.parts else Part(0, ""),
        )


class ChatService:
    """Answers the questions that one bot is asked."""

    def __init__(self, bot: BotProfile, parts: ChatParts) -> None:
        self._bot = bot
        self._models = parts.models
        self._turns = parts.turns
        self._memory = parts.memory
        self._messenger = parts.messenger
        self._clock = parts.clock
        self._delivery = parts.delivery
        self._prompts = PromptWriter(bot, parts.memory, parts.clock)
        self._running = parts.running

    async def answer(self, question: Question, turn: Turn | None = None) -> Turn:
        """Answer a question from the current state of its turn and return the turn.

        The state is new (None), received, answered or failed. The user is notified of a failure of the model, with a
        button to retry. Raises StorageError and TelegramUnauthorizedError: they leave the turn unchanged for the next
        sweep.
        """
        if turn is None:
            turn = question.open_turn()
            await self._turns.open(turn, question.as_message())
        else:
            if turn.state is TurnState.RECEIVED:
                # Once more: the words of a recording that was heard only now are not on record.
                await self._turns.open(turn, question.as_message())
            await self._memory.reload(question.conversation)  # a crash may have come before it was told of an answer
        with log_context(turn=turn.id):
            if turn.state is TurnState.RECEIVED:
                if await self._delivery.is_hopeless(turn, question.target):
                    return turn
                await self._think(turn, question)
            await self._delivery.deliver(turn, question.target)
        return turn

    async def say(self, question: Question, reply: PreparedReply, turn: Turn | None = None) -> None:
        """Answer in words of our own: stored first, then sent, like every answer."""
        if turn is None or turn.state is TurnState.RECEIVED:
            turn = turn or question.open_turn()
            turn.parts = await self._compose(reply.markdown, reply.keyboard, question.target, Part(0, ""))
            if reply.media:
                caption = turn.parts[0] if turn.parts else Part(0, "")
                turn.parts = [replace(caption, media=write_media(reply.media))]
            turn.state = TurnState.ANSWERED
            await self._turns.answer(turn, reply.said, None)
        await self._delivery.deliver(turn, question.target)

    async def fail(self, question: Question, error: BesedaError, turn: Turn, *, crash: str = "") -> None:
        """Notify the user in plain words of a failure that occurred before a model was called.

        A button to retry is added if that can help. For a crash, `crash` is stored as the reason instead of the error's
        name, and the question may be retried.
        """
        attempt = Attempt.at(turn, question)
        text = complain(error, question.language)
        again = error.retryable or bool(crash and turn.can_be_repeated)
        await self._store_failure(attempt, text, crash or type(error).__name__, again=again)
        await self._delivery.deliver(attempt.turn, question.target)

    def stop(self, chat: ChatKey, number: int | None = None) -> bool:
        """Stop the answer in progress in a chat and return whether there was one.

        With `number`, only if it is the number of its turn or of its draft.
        """
        return self._running.stop(chat, number)

    async def _think(self, turn: Turn, question: Question) -> None:
        """Call the model and store the result: an answer or a failure."""
        attempt = Attempt.at(turn, question)
        model = await self._models.find(question.model)
        record = CallRecord(model.name, self._clock)
        live = self._show(attempt)
        try:
            with self._running.hold(question.conversation.key, attempt.answer, turn.id):
                request = await self._request(question, model)
                end = await AnswerStream(model, attempt.answer, live, record).listen(request)
        except RemoteError as error:
            log.warning("the model failed: %s: %s", type(error).__name__, error.detail)
            await live.settle()
            text = apologize(error, self._bot, question.language)
            await self._store_break(attempt, error, text, record.failed(error))
        except BudgetExhaustedError as error:
            await live.settle()
            await self._store_failure(attempt, complain(error, question.language), type(error).__name__, again=False)
        except BesedaError:
            raise
        except Exception as error:
            log.exception("turn %d: the model crashed", turn.id)
            await live.settle()
            await self._store_break(attempt, error, error_text(BesedaError).say(question.language), None)
        else:
            await live.settle()
            said = sum(message.role is not Role.SYSTEM and not is_note(message) for message in request.messages)
            context = min(said + 1, self._bot.window)  # the answer comes
            await self._store_outcome(attempt, Answered(attempt.answer.said, record.finished(end), context))
        finally:
            await live.settle()

    async def _store_break(self, attempt: Attempt, error: Exception, text: str, call: ModelCall | None) -> None:
        """Store the failure of a model; the words that came before it stay."""
        question = attempt.question
        if kept := keep_words(attempt.answer.said, error, question.language):
            text = f"{question.preface}\n\n{kept}".lstrip()
        # The same words cannot fit either: only the bot's owner can give it a larger context.
        again = not isinstance(error, InstructionsTooLongError)
        await self._store_failure(attempt, text, type(error).__name__, call, again=again)

    async def _request(self, question: Question, model: ChatModel) -> ModelRequest:
        temperature = self._bot.temperature if question.temperature is None else question.temperature
        return ModelRequest(await self._prompts.write(question, model), temperature, self._bot.max_tokens)

    def _show(self, attempt: Attempt) -> LiveAnswer:
        turn, question = attempt.turn, attempt.question

        async def record(part: Part) -> None:
            await self._delivery.record_growing(turn, part)

        stop = Button(STOP.say(question.language), f"stop:{turn.id}")
        draft_id = draft_number(turn.id)
        return self._messenger.live(LiveRequest(question.target, attempt.answer, draft_id, attempt.shown, record, stop))

    async def _store_outcome(self, attempt: Attempt, answered: Answered) -> None:
        """Store an answer. An answer without visible text is stored as a failure."""
        turn, question, call = attempt.turn, attempt.question, answered.call
        if not await self._is_visible(answered.said):
            stopped = call.finish_reason == FinishReason.STOPPED
            text = STOPPED_EMPTY if stopped else error_text(EmptyAnswerError)
            reason = STOPPED if stopped else EmptyAnswerError.__name__
            await self._store_failure(attempt, text.say(question.language), reason, call)
            return
        footer = question.footer(answered) if question.footer else Footer()
        ending = ENDINGS.get(call.finish_reason)
        below = list(filter(None, [ending.say(question.language) if ending else "", question.closing(), footer.note]))
        shown = close_code(attempt.answer.text) if below else attempt.answer.text
        markdown = "\n\n".join([shown, *below])
        reply = Message(Role.ASSISTANT, answered.said)
        more = [[Button(GO_ON.say(question.language), f"more:{question.person.id}")]] if ending else []
        turn.parts = await self._compose(markdown, [*more, *footer.keyboard], question.target, attempt.shown)
        turn.state = TurnState.ANSWERED
        await self._turns.answer(turn, reply, call)
        if self._bot.window > 1:
            await self._memory.remember(question.conversation, turn.id, question.exchange(reply, call))

    async def _store_failure(
        self, attempt: Attempt, text: str, reason: str, call: ModelCall | None = None, *, again: bool = True
    ) -> None:
        """Store a failure with its message to the user, if any. It never becomes part of the conversation."""
        turn, question = attempt.turn, attempt.question
        retry = [[Button(TRY_AGAIN.say(question.language), f"retry:{turn.id}")]] if again else []
        turn.parts = await self._compose(question.echo() + text if text else "", retry, question.target, attempt.shown)
        turn.state, turn.reason = TurnState.FAILED, reason
        await self._turns.answer(turn, None, call)

    async def _is_visible(self, markdown: str) -> bool:
        """Return whether a reader sees anything of it: not so of a zero-width space or an empty block of code."""
        # Anything long has something to see; what is short costs nothing to render twice.
        return len(markdown) > _SHORT or bool(await self._messenger.compose(markdown))

    async def _compose(self, markdown: str, keyboard: Markup, target: Target, shown: Part) -> list[Part]:
        """Return the parts to send. The first goes on in the message that was shown while the answer grew."""
        parts = await self._messenger.compose(markdown, keyboard)
        if parts:
            parts[0].continue_from(shown)
            if parts[0].state is PartState.PENDING and self._messenger.is_free(target):
                parts[0].state = PartState.SENDING  # stored and sent in one go: saves a transaction
        return parts


def complain(error: BesedaError, language: str) -> str:
    """Return the error text for the user, or an empty string if the user already knows that a budget is used up."""
    return "" if isinstance(error, BudgetExhaustedError) and error.silent else explain(error, language)


def apologize(error: RemoteError, bot: BotProfile, language: str) -> str:
    """Return the error text for a failed model: the bot's own apology replaces the general text."""
    apology = bot.apology if error_text(type(error)) == error_text(RemoteError) else None
    return apology.say(language) if apology else explain(error, language)


def keep_words(said: str, error: Exception, language: str) -> str:
    """Return the Markdown of an interrupted answer: its text with a note below.

    Return an empty string if no text arrived, or if the provider's filter stopped the answer.
    """
    if isinstance(error, RefusedAnswerError):
        return ""
    words = close_code(said[: error.kept] if isinstance(error, RepeatingAnswerError) else said).strip()
    note = error if isinstance(error, RepeatingAnswerError) else BrokenStreamError()
    return f"{words}\n\n_{explain(note, language)}_" if words else ""
