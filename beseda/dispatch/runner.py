"""One bot at work: what comes in is stored, put into the lane of its chat, handled, and told done.

New updates, updates that a crash left behind and updates that a sweep finds all go the same way: recovery is no
other path. What must not wait (a stop) has a lane of its own beside its chat's.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence

import orjson

from beseda.dispatch.context import Context, Desk
from beseda.dispatch.events import Event, IncomingMessage, Json, Press, StopRequest, parse
from beseda.dispatch.joining import Joiner
from beseda.dispatch.middlewares.access import guard_access
from beseda.dispatch.middlewares.limits import limit_messages
from beseda.dispatch.middlewares.paying import charge_person
from beseda.dispatch.middlewares.presses import drop_double_press
from beseda.dispatch.middlewares.takeover import keep_silent
from beseda.dispatch.resting import Resting
from beseda.dispatch.router import Handler, Middleware, Router, wrap
from beseda.dispatch.territory import Ground, WholeGround
from beseda.domain.conversation import ChatKey
from beseda.domain.update import PARTITIONS, StoredUpdate, find_message_id, partition_of
from beseda.errors import BesedaError, LeaseLostError, StorageError, TelegramUnauthorizedError
from beseda.kit.lanes import Lane, Lanes
from beseda.logs import log_context
from beseda.storage.base.update import Look

log = logging.getLogger(__name__)

LaneKey = tuple[ChatKey, bool]

MIDDLEWARES: list[Middleware] = [guard_access, drop_double_press, keep_silent, limit_messages, charge_person]
_PAGE = 500


class BotRunner:
    """Runs one bot's updates through its handlers."""

    def __init__(self, desk: Desk, router: Router, joiner: Joiner | None = None, ground: Ground | None = None) -> None:
        """`ground` says which chats are this process's: all of them where it shares the bot with nobody."""
        self.desk = desk
        self._router = router
        self._joiner = joiner or Joiner()
        self._ground = ground or WholeGround()
        self._lanes: Lanes[LaneKey, Event] = Lanes(self._work, drop=self._forget)
        self._in_flight: set[int] = set()
        self._met: set[int] | None = None  # while a recovery reads: what is in flight, or has been since it began
        self._looking = asyncio.Lock()
        self._seen: set[int] = set()  # what the last look of a sweep found and left for the next
        self._resting = Resting()
        self._closing = False
        self._wrapped: dict[Handler, Handler] = {}

    @property
    def pending(self) -> int:
        """How many events wait or are worked on."""
        return self._lanes.pending

    @property
    def may_poll(self) -> bool:
        """Whether it is this replica that asks Telegram for updates: one of them does."""
        return 0 in self._ground.held and not self._closing

    async def take_in(self, contents: Sequence[Json]) -> None:
        """Store updates as Telegram handed them over and begin to work on the new ones; when this returns, they
        may be acknowledged. Raises StorageError, and then none of them may.

        Another replica is told of those for its chats; what it has stored before ours comes before them.
        """
        await self._ground.wait_until_joined()
        arrivals = {int(content["update_id"]): content for content in contents}
        events: dict[int, Event] = {}
        updates = [self._read(number, content, events) for number, content in arrivals.items()]
        held = self._ground.held
        earlier = {update.partition for update in updates} & held if self._ground.is_shared else ()
        for update in await self.desk.updates.store(updates, earlier=earlier, known=self._in_flight):
            # A part that has become ours meanwhile may have older updates that nobody has looked for yet.
            if update.partition not in held & self._ground.held or self._closing:
                await self._hand_on(update)
            elif self._is_due(update):
                self._enqueue(update, events.get(update.update_id) or self._parse(update))

    async def recover(
        self, partitions: Collection[int] | None = None, *, anew: bool = False, settled: bool = False
    ) -> int:
        """Take up what is stored and not worked on: after a crash, or left by a failure; return how many.

        It looks into `partitions`, or into all that this process works on. `anew` takes up what rests as well, such
        as jobs that are followed elsewhere; `settled` leaves out what the last such look did not find either, which
        may be on its way here. No clock is asked: that of the process that stored it may be another.
        """
        async with self._looking:
            self._resting.tidy(self.desk.clock.monotonic())
            held = self._ground.held
            wanted = held if partitions is None else held.intersection(partitions)
            look = Look(None if len(wanted) == PARTITIONS else wanted)
            return await self._recover(look, anew=anew, settled=settled)

    async def _recover(self, look: Look, *, anew: bool, settled: bool) -> int:
        found, after, fresh = 0, None, set[int]()
        while page := await self._look(look, after):
            after = page[-1].update_id
            met, self._met = self._met or self._in_flight, None
            for update in page:
                if update.update_id in met or not self._is_due(update, anew=anew):
                    continue
                if settled and update.update_id not in self._seen:
                    fresh.add(update.update_id)
                    continue
                found += 1
                self._enqueue(update, self._parse(update))
        if settled:
            self._seen = fresh
        return found

    async def _look(self, look: Look, after: int | None) -> Sequence[StoredUpdate]:
        # What is worked off while the page is read still stands in it: it must not be done twice.
        self._met = set(self._in_flight)
        return await self.desk.updates.unfinished(self.desk.profile.name, limit=_PAGE, after=after, look=look)

    async def find_part(self, update_id: int) -> int | None:
        """Return the part of an update that is not worked off. Raises StorageError."""
        update = await self.desk.updates.find(self.desk.profile.name, update_id)
        return update.partition if update is not None else None

    def is_busy(self, partition: int) -> bool:
        """Return whether anything of a part of the chats waits or is worked on."""
        return self._lanes.has(lambda key: partition_of(key[0].chat_id) == partition)

    def withdraw(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """Begin nothing of what waits in these parts; where they are lost, end what runs there as well."""
        self._lanes.take_back(lambda key: partition_of(key[0].chat_id) in partitions, cancel=lost)

    async def let_go(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """End what shows how jobs go in these parts: whoever has them next shows it."""
        await self.desk.chores.leave(lambda chat_id: partition_of(chat_id) in partitions, lost=lost)

    async def drain(self, *, within: float) -> None:
        """Begin nothing more of what comes in, and give what is running `within` seconds to end."""
        self._closing = True
        if not await self._lanes.drain(within=within):
            log.info("%d events are left for the next start", self._lanes.pending)

    async def close(self) -> None:
        """Cancel what is running: the next start takes it up."""
        self._closing = True
        await self._lanes.close()

    def _read(self, number: int, content: Json, events: dict[int, Event]) -> StoredUpdate:
        """Return an update as it is to be stored; its event is put among `events`."""
        bot, payload = self.desk.profile.name, orjson.dumps(content)
        events[number] = event = parse(StoredUpdate(bot, number, payload), content, self.desk.me)
        message_id, box = find_message_id(content)
        partition = partition_of(event.place.chat.chat_id)
        return StoredUpdate(bot, number, payload, partition=partition, message_id=message_id, message_box=box)

    def _parse(self, update: StoredUpdate) -> Event:
        return parse(update, orjson.loads(update.payload), self.desk.me)

    def _is_due(self, update: StoredUpdate, *, anew: bool = False) -> bool:
        """Return whether an update that was found is to be worked on here and now."""
        if update.update_id in self._in_flight or update.partition not in self._ground.held or self._closing:
            return False  # a sweep may see one before we hear that it is stored
        now = self.desk.clock.monotonic()
        return self._resting.is_due(update.update_id, now) or (anew and self._resting.wake(update.update_id, now))

    def _enqueue(self, update: StoredUpdate, event: Event) -> None:
        self._in_flight.add(update.update_id)
        if self._met is not None:
            self._met.add(update.update_id)
        self._lanes.put((event.place.chat, _is_urgent(event)), event)

    async def _hand_on(self, update: StoredUpdate) -> None:
        """Tell whoever works on an update's chat that it is there."""
        hint = {"update_id": update.update_id, "partition": update.partition}
        await self.desk.bus.publish(f"updates:{self.desk.profile.name}", hint)

    def _forget(self, events: Sequence[Event]) -> None:
        for event in events:
            self._in_flight.difference_update(event.place.update_ids)

    async def _work(self, key: LaneKey, lane: Lane[Event]) -> None:
        event = await self._joiner.take(lane)
        with log_context(bot=self.desk.profile.name):
            await self._work_off(event)

    async def _work_off(self, event: Event) -> None:
        context = Context(self.desk, event)
        failure: Exception | None = None
        try:
            await self._ground.confirm(partition_of(event.place.chat.chat_id))
            await self._handle(context)
            if not context.is_settled:
                await self._finish(event)
        except LeaseLostError as error:
            log.info("left to another replica: %s", error.detail)
        except (StorageError, TelegramUnauthorizedError) as error:
            failure = error
            log.warning("left for later: %s: %s", type(error).__name__, error.detail)
        except Exception:
            log.exception("updates %s of %s failed", event.place.update_ids, self.desk.profile.name)
            await self._apologise(context)
        except BaseException:
            self._in_flight.difference_update(event.place.update_ids)
            raise
        # What is not worked off by now is a job's, or failed; either way it is not to come up again at once.
        self._resting.put(event.place.update_ids, self.desk.clock.monotonic(), failure)
        self._in_flight.difference_update(event.place.update_ids)

    async def _handle(self, context: Context) -> None:
        handler = self._router.find(context.event)
        if handler is None:
            return
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = wrap(handler, MIDDLEWARES)
        await wrapped(context)

    async def _finish(self, event: Event) -> None:
        await self.desk.updates.finish(self.desk.profile.name, event.place.update_ids)

    async def _apologise(self, context: Context) -> None:
        """Tell the person of a failure that nobody foresaw; the update is done with, or it would fail for ever."""
        text = BesedaError.text.say(context.language)
        try:
            await context.acknowledge(text, alert=True)
            if isinstance(context.event, IncomingMessage):
                await context.post(text)
        except BesedaError as error:
            log.warning("could not even apologise: %s", error.detail)
        try:
            await self._finish(context.event)
        except StorageError as error:
            log.warning("left for the next sweep: %s", error.detail)


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
