"""Lists of leads: read by index, counted from the totals where those tell."""

import re
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, or_, select, tuple_

from beseda.domain.lead import Lead, LeadFilter, LeadList, LeadPage
from beseda.domain.proof import fold
from beseda.storage.sql._lead_rows import COLUMNS, load_lead
from beseda.storage.sql.tables.lead import lead_totals, leads

_PHONE = re.compile(r"[+\d][\d\s().-]{3,}")
_LOCAL_DIGITS = 10


def list_leads(connection: Connection, wanted: LeadFilter, page: LeadPage) -> LeadList:
    """Return a piece of the list of live leads."""
    rows = connection.execute(find_page(wanted, page)).all()
    items = tuple(load_lead(row) for row in rows[: page.limit])
    after = _place(items[-1], page) if len(rows) > page.limit else None
    return LeadList(items, count_leads(connection, wanted), after)


def find_page(wanted: LeadFilter, page: LeadPage) -> Select[Any]:
    """Return the query for a piece of the list and one lead more, which tells that there is another piece."""
    time = leads.c[page.sort.value.removeprefix("-")]
    query = select(*COLUMNS).where(*_conditions(wanted)).limit(page.limit + 1)
    place = tuple_(time, leads.c.id)
    # Said with its type: SQLite keeps times as numbers, and any number is below any text.
    after = tuple_(literal(page.after[0], time.type), page.after[1]) if page.after else None
    if page.sort.value.startswith("-"):
        query = query.order_by(time.desc(), leads.c.id.desc())
        return query.where(place < after) if after is not None else query.offset(page.offset)
    query = query.order_by(time, leads.c.id)
    return query.where(place > after) if after is not None else query.offset(page.offset)


def count_leads(connection: Connection, wanted: LeadFilter) -> int:
    """Return how many live leads there are: from the totals, or counted where those do not tell."""
    if wanted != LeadFilter(wanted.bot, wanted.status, wanted.stage):
        return int(connection.execute(select(func.count()).where(*_conditions(wanted))).scalar_one())
    given = {"bot": wanted.bot, "status": wanted.status, "stage": wanted.stage}
    conditions = [lead_totals.c[name] == value for name, value in given.items() if value is not None]
    return int(
        connection.execute(select(func.coalesce(func.sum(lead_totals.c.count), 0)).where(*conditions)).scalar_one()
    )


def _conditions(wanted: LeadFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [leads.c.merged_into.is_(None)]
    for name in ("bot", "status", "stage", "owner"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(leads.c[name] == value)
    if wanted.user_id is not None:
        theirs = leads.alias()
        merged = select(theirs.c.merged_into).where(
            theirs.c.user_id == wanted.user_id, theirs.c.merged_into.is_not(None)
        )
        found.append(or_(leads.c.user_id == wanted.user_id, leads.c.id.in_(merged)))
    for time, begin, end in (
        (leads.c.created_at, wanted.created_from, wanted.created_to),
        (leads.c.updated_at, wanted.updated_from, wanted.updated_to),
    ):
        found += [time >= begin] if begin is not None else []
        found += [time < end] if end is not None else []
    return found + [leads.c.search.contains(piece, autoescape=True) for piece in _find_pieces(wanted.q or "")]


def _find_pieces(query: str) -> list[str]:
    """Return what has to stand in a lead: every word, or the digits of what looks like a phone."""
    if _PHONE.fullmatch(query.strip()):
        return [re.sub(r"\D", "", query)[-_LOCAL_DIGITS:]]
    return fold(query).split()


def _place(lead: Lead, page: LeadPage) -> tuple[Any, int]:
    return getattr(lead, page.sort.value.removeprefix("-")), lead.id
