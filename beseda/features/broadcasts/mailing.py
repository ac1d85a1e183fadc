"""Sends a broadcast in runs of limited length, so that other jobs of the worker get their turn.

    begin (stored) ──► the call ──► settle (stored)

A recipient is marked before Telegram is called, so that a process that dies sends no message twice. One rate limiter is
shared by all calls. When Telegram reports a flood, the limiter is closed for the requested time and has a lower rate
afterwards.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial

import orjson

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import (
    TelegramError,
    TelegramFloodError,
    TelegramForbiddenError,
    TelegramRefusedError,
    TelegramUnansweredError,
    TelegramUnauthorizedError,
)
from beseda.engine.jobs.base import JobControl
from beseda.engine.turns.delivery import SentRecords
from beseda.features.broadcasts.model import Broadcast, BroadcastState, Recipient, RecipientState, StopRule
from beseda.features.broadcasts.repository import BroadcastRepository, Turnout
from beseda.locales import Text, languages
from beseda.locales.text import language_of
from beseda.telegram.mailer import Letter, Mailer, PhotoUpload
from beseda.telegram.sending import render_messages

log = logging.getLogger(__name__)

NO_MORE = Text("broadcasts.no_more")
OPT_OUT = "broadcast:off"  # what the button under a broadcast says when it is pressed
TOO_LONG = "the text does not fit one message"
UNAUTHORIZED = "Telegram does not know the bot's token"
_REASON = 200  # characters of what Telegram said


class Pause(StrEnum):
    """Why a stretch has ended."""

    EMPTY = "empty"  # everybody on the list has been sent to
    LATER = "later"  # long enough for one stretch
    QUIET = "quiet"  # it is night
    OVER = "over"  # paused, cancelled, stopped, or another job goes on with it


@dataclass(frozen=True, slots=True)
class MailingRules:
    """How to send: `width` calls at one time, people read `page` at a time, a stretch and its end in seconds."""

    width: int = 8
    page: int = 100
    gathered: int = 2000
    stretch: float = 300.0
    closing: float = 3.0
    stop: StopRule = field(default_factory=StopRule)


@dataclass(frozen=True, slots=True)
class Post:
    """A bot's means of sending: mailer, time zone, default language, and records waiting to be stored."""

    mailer: Mailer
    zone: str
    language: str
    records: SentRecords = field(default_factory=SentRecords)


class Mailing:
    """One stretch of one broadcast."""

    def __init__(self, broadcast: Broadcast, store: BroadcastRepository, post: Post, clock: Clock, rules: MailingRules):
        self._broadcast = broadcast
        self._store = store
        self._post = post
        self._clock = clock
        self._rules = rules
        self._gate = RateGate(clock, broadcast.plan.rate)
        self._room = asyncio.Semaphore(rules.width)
        self._outcomes: deque[RecipientState] = deque(maxlen=rules.stop.window)
        self._letters: dict[str, Letter] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._backoff = Backoff(first=0.5, cap=60.0)
        self._over = False
        self._done = 0

    async def run(self, control: JobControl) -> Pause:
        """Send until no recipient is left or the run has to end. Raises StorageError.

        On cancellation, calls in progress get a moment to end. The outcome of calls that do not is unknown.
        """
        if not await self._write_letters():
            return Pause.OVER
        number = self._broadcast.id
        if self._broadcast.approved and not self._broadcast.gathered:
            while await self._store.gather(number, limit=self._rules.gathered):
                control.report(0, 0, "gathering")
        self._outcomes.extend(await self._store.outcomes(number, limit=self._rules.stop.window))
        try:
            pause = await self._send_all(control)
            await self._wait_for_all()
        except BaseException:
            await self._close()
            raise
        if pause is Pause.EMPTY and self._broadcast.approved:
            done = await self._store.move(number, [BroadcastState.RUNNING], BroadcastState.DONE)
            return Pause.EMPTY if done is not None else Pause.LATER
        return pause

    async def _send_all(self, control: JobControl) -> Pause:
        ends_at = self._clock.monotonic() + self._rules.stretch
        number, counts = self._broadcast.id, self._broadcast.counts
        after = 0
        while page := await self._store.pending(number, after=after, limit=self._rules.page):
            for recipient in page:
                after = recipient.user_id
                if (pause := await self._find_pause(ends_at)) is not None:
                    return pause
                await self._room.acquire()
                turnout = await self._begin(recipient)
                if turnout is Turnout.END:
                    return Pause.OVER
            control.report(counts.total - counts.pending + self._done, counts.total)
        return Pause.EMPTY

    async def _find_pause(self, ends_at: float) -> Pause | None:
        if self._over:
            return Pause.OVER
        if self._broadcast.approved and (morning := self._find_morning()) is not None:
            await self._store.rest(self._broadcast.id, morning)
            return Pause.QUIET
        return Pause.LATER if self._clock.monotonic() >= ends_at else None

    def _find_morning(self) -> datetime | None:
        quiet = self._broadcast.plan.quiet
        return quiet.ends(self._clock.now(), self._post.zone) if quiet is not None else None

    async def _begin(self, recipient: Recipient) -> Turnout:
        """Send to a person in a task of its own, which gives back the room that was taken for it."""
        turnout = Turnout.END
        try:
            await self._gate.pass_through()
            turnout = await self._mark(recipient.user_id)
        finally:
            if turnout is not Turnout.GO:
                self._room.release()
        if turnout is Turnout.GO:
            task = asyncio.create_task(self._send(recipient))
            self._sending.add(task)
            task.add_done_callback(self._finish)
        return turnout

    async def _mark(self, user_id: int) -> Turnout:
        number = self._broadcast.id
        marking = asyncio.ensure_future(self._store.begin(number, user_id, self._broadcast.run))
        try:
            return await asyncio.shield(marking)
        except asyncio.CancelledError:
            # It is written all the same, and nobody was asked anything yet.
            if await marking is Turnout.GO:
                await self._store.release(number, user_id)
            raise

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._over = True
            log.error("broadcast %d: the result of a message is not stored", self._broadcast.id, exc_info=error)

    async def _send(self, recipient: Recipient) -> None:
        attempt = 0
        letter = self._letters[language_of(recipient.language, self._post.language)]
        while True:
            try:
                message_id = await self._post.mailer.send(recipient.user_id, letter)
            except (TelegramForbiddenError, TelegramRefusedError) as error:
                blocked = isinstance(error, TelegramForbiddenError)
                state = RecipientState.BLOCKED if blocked else RecipientState.FAILED
                await self._settle(recipient, state, reason=error.detail[:_REASON])
                return
            except TelegramUnansweredError as error:
                log.warning("broadcast %d: its recipients are not known: %s", self._broadcast.id, error.detail)
                self._gate.close(self._backoff.delay(attempt))
                return
            except TelegramError as error:
                if not await self._can_try_again(recipient, error, attempt):
                    return
                attempt += 1
            else:
                await self._settle(recipient, RecipientState.SENT, message_id=message_id)
                self._gate.widen()
                return

    async def _can_try_again(self, recipient: Recipient, error: TelegramError, attempt: int) -> bool:
        """Wait with the person back on the list, for Telegram has not taken the message; whether they are ours again.

        Meanwhile the broadcast may be paused, or go on in another job, and that one sends to them then.
        """
        await asyncio.shield(self._store.release(self._broadcast.id, recipient.user_id))
        if isinstance(error, TelegramUnauthorizedError):
            await self._end(BroadcastState.PAUSED, UNAUTHORIZED)
            return False
        if isinstance(error, TelegramFloodError):
            self._gate.close(error.retry_after or 1.0)
            await self._gate.pass_through()
        else:
            log.warning("Telegram is away, trying again: %s", error.detail)
            await self._clock.sleep(self._backoff.delay(attempt))
        return not self._over and await self._mark(recipient.user_id) is Turnout.GO

    async def _settle(
        self, recipient: Recipient, state: RecipientState, *, message_id: int | None = None, reason: str = ""
    ) -> None:
        number, user_id = self._broadcast.id, recipient.user_id
        await self._post.records.keep(
            partial(self._store.settle, number, user_id, state, message_id=message_id, reason=reason)
        )
        self._done += 1
        self._outcomes.append(state)
        if not self._over and (why := self._rules.stop.judge(list(self._outcomes))):
            await self._end(BroadcastState.STOPPED, why)

    async def _end(self, state: BroadcastState, reason: str) -> None:
        self._over = True
        log.warning("broadcast %d is %s: %s", self._broadcast.id, state, reason)
        sending = [one for one in BroadcastState if one.sends]
        await self._store.move(self._broadcast.id, sending, state, reason=reason)

    async def _wait_for_all(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending)

    async def _close(self) -> None:
        """Give calls in progress a moment to end. The outcome of calls that are cancelled then is unknown."""
        self._over = True
        tasks = list(self._sending)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._rules.closing)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _write_letters(self) -> bool:
        content, number = self._broadcast.content, self._broadcast.id
        photo = await self._store.photo(number) if self._broadcast.photo else b""
        picture = PhotoUpload(photo, self._broadcast.photo) if photo else None
        for language in languages():
            pieces = await render_messages(content.text(language))
            if len(pieces) != 1:
                await self._end(BroadcastState.STOPPED, TOO_LONG)
                return False
            self._letters[language] = Letter(pieces[0], write_buttons(self._broadcast, language), picture)
        return True


class RateGate:
    """Lets one through after another, `rate` a second at most; pure logic over a clock."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._wanted = rate
        self.rate = rate
        self._next = 0.0

    async def pass_through(self) -> None:
        """Return when it is one's turn."""
        now = self._clock.monotonic()
        turn = max(now, self._next)
        self._next = turn + 1 / self.rate
        if turn > now:
            await self._clock.sleep(turn - now)

    def close(self, seconds: float) -> None:
        """Let no call through for `seconds`, and reduce the rate afterwards."""
        self._next = max(self._next, self._clock.monotonic() + seconds)
        self.rate = max(1.0, self.rate * 0.8)

    def widen(self) -> None:
        """Come back to the wanted rate, slowly."""
        self.rate = min(self._wanted, self.rate * 1.005)


def write_buttons(broadcast: Broadcast, language: str) -> str:
    """Return reply_markup under a broadcast: its link, and the way to get no more."""
    rows = [[{"text": NO_MORE.say(language), "callback_data": OPT_OUT}]]
    if broadcast.content.url:
        rows.insert(0, [{"text": broadcast.content.label(language), "url": broadcast.content.url}])
    return orjson.dumps({"inline_keyboard": rows}).decode()
