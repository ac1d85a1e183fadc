"""A reader of events who goes on from the last one seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import EventRepository
from tests.parts.api_server import serve_api


async def test_event_that_is_stored_after_a_later_one_is_in_the_next_page(tmp_path: Path) -> None:
    async with serve_api(tmp_path) as server:
        await EventRepository(server.app.engine.database, server.app.engine.clock).add(
            [NewEvent(EventType.LEAD_CHANGED, "sales", lead_id=1)]
        )
        seen = datetime.now(UTC) + timedelta(seconds=30)  # the time of a later one, of another process
        since, until = (quote(moment.isoformat()) for moment in (seen, seen + timedelta(hours=1)))
        found = (await server.get(f"/api/v1/events?since={since}")).json
        assert [event["lead_id"] for event in found["items"]] == [1]
        exact = (await server.get(f"/api/v1/events?since={since}&until={until}")).json
        assert exact["items"] == []
