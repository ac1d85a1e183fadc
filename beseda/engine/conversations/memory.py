"""Conversation memory and the prompts built from it."""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from beseda.core.chat import ChatKey, ChatKind, Conversation
from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.core.message import Message
from beseda.engine.bot import BotProfile
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.summary import SummaryService
from beseda.engine.turns.question import Question
from beseda.engine.usage.budget import find_day
from beseda.ephemeral.base import HistoryStore
from beseda.llm.base import ChatModel
from beseda.llm.fitting import begin_with_user, fit_messages
from beseda.llm.prompt import Scene, describe_scene, instruct, system_message

log = logging.getLogger(__name__)


class ConversationMemory:
    """Stores conversations in the database and a copy of the recent messages in a hot window.

    If the hot window fails, messages are read from the database. The window is refilled when it is available again.
    """

    def __init__(
        self,
        conversations: ConversationRepository,
        history: HistoryStore,
        namespace: str = "",
        summaries: SummaryService | None = None,
    ) -> None:
        """`summaries` provides summaries of the messages before the window, if the bot keeps them."""
        self.conversations = conversations
        self.history = history
        self._summaries = summaries
        self._namespace = namespace
        self._distrusted: set[str] = set()

    async def window(self, conversation: Conversation, size: int) -> list[Message]:
        """Return the last `size` messages, oldest first.

        They come from the hot window if its last turn is that of the database, otherwise from the database. A window
        that vanished while an answer was written, or was restored from an older copy, is ignored.
        """
        key = self._key(conversation)
        if size > self.history.limit or key in self._distrusted:
            return await self.conversations.recent(conversation, size)
        last_turn = await self.conversations.last_turn(conversation)
        known = await self._find_hot(key, size, last_turn)
        if known is None:
            known = await self.conversations.recent(conversation, self.history.limit)
            if known:
                await self._attempt(self.history.fill(key, known, last_turn))
        return known[-size:] if size else []

    async def recall(self, conversation: Conversation, bot: BotProfile) -> str:
        """Return the summary of the messages before a full window, or an empty string if there is none."""
        return await self._summaries.recall(conversation, bot) if self._summaries else ""

    async def remember(self, conversation: Conversation, turn_id: int, exchange: Sequence[Message]) -> None:
        """Append the messages of a turn to the hot window. They are already in the database.

        They are appended only to a window that is complete up to the previous turn. Any other window is dropped.
        """
        key = self._key(conversation)
        if key in self._distrusted or not await self._attempt(self._append(conversation, turn_id, exchange)):
            await self._drop(key)

    async def reload(self, conversation: Conversation) -> None:
        """Drop the hot window until the turn under way is remembered: it is not the last one."""
        key = self._key(conversation)
        self._distrusted.add(key)
        await self._attempt(self.history.clear(key))

    async def move(self, chat: ChatKey, chat_id: int) -> None:
        """Continue the conversations of a chat under its new id."""
        await self.conversations.move(chat.bot, chat.chat_id, chat_id)
        await self._drop(replace(chat, chat_id=chat_id).history_key(self._namespace))

    async def wipe(self, conversation: Conversation) -> int:
        """Forget the conversation everywhere and return how many messages that was."""
        count = await self.conversations.clear(conversation)
        await self._drop(self._key(conversation))
        if self._summaries:
            await self._summaries.drop(conversation.id)
        return count

    async def _append(self, conversation: Conversation, turn_id: int, exchange: Sequence[Message]) -> bool:
        before = await self.conversations.last_turn(conversation, before=turn_id)
        return await self.history.append(self._key(conversation), exchange, turn_id=turn_id, after=before)

    async def _find_hot(self, key: str, size: int, last_turn: int) -> list[Message] | None:
        """Return the hot window if it is complete up to `last_turn`, otherwise None."""
        try:
            if await self.history.last_turn(key) == last_turn:
                return await self.history.window(key, size)
        except StorageError as error:
            log.debug("the recent messages are unavailable: %s", error.detail)
        return None

    async def _drop(self, key: str) -> None:
        """Clear the hot window; one that cannot be reached is not used until it was cleared."""
        self._distrusted.add(key)
        if await self._attempt(self.history.clear(key)):
            self._distrusted.discard(key)

    async def _attempt(self, change: Awaitable[object]) -> bool:
        """Change the recent messages and return whether that was done. It is a copy: a failure is no error."""
        try:
            return await change is not False
        except StorageError as error:
            log.debug("the recent messages are not changed: %s", error.detail)  # the outage itself is logged once
            return False

    def _key(self, conversation: Conversation) -> str:
        return conversation.key.history_key(self._namespace)


class PromptWriter:
    """Writes prompts: the system message, the facts of the moment, the window, instructions, the new message."""

    def __init__(self, bot: BotProfile, memory: ConversationMemory, clock: Clock) -> None:
        self._bot = bot
        self._memory = memory
        self._clock = clock

    async def write(self, question: Question, model: ChatModel | None = None) -> list[Message]:
        """Return the messages of a request, the system message first, limited to the context of `model`.

        Raises ContextTooLongError if the instructions and the new message alone are too long.
        """
        conversation = question.conversation
        group = "" if conversation.kind is ChatKind.PRIVATE else conversation.title or "group"
        zone = self._bot.time_zone or "UTC"
        scene = Scene(find_day(self._clock.now(), zone), question.person.name, group, zone)
        before = self._bot.window - 1  # a bot without memory is shown the new message alone
        window = await self._memory.window(conversation, before) if before else []
        # A conversation that fits into its window has no summary, and nobody need ask.
        summary = await self._memory.recall(conversation, self._bot) if 0 < before <= len(window) else ""
        notes = [instruct(question.instructions)] if question.instructions.strip() else []
        head = [system_message(self._bot.persona), describe_scene(scene, summary)]
        said = [*begin_with_user(window), question.as_message()]
        messages = [*head, *said[:-1], *notes, said[-1]]
        return await fit_messages(messages, model, max_tokens=self._bot.max_tokens)
