"""The funnel of a period, computed from the events of leads, which are indexed by time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from beseda.engine.events.model import EventType
from beseda.engine.events.tables import events
from beseda.features.analytics.measure import is_within, of_bot
from beseda.features.analytics.model import FunnelDay, Period
from beseda.features.leads.model import LeadStatus
from beseda.features.leads.tables import lead_stages

_TOLD_BY = [EventType.LEAD_CREATED.value, EventType.LEAD_STAGE_CHANGED.value, EventType.LEAD_CHANGED.value]
_CHUNK = 500
_Cells = dict[tuple[str, str], list[int]]


def count_funnel(connection: Connection, period: Period) -> list[FunnelDay]:
    """Return how many leads entered each stage in the period, left it, and were won while in it."""
    columns = (events.c.type, events.c.bot, events.c.lead_id, events.c.data, events.c.occurred_at)
    query = (
        select(*columns)
        .where(is_within(events.c.occurred_at, period), events.c.type.in_(_TOLD_BY), *of_bot(events.c.bot, period))
        .order_by(events.c.id)
    )
    cells: _Cells = {}
    won: list[tuple[str, int, datetime]] = []
    for row in connection.execute(query):
        data = orjson.loads(row.data)
        if row.type != EventType.LEAD_CHANGED.value:
            _count_moves(cells, row.bot, data)
        elif data.get("changed", {}).get("status", {}).get("new") == LeadStatus.WON.value:
            won.append((row.bot, row.lead_id, row.occurred_at))
    for start in range(0, len(won), _CHUNK):
        _count_won(connection, cells, won[start : start + _CHUNK])
    return [FunnelDay(bot, period.since, stage, *counts) for (bot, stage), counts in sorted(cells.items())]


def _count_moves(cells: _Cells, bot: str, data: Mapping[str, Any]) -> None:
    entered, left = data.get("new_stage", data.get("stage")), data.get("old_stage")
    for stage, place in ((entered, 0), (left, 1)):
        if stage:
            cells.setdefault((bot, stage), [0, 0, 0])[place] += 1


def _count_won(connection: Connection, cells: _Cells, won: Sequence[tuple[str, int, datetime]]) -> None:
    """Count leads under the stage that they were in when they were won."""
    query = select(lead_stages.c.lead_id, lead_stages.c.stage, lead_stages.c.entered_at).where(
        lead_stages.c.lead_id.in_({lead_id for _, lead_id, _ in won})
    )
    visits: dict[int, list[tuple[datetime, str]]] = {}
    for row in connection.execute(query.order_by(lead_stages.c.id)):
        visits.setdefault(row.lead_id, []).append((row.entered_at, row.stage))
    for bot, lead_id, at in won:
        stage = next((stage for entered, stage in reversed(visits.get(lead_id, [])) if entered <= at), "")
        cells.setdefault((bot, stage), [0, 0, 0])[2] += 1
