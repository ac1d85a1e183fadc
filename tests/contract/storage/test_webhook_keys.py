"""Keys of webhooks change with an overlap: a receiver that knows either key accepts each event meanwhile."""

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from beseda.db.database import Database
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import EventRepository
from beseda.engine.events.tables import webhook_endpoints
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.features.webhooks.http import HttpSender
from beseda.features.webhooks.keys import EventSecrets, make_fingerprint
from beseda.features.webhooks.repository import WebhookRepository
from beseda.features.webhooks.service import WebhookService
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT
from tests.parts.webhook_receiver import Receiver, receive_events

FIRST, SECOND = "a secret of sixteen letters", "another secret of the owner"


@dataclass
class Owner:
    """Starts processes with secrets, and reads which keys an event was signed with."""

    database: Database
    clock: ManualClock
    receiver: Receiver

    def start(self, present: str | None, old: str | None = None) -> WebhookService:
        store, sender = WebhookRepository(self.database, self.clock), HttpSender(allow_private=True, seconds=0.3)
        jobs = InlineJobs(JobRepository(self.database, self.clock), {}, {}, self.clock)
        return WebhookService(store, sender, jobs, self.clock, secrets=EventSecrets(present, old))

    async def accepts(self, webhooks: WebhookService, *keys: str) -> list[str]:
        """Send an event, and return the old header in which a receiver with each key finds its signature.

        A receiver with the package of Standard Webhooks accepts the same keys.
        """
        await EventRepository(self.database, self.clock).add([NewEvent(EventType.LEAD_CHANGED, BOT, lead_id=1)])
        assert await webhooks.deliver() == 1
        received = self.receiver.received[-1]
        timestamp, names = received.headers["Beseda-Timestamp"], []
        moment = datetime.fromtimestamp(int(timestamp), UTC)
        for key in keys:
            # The witness: what a receiver in any language would write from the page about webhooks.
            expected = hmac.new(key.encode(), timestamp.encode() + b"." + received.body, hashlib.sha256).hexdigest()
            signature = f"t={timestamp},v1={expected}"
            found = [name for name, value in received.headers.items() if value == signature]
            signed = Webhook(key).sign(received.headers["webhook-id"], moment, received.body.decode())
            assert bool(found) == (signed in received.headers["webhook-signature"].split())
            names += found or ["none"]
        return names


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Owner]:
    async with receive_events() as receiver:
        yield Owner(database, ManualClock(instant=True), receiver)


async def test_new_key_and_the_one_before_it_sign_for_a_day(owner: Owner) -> None:
    webhooks = owner.start(FIRST)
    endpoint, old = await webhooks.create(owner.receiver.url)
    changed, new = await webhooks.replace_key(endpoint.id)
    assert await owner.accepts(webhooks, old, new) == ["Beseda-Signature", "Beseda-Signature-Next"]
    assert changed.old_key_until == owner.clock.now() + timedelta(hours=24)
    owner.clock.shift(24 * 3600 + 1)
    assert await owner.accepts(webhooks, old, new) == ["none", "Beseda-Signature"]
    await webhooks.close()


async def test_leaked_key_is_cut_immediately(owner: Owner) -> None:
    webhooks = owner.start(FIRST)
    endpoint, old = await webhooks.create(owner.receiver.url)
    _, new = await webhooks.replace_key(endpoint.id, overlap=timedelta(0))
    assert await owner.accepts(webhooks, old, new) == ["none", "Beseda-Signature"]
    await webhooks.close()


async def test_changed_secret_signs_beside_the_old_one(owner: Owner) -> None:
    endpoint, old = await owner.start(FIRST).create(owner.receiver.url)
    both = owner.start(SECOND, FIRST)
    assert (await owner.accepts(both, old))[0] == "Beseda-Signature"
    assert (await both.count_secrets()).explain().endswith(f"of the old one ({make_fingerprint(FIRST)})")
    _, new = await both.replace_key(endpoint.id)
    assert await owner.accepts(both, old, new) == ["Beseda-Signature", "Beseda-Signature-Next"]
    assert (await both.count_secrets()).counts == {make_fingerprint(SECOND): 1}
    after = owner.start(SECOND)
    assert await owner.accepts(after, old, new) == ["none", "Beseda-Signature"]
    for webhooks in (both, after):
        await webhooks.close()


async def test_webhook_made_during_a_change_has_one_signature(owner: Owner) -> None:
    webhooks = owner.start(SECOND, FIRST)
    _, key = await webhooks.create(owner.receiver.url)
    assert await owner.accepts(webhooks, key) == ["Beseda-Signature"]
    await webhooks.close()


async def test_secret_changed_by_mistake_is_named_in_the_log(owner: Owner, caplog: pytest.LogCaptureFixture) -> None:
    endpoint, _ = await owner.start(FIRST).create(owner.receiver.url)
    webhooks = owner.start(SECOND)
    await webhooks.note_secrets()
    [warning] = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert make_fingerprint(FIRST) in warning
    assert make_fingerprint(SECOND) in warning
    assert (await webhooks.count_secrets()).unknown == 1
    assert (await owner.start(None).count_secrets()).unknown == 1
    assert (await owner.start(SECOND, FIRST).count_secrets()).unknown == 0
    with caplog.at_level(logging.INFO):
        _, key = await webhooks.replace_key(endpoint.id)
    assert "new key" in caplog.records[-1].message
    assert (await webhooks.count_secrets()).unknown == 0
    assert await owner.accepts(webhooks, key) == ["Beseda-Signature"]
    await webhooks.close()


@pytest.mark.parametrize(("old", "kept"), [(None, SECOND), (FIRST, FIRST)])
async def test_webhook_of_an_older_version_has_a_key_of_the_secret_then(
    owner: Owner, database: Database, old: str | None, kept: str
) -> None:
    endpoint, _ = await owner.start(kept).create(owner.receiver.url)
    dated = update(webhook_endpoints).values(fingerprint="")
    await database.write(lambda connection: connection.execute(dated))
    webhooks = owner.start(SECOND, old)
    await webhooks.note_secrets()
    assert (await webhooks.find(endpoint.id)).fingerprint == make_fingerprint(kept)


def test_secret_is_in_no_text_of_its_holder() -> None:
    assert FIRST not in repr(EventSecrets(FIRST, SECOND))
    assert len(make_fingerprint(FIRST)) == 8
