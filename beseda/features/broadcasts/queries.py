"""Rows of broadcasts and their recipients, and the query for the people of an audience."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select

from beseda.core.chat import ChatKind
from beseda.core.time_zones import read_quiet_hours
from beseda.db.mapping import JSON, Codec, RowMapping
from beseda.engine.conversations.tables import conversations, users
from beseda.features.broadcasts.model import (
    Audience,
    Broadcast,
    BroadcastContent,
    BroadcastFilter,
    Recipient,
)
from beseda.features.broadcasts.subscriptions import is_unwanted
from beseda.features.broadcasts.tables import broadcast_recipients, broadcasts
from beseda.features.leads.tables import leads


def _load_audience(text: str) -> Audience:
    found = orjson.loads(text)
    since = found.pop("seen_since")
    lists = {name: tuple(values) for name, values in found.items()}
    return Audience(**lists, seen_since=datetime.fromisoformat(since) if since else None)


BROADCASTS = RowMapping(
    Broadcast,
    broadcasts,
    codecs={
        "content": Codec(lambda text: BroadcastContent(**orjson.loads(text)), JSON.dump),
        "audience": Codec(_load_audience, JSON.dump),
        "quiet": Codec(read_quiet_hours, lambda quiet: str(quiet or "")),
    },
)
_RECIPIENTS = RowMapping(Recipient, broadcast_recipients, without={"language"})


def load_recipient(row: Row[Any]) -> Recipient:
    """Return the recipient of a row of `select_recipients`."""
    return _RECIPIENTS.load(row, language=row.language)


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
