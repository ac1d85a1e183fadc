"""Webhook endpoints and deliveries, as services see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.webhook import (
    DeliveryOutcome,
    DeliveryState,
    DueDelivery,
    EndpointChange,
    EventDelivery,
    KeyChange,
    NewEndpoint,
    WebhookEndpoint,
)


class WebhookStore(Protocol):
    """Endpoints and deliveries. Each method is one transaction and raises StorageError."""

    async def add(self, new: NewEndpoint) -> WebhookEndpoint:
        """Store an endpoint. It receives the events that are written from now on."""
        ...

    async def find(self, endpoint_id: int) -> WebhookEndpoint | None:
        """Return an endpoint, or None."""
        ...

    async def page(self, *, limit: int, offset: int) -> Sequence[WebhookEndpoint]:
        """Return some endpoints, newest first."""
        ...

    async def count(self) -> int:
        """Return how many endpoints there are."""
        ...

    async def change(self, endpoint_id: int, change: EndpointChange) -> WebhookEndpoint | None:
        """Change an endpoint and return it, or None if it does not exist."""
        ...

    async def change_key(self, endpoint_id: int, change: KeyChange) -> WebhookEndpoint | None:
        """Store the inputs of the next signing key and keep those of the present key beside them.

        Return the endpoint, or None if it does not exist.
        """
        ...

    async def count_by_fingerprint(self) -> Mapping[str, int]:
        """Count active endpoints by the fingerprint of the secret from which their keys are derived."""
        ...

    async def adopt(self, fingerprint: str) -> None:
        """Set this fingerprint for the endpoints that were stored without one."""
        ...

    async def remove(self, endpoint_id: int) -> bool:
        """Delete an endpoint with its deliveries. Return False if it does not exist."""
        ...

    async def deliveries(
        self, endpoint_id: int, state: DeliveryState | None, *, limit: int, offset: int = 0, before: int | None = None
    ) -> Sequence[EventDelivery]:
        """Return an endpoint's deliveries, newest first: those with ids below `before`, else from `offset` on."""
        ...

    async def count_deliveries(self, endpoint_id: int, state: DeliveryState | None) -> int:
        """Return how many deliveries an endpoint has."""
        ...

    async def redeliver(self, endpoint_id: int, delivery_id: int) -> EventDelivery | None:
        """Queue a delivery again and return it, or None if it does not exist."""
        ...

    async def due_endpoints(self) -> Sequence[int]:
        """Return the ids of active endpoints that are not paused and have deliveries that are due."""
        ...

    async def rest(self, endpoint_id: int, until: datetime | None, silences: int) -> None:
        """Store the time until which an endpoint is paused, and the number of consecutive unanswered requests."""
        ...

    async def claim(self, endpoint_id: int, *, until: datetime, limit: int) -> Sequence[DueDelivery]:
        """Lease deliveries that are due: no other sender gets them before `until`.

        Deliveries about one lead are made in order: only the earliest unfinished one is leased, even while it waits for
        a retry.
        """
        ...

    async def settle(self, delivery_id: int, outcome: DeliveryOutcome) -> None:
        """Record the outcome of an attempt."""
        ...

    async def next_due(self) -> datetime | None:
        """Return the time of the next delivery to an active endpoint, after its pause if it has one, or None."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete deliveries that were finished before then and return their number."""
        ...
