"""Takeover of a conversation by an operator: takes it over, writes in it, and gives it back to the bot.

A message of an operator passes through the chat's queue like every other message: as an internal update. So it is
stored before the operator gets the response "accepted", and the process that runs the bot sends it.
"""

import asyncio
import logging
from dataclasses import asdict, dataclass

from beseda.core.chat import ChatKey, Conversation, Person
from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.engine.updates.model import internal_update
from beseda.engine.updates.repository import UpdateRepository
from beseda.ephemeral.base import Bus
from beseda.features.takeover.model import Takeover
from beseda.features.takeover.repository import TakeoverRepository

log = logging.getLogger(__name__)

OPERATOR_MESSAGE = "operator_message"  # the kind of notice
_TRUST = 2.0  # seconds that a process may not know yet what another one took over


@dataclass(frozen=True, slots=True)
class OperatorMessage:
    """A message of an operator: as stored in the conversation, and as Markdown."""

    text: str
    markdown: str
    operator: str


class TakeoverService:
    """Manages takeovers and sends operators' messages. Methods raise StorageError unless noted otherwise."""

    def __init__(self, store: TakeoverRepository, updates: UpdateRepository, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._updates = updates
        self._bus = bus
        self._clock = clock
        self._known: dict[ChatKey, Takeover] = {}
        self._looked: float | None = None
        self._looking = asyncio.Lock()

    async def take(self, conversation_id: int, operator: str) -> Takeover:
        """Have the bot keep silent in a conversation. Raises NotFoundError."""
        taken = await self._store.take(conversation_id, operator)
        await self._tell(conversation_id)
        return taken

    async def give_back(self, conversation_id: int) -> bool:
        """Let the bot answer again. Return False if the conversation was not taken over."""
        given = await self._store.give_back(conversation_id)
        await self._tell(conversation_id)
        return given

    async def send(self, conversation: Conversation, person: Person, message: OperatorMessage) -> int:
        """Have a message of an operator's sent, in its turn; return the number under which that is stored."""
        update = internal_update(conversation.key.bot, OPERATOR_MESSAGE, conversation, person, asdict(message))
        await self._updates.store([update])
        await self._bus.publish(f"updates:{update.bot}", {"update_id": update.update_id})
        return -update.update_id

    async def find(self, chat: ChatKey) -> Takeover | None:
        """Return the takeover of a chat, at most two seconds old, or None if there is none; never raises.

        Bots call this for every message. All takeovers fit into memory and are read together.
        """
        if self._looked is None or self._clock.monotonic() - self._looked >= _TRUST:
            await self._look()
        return self._known.get(chat)

    async def _look(self) -> None:
        async with self._looking:
            now = self._clock.monotonic()
            if self._looked is not None and now - self._looked < _TRUST:
                return
            try:
                self._known = dict(await self._store.all())
            except StorageError as error:
                log.warning("cannot read the chats taken over by operators: %s", error.detail)
            self._looked = now

    async def _tell(self, conversation_id: int) -> None:
        self._looked = None
        await self._bus.publish("conversations", {"conversation_id": conversation_id})
