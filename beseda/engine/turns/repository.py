"""Turns and their parts: the hot path. Each step writes a few rows in a transaction shared with other chats."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.sql.dml import Update

from beseda.core import metrics
from beseda.core.chat import ChatKey, ChatKind, Conversation
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import IdTakenError
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.usage import ModelCall
from beseda.db.database import Database
from beseda.db.group_commit import Row as WriteRow
from beseda.db.statement import InsertFactory, Params, Rank, Statement
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import EventSubscriptions, write_events
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.tables import deliveries, model_calls, turns
from beseda.engine.updates.repository import finish_updates
from beseda.engine.updates.tables import updates
from beseda.engine.usage.model_calls import describe_call
from beseda.telegram.part import Part, PartState, message_box


def _upsert_turn(insert: InsertFactory) -> Any:
    statement = insert(turns).values({column.name: bindparam(column.name) for column in turns.columns})
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "state": new.state,
            "reason": new.reason,
            "attempt": new.attempt,
            "input": new.input,
            "updated_at": new.updated_at,
        },
        where=turns.c.conversation_id == new.conversation_id,
    )


def _upsert_message(insert: InsertFactory) -> Any:
    names = ("conversation_id", "turn_id", "role", "content", "created_at", "operator")
    statement = insert(messages).values({name: bindparam(name) for name in names})
    # A turn asked anew, by a restart or by the person, says its words in place of the earlier ones.
    return statement.on_conflict_do_update(
        index_elements=["turn_id", "role"],
        set_={"content": statement.excluded.content},
        where=messages.c.conversation_id == statement.excluded.conversation_id,
    )


def _upsert_part(insert: InsertFactory) -> Any:
    statement = insert(deliveries).values({column.name: bindparam(column.name) for column in deliveries.columns})
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["turn_id", "attempt", "number"],
        set_={
            "html": new.html,
            "markup": new.markup,
            "media": new.media,
            "state": new.state,
            # Once known it stays: the part is edited from then on, never sent again.
            "message_id": func.coalesce(new.message_id, deliveries.c.message_id),
            "updated_at": new.updated_at,
            "chat_id": new.chat_id,
            "message_box": new.message_box,
            "begun_at": func.coalesce(new.begun_at, deliveries.c.begun_at),
            "repeats": new.repeats,
            "sent_as": new.sent_as,
        },
    )


def _upsert_call(insert: InsertFactory) -> Any:
    beside = {"id", "purpose", "bot", "conversation_id"}  # what is said of calls that are no turn's answer
    columns = [column for column in model_calls.columns if column.name not in beside]
    statement = insert(model_calls).values({column.name: bindparam(column.name) for column in columns})
    keys = ("turn_id", "attempt")
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={column.name: statement.excluded[column.name] for column in columns if column.name not in keys},
    )


def _tie_update(_insert: InsertFactory) -> Update:
    return (
        update(updates)
        .where(updates.c.bot == bindparam("of_bot"), updates.c.update_id == bindparam("of_update"))
        .values(turn_id=bindparam("to_turn"))
    )


def _drop_rest(_insert: InsertFactory) -> Update:
    # What grew in the chat before a crash may have had more parts than the answer that came in the end.
    return (
        update(deliveries)
        .where(
            deliveries.c.turn_id == bindparam("of_turn"),
            deliveries.c.attempt == bindparam("of_attempt"),
            deliveries.c.number >= bindparam("from_number"),
        )
        .values(state=bindparam("to_state"))
    )


def _update_part(_insert: InsertFactory) -> Update:
    return (
        update(deliveries)
        .where(
            deliveries.c.turn_id == bindparam("of_turn"),
            deliveries.c.attempt == bindparam("of_attempt"),
            deliveries.c.number == bindparam("of_number"),
        )
        .values(
            state=bindparam("to_state"),
            message_id=func.coalesce(
                bindparam("to_message", type_=deliveries.c.message_id.type), deliveries.c.message_id
            ),
            updated_at=bindparam("at"),
        )
    )


def _place_part(_insert: InsertFactory) -> Update:
    return (
        update(deliveries)
        .where(
            deliveries.c.turn_id == bindparam("of_turn"),
            deliveries.c.attempt == bindparam("of_attempt"),
            deliveries.c.number == bindparam("of_number"),
        )
        .values(message_id=bindparam("to_message", type_=deliveries.c.message_id.type), updated_at=bindparam("at"))
    )


def _end_turn(_insert: InsertFactory) -> Update:
    return (
        update(turns)
        .where(turns.c.id == bindparam("of_turn"))
        .values(state=bindparam("to_state"), reason=bindparam("to_reason"), updated_at=bindparam("at"))
    )


_DRAWS = 3  # of an id for a new turn
_turn = Statement(Rank.TURN, _upsert_turn)
_message = Statement(Rank.MESSAGE, _upsert_message)
_tie = Statement(Rank.TURN_UPDATES, _tie_update)
_part = Statement(Rank.DELIVERY, _upsert_part)
_rest = Statement(Rank.DELIVERY_REST, _drop_rest)
_call = Statement(Rank.MODEL_CALL, _upsert_call)
_sent = Statement(Rank.DELIVERY_SENT, _update_part)
_placed = Statement(Rank.DELIVERY_SENT, _place_part)
_end = Statement(Rank.TURN_END, _end_turn)


LeadLookup = Callable[[Connection, str, int], int | None]
"""Returns the id of the lead that a person, by Telegram id, is in a bot, or None."""


class TurnRepository:
    """Turns in SQL. Every method raises StorageError if the database rejects the work or is unavailable.

    `find_lead` adds the lead of the person to the events of received messages.
    """

    def __init__(
        self, database: Database, clock: Clock | None = None, find_lead: LeadLookup = lambda *_person: None
    ) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._find_lead = find_lead
        self._audience = EventSubscriptions(database, self._clock)

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn and the user's message (None for a command), and link its updates to it.

        If the turn exists already (repeated), `turn.state`, `turn.reason` and `turn.attempt` are replaced. A new turn
        gets another id if another process has generated the same one.
        """
        for _ in range(_DRAWS):
            try:
                return await self._open(turn, message)
            except IdTakenError:
                turn.id = new_id()
        return await self._open(turn, message)

    async def _open(self, turn: Turn, message: Message | None) -> None:
        now = self._clock.now()
        rows = _opening_rows(turn, now)
        if message is not None:
            rows.append((_message, _message_params(turn, message, now)))
        if message is not None and await self._audience.wants(EventType.MESSAGE_RECEIVED, turn.conversation.key.bot):
            await self._database.write_and_read(rows, lambda connection: self._publish(connection, turn, now))
        else:
            await self._database.write_and_look(rows, _check_owners, turn)

    def _publish(self, connection: Connection, turn: Turn, now: datetime) -> None:
        """Write the event of a received message, in the transaction that stores the message."""
        _check_owners(connection, [turn])
        query = select(messages.c.id, messages.c.content, messages.c.created_at)
        row = connection.execute(query.where(messages.c.turn_id == turn.id, messages.c.role == Role.USER.value)).one()
        if row.created_at != now:
            return  # asked anew: it has been published
        bot = turn.conversation.key.bot
        lead_id = self._find_lead(connection, bot, turn.user_id)
        data = {
            "user_id": turn.user_id,
            "lead_id": lead_id,
            "conversation_id": turn.conversation.id,
            "message_id": row.id,
            "content": row.content,
        }
        write_events(connection, [NewEvent(EventType.MESSAGE_RECEIVED, bot, lead_id, turn.user_id, data)], now)

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store state, reason, attempt and all parts of `turn`, the assistant's message and the model call.

        Stored parts of the same attempt that are not among these are dropped.
        """
        now = self._clock.now()
        rows = _opening_rows(turn, now)
        if message is not None:
            rows.append((_message, _message_params(turn, message, now)))
        rows.extend((_part, _part_params(turn, part, now)) for part in turn.parts)
        rows.append((_rest, _rest_params(turn)))
        if call is not None:
            rows.append((_call, _call_params(turn, call, now)))
        await self._database.write_and_look(rows, _check_owners, turn)
        if call is not None:
            metrics.model_call(turn.conversation.key.bot, call)

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that the call that sends `part` is about to be made. A part that grows in the chat is new here."""
        part.state = PartState.SENDING
        await self._database.write_rows([(_part, _part_params(turn, part, self._clock.now()))])

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        """Record `part.message_id` alone, or None if that message is gone and the part is sent anew."""
        await self._database.write_rows([(_placed, _placing(turn, part, self._clock.now()))], urgent=True)

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record `part.state` and `part.message_id`. If no part is left, finish the turn and its updates as well.

        `turn.state` then becomes delivered, unless the turn failed and this part was the notice of that.
        """
        now = self._clock.now()
        rows: list[WriteRow] = [(_sent, _part_step(turn, part, part.state, now))]
        done = not turn.unsent()
        state = turn.state if turn.state is TurnState.FAILED else TurnState.DELIVERED
        if done:
            rows += _ending_rows(turn, state, now)
        await self._database.write_rows(rows, urgent=True)
        if done:
            turn.state = state
            _count(turn, now)

    async def finish(self, turn: Turn) -> None:
        """Record `turn.state` and `turn.reason` and mark its updates as processed, even if parts are unsent."""
        now = self._clock.now()
        await self._database.write_rows(_ending_rows(turn, turn.state, now))
        _count(turn, now)

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn with its parts (those of its last attempt) and updates, or None."""
        return await self._database.read(lambda connection: _load_turn(connection, turn_id))

    async def find_question(self, conversation: Conversation, message_id: int) -> Turn | None:
        """Return the newest turn of a conversation that was opened by this Telegram message, or None."""
        params = {"conversation_id": conversation.id, "message_id": message_id}

        def work(connection: Connection) -> Turn | None:
            turn_id = connection.execute(SELECT_QUESTION, params).scalar()
            return None if turn_id is None else _load_turn(connection, turn_id)

        return await self._database.read(work)


def _check_owners(connection: Connection, opened: Sequence[Turn]) -> list[None]:
    """Check that each row of turns opened in the transaction belongs to the turn's conversation.

    Raises IdTakenError.
    """
    query = select(turns.c.id, turns.c.conversation_id).where(turns.c.id.in_([turn.id for turn in opened]))
    owners = {row.id: row.conversation_id for row in connection.execute(query)}
    for turn in opened:
        if owners.get(turn.id) != turn.conversation.id:
            raise IdTakenError(f"turn {turn.id} is another conversation's")
    return [None] * len(opened)


def _count(turn: Turn, now: datetime) -> None:
    # Commands are answered from here, and one tried again by its person waited for that: neither says how fast we are.
    waited = turn.state is TurnState.DELIVERED and turn.kind is not TurnKind.COMMAND and not turn.attempt
    seconds = (now - turn.created_at).total_seconds() if waited and turn.created_at else None
    metrics.turn(turn.conversation.key.bot, turn.state.value, seconds)


def _opening_rows(turn: Turn, now: datetime) -> list[WriteRow]:
    if turn.created_at is None:
        turn.created_at = now
    params: Params = {
        "id": turn.id,
        "conversation_id": turn.conversation.id,
        "user_id": turn.user_id,
        "kind": turn.kind.value,
        "state": turn.state.value,
        "reason": turn.reason,
        "attempt": turn.attempt,
        "reply_to": turn.reply_to,
        "input": turn.input,
        "created_at": turn.created_at,
        "updated_at": now,
    }
    rows: list[WriteRow] = [(_turn, params)]
    bot = turn.conversation.key.bot
    for number in turn.update_ids:
        rows.append((_tie, {"of_bot": bot, "of_update": number, "to_turn": turn.id}))  # noqa: PERF401 - typed rows
    return rows


def _ending_rows(turn: Turn, state: TurnState, now: datetime) -> list[WriteRow]:
    end: Params = {"of_turn": turn.id, "to_state": state.value, "to_reason": turn.reason, "at": now}
    rows: list[WriteRow] = [(_end, end)]
    bot = turn.conversation.key.bot
    for number in turn.update_ids:
        rows.append((finish_updates, {"of_bot": bot, "of_update": number, "at": now}))  # noqa: PERF401 - typed rows
    return rows


def _message_params(turn: Turn, message: Message, now: datetime) -> Params:
    return {
        "conversation_id": turn.conversation.id,
        "turn_id": turn.id,
        "role": message.role.value,
        "content": message.content,
        "created_at": now,
        "operator": message.operator or None,
    }


def _part_params(turn: Turn, part: Part, now: datetime) -> Params:
    if part.state is PartState.SENDING and part.message_id is None:
        part.begun_at = now
    chat = turn.conversation.key
    return {
        "turn_id": turn.id,
        "attempt": turn.attempt,
        "number": part.number,
        "html": part.html,
        "markup": part.markup,
        "media": part.media,
        "state": part.state.value,
        "message_id": part.message_id,
        "updated_at": now,
        "bot": chat.bot,
        "chat_id": chat.chat_id,
        "message_box": message_box(chat.chat_id),
        "begun_at": part.begun_at,
        "repeats": part.repeats,
        "sent_as": part.sent_as,
    }


def _rest_params(turn: Turn) -> Params:
    return {
        "of_turn": turn.id,
        "of_attempt": turn.attempt,
        "from_number": len(turn.parts),
        "to_state": PartState.DROPPED.value,
    }


def _placing(turn: Turn, part: Part, now: datetime) -> Params:
    return {
        "of_turn": turn.id,
        "of_attempt": turn.attempt,
        "of_number": part.number,
        "to_message": part.message_id,
        "at": now,
    }


def _part_step(turn: Turn, part: Part, state: PartState, now: datetime) -> Params:
    return {
        **_placing(turn, part, now),
        "to_state": state.value,
    }


def _call_params(turn: Turn, call: ModelCall, now: datetime) -> Params:
    return {"turn_id": turn.id, "attempt": turn.attempt, **describe_call(call, now)}


_find_turn = (
    select(
        turns,
        conversations.c.bot,
        conversations.c.chat_id,
        conversations.c.thread_id,
        conversations.c.kind.label("chat_kind"),
        conversations.c.title,
    )
    .join(conversations, conversations.c.id == turns.c.conversation_id)
    .where(turns.c.id == bindparam("turn_id"))
)
SELECT_QUESTION = (
    select(turns.c.id)
    .where(turns.c.conversation_id == bindparam("conversation_id"), turns.c.reply_to == bindparam("message_id"))
    .order_by(turns.c.id.desc())
    .limit(1)
)
_find_parts = (
    select(deliveries)
    .where(deliveries.c.turn_id == bindparam("turn_id"), deliveries.c.attempt == bindparam("attempt"))
    .order_by(deliveries.c.number)
)
_find_updates = (
    select(updates.c.update_id).where(updates.c.turn_id == bindparam("turn_id")).order_by(updates.c.update_id)
)


def _load_turn(connection: Connection, turn_id: int) -> Turn | None:
    row = connection.execute(_find_turn, {"turn_id": turn_id}).one_or_none()
    if row is None:
        return None
    parts = connection.execute(_find_parts, {"turn_id": turn_id, "attempt": row.attempt}).all()
    return Turn(
        id=row.id,
        conversation=Conversation(
            row.conversation_id, ChatKey(row.bot, row.chat_id, row.thread_id), ChatKind(row.chat_kind), row.title
        ),
        user_id=row.user_id,
        kind=TurnKind(row.kind),
        update_ids=tuple(connection.execute(_find_updates, {"turn_id": turn_id}).scalars()),
        reply_to=row.reply_to,
        input=row.input,
        state=TurnState(row.state),
        reason=row.reason,
        attempt=row.attempt,
        parts=[_load_part(part) for part in parts],
        created_at=row.created_at,
    )


def _load_part(row: Row[Any]) -> Part:
    state = PartState(row.state)
    if state is PartState.SENDING and row.message_id is None:
        state = PartState.UNKNOWN  # the process that made the call is gone, or has forgotten it
    return Part(
        row.number,
        row.html,
        row.markup,
        state,
        row.message_id,
        row.media,
        begun_at=row.begun_at,
        repeats=row.repeats,
        sent_as=row.sent_as,
    )
