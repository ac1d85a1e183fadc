"""Rows of broadcasts, and the query for the people of an audience."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select

from beseda.core.chat import ChatKind
from beseda.core.time_zones import read_quiet_hours
from beseda.engine.conversations.tables import conversations, users
from beseda.features.broadcasts.model import (
    Audience,
    Broadcast,
    BroadcastContent,
    BroadcastFilter,
    BroadcastPlan,
    BroadcastState,
    Counts,
    Recipient,
    RecipientState,
)
from beseda.features.broadcasts.subscriptions import is_unwanted
from beseda.features.broadcasts.tables import broadcast_recipients, broadcasts
from beseda.features.leads.tables import leads

COLUMNS = [column for column in broadcasts.columns if column.name != "photo_bytes"]
COUNTS = ("total", "attempted", "sent", "blocked", "failed", "skipped")


def dump_words(content: BroadcastContent, audience: Audience, plan: BroadcastPlan) -> dict[str, object]:
    """Return the columns of a broadcast's content, audience and plan."""
    since = audience.seen_since
    wanted = {
        "languages": list(audience.languages),
        "seen_since": since.isoformat() if since else None,
        "lead_statuses": list(audience.lead_statuses),
        "lead_stages": list(audience.lead_stages),
    }
    said = {"texts": dict(content.texts), "button": dict(content.button), "url": content.url}
    return {
        "content": orjson.dumps(said).decode(),
        "audience": orjson.dumps(wanted).decode(),
        "rate": plan.rate,
        "cohort": plan.cohort,
        "quiet": str(plan.quiet or ""),
    }


def load_broadcast(row: Row[Any]) -> Broadcast:
    """Return the broadcast of a row."""
    content = orjson.loads(row.content)
    return Broadcast(
        id=row.id,
        bot=row.bot,
        title=row.title,
        content=BroadcastContent(content["texts"], content["button"], content["url"]),
        audience=_load_audience(row.audience),
        plan=BroadcastPlan(row.rate, row.cohort, read_quiet_hours(row.quiet)),
        state=BroadcastState(row.state),
        counts=Counts(*(getattr(row, name) for name in COUNTS)),
        created_at=row.created_at,
        author=row.author,
        reason=row.reason,
        photo=row.photo,
        version=row.version,
        run=row.run,
        approved=row.approved,
        gathered=row.gathered,
        started_at=row.started_at,
        finished_at=row.finished_at,
        resumes_at=row.resumes_at,
    )


def _load_audience(text: str) -> Audience:
    found = orjson.loads(text)
    since = found["seen_since"]
    return Audience(
        tuple(found["languages"]),
        datetime.fromisoformat(since) if since else None,
        tuple(found["lead_statuses"]),
        tuple(found["lead_stages"]),
    )


def load_recipient(row: Row[Any]) -> Recipient:
    """Return the recipient of a row."""
    return Recipient(row.user_id, RecipientState(row.state), row.language, row.message_id, row.reason, row.settled_at)


def select_recipients(broadcast_id: int) -> Select[Any]:
    """Return the query for a broadcast's recipients with the language of each."""
    joined = broadcast_recipients.join(users, users.c.id == broadcast_recipients.c.user_id)
    return (
        select(broadcast_recipients, users.c.language)
        .select_from(joined)
        .where(broadcast_recipients.c.broadcast_id == broadcast_id)
        .order_by(broadcast_recipients.c.user_id)
    )


def match(wanted: BroadcastFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a list."""
    conditions = []
    if wanted.bot is not None:
        conditions.append(broadcasts.c.bot == wanted.bot)
    if wanted.state is not None:
        conditions.append(broadcasts.c.state == wanted.state.value)
    return conditions


def select_people(bot: str, audience: Audience, what: Any) -> Select[Any]:
    """Return the query for the people of an audience. A private chat has the same id as its person."""
    query = (
        select(what)
        .select_from(conversations.join(users, users.c.id == conversations.c.chat_id))
        .where(
            conversations.c.bot == bot,
            conversations.c.kind == ChatKind.PRIVATE.value,
            ~is_unwanted(bot, conversations.c.chat_id),
        )
    )
    if audience.languages:
        language = func.lower(users.c.language)
        query = query.where(or_(*(or_(language == one, language.like(f"{one}-%")) for one in audience.languages)))
    if audience.seen_since is not None:
        query = query.where(users.c.last_seen_at >= audience.seen_since)
    if audience.lead_statuses or audience.lead_stages:
        query = query.where(_has_lead(bot, audience))
    return query


def _has_lead(bot: str, audience: Audience) -> ColumnElement[bool]:
    lead = and_(leads.c.bot == bot, leads.c.user_id == conversations.c.chat_id, leads.c.merged_into.is_(None))
    if audience.lead_statuses:
        lead = and_(lead, leads.c.status.in_(audience.lead_statuses))
    if audience.lead_stages:
        lead = and_(lead, leads.c.stage.in_(audience.lead_stages))
    return exists().where(lead)
