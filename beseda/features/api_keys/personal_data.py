"""API answers kept for repeated requests that are about a person: erased."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, LargeBinary, func, literal, or_, update

from beseda.engine.personal_data import Erasure, PersonalDataSource
from beseda.web.tables import idempotency_records


class KeptAnswerData(PersonalDataSource):
    """Personal data in kept answers, which name people, leads and conversations by number."""

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Blank the answers. Their rows stay, so that repeated requests are recognized."""
        numbers = [("user_id", erasure.person.user_id), *erasure.marks.ids]
        needles = [f'"{name}":{number}{end}'.encode() for name, number in numbers for end in ",}"]
        holds = or_(*(_holds(connection, needle) for needle in needles))
        connection.execute(update(idempotency_records).where(holds).values(body=b"{}"))
        return {}


def _holds(connection: Connection, needle: bytes) -> Any:
    part = literal(needle, LargeBinary)
    if connection.dialect.name == "postgresql":
        return func.position(part.op("IN")(idempotency_records.c.body)) > 0
    return func.instr(idempotency_records.c.body, part) > 0
