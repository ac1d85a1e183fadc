"""Runs the updates of one bot: each is stored, queued in its chat, handled and finished.

New updates, updates that a crash left behind and updates that a sweep finds all take the same way. Updates that must
not wait (a stop) have another queue beside their chat's. A queue holds a hundred updates; further ones stay in the
database and are fetched when the queue is short. An update that will be retried holds the queue of its chat.
"""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import orjson

from beseda.core.backoff import Backoff
from beseda.core.chat import ChatKey
from beseda.core.errors import BesedaError, LeaseLostError, StorageError, TelegramUnauthorizedError
from beseda.core.keyed_queues import Lane, Lanes
from beseda.core.logs import log_context
from beseda.core.quarantine import Quarantine
from beseda.engine.context import BotServices, Context
from beseda.engine.incoming import Event, IncomingMessage, Json, Move, Press, StopRequest, parse
from beseda.engine.joining import Joiner, Openings
from beseda.engine.middleware import Postponed
from beseda.engine.mishaps import apologise, close_turn, set_aside, tell_crowded
from beseda.engine.router import Handler, Router, wrap
from beseda.engine.shards.leases import AllShards, ShardOwnership
from beseda.engine.tries import SUSPICIOUS_CRASHES, RedeliveryDelays, TryCounter, Verdict
from beseda.engine.turns.model import TurnState
from beseda.engine.updates.model import (
    PARTITIONS,
    UNTRIED,
    StoredUpdate,
    Tries,
    find_message_id,
    partition_of,
    queue_of,
)
from beseda.engine.updates.repository import Look

log = logging.getLogger(__name__)

LaneKey = tuple[ChatKey, bool]

_PAGE = 200
_SHORT = 25  # updates in a queue: then more are fetched
_SPINNER = 2.0  # seconds that a press may wait before it is acknowledged


class BotRunner:
    """Runs one bot's updates through its handlers."""

    def __init__(
        self,
        bot: BotServices,
        router: Router,
        joiner: Joiner | None = None,
        ownership: ShardOwnership | None = None,
        quarantine: Quarantine | None = None,
    ) -> None:
        """`ownership` defines the chats of this process; by default all chats, for a bot that no replica shares.

        Bots of one process share a `quarantine`, since a crash is a crash of all of them.
        """
        self.bot = bot
        self.router = router
        self._joiner = joiner or Joiner()
        self._openings = Openings()
        self._ownership = ownership or AllShards()
        self._lanes: Lanes[LaneKey, Event] = Lanes(self._work, drop=self._forget)
        self._tries = TryCounter(bot.profile.name)
        self._quarantine = quarantine or Quarantine()
        self._reads: dict[object, set[int]] = {}  # for each page being read, what has been in flight meanwhile
        self._looking = asyncio.Lock()
        self._seen: set[int] = set()  # what the last look of a sweep found and left for the next
        self._resting = RedeliveryDelays()
        self._backoff = Backoff(first=1.0, cap=30.0)
        self._aside: set[asyncio.Task[None]] = set()
        self._closing = False
        self._wrapped: dict[Handler, Handler] = {}

    @property
    def pending(self) -> int:
        """How many events wait in memory or are worked on."""
        return self._lanes.pending

    @property
    def may_poll(self) -> bool:
        """Whether it is this replica that asks Telegram for updates: one of them does."""
        return 0 in self._ownership.held and not self._closing

    async def take_in(self, contents: Sequence[Json]) -> None:
        """Store updates from Telegram and begin to work on the new ones. When this returns, they may be acknowledged.

        Raise StorageError if they cannot be stored: then none of them may be acknowledged.

        Updates without a handler, such as group talk that is not for the bot, are stored as finished. Another replica
        is notified of updates for its chats. Updates that it stored earlier for the same chats come before these.
        """
        await self._ownership.wait_until_joined()
        events: dict[int, Event] = {}
        updates = self._read({int(content["update_id"]): content for content in contents}, events)
        arrived = {update.update_id: update for update in updates}
        held = self._ownership.held
        queues = {update.queue for update in updates if update.partition in held} if self._ownership.is_shared else ()
        for update in await self.bot.updates.store(updates, earlier=queues, known=self._tries):
            if update.done:
                continue
            # A part that has become ours meanwhile may have older updates that were not looked for yet.
            if update.partition not in held & self._ownership.held or self._closing:
                await self._hand_on(update)
            elif self._is_due(update):
                is_new = arrived.get(update.update_id) is update
                event = events[update.update_id] if is_new else self._parse(update)
                self._enqueue(update, event, begun=is_new and update.tries != UNTRIED)

    async def recover(
        self, partitions: Collection[int] | None = None, *, anew: bool = False, settled: bool = False
    ) -> int:
        """Take up stored updates that are unfinished after a crash or a failure, and return their number.

        Only `partitions` are searched, or by default all that this process owns. `anew` includes updates with a delayed
        redelivery, such as jobs that are followed elsewhere. `settled` skips updates that the last such search did not
        find, since they may be on their way here. No clock is compared: that of the process that stored an update may
        differ.
        """
        async with self._looking:
            self._resting.tidy(self.bot.clock.monotonic())
            held = self._ownership.held
            wanted = held if partitions is None else held.intersection(partitions)
            look = Look(None if len(wanted) == PARTITIONS else wanted)
            return await self._recover(look, anew=anew, settled=settled)

    async def _recover(self, look: Look, *, anew: bool, settled: bool) -> int:
        found, after, fresh = 0, None, set[int]()
        while not self._lanes.is_full:
            # A chat whose queue is full fetches the rest itself.
            behind = [queue_of(chat) for chat, _ in self._lanes.list_behind()]
            page, met = await self._read_page(replace(look, without=behind), after)
            for update in page:
                if update.update_id in met or not self._is_due(update, anew=anew):
                    continue
                if settled and update.update_id not in self._seen:
                    fresh.add(update.update_id)
                    continue
                found += self._enqueue(update, self._parse(update))
            if len(page) < _PAGE:
                break
            after = page[-1].update_id
        if settled:
            self._seen = fresh
        return found

    async def _read_page(self, look: Look, after: int | None) -> tuple[Sequence[StoredUpdate], set[int]]:
        """Return some unfinished updates, and the numbers of those that were in flight while the page was read.

        An update that is finished meanwhile may still be in the page, and must not be handled twice.
        """
        token, met = object(), self._tries.numbers
        self._reads[token] = met
        try:
            return await self.bot.updates.unfinished(self.bot.profile.name, limit=_PAGE, after=after, look=look), met
        finally:
            del self._reads[token]

    async def find_part(self, update_id: int) -> int | None:
        """Return the part of an update that is not worked off. Raises StorageError."""
        update = await self.bot.updates.find(self.bot.profile.name, update_id)
        return update.partition if update is not None else None

    def is_busy(self, partition: int) -> bool:
        """Return whether anything of a part of the chats waits or is worked on."""
        return self._lanes.has(lambda key: partition_of(key[0].chat_id) == partition)

    def withdraw(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """Remove queued events of these shards. If the shards are `lost`, cancel their running work as well."""
        self._lanes.take_back(lambda key: partition_of(key[0].chat_id) in partitions, cancel=lost)

    async def let_go(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """Stop showing the progress of jobs in these shards: their next owner shows it."""
        await self.bot.jobs.leave(lambda chat_id: partition_of(chat_id) in partitions, lost=lost)

    async def drain(self, *, within: float) -> None:
        """Begin no further work, and wait up to `within` seconds for running work to end."""
        self._closing = True
        self._lanes.take_back(lambda _: True)
        if not await self._lanes.drain(within=within):
            log.info("%d events are left for the next start", self._lanes.pending)

    async def close(self, *, within: float | None = None) -> None:
        """Cancel running work and wait up to `within` seconds for it to end: the next start takes it up."""
        self._closing = True
        for task in self._aside:
            task.cancel()
        try:
            async with asyncio.timeout(within):
                await self._lanes.close()
                await self._tries.release(self.bot.updates)
        except (TimeoutError, StorageError) as error:
            log.warning("running updates are left unfinished: %s", error)

    def _read(self, contents: dict[int, Json], events: dict[int, Event]) -> list[StoredUpdate]:
        """Return updates as they are to be stored; their events are put among `events`."""
        bot, now, updates = self.bot.profile.name, self.bot.clock.monotonic(), []
        begun: set[LaneKey] = set()
        evidence = self._tries.weigh_crash(more=len(contents))
        for number, content in contents.items():
            message_id, box = find_message_id(content)
            raw = StoredUpdate(bot, number, orjson.dumps(content), message_id=message_id, message_box=box)
            events[number] = event = parse(raw, content, self.bot.me)
            chat, key = event.place.chat, _lane_of(event)
            done = self.router.find(event) is None and not self._openings.expects(event, now)
            if not done:
                self._openings.note(event, now)
            # Work on it begins as soon as it is stored, so its first try is counted with it.
            begins = not done and key not in begun and self._lanes.is_idle(key)
            begun.add(key)
            tries = Tries(begun=1, evidence=evidence) if begins else UNTRIED
            part = partition_of(chat.chat_id)
            updates.append(replace(raw, partition=part, queue=queue_of(chat), tries=tries, done=done))
        return updates

    def _parse(self, update: StoredUpdate) -> Event:
        return parse(update, orjson.loads(update.payload), self.bot.me)

    def _is_due(self, update: StoredUpdate, *, anew: bool = False) -> bool:
        """Return whether an update that was found is to be worked on here and now."""
        if update.update_id in self._tries or update.partition not in self._ownership.held or self._closing:
            return False  # a sweep may see one before we hear that it is stored
        return anew or self._resting.is_due(update.update_id, self.bot.clock.monotonic())

    def _enqueue(self, update: StoredUpdate, event: Event, *, begun: bool = False) -> bool:
        """Queue an event in its chat and return True. If the queue is full, leave it in the database, return False."""
        key = _lane_of(event)
        was_idle, was_behind = self._lanes.is_idle(key), self._lanes.is_behind(key)
        if not self._lanes.put(key, event, always=key[1]):
            if isinstance(event, IncomingMessage) and not was_behind and self._lanes.is_behind(key):
                self._do_aside(tell_crowded(Context(self.bot, event)))
            return False
        self._take_up(update, begun=begun)
        if isinstance(event, Press) and not was_idle:
            self._do_aside(self._stop_spinner(Context(self.bot, event)))
        return True

    def _take_up(self, update: StoredUpdate, *, begun: bool = False) -> None:
        self._tries.enter(update, begun=begun)
        for met in self._reads.values():
            met.add(update.update_id)

    def _do_aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _stop_spinner(self, context: Context) -> None:
        """Acknowledge a press that is still waited for: Telegram takes no answer to it after a while."""
        await self.bot.clock.sleep(_SPINNER)
        if context.event.place.update_ids[0] in self._tries and not context.acknowledged:
            await context.acknowledge()

    async def _hand_on(self, update: StoredUpdate) -> None:
        """Notify the owner of an update's chat that it is there."""
        hint = {"update_id": update.update_id, "partition": update.partition}
        await self.bot.bus.publish(f"updates:{self.bot.profile.name}", hint)

    def _forget(self, events: Sequence[Event]) -> None:
        for event in events:
            self._tries.leave(event.place.update_ids)

    async def _work(self, key: LaneKey, lane: Lane[Event]) -> None:
        with log_context(bot=self.bot.profile.name):
            try:
                if lane.backlog and len(lane) <= _SHORT:
                    await self._fetch(key, lane)
                if lane:
                    await self._work_off(await self._joiner.take(lane), lane)
                lane.failures = 0
            except (StorageError, TelegramUnauthorizedError) as error:
                await self._hold(lane, error)

    async def _fetch(self, key: LaneKey, lane: Lane[Event]) -> None:
        """Fill a queue with the updates of its chat in the database. Raise StorageError if that fails."""
        backlog, after = lane.backlog, None
        look = Look([partition_of(key[0].chat_id)], queue=queue_of(key[0]))
        while self._lanes.has_room(lane):
            page, met = await self._read_page(look, after)
            for update in page:
                if update.update_id in met or not self._is_due(update):
                    continue
                event = self._parse(update)
                if event.place.chat != key[0]:
                    continue  # stored before updates had queues
                if _lane_of(event) != key:
                    self._enqueue(update, event)
                elif self._lanes.has_room(lane):
                    self._take_up(update)
                    self._lanes.fill(lane, event)
                else:
                    return
            if len(page) < _PAGE:
                if lane.backlog == backlog:  # nothing came in meanwhile
                    lane.backlog = 0
                return
            after = page[-1].update_id

    async def _hold(self, lane: Lane[Event], error: BesedaError) -> None:
        """Block the queue of a chat until an update is retried: later updates must not overtake it."""
        self._lanes.put_back(lane)
        wait = self._backoff.delay(lane.failures)
        lane.failures += 1
        log.warning("will retry in %.1f s: %s: %s", wait, type(error).__name__, error.detail)
        await self._wait(lane, wait)

    async def _wait(self, lane: Lane[Event], seconds: float) -> None:
        lane.is_waiting = True
        try:
            await self.bot.clock.sleep(seconds)
        finally:
            lane.is_waiting = False

    async def _work_off(self, event: Event, lane: Lane[Event]) -> None:
        numbers = event.place.update_ids
        context = Context(self.bot, event, admitted=self._tries.is_retry(numbers))
        if isinstance(event, Press):
            self._do_aside(self._stop_spinner(context))
        try:
            await self._attempt(context, lane)
        except LeaseLostError as error:
            log.info("skipped, another replica owns this chat: %s", error.detail)
            return
        except (StorageError, TelegramUnauthorizedError) as error:
            self._tries.end(numbers, failed=isinstance(error, StorageError))
            raise
        except asyncio.CancelledError:
            self._tries.interrupt(numbers)
            raise
        finally:
            self._tries.leave(numbers)
            if isinstance(event, Press) and not context.acknowledged:
                self._do_aside(context.acknowledge())
        # What is not worked off by now is a job's, or failed; either way it is not to come up again immediately.
        self._resting.put(numbers, self.bot.clock.monotonic())

    async def _attempt(self, context: Context, lane: Lane[Event]) -> None:
        """Work on an event and finish its updates; one that failed in an unforeseen way is finished, too."""
        event = context.event
        await self._ownership.confirm(partition_of(event.place.chat.chat_id))
        verdict = self._tries.judge(event.place.update_ids)
        if verdict is Verdict.SET_ASIDE and self._tries.may_deliver(event.place.update_ids):
            verdict = Verdict.WORK if await self._is_answered(context) else verdict
        try:
            if verdict is Verdict.WORK:
                await self._handle(context, lane)
            else:
                await self._give_up(context, verdict)
            if not context.is_settled:
                await self._finish(event)
        except (StorageError, LeaseLostError, TelegramUnauthorizedError):
            raise
        except Exception as error:
            log.exception("updates %s of %s failed", event.place.update_ids, self.bot.profile.name)
            await apologise(context, error)
        if isinstance(event, Move):
            await self._hand_over_chat(event)
        if context.handed_over:
            self._tries.interrupt(event.place.update_ids)
            await self._tries.release(self.bot.updates)

    async def _hand_over_chat(self, move: Move) -> None:
        """Leave queued updates of a group that has become a supergroup to the owner of the new chat, which may be this
        process.
        """
        self._lanes.take_back(lambda key: key[0] == move.place.chat)
        await self.bot.jobs.leave(lambda chat_id: chat_id == move.place.chat.chat_id)
        hint = {"partition": partition_of(move.chat_id)}
        await self.bot.bus.publish(f"updates:{self.bot.profile.name}", hint)

    async def _give_up(self, context: Context, verdict: Verdict) -> None:
        """Set aside an update that has crashed the process, or failed, too often."""
        numbers = context.event.place.update_ids
        log.error("updates %s of %s are set aside: too many tries", numbers, self.bot.profile.name)
        if verdict is Verdict.SET_ASIDE:
            await self._tries.give_up(self.bot.updates, numbers)
            await set_aside(context)
        elif (turn := await context.turn()) is not None:
            await close_turn(context, turn)

    async def _handle(self, context: Context, lane: Lane[Event]) -> None:
        """Have an event handled, as soon as the limits allow."""
        handler = self.router.find(context.event)
        if handler is None:
            return
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = wrap(handler, [*self.router.middlewares, self._count_try])
        while True:
            try:
                await wrapped(context)
            except Postponed as error:
                await self._wait(lane, error.seconds)
            else:
                return

    async def _count_try(self, context: Context, handler: Handler) -> None:
        numbers = context.event.place.update_ids
        crashes = self._tries.count_crashes(numbers)
        if crashes >= SUSPICIOUS_CRASHES and not await self._is_answered(context):
            async with self._quarantine.admit(crashes, strict=self._tries.is_strict(crashes)) as alone:
                await self._tries.begin(self.bot.updates, numbers, alone=alone)
                await handler(context)
        else:
            await self._tries.begin(self.bot.updates, numbers)
            await handler(context)

    async def _is_answered(self, context: Context) -> bool:
        # What is answered is only sent: its answer is stored, and a search for a lost send takes seconds.
        turn = await context.turn()
        return turn is not None and turn.state is not TurnState.RECEIVED

    async def _finish(self, event: Event) -> None:
        await self.bot.updates.finish(self.bot.profile.name, event.place.update_ids)


def _lane_of(event: Event) -> LaneKey:
    return (event.place.chat, _is_urgent(event))


def _is_urgent(event: Event) -> bool:
    match event:
        case StopRequest():
            return True
        case Press():
            return event.data.startswith("stop:")
        case IncomingMessage():
            return event.command == "stop"
        case _:
            return False
