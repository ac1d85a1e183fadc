"""What a test of the record needs: the stores, and short ways to say something in a chat."""

from dataclasses import dataclass, field
from itertools import count

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.usage import ModelCall, Usage
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from beseda.telegram.part import Part, PartState

BOT = "assistant"
CALL = ModelCall("demo", "demo-1", Usage(10, 5, 0.25), "stop", 120, 900)


@dataclass
class World:
    """The stores of one database."""

    database: Database
    updates: UpdateRepository
    turns: TurnRepository
    conversations: ConversationRepository
    numbers: "count[int]" = field(default_factory=lambda: count(1000))

    async def open_conversation(self, chat_id: int = 7) -> Conversation:
        """Return a private conversation."""
        return await self.conversations.open(ChatKey(BOT, chat_id), ChatKind.PRIVATE, "", Person(chat_id, "Аня"))

    async def receive(self, conversation: Conversation, text: str) -> Turn:
        """Store an update and a turn opened by it."""
        update = StoredUpdate(BOT, next(self.numbers), b'{"message":{}}')
        await self.updates.store([update])
        turn = Turn(new_id(), conversation, conversation.key.chat_id, TurnKind.CHAT, (update.update_id,), input=text)
        await self.turns.open(turn, Message(Role.USER, text))
        return turn

    async def reply(self, turn: Turn, *htmls: str, text: str = "") -> None:
        """Store an answer in so many parts."""
        turn.state = TurnState.ANSWERED
        turn.parts = [Part(number, html) for number, html in enumerate(htmls)]
        await self.turns.answer(turn, Message(Role.ASSISTANT, text or " ".join(htmls)), CALL)

    async def fail(self, turn: Turn, reason: str) -> None:
        """Store a failure with its notice."""
        turn.state, turn.reason, turn.parts = TurnState.FAILED, reason, [Part(0, "Не вышло")]
        await self.turns.answer(turn, None, None)

    async def deliver(self, turn: Turn) -> None:
        """Send every part."""
        for part in turn.unsent():
            await self.turns.mark_sending(turn, part)
            part.state, part.message_id = PartState.SENT, 500 + part.number
            await self.turns.mark_sent(turn, part)

    async def talk(self, conversation: Conversation, text: str, answer: str) -> Turn:
        """Do a whole turn."""
        turn = await self.receive(conversation, text)
        await self.reply(turn, answer)
        await self.deliver(turn)
        return turn
