"""Conversations, their people and messages."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from beseda.core.chat import ChatKey, ChatKind, Conversation, Person
from beseda.core.clock import Clock, SystemClock
from beseda.core.message import Message, Role
from beseda.core.usage import DEMO, Totals
from beseda.db.database import Database
from beseda.db.statement import InsertFactory, Params, Query, Rank, Statement
from beseda.engine.conversations.remembered import is_answered, is_remembered
from beseda.engine.conversations.summary_repository import forget_summaries
from beseda.engine.conversations.tables import conversations, messages, users
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import EventSubscriptions, write_events
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.engine.turns.tables import deliveries, model_calls, turns
from beseda.engine.updates.repository import move_updates
from beseda.telegram.part import UNSENT

_KNOWN_LIMIT = 10_000
_SEEN_SECONDS = 300.0
_HIGHEST = 2**63 - 1


def _upsert_person(insert: InsertFactory) -> Any:
    statement = insert(users).values({column.name: bindparam(column.name) for column in users.columns})
    new = statement.excluded
    names = ("name", "username", "language", "last_seen_at")
    return statement.on_conflict_do_update(index_elements=["id"], set_={name: new[name] for name in names})


def _upsert_conversation(insert: InsertFactory) -> Any:
    names = [column.name for column in conversations.columns if column.name != "id"]
    statement = insert(conversations).values({name: bindparam(name) for name in names})
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["bot", "chat_id", "thread_id"],
        set_={"kind": new.kind, "title": new.title, "updated_at": new.updated_at},
    )


_person = Statement(Rank.PERSON, _upsert_person)
_conversation = Statement(Rank.CONVERSATION, _upsert_conversation)
_find_id = Query(
    select(conversations.c.id, conversations.c.created_at == conversations.c.updated_at).where(
        conversations.c.bot == bindparam("bot"),
        conversations.c.chat_id == bindparam("chat_id"),
        conversations.c.thread_id == bindparam("thread_id"),
    )
)


class ConversationRepository:
    """Conversations in SQL. Recently opened ones are cached in memory, so that a known chat costs no query."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._audience = EventSubscriptions(database, self._clock)
        self._conversations: OrderedDict[ChatKey, Conversation] = OrderedDict()
        self._people: OrderedDict[int, tuple[Person, float]] = OrderedDict()

    async def open(self, key: ChatKey, kind: ChatKind, title: str, person: Person) -> Conversation:
        """Return the conversation at `key`, creating it if necessary. Record that `person` was seen now.

        The time a person was last seen is stored with a precision of five minutes. Raises StorageError.
        """
        known = self._conversations.get(key)
        if known is None or known.kind is not kind or known.title != title:
            return await self._store(key, kind, title, person)
        self._conversations.move_to_end(key)
        seen = self._people.get(person.id)
        if seen is None or seen[0] != person or self._clock.monotonic() - seen[1] > _SEEN_SECONDS:
            await self._database.write_rows([(_person, _person_params(person, self._clock.now()))])
            self._remember_person(person)
        return known

    async def move(self, bot: str, old: int, new: int) -> None:
        """Move the conversations of chat `old` to chat `new`. A conversation that exists there already stays."""
        there = conversations.alias()
        begun = exists().where(
            there.c.bot == bot, there.c.chat_id == new, there.c.thread_id == conversations.c.thread_id
        )
        statement = update(conversations).where(conversations.c.bot == bot, conversations.c.chat_id == old, ~begun)

        def work(connection: Connection) -> None:
            connection.execute(statement.values(chat_id=new))
            move_updates(connection, bot, old, new)

        await self._database.write(work)
        for key in [key for key in self._conversations if (key.bot, key.chat_id) == (bot, old)]:
            del self._conversations[key]

    async def recent(self, conversation: Conversation, limit: int) -> list[Message]:
        """Return the last `limit` messages of delivered or answered turns, oldest first; failed turns do not count."""
        params = {"conversation_id": conversation.id, "size": limit}
        rows = await self._database.read(lambda connection: connection.execute(_find_recent, params).all())
        return [Message(Role(row.role), row.content) for row in reversed(rows)]

    async def last_turn(self, conversation: Conversation, *, before: int | None = None) -> int:
        """Return the id of the last turn with messages in `recent`, below `before` if given, or 0 if there is none."""
        params = {"conversation_id": conversation.id, "below": _HIGHEST if before is None else before}
        found = await self._database.read(lambda connection: connection.execute(_find_last_turn, params).scalar())
        return found or 0

    async def clear(self, conversation: Conversation) -> int:
        """Delete the messages of the conversation and return their number.

        Answers that are being sent and unanswered questions are kept until they are finished.
        """
        return await self._database.write(lambda connection: _wipe(connection, conversation.id))

    async def totals(self, conversation: Conversation) -> Totals:
        """Return the total usage of the conversation. Deleting its messages does not reduce it."""
        return await self._database.read(lambda connection: _sum_up(connection, conversation.id))

    async def _store(self, key: ChatKey, kind: ChatKind, title: str, person: Person) -> Conversation:
        now = self._clock.now()
        place: Params = {"bot": key.bot, "chat_id": key.chat_id, "thread_id": key.thread_id}
        rest = {"kind": kind.value, "title": title, "user_id": person.id, "created_at": now, "updated_at": now}

        rows = [(_person, _person_params(person, now)), (_conversation, {**place, **rest})]
        is_told = await self._audience.wants(EventType.CONVERSATION_STARTED, key.bot)

        def look(connection: Connection) -> int:
            found: Any = _find_id.fetch(connection, place)[0]
            if found[1] and is_told:
                _tell(connection, (found[0], key, kind, person), now)
            return int(found[0])

        number = await self._database.write_and_read(rows, look)
        conversation = Conversation(number, key, kind, title)
        self._remember_person(person)
        self._conversations[key] = conversation
        self._conversations.move_to_end(key)
        if len(self._conversations) > _KNOWN_LIMIT:
            self._conversations.popitem(last=False)
        return conversation

    def _remember_person(self, person: Person) -> None:
        self._people[person.id] = (person, self._clock.monotonic())
        self._people.move_to_end(person.id)
        if len(self._people) > _KNOWN_LIMIT:
            self._people.popitem(last=False)


def _tell(connection: Connection, what: tuple[int, ChatKey, ChatKind, Person], now: datetime) -> None:
    """Write the event of a new conversation, in the transaction that stores it."""
    number, key, kind, person = what
    data = {"conversation_id": number, "user_id": person.id, "chat_id": key.chat_id, "kind": kind.value}
    told = NewEvent(EventType.CONVERSATION_STARTED, key.bot, user_id=person.id, data=data)
    write_events(connection, [told], now)


def _person_params(person: Person, now: datetime) -> Params:
    return {
        "id": person.id,
        "name": person.name,
        "username": person.username,
        "language": person.language,
        "created_at": now,
        "last_seen_at": now,
    }


# By turn, then by row: the answer to a question that was asked anew stands behind its question.
_find_recent = (
    select(messages.c.role, messages.c.content)
    .where(messages.c.conversation_id == bindparam("conversation_id"), is_remembered)
    .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    .limit(bindparam("size"))
)
_find_last_turn = (
    select(messages.c.turn_id)
    .where(
        messages.c.conversation_id == bindparam("conversation_id"),
        messages.c.turn_id < bindparam("below"),
        is_answered,
    )
    .order_by(messages.c.turn_id.desc(), messages.c.id.desc())
    .limit(1)
)


def _wipe(connection: Connection, conversation_id: int) -> int:
    ours = turns.c.conversation_id == conversation_id
    over = turns.c.state.in_([TurnState.DELIVERED.value, TurnState.FAILED.value])
    forget_summaries(connection, [conversation_id])
    count = connection.execute(delete(messages).where(messages.c.conversation_id == conversation_id)).rowcount
    connection.execute(update(turns).where(ours, over, turns.c.input != "").values(input=""))
    through = deliveries.c.state.not_in([state.value for state in UNSENT])
    connection.execute(
        update(deliveries)
        .where(deliveries.c.turn_id.in_(select(turns.c.id).where(ours)), through, deliveries.c.html != "")
        .values(html="", markup="")
    )
    return count


_sum_calls = select(
    func.coalesce(func.sum(model_calls.c.prompt_tokens), 0),
    func.coalesce(func.sum(model_calls.c.completion_tokens), 0),
    func.coalesce(func.sum(model_calls.c.cost), 0.0),
).where(or_(model_calls.c.endpoint != DEMO, model_calls.c.model != DEMO))  # the demo reads nothing


def _sum_up(connection: Connection, conversation_id: int) -> Totals:
    ours = turns.c.conversation_id == conversation_id
    said = turns.c.kind != TurnKind.COMMAND.value
    answered = turns.c.state.in_([TurnState.ANSWERED.value, TurnState.DELIVERED.value])
    counts = connection.execute(
        select(
            func.count().label("messages"), func.count().filter(answered).label("answers"), func.min(turns.c.created_at)
        ).where(ours, said)
    ).one()
    answering = _sum_calls.join(turns, turns.c.id == model_calls.c.turn_id).where(ours)
    about = _sum_calls.where(model_calls.c.conversation_id == conversation_id)  # what else was asked for it
    spent = [connection.execute(query).one() for query in (answering, about)]
    prompt, completion, cost = (sum(row[place] for row in spent) for place in range(3))
    since = counts[2].astimezone(UTC).date().isoformat() if counts[2] is not None else ""
    return Totals(counts.messages, counts.answers, int(prompt), int(completion), float(cost), since)


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
