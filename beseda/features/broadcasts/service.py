"""Broadcasts: written, counted, tried on a few, sent to all; paused, resumed and cancelled at any moment.

Sending is a job of the bot, done wherever the bot has a voice. It ends after a stretch and asks for the next one. A
look at the clock (`look`) finds broadcasts that have no job any more: after a crash, after a night.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from beseda.core.clock import Clock
from beseda.core.errors import BroadcastStateError, NotFoundError, StaleVersionError
from beseda.core.version import Versions
from beseda.engine.jobs.base import JobControl, JobHandler, JobQueue
from beseda.engine.jobs.model import Job, JobRequest, derive_id
from beseda.features.broadcasts.mailing import Mailing, MailingRules, Pause, Post
from beseda.features.broadcasts.model import (
    ADMINS,
    LONGEST_CAPTION,
    Audience,
    Broadcast,
    BroadcastFilter,
    BroadcastPlan,
    BroadcastState,
    NewBroadcast,
    Recipient,
    RecipientState,
)
from beseda.features.broadcasts.repository import BroadcastRepository
from beseda.features.broadcasts.subscriptions import SubscriptionRepository

log = logging.getLogger(__name__)

KIND, SLOT = "broadcast.send", "broadcast"
_NOT_OVER = [state for state in BroadcastState if not state.is_over]
_SENDING = [state for state in BroadcastState if state.sends]


@dataclass(frozen=True, slots=True)
class BroadcastRules:
    """Rules of all broadcasts. `admins` are the owners of the bots, `plan` is the default plan."""

    admins: Collection[int] = ()
    plan: BroadcastPlan = field(default_factory=BroadcastPlan)
    mailing: MailingRules = field(default_factory=MailingRules)


class BroadcastService:
    """Broadcasts of all bots. Methods raise NotFoundError for a number that is none, and StorageError."""

    def __init__(
        self,
        store: BroadcastRepository,
        subscriptions: SubscriptionRepository,
        jobs: JobQueue,
        clock: Clock,
        rules: BroadcastRules,
    ) -> None:
        self.store = store
        self.subscriptions = subscriptions
        self._jobs = jobs
        self._clock = clock
        self.plan = rules.plan
        self._admins = rules.admins
        self._rules = rules.mailing

    async def create(self, new: NewBroadcast) -> Broadcast:
        """Store a draft."""
        return await self.store.create(new)

    async def find(self, broadcast_id: int) -> Broadcast:
        """Return a broadcast."""
        found = await self.store.find(broadcast_id)
        if found is None:
            raise NotFoundError(f"broadcast {broadcast_id}")
        return found

    async def list(
        self, wanted: BroadcastFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> Sequence[Broadcast]:
        """Return broadcasts, the last made first."""
        return await self.store.list(wanted, limit=limit, offset=offset, before=before)

    async def rewrite(self, changed: Broadcast, *, versions: Versions = None, photo: bytes | None = None) -> Broadcast:
        """Store the changed content of a draft.

        Raises StaleVersionError if its version is not among `versions`, BroadcastStateError if it is not a draft, was
        changed at the same time, or has a caption that is too long for a photo.
        """
        if versions is not None and changed.version not in versions:
            raise StaleVersionError(f"broadcast {changed.id} is at version {changed.version}")
        if changed.photo and max(map(len, changed.content.texts.values())) > LONGEST_CAPTION:
            raise BroadcastStateError(f"above a photo stand {LONGEST_CAPTION} characters at most")
        done = await self.store.rewrite(changed, photo=photo)
        if done is None:
            raise BroadcastStateError(f"broadcast {changed.id} is no draft any more, or somebody else changed it")
        return done

    async def delete(self, broadcast_id: int) -> None:
        """Delete a draft. Raises BroadcastStateError if the broadcast is no longer a draft."""
        if not await self.store.delete(broadcast_id):
            await self.find(broadcast_id)
            raise BroadcastStateError(f"broadcast {broadcast_id} is no draft")

    async def count_audience(self, bot: str, audience: Audience) -> int:
        """Return how many people a broadcast would go to, as of now."""
        return await self.store.count_audience(bot, audience)

    async def start(self, broadcast_id: int) -> Broadcast:
        """Start sending a draft. With a test cohort, send to the cohort first, then wait for `go_on`.

        Raises BroadcastStateError if it is not a draft, or if no member of the cohort has talked to the bot;
        BroadcastBusyError if another broadcast of the bot is running.
        """
        broadcast = await self.find(broadcast_id)
        cohort = broadcast.plan.cohort
        if cohort and broadcast.state is BroadcastState.DRAFT and not await self._gather_cohort(broadcast):
            raise BroadcastStateError("nobody of the test cohort talks to the bot: the test would reach no one")
        to = BroadcastState.TESTING if cohort else BroadcastState.RUNNING
        return await self._send(broadcast_id, [BroadcastState.DRAFT], to)

    async def go_on(self, broadcast_id: int) -> Broadcast:
        """Send to the whole audience after the test.

        Raises BroadcastStateError unless a finished test waits for this.
        """
        broadcast = await self.find(broadcast_id)
        if not broadcast.waits:
            raise BroadcastStateError(f"broadcast {broadcast_id} does not wait for that: it is {broadcast.state}")
        return await self._send(broadcast_id, [BroadcastState.TESTING], BroadcastState.RUNNING)

    async def pause(self, broadcast_id: int) -> Broadcast:
        """Pause sending: recipients not yet started are not sent to. Raises BroadcastStateError."""
        return await self._move(broadcast_id, _SENDING, BroadcastState.PAUSED)

    async def resume(self, broadcast_id: int, *, retry_unknown: bool = False) -> Broadcast:
        """Resume a paused or stopped broadcast.

        `retry_unknown` also sends again to recipients with an unknown outcome, even if the broadcast is done. Raises
        BroadcastStateError, BroadcastBusyError.
        """
        broadcast = await self.find(broadcast_id)
        states = [BroadcastState.PAUSED, BroadcastState.STOPPED]
        if retry_unknown:
            states.append(BroadcastState.DONE)
            if broadcast.state in states:
                await self.store.retry_unknown(broadcast_id)
        to = BroadcastState.RUNNING if broadcast.approved else BroadcastState.TESTING
        return await self._send(broadcast_id, states, to)

    async def cancel(self, broadcast_id: int) -> Broadcast:
        """Cancel a broadcast permanently. Raises BroadcastStateError if it is already over."""
        return await self._move(broadcast_id, _NOT_OVER, BroadcastState.CANCELLED)

    async def recipients(
        self, broadcast_id: int, state: RecipientState | None, *, after: int, limit: int
    ) -> Sequence[Recipient]:
        """Return people of a broadcast in the order of their numbers."""
        return await self.store.recipients(broadcast_id, state, after=after, limit=limit)

    async def look(self) -> int:
        """Ask for the jobs that broadcasts have lost or that a night has put off, and return how many."""
        asked = 0
        for broadcast in await self.store.active():
            resting = broadcast.resumes_at is not None and broadcast.resumes_at > self._clock.now()
            if resting or broadcast.waits:
                continue
            job = await self._enqueue(broadcast.bot, broadcast.id, broadcast.run)
            if job.state.is_over:
                run = await self.store.next_run(broadcast.id, broadcast.run)
                await self._enqueue(broadcast.bot, broadcast.id, run)
                asked += 1
        return asked

    def handler(self, post: Post) -> JobHandler:
        """Return the job handler that sends broadcasts through this bot's mailer."""

        async def work(job: Job, control: JobControl) -> Mapping[str, object]:
            return await self._work(job, control, post)

        return work

    async def _work(self, job: Job, control: JobControl, post: Post) -> Mapping[str, object]:
        run = job.request.payload["run"]
        broadcast = await self.store.find(int(str(job.request.payload["broadcast_id"])))
        if broadcast is None or not broadcast.state.sends or broadcast.run != run:
            return {"pause": Pause.OVER.value}
        pause = await Mailing(broadcast, self.store, post, self._clock, self._rules).run(control)
        if pause is Pause.LATER:
            await self._enqueue(broadcast.bot, broadcast.id, await self.store.next_run(broadcast.id, broadcast.run))
        return {"pause": pause.value}

    async def _gather_cohort(self, broadcast: Broadcast) -> int:
        cohort = broadcast.plan.cohort
        if cohort == ADMINS:
            return await self.store.gather_cohort(broadcast.id, people=self._admins) if self._admins else 0
        return await self.store.gather_cohort(broadcast.id, size=int(cohort))

    async def _send(self, broadcast_id: int, states: Collection[BroadcastState], to: BroadcastState) -> Broadcast:
        broadcast = await self._move(broadcast_id, states, to)
        run = await self.store.next_run(broadcast_id, broadcast.run)
        await self._enqueue(broadcast.bot, broadcast_id, run)
        return replace(broadcast, run=run)

    async def _move(self, broadcast_id: int, states: Collection[BroadcastState], to: BroadcastState) -> Broadcast:
        moved = await self.store.move(broadcast_id, states, to)
        if moved is None:
            found = await self.find(broadcast_id)
            raise BroadcastStateError(f"broadcast {broadcast_id} is {found.state}, it cannot become {to}")
        return moved

    async def _enqueue(self, bot: str, broadcast_id: int, run: int) -> Job:
        payload = {"broadcast_id": broadcast_id, "run": run}
        return await self._jobs.enqueue(
            JobRequest(derive_id(KIND, broadcast_id, run), KIND, payload, bot=bot, slot=SLOT)
        )
