"""Lookup of a person's private chat."""

from sqlalchemy import Connection, select

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.engine.conversations.tables import conversations, users


def find_place(connection: Connection, bot: str, user_id: int) -> tuple[Conversation, Person] | None:
    """Return a person's private chat with a bot, or None if the person has never written to it."""
    query = (
        select(conversations.c.id, conversations.c.title, users.c.name, users.c.username, users.c.language)
        .join(users, users.c.id == conversations.c.user_id)
        .where(
            conversations.c.bot == bot,
            conversations.c.chat_id == user_id,  # a private chat's id is its person's
            conversations.c.thread_id == 0,
            conversations.c.kind == ChatKind.PRIVATE.value,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    conversation = Conversation(row.id, ChatKey(bot, user_id), ChatKind.PRIVATE, row.title)
    return conversation, Person(user_id, row.name, row.username, row.language)
