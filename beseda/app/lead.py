"""Leads: stored in the database, their changes published on the bus."""

from beseda.app.hot import HotStores
from beseda.app.repositories import Repositories
from beseda.core.clock import Clock
from beseda.features.leads.service import LeadService


def build_leads(record: Repositories, hot: HotStores, clock: Clock, *, region: str) -> LeadService:
    """Return the service of leads; each change is published under `leads`."""

    async def ring(lead_id: int) -> None:
        await hot.bus.publish("leads", {"lead_id": lead_id})

    return LeadService(record.leads, record.events, clock, region=region, bell=ring)
