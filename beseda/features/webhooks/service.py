"""Webhooks: sends signed events to subscribed servers, in order for each lead, and retries until they are accepted."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import timedelta

import orjson

from beseda.core import metrics
from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, RefusedAddressError, StorageError, WebhooksOffError
from beseda.core.ids import new_id
from beseda.core.tasks import end_tasks
from beseda.engine.events.model import Event, EventType, redact
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import JobRequest, JobState
from beseda.features.webhooks.base import Hook, HookResponse, WebhookSender
from beseda.features.webhooks.keys import EventSecrets, SecretUse, derive_key, make_fingerprint, sign, sign_legacy
from beseda.features.webhooks.model import (
    GONE,
    MOST_TRIES,
    DeliveryOutcome,
    DeliveryState,
    DueDelivery,
    EndpointChange,
    EventDelivery,
    KeyChange,
    NewEndpoint,
    WebhookEndpoint,
)
from beseda.features.webhooks.repository import WebhookRepository

log = logging.getLogger(__name__)

DELIVER = "webhook.deliver"
SLOT = "light"
OVERLAP = timedelta(hours=24)  # that the old key of an endpoint signs beside a new one
_LEASE = timedelta(seconds=60)  # longer than a try may take
_AT_ONCE = 8  # deliveries to one endpoint
_REST = Backoff(first=1.0, cap=30.0, jitter=0.0)  # seconds that a receiver is left alone which has not answered
_STAY = 20.0  # seconds that a job waits for what is due soon, so that a first try anew comes after a second
_PAUSE = 0.5  # seconds at least between two looks
_LOOK = 1.0  # seconds at most between two looks
_LEGACY_HEADERS = ("Beseda-Signature", "Beseda-Signature-Next")
_BACKOFF = Backoff(first=1.0, factor=3.5, cap=6 * 3600.0)


class WebhookService:
    """Manages webhook endpoints and sends events to them. Every method raises StorageError."""

    def __init__(
        self, store: WebhookRepository, sender: WebhookSender, jobs: JobQueue, clock: Clock, *, secrets: EventSecrets
    ) -> None:
        """Without a present secret there are no new endpoints, and nothing is sent to the old ones."""
        self._store = store
        self._sender = sender
        self._jobs = jobs
        self._clock = clock
        self._secrets = secrets
        self._ringing: asyncio.Task[None] | None = None
        self._is_closed = False

    async def count_secrets(self) -> SecretUse:
        """Count the active endpoints by the secrets that their receivers' keys are made of."""
        return self._secrets.count(await self._store.count_by_fingerprint())

    async def note_secrets(self) -> None:
        """Log which secret signs, and how many receivers refuse its signatures; called at the start of a process."""
        use = await self.count_secrets()
        if not use.total:
            return
        if use.unknown:
            log.warning("webhooks: %s", use.explain())
        else:
            log.info("webhooks: %s", use.explain())
        known = self._secrets.old or self._secrets.present
        if use.is_dated and known is not None:
            await self._store.adopt(make_fingerprint(known))

    async def create(
        self, url: str, *, bot: str = "", types: Sequence[EventType] = (), description: str = ""
    ) -> tuple[WebhookEndpoint, str]:
        """Keep an address and return it with the key that signs, which is shown this once.

        Raises WebhooksOffError without a secret, InputError for an address that is never sent to.
        """
        secret, salt = self._need_secret(), secrets.token_hex(16)
        self._check(url)
        new = NewEndpoint(url, salt, make_fingerprint(secret), bot, tuple(types), description)
        return await self._store.add(new), derive_key(secret, salt)

    async def find(self, endpoint_id: int) -> WebhookEndpoint:
        """Return an endpoint. Raises NotFoundError."""
        return _found(await self._store.find(endpoint_id), endpoint_id)

    async def page(self, *, limit: int, offset: int) -> tuple[Sequence[WebhookEndpoint], int]:
        """Return some endpoints, newest first, and how many there are."""
        return await self._store.page(limit=limit, offset=offset), await self._store.count()

    async def change(self, endpoint_id: int, change: EndpointChange) -> WebhookEndpoint:
        """Change an endpoint. An endpoint that is activated again receives the events that waited.

        Raises InputError for an address that events are never sent to, and NotFoundError.
        """
        if change.url is not None:
            self._check(change.url)
        endpoint = _found(await self._store.change(endpoint_id, change), endpoint_id)
        self.ring()
        return endpoint

    async def replace_key(self, endpoint_id: int, *, overlap: timedelta = OVERLAP) -> tuple[WebhookEndpoint, str]:
        """Have an endpoint signed for with another key, and return it, this once.

        The key until now signs as well, for `overlap`.
        """
        secret = self._need_secret()
        change = KeyChange(secrets.token_hex(16), make_fingerprint(secret), self._clock.now() + overlap)
        endpoint = _found(await self._store.change_key(endpoint_id, change), endpoint_id)
        log.info("webhook %d has a new key, of the secret with the fingerprint %s", endpoint_id, endpoint.fingerprint)
        return endpoint, derive_key(secret, endpoint.salt)

    async def remove(self, endpoint_id: int) -> None:
        """Forget an endpoint with its deliveries. Raises NotFoundError."""
        if not await self._store.remove(endpoint_id):
            raise NotFoundError(f"webhook {endpoint_id}")

    async def deliveries(
        self, endpoint_id: int, state: DeliveryState | None, *, limit: int, offset: int = 0, before: int | None = None
    ) -> tuple[Sequence[EventDelivery], int]:
        """Return an endpoint's deliveries, newest first, and how many there are. Raises NotFoundError."""
        await self.find(endpoint_id)
        found = await self._store.deliveries(endpoint_id, state, limit=limit, offset=offset, before=before)
        return found, await self._store.count_deliveries(endpoint_id, state)

    async def redeliver(self, endpoint_id: int, delivery_id: int) -> EventDelivery:
        """Have a delivery made again, as if it had never been tried. Raises NotFoundError."""
        delivery = await self._store.redeliver(endpoint_id, delivery_id)
        if delivery is None:
            raise NotFoundError(f"delivery {delivery_id} of webhook {endpoint_id}")
        self.ring()
        return delivery

    def ring(self) -> None:
        """Request a delivery job because an event may be due. Repeated calls share one job.

        Never waits and never raises. An event missed here is found by the schedule.
        """
        is_off = self._secrets.present is None or self._is_closed
        if not is_off and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ask_for_job(), name="webhook-ring")

    async def deliver(self) -> int:
        """Send due deliveries and those due within seconds. Return the number of attempts."""
        if self._secrets.present is None:
            return 0
        tried, leave_at = 0, self._clock.monotonic() + _STAY
        serving: dict[int, asyncio.Task[int]] = {}  # a receiver that does not answer holds up no other
        try:
            while True:
                for number in await self._store.due_endpoints():
                    if number not in serving:
                        serving[number] = asyncio.create_task(self._serve(number, leave_at))
                if serving:
                    await asyncio.wait(serving.values(), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
                    tried += _collect(serving)
                if not await self._pause(leave_at):
                    break
            if serving:
                await asyncio.wait(serving.values())
            return tried + _collect(serving)
        finally:
            await end_tasks(serving.values())

    async def _pause(self, leave_at: float) -> bool:
        """Wait until a delivery may be due. Return False if that is after `leave_at`."""
        due = await self._store.next_due()
        wait = max(_PAUSE, (due - self._clock.now()).total_seconds()) if due else _STAY
        if self._clock.monotonic() + wait >= leave_at:
            return False
        await self._clock.sleep(min(wait, _LOOK))
        return True

    async def tidy(self, keep: timedelta) -> int:
        """Delete deliveries that were over that long ago and return how many."""
        return await self._store.purge(self._clock.now() - keep)

    async def close(self) -> None:
        """Ring no more, and close every connection."""
        self._is_closed = True
        if self._ringing is not None:
            await end_tasks([self._ringing])
        await self._sender.close()

    async def _ask_for_job(self) -> None:
        """Ask for a job while something is due: one that runs either sends it or ends without having seen it."""
        try:
            while True:
                await self._clock.sleep(_PAUSE)
                if not await self._store.due_endpoints():
                    return
                job = await self._jobs.enqueue_alone(JobRequest(new_id(), DELIVER, {}, slot=SLOT))
                if job.state is JobState.QUEUED:
                    return
        except StorageError as error:
            log.warning("webhooks are sent later: %s", error.detail)

    async def _serve(self, endpoint_id: int, leave_at: float) -> int:
        """Send an endpoint its due deliveries in batches. Return the number of attempts.

        Stops when no delivery is due, when the endpoint is inactive or backing off, or after `leave_at`.
        """
        tried, is_over = 0, False
        while not is_over:
            endpoint = await self._store.find(endpoint_id)
            if endpoint is None or not endpoint.active or self._rests(endpoint):
                break
            # One at a time to a receiver that was silent: each of ten thousand events would otherwise wait for it.
            limit = 1 if endpoint.silences else _AT_ONCE
            wave = await self._store.claim(endpoint_id, until=self._clock.now() + _LEASE, limit=limit)
            if not wave:
                break
            await self._note(endpoint, await asyncio.gather(*(self._try(endpoint, due) for due in wave)))
            tried, is_over = tried + len(wave), self._clock.monotonic() >= leave_at
        return tried

    def _rests(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.resting_until is not None and endpoint.resting_until > self._clock.now()

    async def _note(self, endpoint: WebhookEndpoint, replies: Sequence[HookResponse]) -> None:
        """Leave a receiver alone that is silent, longer each time, or that asks for it, as long as it asks."""
        asked = max((reply.retry_after or 0.0 for reply in replies), default=0.0)
        if asked or all(reply.status is None for reply in replies):
            seconds = max(asked, _REST.delay(endpoint.silences))
            until = self._clock.now() + timedelta(seconds=seconds)
            await self._store.rest(endpoint.id, until, endpoint.silences + 1)
        elif endpoint.silences:
            await self._store.rest(endpoint.id, None, 0)

    async def _try(self, endpoint: WebhookEndpoint, due: DueDelivery) -> HookResponse:
        reply = await self._sender.send(self._write_hook(endpoint, due))
        outcome = self._judge(due.delivery, reply)
        await self._store.settle(due.delivery.id, outcome)
        metrics.webhook(outcome.state.value)
        if reply.status == GONE:
            gone = EndpointChange(active=False, reason="The receiver wants no more: 410.")
            await self._store.change(endpoint.id, gone)
        if outcome.state is DeliveryState.DEAD:
            log.warning("webhook %d: event %d was not taken: %s", endpoint.id, due.delivery.event.id, outcome.error)
        return reply

    def _write_hook(self, endpoint: WebhookEndpoint, due: DueDelivery) -> Hook:
        event, now = due.delivery.event, int(self._clock.now().timestamp())
        body, event_id = write_body(event, is_private=due.is_private), str(event.id)
        keys = self._secrets.list_keys(endpoint, self._clock.now())  # receivers accept any signature of the list
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Beseda-Webhooks/1",
            "webhook-id": event_id,
            "webhook-timestamp": str(now),
            "webhook-signature": " ".join(sign(key, event_id, now, body) for key in keys),
            "Beseda-Event": event.type.value,
            "Beseda-Delivery": str(due.delivery.id),
            # Deprecated, until version 0.2: the present key's signature comes second while two are in use.
            "Beseda-Timestamp": str(now),
            **dict(zip(_LEGACY_HEADERS, (sign_legacy(key, now, body) for key in keys), strict=False)),
        }
        return Hook(endpoint.url, body, headers)

    def _judge(self, delivery: EventDelivery, reply: HookResponse) -> DeliveryOutcome:
        now = self._clock.now()
        if not reply.error:
            return DeliveryOutcome(DeliveryState.DELIVERED, now, reply.status)
        if reply.status == GONE or delivery.attempts + 1 >= MOST_TRIES:
            return DeliveryOutcome(DeliveryState.DEAD, now, reply.status, reply.error)
        wait = max(_BACKOFF.delay(delivery.attempts), reply.retry_after or 0.0)
        return DeliveryOutcome(DeliveryState.PENDING, now + timedelta(seconds=wait), reply.status, reply.error)

    def _need_secret(self) -> str:
        if self._secrets.present is None:
            raise WebhooksOffError("BESEDA_EVENTS_SECRET is not set")
        return self._secrets.present

    def _check(self, url: str) -> None:
        fault = self._sender.find_fault(url)
        if fault:
            raise RefusedAddressError(fault)


def write_body(event: Event, *, is_private: bool = False) -> bytes:
    """Return the body of an event, without personal data if the person revoked their consent."""
    body = {
        "id": event.id,
        "type": event.type,
        "bot": event.bot,
        "occurred_at": event.occurred_at,
        "data": redact(event.data) if is_private else event.data,
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def _collect(serving: dict[int, asyncio.Task[int]]) -> int:
    """Take out the tasks that have ended and return how many deliveries they tried."""
    ended = [number for number, task in serving.items() if task.done()]
    return sum(serving.pop(number).result() for number in ended)


def _found(endpoint: WebhookEndpoint | None, endpoint_id: int) -> WebhookEndpoint:
    if endpoint is None:
        raise NotFoundError(f"webhook {endpoint_id}")
    return endpoint
