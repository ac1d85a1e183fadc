"""What a model is shown of a conversation."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from beseda.domain.bot import BotProfile
from beseda.domain.conversation import ChatKey, ChatKind, Conversation
from beseda.domain.message import Message
from beseda.domain.persona import Scene, system_message
from beseda.domain.window import cut_window, find_room, fits_surely
from beseda.errors import RemoteError, StorageError
from beseda.kit.clock import Clock
from beseda.llm.base import ChatModel, Measuring, find_measuring
from beseda.services.question import Question
from beseda.services.summary import SummaryService
from beseda.storage.base.conversation import ConversationStore
from beseda.storage.base.history import HistoryStore

log = logging.getLogger(__name__)


class Memory:
    """Where conversations are kept: the record in SQL and the hot window.

    The hot window may fail: then the record answers, and the window is filled anew once it is back.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        history: HistoryStore,
        namespace: str = "",
        summaries: SummaryService | None = None,
    ) -> None:
        """`summaries` tell of what was said before the window, where somebody writes them."""
        self.conversations = conversations
        self.history = history
        self._summaries = summaries
        self._namespace = namespace
        self._distrusted: set[str] = set()

    async def window(self, conversation: Conversation, size: int) -> list[Message]:
        """Return the last `size` messages; a window that has gone cold is filled from the record."""
        key = self._key(conversation)
        try:
            if key in self._distrusted:
                await self.history.clear(key)
                self._distrusted.discard(key)
            known = await self.history.window(key, size)
            if known is None:
                known = await self.conversations.recent(conversation, size)
                if known:
                    await self.history.append(key, known)
        except StorageError as error:
            log.warning("the hot history is away, reading the record: %s", error.detail)
            known = await self.conversations.recent(conversation, size)
        return known

    async def recall(self, conversation: Conversation, bot: BotProfile) -> str:
        """Return the summary of what a full window leaves out, or nothing."""
        return await self._summaries.recall(conversation, bot) if self._summaries else ""

    async def remember(self, conversation: Conversation, exchange: Sequence[Message]) -> None:
        """Add what was said and answered to the hot window; the record has it already."""
        key = self._key(conversation)
        try:
            await self.history.append(key, exchange)
        except StorageError as error:
            log.warning("the hot history is away: %s", error.detail)
            self._distrusted.add(key)

    def reload(self, conversation: Conversation) -> None:
        """Distrust the hot window, so that the next look fills it from the record."""
        self._distrusted.add(self._key(conversation))

    async def move(self, chat: ChatKey, chat_id: int) -> None:
        """Go on with what was said in a chat where it has become another."""
        await self.conversations.move(chat.bot, chat.chat_id, chat_id)
        self._distrusted.add(replace(chat, chat_id=chat_id).history_key(self._namespace))

    async def wipe(self, conversation: Conversation) -> int:
        """Forget the conversation everywhere and return how many messages that was."""
        count = await self.conversations.clear(conversation)
        await self.history.clear(self._key(conversation))
        if self._summaries:
            await self._summaries.drop(conversation.id)
        return count

    def _key(self, conversation: Conversation) -> str:
        return conversation.key.history_key(self._namespace)


class PromptWriter:
    """Puts together what the model reads: the single system message, the window, the new message."""

    def __init__(self, bot: BotProfile, memory: Memory, clock: Clock) -> None:
        self._bot = bot
        self._memory = memory
        self._clock = clock

    async def write(self, question: Question, model: ChatModel | None = None) -> list[Message]:
        """Return the messages of a request, the system message first, no more of them than `model` reads."""
        conversation = question.conversation
        group = "" if conversation.kind is ChatKind.PRIVATE else conversation.title or "group"
        scene = Scene(self._clock.now().date(), question.person.name, group)
        before = self._bot.window - 1  # a bot without memory is shown the new message alone
        window = await self._memory.window(conversation, before) if before else []
        # A conversation that fits into its window has no summary, and nobody need ask.
        summary = await self._memory.recall(conversation, self._bot) if 0 < before <= len(window) else ""
        system = system_message(self._bot.persona, scene, question.instructions, summary)
        messages = [system, *window, question.as_message()]
        measuring = find_measuring(model) if model else None
        return messages if measuring is None else await self._cut(messages, measuring)

    async def _cut(self, messages: list[Message], measuring: Measuring) -> list[Message]:
        """Leave the oldest messages out where the model tells how much it reads, and that is less."""
        try:
            context = await measuring.context_size()
            room = None if context is None else find_room(context, self._bot.max_tokens)
            if room is None or fits_surely(messages, room):
                return messages
            counts = [await measuring.count_tokens(message.content) for message in messages]
        except RemoteError as error:
            log.info("the model does not say what fits: %s", error.detail)  # it may answer all the same
            return messages
        known = [count for count in counts if count is not None]
        return cut_window(messages, known, room) if len(known) == len(messages) else messages
