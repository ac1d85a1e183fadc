"""One bot at work: what comes in is stored, put into the lane of its chat, handled, and told done.

New updates, updates that a crash left behind and updates that a sweep finds all go the same way: recovery is no
other path. What must not wait (a stop) has a lane of its own beside its chat's.
"""

import logging
from collections.abc import Sequence

import orjson

from beseda.dispatch.context import Context, Desk
from beseda.dispatch.events import Event, IncomingMessage, Json, Press, StopRequest, parse
from beseda.dispatch.joining import Joiner
from beseda.dispatch.middlewares.access import guard_access
from beseda.dispatch.middlewares.limits import limit_messages
from beseda.dispatch.middlewares.paying import charge_person
from beseda.dispatch.router import Handler, Middleware, Router, wrap
from beseda.domain.conversation import ChatKey
from beseda.domain.update import StoredUpdate
from beseda.errors import BesedaError, StorageError, TelegramUnauthorizedError
from beseda.kit.lanes import Lane, Lanes
from beseda.logs import log_context

log = logging.getLogger(__name__)

LaneKey = tuple[ChatKey, bool]

MIDDLEWARES: list[Middleware] = [guard_access, limit_messages, charge_person]
_PAGE = 500


class BotRunner:
    """Runs one bot's updates through its handlers."""

    def __init__(self, desk: Desk, router: Router, joiner: Joiner | None = None) -> None:
        self.desk = desk
        self._router = router
        self._joiner = joiner or Joiner()
        self._lanes: Lanes[LaneKey, Event] = Lanes(self._work)
        self._in_flight: set[int] = set()
        self._met: set[int] | None = None  # while a recovery reads: what is in flight, or has been since it began
        self._wrapped: dict[Handler, Handler] = {}

    @property
    def pending(self) -> int:
        """How many events wait or are worked on."""
        return self._lanes.pending

    async def take_in(self, contents: Sequence[Json]) -> None:
        """Store updates as Telegram handed them over and begin to work on the new ones; when this returns, they
        may be acknowledged. Raises StorageError, and then none of them may."""
        bot = self.desk.profile.name
        by_id = {int(content["update_id"]): content for content in contents}
        updates = [StoredUpdate(bot, number, orjson.dumps(content)) for number, content in by_id.items()]
        for update in await self.desk.updates.store(updates):
            if update.update_id not in self._in_flight:  # a sweep may see it before we hear that it is stored
                self._enqueue(update, by_id[update.update_id])

    async def recover(self) -> int:
        """Take up what is stored and not worked on: after a crash, or left by a failure; return how many."""
        found, after = 0, -1
        while page := await self._look(after):
            after = page[-1].update_id
            met, self._met = self._met or self._in_flight, None
            left = [update for update in page if update.update_id not in met]
            found += len(left)
            for update in left:
                self._enqueue(update, orjson.loads(update.payload))
        return found

    async def _look(self, after: int) -> Sequence[StoredUpdate]:
        # What is worked off while the page is read still stands in it: it must not be done twice.
        self._met = set(self._in_flight)
        return await self.desk.updates.unfinished(self.desk.profile.name, limit=_PAGE, after=after)

    async def close(self, *, within: float = 0.0) -> None:
        """Give what is running `within` seconds to end, then cancel it: the next start takes it up."""
        if not await self._lanes.drain(within=within):
            log.info("%d events are left for the next start", self._lanes.pending)
        await self._lanes.close()

    def _enqueue(self, update: StoredUpdate, content: Json) -> None:
        self._in_flight.add(update.update_id)
        if self._met is not None:
            self._met.add(update.update_id)
        event = parse(update, content, self.desk.me)
        self._lanes.put((event.place.chat, _is_urgent(event)), event)

    async def _work(self, key: LaneKey, lane: Lane[Event]) -> None:
        event = await self._joiner.take(lane)
        with log_context(bot=self.desk.profile.name):
            await self._work_off(event)

    async def _work_off(self, event: Event) -> None:
        context = Context(self.desk, event)
        try:
            await self._handle(context)
            if not context.is_settled:
                await self._finish(event)
        except (StorageError, TelegramUnauthorizedError) as error:
            log.warning("left for the next sweep: %s: %s", type(error).__name__, error.detail)
        except Exception:
            log.exception("updates %s of %s failed", event.place.update_ids, self.desk.profile.name)
            await self._apologise(context)
        finally:
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
                await context.desk.messenger.put(context.target, (await context.desk.messenger.compose(text))[0])
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
