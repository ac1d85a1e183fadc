"""A person's name, private chat and summaries: exported and erased.

The bare rows of the private conversation and of the person stay, without names: the turn in which they asked for
deletion and all later messages still refer to both.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update

from beseda.core.chat import ChatKind
from beseda.engine.conversations.summary_repository import conversation_summaries
from beseda.engine.conversations.tables import conversations, users
from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, PersonalMarks, Rows, read_rows
from beseda.engine.turns.tables import turns

SHORTEST_WORD = 3  # characters of a name or a number that is looked for in messages to other people


class ConversationData(PersonalDataSource):
    """Personal data in `users`, `conversations` and their summaries."""

    def find_marks(self, connection: Connection, person: FileOwner) -> PersonalMarks:
        """Return the person's names, and the number of their private chat."""
        names = connection.execute(select(users.c.name, users.c.username).where(users.c.id == person.user_id)).all()
        chats = connection.execute(select(conversations.c.id).where(own_chat(person))).scalars().all()
        words = [word for row in names for word in row if len(word) >= SHORTEST_WORD]
        return PersonalMarks([("conversation_id", number) for number in chats], words)

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the summaries of the private chat. That of a group is also about other people."""
        query = (
            select(conversation_summaries.c.conversation_id, conversation_summaries.c.summary)
            .join(conversations, conversations.c.id == conversation_summaries.c.conversation_id)
            .where(own_chat(person))
        )
        return {"summaries": read_rows(connection, query)}

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Blank the names, unless the person is known to another bot. Summaries are deleted with the turns."""
        person = erasure.person
        named = and_(own_chat(person), conversations.c.title != "")
        connection.execute(update(conversations).where(named).values(title=""))
        opened = exists().where(conversations.c.user_id == person.user_id, conversations.c.bot != person.bot)
        spoke = exists().where(
            turns.c.user_id == person.user_id,
            turns.c.conversation_id == conversations.c.id,
            conversations.c.bot != person.bot,
        )
        known_elsewhere: object = connection.execute(select(or_(opened, spoke))).scalar()
        if not known_elsewhere:
            names = {"name": "", "username": "", "language": ""}
            connection.execute(update(users).where(users.c.id == person.user_id).values(names))
        return {}


def own_chat(person: FileOwner) -> Any:
    """Return the condition that a conversation is the person's private chat with the bot."""
    return and_(
        conversations.c.bot == person.bot,
        conversations.c.kind == ChatKind.PRIVATE.value,
        conversations.c.chat_id == person.user_id,
    )
