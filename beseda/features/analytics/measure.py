"""Figures computed from the raw rows: by ranges of keys, without an index that would slow down every message.

Ids of turns increase with time (kit/ids.py), and messages and calls are found by their turn. Hours are counted in SQL
as hours since 1970, which both databases support without time zones.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    type_coerce,
)

from beseda.core.ids import lowest_id
from beseda.core.message import Role
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.flood_waits.repository import flood_waits
from beseda.engine.turns.model import TurnKind, TurnState
from beseda.engine.turns.tables import model_calls, turns
from beseda.features.analytics.model import DAY, HOUR, Figures, HourFigures, Period

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A turn gets its id a moment before it is stored, or longer where the database was away meanwhile.
_LONG = timedelta(days=14)
_MARGIN = timedelta(minutes=15)

_CALLS = (
    func.count().label("number"),
    func.count().filter(model_calls.c.error != "").label("failures"),
    func.sum(model_calls.c.prompt_tokens).label("prompt"),
    func.sum(model_calls.c.completion_tokens).label("completion"),
    func.coalesce(func.sum(model_calls.c.cost), 0.0).label("cost"),
)


def count_steps(connection: Connection, column: ColumnElement[Any], width: timedelta) -> ColumnElement[int]:
    """Return the number of whole `width`s from 1970 to a time, as SQL."""
    seconds = round(width.total_seconds())
    if connection.dialect.name == "postgresql":
        return cast(func.floor(func.date_part("epoch", column) / seconds), BigInteger)
    return type_coerce(column, BigInteger) // (seconds * 1_000_000)


def step_time(number: int, width: timedelta) -> datetime:
    """Return the time that is `number` widths after 1970."""
    return _EPOCH + number * width


def is_within(column: ColumnElement[datetime], period: Period) -> ColumnElement[bool]:
    """Return whether a time lies in the period, as SQL."""
    return and_(column >= period.since, column < period.until)


def is_turn_within(period: Period, *, key: ColumnElement[int] | None = None) -> ColumnElement[bool]:
    """Return whether a turn began in the period, as SQL; `key` is the column with the turn's id."""
    column = turns.c.id if key is None else key
    low, high = lowest_id(period.since - _MARGIN), lowest_id(period.until + _MARGIN)
    # Numbers go on from the highest where a clock was ahead once: those of the future tell nothing of their time.
    future = lowest_id(datetime.now(UTC) + _MARGIN)
    is_near = or_(and_(column >= low, column < high), column >= future)
    return and_(is_near, is_within(turns.c.created_at, period))


def of_bot(column: ColumnElement[str], period: Period) -> list[ColumnElement[bool]]:
    """Return the condition for rows of the period's bot, or no condition if the period covers all bots."""
    return [column == period.bot] if period.bot else []


def measure_hours(connection: Connection, period: Period, *, times_only: bool = False) -> list[HourFigures]:
    """Return the figures of each bot and hour of the period, all or response times only."""
    found: dict[tuple[str, int], HourFigures] = {}

    def add(row: Any, figures: Figures) -> None:
        cell = find_cell(row)
        cell.figures += figures

    def find_cell(row: Any) -> HourFigures:
        place = (row.bot, row.step)
        if place not in found:
            found[place] = HourFigures(row.bot, step_time(row.step, HOUR))
        return found[place]

    for row, figures in () if times_only else _count_all(connection, period):
        add(row, figures)
    for row in connection.execute(_query_times(connection, period)):
        find_cell(row).times.add(int(row.took), row.number)
    return [found[place] for place in sorted(found)]


def _count_all(connection: Connection, period: Period) -> Iterator[tuple[Any, Figures]]:
    for row in connection.execute(_query_conversations(connection, period)):
        yield row, Figures(conversations=row.number)
    for row in connection.execute(_query_turns(connection, period)):
        yield row, Figures(failures=int(row.failures))
    for row in connection.execute(_query_messages(connection, period)):
        yield row, Figures(messages=row.number, answers=int(row.answers))
    for query in (_query_calls(connection, period), _query_other_calls(connection, period)):
        for row in connection.execute(query):
            yield row, _read_calls(row)
    for row in connection.execute(_query_floods(connection, period)):
        yield row, Figures(flood_waits=row.number, flood_seconds=float(row.seconds))


def _query_conversations(connection: Connection, period: Period) -> Select[Any]:
    step = count_steps(connection, conversations.c.created_at, HOUR).label("step")
    return (
        select(conversations.c.bot, step, func.count().label("number"))
        .where(is_within(conversations.c.created_at, period), *of_bot(conversations.c.bot, period))
        .group_by(conversations.c.bot, step)
    )


def _by_turn(connection: Connection, period: Period, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return a query by bot and hour over the turns of the period, to which other tables can be joined."""
    step = count_steps(connection, turns.c.created_at, HOUR).label("step")
    return (
        select(conversations.c.bot, step, *columns)
        .select_from(turns)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .where(is_turn_within(period), *of_bot(conversations.c.bot, period))
        .group_by(conversations.c.bot, step)
    )


def _query_turns(connection: Connection, period: Period) -> Select[Any]:
    query = _by_turn(connection, period, func.count().label("failures"))
    return query.where(turns.c.state == TurnState.FAILED.value)


def _query_messages(connection: Connection, period: Period) -> Select[Any]:
    # Commands, buttons and what operators write are turns of a kind of their own.
    said = func.count().filter(messages.c.role == Role.USER.value).label("number")
    answers = func.count().filter(messages.c.role == Role.ASSISTANT.value).label("answers")
    query = _by_turn(connection, period, said, answers).join(messages, messages.c.turn_id == turns.c.id)
    return query.where(is_turn_within(period, key=messages.c.turn_id), turns.c.kind != TurnKind.COMMAND.value)


def _query_calls(connection: Connection, period: Period) -> Select[Any]:
    query = _by_turn(connection, period, *_CALLS).join(model_calls, model_calls.c.turn_id == turns.c.id)
    return query.where(is_turn_within(period, key=model_calls.c.turn_id))


def _query_other_calls(connection: Connection, period: Period) -> Select[Any]:
    """Return the query for model calls made outside chat turns. Each belongs to the hour in which it ended."""
    calls = model_calls.c
    step = count_steps(connection, calls.created_at, HOUR).label("step")
    within = calls.turn_id.is_(None), is_within(calls.created_at, period), *of_bot(calls.bot, period)
    return select(calls.bot, step, *_CALLS).where(*within).group_by(calls.bot, step)


def _read_calls(row: Any) -> Figures:
    return Figures(
        model_calls=row.number,
        model_failures=int(row.failures),
        prompt_tokens=int(row.prompt),
        completion_tokens=int(row.completion),
        cost=float(row.cost),
    )


def _query_times(connection: Connection, period: Period) -> Select[Any]:
    # Of answers that a model gave at the first try: who tries again an hour later has not waited for an hour.
    took = _round(_milliseconds(connection)).label("took")
    query = _by_turn(connection, period, took, func.count().label("number"))
    call = and_(model_calls.c.turn_id == turns.c.id, model_calls.c.attempt == turns.c.attempt)
    return (
        query.join(model_calls, call)
        .where(
            is_turn_within(period, key=model_calls.c.turn_id),
            turns.c.state == TurnState.DELIVERED.value,
            turns.c.kind != TurnKind.COMMAND.value,
            turns.c.attempt == 0,
        )
        .group_by(took)
    )


def _milliseconds(connection: Connection) -> ColumnElement[int]:
    if connection.dialect.name == "postgresql":
        seconds = func.date_part("epoch", turns.c.updated_at - turns.c.created_at)
        return cast(func.round(seconds * 1_000_000), BigInteger) // 1000
    return (type_coerce(turns.c.updated_at, BigInteger) - type_coerce(turns.c.created_at, BigInteger)) // 1000


def _round(value: ColumnElement[int]) -> ColumnElement[int]:
    """Round to two digits: as precise as the buckets, and a few hundred groups at most."""
    return case(
        (value < 100, value),
        (value < 1000, value // 10 * 10),
        (value < 10_000, value // 100 * 100),
        (value < 100_000, value // 1000 * 1000),
        (value < 1_000_000, value // 10_000 * 10_000),
        else_=1_000_000,
    )


def _query_floods(connection: Connection, period: Period) -> Select[Any]:
    step = count_steps(connection, flood_waits.c.occurred_at, HOUR).label("step")
    return (
        select(flood_waits.c.bot, step, func.count().label("number"), func.sum(flood_waits.c.seconds).label("seconds"))
        .where(is_within(flood_waits.c.occurred_at, period), *of_bot(flood_waits.c.bot, period))
        .group_by(flood_waits.c.bot, step)
    )


def query_users(period: Period) -> Select[Any]:
    """Return the query for the people with turns in the period."""
    query = select(turns.c.user_id).where(is_turn_within(period))
    if period.bot:
        query = query.join(conversations, conversations.c.id == turns.c.conversation_id)
        query = query.where(conversations.c.bot == period.bot)
    return query


def list_writers(connection: Connection, period: Period) -> list[tuple[str, int]]:
    """Return pairs of a bot and a person with turns in the period."""
    query = (
        select(conversations.c.bot, turns.c.user_id)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .where(is_turn_within(period))
        .distinct()
    )
    return [(row.bot, row.user_id) for row in connection.execute(query)]


def list_touched(connection: Connection, period: Period, after: int, limit: int) -> list[int]:
    """Return the conversations with an id above `after` and turns in the period.

    For a long period that is all conversations, found without reading turns.
    """
    if period.until - period.since > _LONG:
        walk = select(conversations.c.id).where(conversations.c.id > after).order_by(conversations.c.id).limit(limit)
        return list(connection.execute(walk).scalars())
    query = (
        select(turns.c.conversation_id)
        .where(is_turn_within(period), turns.c.conversation_id > after)
        .distinct()
        .order_by(turns.c.conversation_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def floor_day(moment: datetime) -> datetime:
    """Return the beginning of a day in UTC."""
    return _EPOCH + (moment - _EPOCH) // DAY * DAY


def ceil_day(moment: datetime) -> datetime:
    """Return the beginning of the first day that begins at `moment` or later."""
    return _EPOCH - (_EPOCH - moment) // DAY * DAY
