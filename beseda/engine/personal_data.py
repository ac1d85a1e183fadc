"""The data of one person: each part of the program that stores some exports and erases its own.

Some data stays: the opt-out from broadcasts (or the person would get some), the budget used today (or deletion would be
a way to get a second one), and sums in which no person can be identified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy import Connection

from beseda.engine.files.model import FileOwner

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class PersonalMarks:
    """Values that identify a person in rows without a column for the person.

    `ids` are the names of fields with their values, such as `lead_id`, `words` names, numbers and statements, and
    `uids` the identifiers of calendar entries.
    """

    ids: Sequence[tuple[str, int]] = ()
    words: Sequence[str] = ()
    uids: Sequence[str] = ()

    def __add__(self, other: "PersonalMarks") -> "PersonalMarks":
        """Return the marks of both."""
        return PersonalMarks([*self.ids, *other.ids], sorted({*self.words, *other.words}), [*self.uids, *other.uids])


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of a person's data in one bot: its time, and the marks, read before the first row was deleted."""

    person: FileOwner
    marks: PersonalMarks
    at: datetime


class PersonalDataSource(Protocol):
    """A part of the program that stores data about people. Every method runs inside the caller's transaction.

    `exclusive` rows, which the data of other people may join or leave, are exported inside a write transaction, and
    erased in the one that reads the marks. The rows of other sources are erased after the person's turns.
    """

    exclusive: ClassVar[bool] = False

    def find_marks(self, _connection: Connection, _person: FileOwner, /) -> PersonalMarks:
        """Return the marks that the person has left in this part."""
        return PersonalMarks()

    def export(self, _connection: Connection, _person: FileOwner, /) -> Mapping[str, Rows]:
        """Return all data about the person, by category."""
        return {}

    def forget(self, connection: Connection, erasure: Erasure, /) -> Mapping[str, int]:
        """Delete or blank all data about the person. Return the numbers of deleted items that a report names."""


def read_rows(connection: Connection, query: Any) -> list[dict[str, object]]:
    """Return the rows of a query as they are written to JSON."""
    # Names of columns are of a kind of their own, which is not written as JSON.
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]
