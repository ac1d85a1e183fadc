"""The turn: a question comes in, a model answers, the answer goes out. The heart of the program.

    answer()       opens the turn, or takes it up where a crash left it
      ├ _think()     received → answered, or failed: asks the model, shows the answer as it grows, stores it
      └ deliver()    answered → delivered: services/delivery.py

No transaction is open while the model thinks: each call of the store is one of its own.
"""

import logging
from dataclasses import dataclass

from beseda.domain.bot import BotProfile
from beseda.domain.conversation import ChatKey
from beseda.domain.message import Message, Role
from beseda.domain.turn import Part, PartState, Turn, TurnState
from beseda.domain.usage import ModelCall
from beseda.errors import BesedaError, EmptyAnswerError, RemoteError
from beseda.kit.clock import Clock
from beseda.kit.texts import Text
from beseda.llm.base import ChatModel, FinishReason, ModelRequest
from beseda.logs import log_context
from beseda.services.conversation import Memory, PromptWriter
from beseda.services.delivery import Delivery
from beseda.services.listening import CallRecord, GrowingAnswer, Listener
from beseda.services.question import Question
from beseda.storage.base import TurnStore
from beseda.telegram.base import Button, Keyboard, LiveAnswer, LiveRequest, Messenger, Target

log = logging.getLogger(__name__)

TRY_AGAIN = Text(ru="🔄 Ещё раз", en="🔄 Try again")
STOP = Text(ru="⏹ Стоп", en="⏹ Stop")
STOPPED_EMPTY = Text(ru="Хорошо, молчу.", en="All right, I stopped.")
CUT = Text(ru="_…ответ вышел слишком длинным, здесь я его обрезал._", en="_…the answer grew too long, I cut it here._")
STOPPED = "stopped by the user"


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What a chat service is put together from."""

    model: ChatModel
    turns: TurnStore
    memory: Memory
    messenger: Messenger
    clock: Clock


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at answering a turn. `shown` is the first part, which may be in the chat already while it grows."""

    turn: Turn
    question: Question
    answer: GrowingAnswer
    shown: Part

    @classmethod
    def at(cls, turn: Turn, question: Question) -> "Attempt":
        """Begin a try; what a crashed one has shown is taken over."""
        return cls(turn, question, GrowingAnswer(question.echo()), turn.parts[0] if turn.parts else Part(0, ""))


class ChatService:
    """Answers the questions that one bot is asked."""

    def __init__(self, bot: BotProfile, parts: ChatParts) -> None:
        self._bot = bot
        self._model = parts.model
        self._turns = parts.turns
        self._memory = parts.memory
        self._messenger = parts.messenger
        self._clock = parts.clock
        self._delivery = Delivery(parts.messenger, parts.turns)
        self._prompts = PromptWriter(bot, parts.memory, parts.clock)
        self._growing: dict[ChatKey, GrowingAnswer] = {}

    async def answer(self, question: Question, turn: Turn | None = None) -> None:
        """Answer a question from wherever its turn stands: new (None), received, answered or failed.

        What goes wrong with the model is said to the user, with a button to try again. Raises StorageError and
        TelegramUnauthorizedError: they leave the turn as it is, for the next sweep.
        """
        if turn is None:
            turn = question.open_turn()
            await self._turns.open(turn, question.as_message())
        elif turn.state is TurnState.RECEIVED:
            self._memory.reload(question.conversation)
        with log_context(turn=turn.id):
            if turn.state is TurnState.RECEIVED:
                await self._think(turn, question)
            await self._delivery.deliver(turn, question.target)

    async def say(self, question: Question, markdown: str, keyboard: Keyboard = (), turn: Turn | None = None) -> None:
        """Answer in words of our own: stored first, then sent, like every answer."""
        if turn is None:
            turn = question.open_turn()
            turn.parts = await self._compose(markdown, keyboard, question.target, Part(0, ""))
            turn.state = TurnState.ANSWERED
            await self._turns.answer(turn, None, None)
        await self._delivery.deliver(turn, question.target)

    async def fail(self, question: Question, error: BesedaError, turn: Turn) -> None:
        """Say in plain words what went wrong before a model could be asked; a button to try again if that helps."""
        attempt = Attempt.at(turn, question)
        text = error.say(question.language)
        await self._store_failure(attempt, text, type(error).__name__, again=error.retryable)
        await self._delivery.deliver(attempt.turn, question.target)

    def stop(self, chat: ChatKey) -> bool:
        """End the answer that is being made in a chat and return whether there was one."""
        growing = self._growing.get(chat)
        return growing is not None and growing.stop()

    async def _think(self, turn: Turn, question: Question) -> None:
        """Ask the model and store what came of it: an answer or a failure."""
        attempt = Attempt.at(turn, question)
        record = CallRecord(self._model.name, self._clock)
        live = self._show(attempt)
        chat = question.conversation.key
        self._growing[chat] = attempt.answer
        try:
            prompt = await self._prompts.write(question.conversation, question.person.name, question.as_message())
            request = ModelRequest(prompt, self._bot.temperature, self._bot.max_tokens)
            end = await Listener(self._model, attempt.answer, live, record).listen(request)
            await live.settle()
            await self._store_outcome(attempt, record.finished(end))
        except RemoteError as error:
            log.warning("the model failed: %s: %s", type(error).__name__, error.detail)
            await live.settle()
            await self._store_failure(attempt, error.say(question.language), type(error).__name__, record.failed(error))
        finally:
            await live.settle()
            self._growing.pop(chat, None)

    def _show(self, attempt: Attempt) -> LiveAnswer:
        turn, question = attempt.turn, attempt.question

        async def record(part: Part) -> None:
            await self._turns.mark_sending(turn, part)

        stop = Button(STOP.say(question.language), f"stop:{turn.id}")
        draft_id = turn.id & 0x7FFF_FFFF or 1
        return self._messenger.live(LiveRequest(question.target, attempt.answer, draft_id, attempt.shown, record, stop))

    async def _store_outcome(self, attempt: Attempt, call: ModelCall) -> None:
        """Store an answer; one that says nothing is a failure."""
        turn, question, said = attempt.turn, attempt.question, attempt.answer.said
        if not said.strip():
            stopped = call.finish_reason == FinishReason.STOPPED
            text = STOPPED_EMPTY if stopped else EmptyAnswerError.text
            reason = STOPPED if stopped else EmptyAnswerError.__name__
            await self._store_failure(attempt, text.say(question.language), reason, call)
            return
        note = f"\n\n{CUT.say(question.language)}" if call.finish_reason == FinishReason.LENGTH else ""
        reply = Message(Role.ASSISTANT, said)
        turn.parts = await self._compose(attempt.answer.text + note, (), question.target, attempt.shown)
        turn.state = TurnState.ANSWERED
        await self._turns.answer(turn, reply, call)
        await self._memory.remember(question.conversation, [question.as_message(), reply])

    async def _store_failure(
        self, attempt: Attempt, text: str, reason: str, call: ModelCall | None = None, *, again: bool = True
    ) -> None:
        """Store what the user will read about a failure: it is never part of the conversation."""
        turn, question = attempt.turn, attempt.question
        retry = [[Button(TRY_AGAIN.say(question.language), f"retry:{turn.id}")]] if again else []
        turn.parts = await self._compose(question.echo() + text, retry, question.target, attempt.shown)
        turn.state, turn.reason = TurnState.FAILED, reason
        await self._turns.answer(turn, None, call)

    async def _compose(self, markdown: str, keyboard: Keyboard, target: Target, shown: Part) -> list[Part]:
        """Return the parts to send. The first goes on in the message that was shown while the answer grew."""
        parts = await self._messenger.compose(markdown, keyboard)
        if parts:
            parts[0].message_id = shown.message_id
            if self._messenger.is_free(target):
                parts[0].state = PartState.SENDING  # stored and sent in one go: saves a transaction
        return parts
