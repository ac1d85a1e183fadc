"""Personal data outside conversations, files and leads: exported and deleted.

Some data stays: the opt-out from broadcasts (or the person would get some), the budget used today (or deletion would be
a way to get a second one), and sums in which no person can be identified.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

import orjson
from sqlalchemy import Connection, LargeBinary, and_, delete, func, literal, or_, select, update

from beseda.core.chat import ChatKind
from beseda.engine.conversations.summary_tables import conversation_summaries
from beseda.engine.conversations.tables import conversations, users
from beseda.engine.files.model import FileOwner
from beseda.engine.flood_waits.tables import flood_waits
from beseda.engine.jobs.tables import jobs
from beseda.engine.turns.model import TurnKind
from beseda.engine.turns.tables import deliveries, turns
from beseda.engine.usage.budget import BudgetScope
from beseda.engine.usage.repository import forget_budgets
from beseda.engine.usage.tables import budget_counters
from beseda.features.analytics.active_users import forget_writer, list_days
from beseda.features.analytics.tables import active_users, conversation_metrics
from beseda.features.api_keys.tables import kept_answers
from beseda.features.broadcasts.model import RecipientState
from beseda.features.broadcasts.subscriptions import put_subscription
from beseda.features.broadcasts.tables import broadcast_recipients as recipients
from beseda.features.broadcasts.tables import broadcasts, subscriptions
from beseda.features.leads.tables import lead_slots, leads
from beseda.features.meetings.tables import meeting_summaries, meetings

_FULL_DAY = timedelta(hours=12)  # by then a day of UTC is over in every time zone
# Characters of a name or a number that is looked for in what others were told, and of what somebody said.
_SHORTEST, _TELLING = 3, 6

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class PersonalMarks:
    """Values that identify a person in rows without a column for the person: numbers and words."""

    lead_ids: Sequence[int]
    conversation_ids: Sequence[int]
    words: Sequence[str]
    uids: Sequence[str]


def find_known(connection: Connection, owner: FileOwner) -> PersonalMarks:
    """Return the values that identify a person. Call this before their leads are deleted."""
    found = connection.execute(
        select(leads.c.id, leads.c.name, leads.c.contact, leads.c.phone, leads.c.email).where(_own_lead(owner))
    ).all()
    names = connection.execute(select(users.c.name, users.c.username).where(users.c.id == owner.user_id)).all()
    words = {word for row in (*(row[1:] for row in found), *names) for word in row if len(word) >= _SHORTEST}
    said = select(lead_slots.c.value).join(leads, leads.c.id == lead_slots.c.lead_id).where(_own_lead(owner))
    words |= {value for value in connection.execute(said).scalars() if len(value) >= _TELLING}
    uids = select(meetings.c.uid).join(leads, leads.c.id == meetings.c.lead_id).where(_own_lead(owner))
    private = select(conversations.c.id).where(_own_chat(owner))
    return PersonalMarks(
        [row.id for row in found],
        connection.execute(private).scalars().all(),
        sorted(words),
        connection.execute(uids).scalars().all(),
    )


def read_traces(connection: Connection, owner: FileOwner) -> Mapping[str, Rows]:
    """Return the data to export, by category."""
    return {
        "meetings": list(_read_meetings(connection, owner)),
        "summaries": _read(connection, _select_summaries(owner)),
        "budgets": _read(connection, _select_budgets(owner)),
        "broadcasts": _read(connection, _select_broadcasts(owner)),
        "subscription": _read(connection, select(subscriptions).where(_own_subscription(owner))),
        "days": _read_days(connection, owner),
        "jobs": list(_read_jobs(connection, owner)),
    }


def forget_traces(connection: Connection, owner: FileOwner, known: PersonalMarks, now: datetime) -> None:
    """Delete or blank all of this data. Sums over many people are unchanged."""
    put_subscription(connection, owner.bot, owner.user_id, opted_out_at=now)
    _leave_broadcasts(connection, owner)
    forget_budgets(connection, owner.bot, owner.user_id, (now - _FULL_DAY).date())
    forget_writer(connection, owner.bot, owner.user_id)
    gone = conversation_metrics.c.conversation_id.in_(known.conversation_ids)
    connection.execute(delete(conversation_metrics).where(gone))
    here = and_(flood_waits.c.bot == owner.bot, flood_waits.c.chat_id == owner.user_id)
    connection.execute(update(flood_waits).where(here).values(chat_id=None))
    _blank_answers(connection, owner, known)


def blank_notices(connection: Connection, bot: str, people: Collection[int], known: PersonalMarks) -> None:
    """Blank mentions of a person in the messages to the bot's owners: answers to commands, and notices."""
    if not known.words or not people:
        return
    told = (
        select(turns.c.id)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .where(conversations.c.bot == bot, turns.c.user_id.in_(people), turns.c.kind == TurnKind.COMMAND.value)
    )
    names = or_(*(deliveries.c.html.contains(escape(word, quote=False), autoescape=True) for word in known.words))
    change = update(deliveries).where(deliveries.c.turn_id.in_(told), names)
    connection.execute(change.values(html="", markup="", media=""))


def _own_lead(owner: FileOwner) -> Any:
    return and_(leads.c.bot == owner.bot, leads.c.user_id == owner.user_id)


def _own_chat(owner: FileOwner) -> Any:
    return and_(
        conversations.c.bot == owner.bot,
        conversations.c.kind == ChatKind.PRIVATE.value,
        conversations.c.chat_id == owner.user_id,
    )


def _own_subscription(owner: FileOwner) -> Any:
    return and_(subscriptions.c.bot == owner.bot, subscriptions.c.user_id == owner.user_id)


def _read(connection: Connection, query: Any) -> Rows:
    # Names of columns are of a kind of their own, which is not written as JSON.
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]


def _read_meetings(connection: Connection, owner: FileOwner) -> Iterator[Mapping[str, object]]:
    query = (
        select(meetings, meeting_summaries.c.text.label("summary"), meeting_summaries.c.facts)
        .join(leads, leads.c.id == meetings.c.lead_id)
        .outerjoin(meeting_summaries, meeting_summaries.c.meeting_id == meetings.c.id)
        .where(_own_lead(owner))
        .order_by(meetings.c.id)
    )
    for row in _read(connection, query):
        yield {**row, "facts": orjson.loads(str(row["facts"] or "[]"))}


def _select_summaries(owner: FileOwner) -> Any:
    # That of a group tells of what others have said, too.
    return (
        select(conversation_summaries.c.conversation_id, conversation_summaries.c.summary)
        .join(conversations, conversations.c.id == conversation_summaries.c.conversation_id)
        .where(_own_chat(owner))
    )


def _select_budgets(owner: FileOwner) -> Any:
    return (
        select(budget_counters.c.day, budget_counters.c.unit, budget_counters.c.used)
        .where(
            budget_counters.c.scope == BudgetScope.USER.value,
            budget_counters.c.bot == owner.bot,
            budget_counters.c.subject == owner.user_id,
        )
        .order_by(budget_counters.c.day, budget_counters.c.unit)
    )


def _select_broadcasts(owner: FileOwner) -> Any:
    return (
        select(recipients.c.broadcast_id, recipients.c.state, recipients.c.message_id, recipients.c.settled_at)
        .join(broadcasts, broadcasts.c.id == recipients.c.broadcast_id)
        .where(broadcasts.c.bot == owner.bot, recipients.c.user_id == owner.user_id)
        .order_by(recipients.c.broadcast_id)
    )


def _read_days(connection: Connection, owner: FileOwner) -> Rows:
    query = (
        select(active_users.c.month, active_users.c.days)
        .where(active_users.c.bot == owner.bot, active_users.c.user_id == owner.user_id)
        .order_by(active_users.c.month)
    )
    return [{"day": day} for row in connection.execute(query) for day in list_days(row.month, row.days)]


def _read_jobs(connection: Connection, owner: FileOwner) -> Iterator[Mapping[str, object]]:
    query = (
        select(jobs.c.id, jobs.c.kind, jobs.c.state, jobs.c.payload, jobs.c.result, jobs.c.created_at)
        .where(jobs.c.bot == owner.bot, jobs.c.user_id == owner.user_id)
        .order_by(jobs.c.id)
    )
    for row in _read(connection, query):
        yield {
            **row,
            "payload": orjson.loads(str(row["payload"])),
            "result": orjson.loads(str(row["result"] or "null")),
        }


def _leave_broadcasts(connection: Connection, owner: FileOwner) -> None:
    """Remove a person from every broadcast. Pending counts as skipped, and an unknown outcome as failed."""
    of_bot = select(broadcasts.c.id).where(broadcasts.c.bot == owner.bot)
    query = select(recipients.c.broadcast_id).where(
        recipients.c.user_id == owner.user_id, recipients.c.broadcast_id.in_(of_bot)
    )
    for number in sorted(connection.execute(query).scalars().all()):
        # The broadcast is locked first, as whoever sends it does.
        connection.execute(select(broadcasts.c.id).where(broadcasts.c.id == number).with_for_update())
        row = and_(recipients.c.broadcast_id == number, recipients.c.user_id == owner.user_id)
        state = connection.execute(delete(recipients).where(row).returning(recipients.c.state)).scalar_one_or_none()
        count = {RecipientState.PENDING.value: "skipped", RecipientState.SENDING.value: "failed"}.get(str(state))
        if count is not None:
            change = update(broadcasts).where(broadcasts.c.id == number)
            connection.execute(change.values({count: broadcasts.c[count] + 1}))


def _blank_answers(connection: Connection, owner: FileOwner, known: PersonalMarks) -> None:
    """Blank stored API answers that mention the person. Their rows stay, so that repeated requests are recognized."""
    numbers = [("user_id", owner.user_id)]
    numbers += [("lead_id", number) for number in known.lead_ids]
    numbers += [("conversation_id", number) for number in known.conversation_ids]
    needles = [f'"{name}":{number}{end}'.encode() for name, number in numbers for end in ",}"]
    holds = or_(*(_holds(connection, needle) for needle in needles))
    connection.execute(update(kept_answers).where(holds).values(body=b"{}"))


def _holds(connection: Connection, needle: bytes) -> Any:
    part = literal(needle, LargeBinary)
    if connection.dialect.name == "postgresql":
        return func.position(part.op("IN")(kept_answers.c.body)) > 0
    return func.instr(kept_answers.c.body, part) > 0
