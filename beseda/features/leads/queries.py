"""Statements of leads: rows read, locked, written and counted, and lists.

Lists are read by index, counted from the totals if possible, and compiled once for each kind of query. The database
writes the API's list as JSON, so that no objects are built for rows that are only passed on. This saves a third of the
time that the list took otherwise.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.message import Role
from beseda.db.mapping import RowMapping
from beseda.db.since import look_back
from beseda.db.statement import Query
from beseda.db.types import UtcTime
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.turns.tables import turns
from beseda.features.leads.contact import email_key
from beseda.features.leads.evidence import fold
from beseda.features.leads.model import (
    Consent,
    Lead,
    LeadFilter,
    LeadList,
    LeadPage,
    LeadSlot,
    LeadSort,
    LeadText,
    PhoneEvidence,
    PossibleDuplicate,
    StageVisit,
)
from beseda.features.leads.tables import lead_consents, lead_slots, lead_stages, lead_totals, leads
from beseda.features.leads.update import LeadMessage
from beseda.llm.quotation import own_words

LEADS = RowMapping(Lead, leads, without={"slots"})
SLOTS = RowMapping(LeadSlot, lead_slots)
VISITS = RowMapping(StageVisit, lead_stages)
CONSENTS = RowMapping(Consent, lead_consents)
# A lead keeps these from its insertion on; merging and its end write `merged_into` by statements of their own.
_FIXED = frozenset({"id", "bot", "user_id", "created_at", "merged_into"})

_LONGEST_SEARCH = 8000
_MOST_DUPLICATES = 50
_MILLION: ColumnElement[int] = literal_column("1000000")
Params: TypeAlias = dict[str, object]

_PHONE = re.compile(r"[+\d][\d\s().-]{3,}")
_SHORTEST_PHONE = 7
_LOCAL_DIGITS = 10
_MOST_PIECES = 8  # words of a search that are looked at
_EXACT = ("bot", "status", "stage", "owner")
_TIMES = ("created_from", "created_to", "updated_from", "updated_to")
_TOTALLED = frozenset({"bot", "status", "stage"})
_SHAPES = 512  # kinds of questions that are kept compiled


def dialect_insert(connection: Connection, table: Table) -> Any:
    """Return the INSERT construct of the database's dialect, which supports ON CONFLICT."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def find_lead(connection: Connection, lead_id: int, *, lock: bool = False) -> Lead | None:
    """Return a lead with its fields, or None. With `lock`, the row is locked until the transaction ends."""
    query = select(*LEADS.columns).where(leads.c.id == lead_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    query = select(*SLOTS.columns).where(lead_slots.c.lead_id == lead_id).order_by(lead_slots.c.name)
    slots = SLOTS.load_all(connection.execute(query))
    return LEADS.load(row, slots={slot.name: slot for slot in slots})


def lock_live(connection: Connection, lead_id: int) -> Lead | None:
    """Return a lead, or the live lead that it was merged into, locked."""
    lead = find_lead(connection, lead_id, lock=True)
    while lead is not None and lead.merged_into is not None:
        lead = find_lead(connection, lead.merged_into, lock=True)
    return lead


def find_visits(connection: Connection, lead_id: int) -> list[StageVisit]:
    """Return the stages that a lead has passed through, oldest first."""
    query = select(*VISITS.columns).where(lead_stages.c.lead_id == lead_id)
    return VISITS.load_all(connection.execute(query.order_by(lead_stages.c.entered_at, lead_stages.c.id)))


def find_consents(connection: Connection, lead_id: int) -> list[Consent]:
    """Return the consents of a lead, oldest first."""
    query = select(*CONSENTS.columns).where(lead_consents.c.lead_id == lead_id).order_by(lead_consents.c.id)
    return CONSENTS.load_all(connection.execute(query))


def find_family(connection: Connection, lead_id: int) -> dict[int, int | None]:
    """Return the users of a lead and of those that were merged into it, by the id of their lead."""
    query = select(leads.c.id, leads.c.user_id).where(or_(leads.c.id == lead_id, leads.c.merged_into == lead_id))
    return {row.id: row.user_id for row in connection.execute(query.order_by(leads.c.id))}


def find_people(connection: Connection, lead_id: int) -> set[int]:
    """Return the users of a lead and of those that were merged into it."""
    return {user_id for user_id in find_family(connection, lead_id).values() if user_id is not None}


def find_sources(connection: Connection, lead: Lead, message_ids: Sequence[int]) -> dict[int, LeadMessage]:
    """Return those of the messages that a person of the lead wrote to its bot, without forwarded text."""
    if not message_ids:
        return {}
    people = find_people(connection, lead.id)
    query = (
        select(messages.c.id, messages.c.content, turns.c.user_id)
        .join(turns, turns.c.id == messages.c.turn_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(
            messages.c.id.in_(message_ids),
            messages.c.role == Role.USER.value,
            conversations.c.bot == lead.bot,
            turns.c.user_id.in_(people),
        )
    )
    return {row.id: LeadMessage(row.user_id, own_words(row.content)) for row in connection.execute(query)}


def store_lead(connection: Connection, old: Lead, new: Lead) -> None:
    """Write the changes of a live lead: its row, its fields, its stage and the totals."""
    connection.execute(update(leads).where(leads.c.id == new.id).values(lead_values(new, without=_FIXED)))
    _store_slots(connection, old, new)
    if old.stage != new.stage:
        move_stage(connection, new.id, new.stage, new.updated_at)
    if (old.status, old.stage) != (new.status, new.stage):
        shift_total(connection, old, -1)
        shift_total(connection, new, 1)


def retire_lead(connection: Connection, old: Lead, new: Lead, into: int) -> None:
    """Write a live lead as `new` and merge it, with the leads merged into it, into another."""
    connection.execute(
        update(leads).where(leads.c.id == new.id).values({**lead_values(new, without=_FIXED), "merged_into": into})
    )
    _store_slots(connection, old, new)
    shift_total(connection, old, -1)
    connection.execute(update(leads).where(leads.c.merged_into == new.id).values(merged_into=into))


def move_stage(connection: Connection, lead_id: int, stage: str, now: datetime) -> None:
    """End the current stage of a lead, and begin the next one if it is not empty."""
    open_visit = (lead_stages.c.lead_id == lead_id) & lead_stages.c.exited_at.is_(None)
    connection.execute(update(lead_stages).where(open_visit).values(exited_at=now))
    if stage:
        connection.execute(insert(lead_stages).values(lead_id=lead_id, stage=stage, entered_at=now))


def shift_total(connection: Connection, lead: Lead, by: int) -> None:
    """Add a live lead to the totals, or subtract it."""
    statement = dialect_insert(connection, lead_totals).values(
        bot=lead.bot, status=lead.status.value, stage=lead.stage, count=by
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["bot", "status", "stage"], set_={"count": lead_totals.c.count + statement.excluded.count}
        )
    )


def find_same_people(connection: Connection, lead: Lead) -> list[Lead]:
    """Return the other live leads of the person in `lead`, by the phone that Telegram verified there. They are locked.

    The other lead must have the same number, either verified by Telegram or entered by the company for a lead without a
    person. A number that was only mentioned proves nothing.
    """
    if not lead.phone or lead.phone_evidence is not PhoneEvidence.TELEGRAM:
        return []
    _lock_phone(connection, lead)
    entered = and_(leads.c.user_id.is_(None), leads.c.phone_evidence == PhoneEvidence.COMPANY.value)
    proven = or_(leads.c.phone_evidence == PhoneEvidence.TELEGRAM.value, entered)
    query = select(leads.c.id).where(_is_other(lead), leads.c.phone == lead.phone, proven).order_by(leads.c.id)
    numbers = connection.execute(query).scalars().all()
    found = [find_lead(connection, number, lock=True) for number in numbers]
    return [twin for twin in found if twin is not None and twin.merged_into is None]


def find_duplicates(connection: Connection, lead: Lead) -> list[PossibleDuplicate]:
    """Return the other live leads of the bot with this phone or mail address, the oldest first."""
    same: dict[str, ColumnElement[bool]] = {}
    if lead.phone:
        same["phone"] = leads.c.phone == lead.phone
    if lead.email:
        same["email"] = leads.c.email_key == email_key(lead.email)
    if not same or lead.merged_into is not None:
        return []
    query = select(leads.c.id, *(condition.label(name) for name, condition in same.items()))
    query = query.where(_is_other(lead), or_(*same.values())).order_by(leads.c.id).limit(_MOST_DUPLICATES)
    rows = connection.execute(query).all()
    return [PossibleDuplicate(row.id, tuple(name for name in same if getattr(row, name))) for row in rows]


def _is_other(lead: Lead) -> ColumnElement[bool]:
    return and_(leads.c.bot == lead.bot, leads.c.merged_into.is_(None), leads.c.id != lead.id)


def _lock_phone(connection: Connection, lead: Lead) -> None:
    """Lock the lead's phone until the transaction ends, so that no other lead gets the same phone meanwhile."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        number = func.hashtextextended(f"lead:{lead.bot}:{lead.phone}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def _store_slots(connection: Connection, old: Lead, new: Lead) -> None:
    gone = [name for name in old.slots if name not in new.slots]
    fresh = [slot for name, slot in new.slots.items() if old.slots.get(name) != slot]
    names = [*gone, *(slot.name for slot in fresh)]
    if names:
        connection.execute(delete(lead_slots).where(lead_slots.c.lead_id == new.id, lead_slots.c.name.in_(names)))
    if fresh:
        connection.execute(insert(lead_slots), [{"lead_id": new.id, **SLOTS.values(slot)} for slot in fresh])


def lead_values(lead: Lead, *, without: frozenset[str]) -> dict[str, object]:
    """Return the columns of a lead with those that are derived for searches, except those in `without`."""
    return {**LEADS.values(lead, without=without), "email_key": email_key(lead.email), "search": write_search(lead)}


def write_search(lead: Lead) -> str:
    """Return the text that a search matches."""
    parts = [lead.name, lead.contact, lead.phone, lead.email, lead.notes, *(slot.value for slot in lead.slots.values())]
    return fold(" ".join(dict.fromkeys(filter(None, parts))))[:_LONGEST_SEARCH]


def list_leads(connection: Connection, wanted: LeadFilter, page: LeadPage) -> LeadList:
    """Return a page of live leads."""
    params = _read_params(wanted)
    query, place = select_page(wanted, page)
    rows = connection.execute(query, place).all()
    items = tuple(LEADS.load_all(rows[: page.limit]))
    after = _end(items[-1], page) if len(rows) > page.limit else None
    total = connection.execute(select(_total(frozenset(params))), params).scalar_one()
    return LeadList(items, int(total), after)


def select_page(wanted: LeadFilter, page: LeadPage) -> tuple[Select[Any], Params]:
    """Return the query for a page and one lead more, with its parameters."""
    return _select_page(_shape(wanted, page)), {**_read_params(wanted), **_place(page, page.limit + 1)}


def write_leads(connection: Connection, wanted: LeadFilter, page: LeadPage) -> LeadText:
    """Return a page of live leads as JSON, in one statement."""
    query = _compile_text(connection.dialect.name, _shape(wanted, page), page.shown)
    row: Any = query.fetch(connection, {**_read_params(wanted), **_place(page, page.limit)})[0]
    return LeadText(row[0], row[1], int(row[2]))


_Shape: TypeAlias = tuple[frozenset[str], LeadSort, bool]


def _shape(wanted: LeadFilter, page: LeadPage) -> _Shape:
    return frozenset(_read_params(wanted)), page.sort, page.after is not None


def _read_params(wanted: LeadFilter) -> Params:
    """Return the values that the filter compares with, by the names of its conditions."""
    found: Params = {}
    for name in (*_EXACT, "user_id", *_TIMES):
        value = getattr(wanted, name)
        if value is not None:
            found[name] = value
    if wanted.updated_from is not None and wanted.updated_to is None:
        found["updated_from"] = look_back(wanted.updated_from)  # asked by whoever reads on from the last change seen
    for number, piece in enumerate(_find_pieces(wanted.q or "")):
        found[f"q{number}"] = f"%{_escape(piece)}%"
    return found


def _place(page: LeadPage, limit: int) -> Params:
    if page.after is None:
        return {"page_limit": limit, "page_offset": page.offset}
    return {"page_limit": limit, "page_offset": 0, "after_time": page.after[0], "after_id": page.after[1]}


@lru_cache(_SHAPES)
def _select_page(shape: _Shape) -> Select[Any]:
    return _order(select(*LEADS.columns), shape)


def _order(query: Select[Any], shape: _Shape) -> Select[Any]:
    names, sort, is_behind = shape
    time = leads.c[sort.value.removeprefix("-")]
    newest_first = sort.value.startswith("-")
    query = query.where(*_conditions(names)).limit(bindparam("page_limit")).offset(bindparam("page_offset"))
    query = query.order_by(time.desc(), leads.c.id.desc()) if newest_first else query.order_by(time, leads.c.id)
    if not is_behind:
        return query
    place = tuple_(time, leads.c.id)
    after = tuple_(bindparam("after_time", type_=time.type), bindparam("after_id", type_=leads.c.id.type))
    return query.where(place < after if newest_first else place > after)


@lru_cache(_SHAPES)
def _compile_text(dialect: str, shape: _Shape, names: tuple[str, ...]) -> Query:
    """Return the query for a page as JSON, its length, and the total number of leads."""
    columns = [column for column in LEADS.columns if not names or column.key in names]
    shown = [_show_time(column, dialect) if isinstance(column.type, UtcTime) else column for column in columns]
    page = _order(select(*shown), shape).subquery("page")
    if dialect == "postgresql":
        array: ColumnElement[Any] = cast(
            func.coalesce(func.json_agg(literal_column("page")), literal_column("'[]'::json")), Text
        )
    else:
        pairs = [part for column in page.columns for part in (literal_column(f"'{column.name}'"), column)]
        array = func.json_group_array(func.json_object(*pairs))
    return Query(select(array, func.count(), _total(shape[0]).label("total")).select_from(page))


def _show_time(column: Any, dialect: str) -> ColumnElement[str]:
    """Return a time as RFC 3339 in UTC."""
    if dialect == "postgresql":
        utc = func.timezone(literal_column("'UTC'"), column)
        return func.to_char(utc, literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")).label(column.name)
    number = cast(column, leads.c.id.type)
    second, rest = number // _MILLION, number % _MILLION
    shown = func.strftime(literal_column("'%Y-%m-%dT%H:%M:%S'"), second, literal_column("'unixepoch'"), type_=Text)
    return (shown + func.printf(literal_column("'.%06dZ'"), rest, type_=Text)).label(column.name)


def _total(names: frozenset[str]) -> Any:
    """Return the subquery that counts live leads: from the totals, or by rows if the totals do not cover the filter."""
    if names <= _TOTALLED:
        kept = [lead_totals.c[name] == bindparam(name) for name in sorted(names)]
        return select(func.coalesce(func.sum(lead_totals.c.count), literal_column("0"))).where(*kept).scalar_subquery()
    return select(func.count()).select_from(leads).where(*_conditions(names)).scalar_subquery()


def _conditions(names: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [leads.c.merged_into.is_(None)]
    for name in sorted(names):
        if name in _EXACT:
            found.append(leads.c[name] == bindparam(name))
        elif name == "user_id":
            found.append(_is_of_user())
        elif name in _TIMES:
            time = leads.c[f"{name.partition('_')[0]}_at"]
            bound = bindparam(name, type_=time.type)
            found.append(time >= bound if name.endswith("_from") else time < bound)
        else:
            found.append(leads.c.search.like(bindparam(name), escape="\\"))
    return found


def _is_of_user() -> ColumnElement[bool]:
    theirs = leads.alias()
    user = bindparam("user_id", type_=leads.c.user_id.type)
    merged = select(theirs.c.merged_into).where(theirs.c.user_id == user, theirs.c.merged_into.is_not(None))
    return or_(leads.c.user_id == user, leads.c.id.in_(merged))


def _find_pieces(query: str) -> list[str]:
    """Return the search terms that a lead must contain: every word, or the digits of an apparent phone number."""
    digits = re.sub(r"\D", "", query)
    # Fewer digits may be a price or a date, and stand there as they are written.
    if len(digits) >= _SHORTEST_PHONE and _PHONE.fullmatch(query.strip()):
        return [digits[-_LOCAL_DIGITS:]]
    return fold(query).split()[:_MOST_PIECES]


def _escape(piece: str) -> str:
    return piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _end(lead: Lead, page: LeadPage) -> tuple[Any, int]:
    return getattr(lead, page.sort.value.removeprefix("-")), lead.id
