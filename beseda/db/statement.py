"""Statements of the hot path: built with Core, compiled once per dialect, run for many rows at once."""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Executable, Table
from sqlalchemy import Row as SqlRow
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

Params: TypeAlias = Mapping[str, object]
Insert: TypeAlias = postgresql.Insert | sqlite.Insert
InsertFactory: TypeAlias = Callable[[Table], Any]
_Processor: TypeAlias = Callable[[Any], Any]
_Convert: TypeAlias = Callable[[Params], tuple[object, ...]]
_Compiled: TypeAlias = tuple[str, _Convert]


class Rank(IntEnum):
    """The order of statements within a transaction."""

    PERSON = 1
    CONVERSATION = 2
    TURN = 3
    UPDATE = 4
    MESSAGE = 5
    TURN_UPDATES = 6
    DELIVERY = 7
    DELIVERY_REST = 8
    MODEL_CALL = 9
    DELIVERY_SENT = 10
    TURN_END = 11
    UPDATE_TRIES = 12
    UPDATE_END = 13
    FLOOD_WAIT = 14
    STATE = 15


class Statement:
    """One INSERT, UPDATE or DELETE that rows of many callers share.

    `rank` is its place in a transaction: parents before children, and earlier steps of a turn before later ones, so
    that steps in the same batch have the same result as steps one after another. Each statement must be safe to repeat:
    a commit is retried if its answer was lost. SQLAlchemy's own executemany processes every parameter of every row,
    which costs more than SQLite itself: here a row becomes the driver's tuple in one step.
    """

    __slots__ = ("_build", "_compiled", "rank")

    def __init__(self, rank: Rank, build: Callable[[InsertFactory], Executable]) -> None:
        """`build` receives the dialect's own `insert`, because only that one supports ON CONFLICT.

        Every value in it is a named bindparam that each row provides: a constant would be a bindparam without a name.
        """
        self.rank = rank
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Params]) -> None:
        """Execute the statement once for each of `rows`, inside the connection's transaction."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            insert: InsertFactory = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
            compiled = self._compiled[dialect.name] = _compile(self._build(insert), dialect)
        sql, convert = compiled
        connection.exec_driver_sql(sql, [convert(row) for row in rows])


class Query:
    """One SELECT of the hot path, compiled once per dialect. Its rows are returned as the driver provides them."""

    __slots__ = ("_clause", "_compiled")

    def __init__(self, clause: Executable) -> None:
        self._clause = clause
        self._compiled: dict[str, _Compiled] = {}

    def fetch(self, connection: Connection, params: Params) -> Sequence[SqlRow[Any]]:
        """Return the rows that match `params`."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._clause, dialect)
        sql, convert = compiled
        return connection.exec_driver_sql(sql, convert(params)).all()


def _compile(clause: Executable, dialect: Dialect) -> _Compiled:
    assert isinstance(clause, ClauseElement)  # noqa: S101 - tells the type checker what every Executable is
    compiled: Any = clause.compile(dialect=dialect)
    names: list[str] = list(compiled.positiontup)
    processors: list[tuple[int, _Processor]] = []
    for index, name in enumerate(names):
        processor = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        if processor is not None:
            processors.append((index, processor))
    return str(compiled), _converter(names, processors)


def _converter(names: list[str], processors: list[tuple[int, _Processor]]) -> _Convert:
    pick: _Convert = itemgetter(*names)  # two names at least: every WHERE of ours has them

    def convert(row: Params) -> tuple[object, ...]:
        values = list(pick(row))
        for index, process in processors:
            values[index] = process(values[index])
        return tuple(values)

    return convert if processors else pick
