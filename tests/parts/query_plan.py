"""The plan of a query, as the database reports it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, Executable
from sqlalchemy.ext.compiler import compiles

from beseda.db.database import Database


class Explain(Executable, ClauseElement):
    """The plan of a query."""

    inherit_cache = False

    def __init__(self, query: ClauseElement) -> None:
        self.query = query


@compiles(Explain)
def write_explain(element: Explain, compiler: Any, **rest: Any) -> str:
    verb = "EXPLAIN" if compiler.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return f"{verb} {compiler.process(element.query, **rest)}"


async def explain(database: Database, query: ClauseElement, params: Mapping[str, object]) -> str:
    """Return the plan of a query, a line a step."""
    rows = await database.read(lambda connection: connection.execute(Explain(query), params).all())
    return "\n".join(str(row[-1]) for row in rows)
