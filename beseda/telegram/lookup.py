"""The search for a message after an unanswered send: was it sent, and under which id?

An edit that changes nothing is answered "message is not modified", and changes nothing; an edit of an id that is no
message of the chat, or not ours, is refused in other words (decision 0032). So an edit with the whole content of the
lost message is tried on each id that is not recorded.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from beseda.core.backoff import Backoff
from beseda.core.chat import ChatKind
from beseda.core.clock import Clock
from beseda.core.errors import (
    TelegramConflictError,
    TelegramError,
    TelegramFloodError,
    TelegramRefusedError,
    TelegramUnansweredError,
    TelegramUnavailableError,
)
from beseda.core.priority_lock import PriorityLock
from beseda.telegram.base import LookupResult, Target
from beseda.telegram.part import Part, message_box, read_media
from beseda.telegram.refusals import Refusal, classify
from beseda.telegram.sending import AS_IT_IS, Sender, SendForm

log = logging.getLogger(__name__)

_PROBES, _PROBES_GROUP = 8, 3  # edits for one part; a group takes about twenty a minute
_BEYOND = 5  # ids behind the last known one that are possible where nothing is known to come after the send
_EVERY = 0.2  # seconds between two probes of one bot
_NO_ANSWERS = 20  # probes in a row that may stay without an answer: minutes
_INTAKE_SECONDS = 10.0  # how long a search waits for updates that Telegram still holds
_INTAKE_EVERY = 0.5
_ANSWER = timedelta(seconds=30)  # time-out of a call: one whose start is not on record began no earlier
_LOST = timedelta(seconds=5)  # by when a call whose connection was lost has taken effect, if it does


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A recorded message id. `begun_at` is the start of the call if the bot sent it, else None."""

    message_id: int
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownMessages:
    """The recorded ids of one counter around a call: the last one before it, and those behind that one, ascending.

    `unknown_earlier` counts the calls with an unknown outcome that began before it. Without `is_whole` there are more
    ids than were read.
    """

    before: int | None
    later: Sequence[KnownMessage] = ()
    unknown_earlier: int = 0
    is_whole: bool = True


class MessageIds(Protocol):
    """Recorded message ids; `beseda.ephemeral.sent_message.SentMessageStore`."""

    async def around(self, bot: str, box: int, begun_at: datetime) -> KnownMessages:
        """Return the ids of counter `box` around a call that began then, and how many calls before it are unknown."""
        ...


@dataclass(slots=True)
class _Search:
    """A part with an unknown outcome: its probe, the start of its call, and the time after which it has no effect."""

    target: Target
    probe: Part
    begun_at: datetime
    over_at: datetime
    ruled_out: set[int] = field(default_factory=set)
    unanswered: int = 0  # probes in a row


class SendLookup:
    """Searches one bot's chats."""

    def __init__(self, sender: Sender, store: MessageIds, clock: Clock) -> None:
        self._sender = sender
        self._store = store
        self._clock = clock
        self._backoff = Backoff(first=0.5, cap=15.0)
        self._line = PriorityLock()
        self._asking = asyncio.Lock()
        self._caught_up_at = clock.now() - _ANSWER

    async def find(self, target: Target, part: Part) -> LookupResult:
        """Search for a part after an unanswered call.

        Wait until that call can no longer take effect. Raise StorageError, LeaseLostError, and the errors of `put`.
        """
        probe = _make_probe(part)
        if probe is None:
            return LookupResult(None)
        if part.over_at is None:
            # Of a process that is gone: its connection was lost by now. When the call was made is not on record, it may
            # have waited for its turn long after it was marked.
            part.over_at = self._clock.now() + _LOST
        over_at = part.over_at
        if (seconds := (over_at - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(seconds)
        await self._wait_for_intake()
        search = _Search(target, probe, part.begun_at or over_at - _ANSWER, over_at)
        while search.unanswered < _NO_ANSWERS:
            await self._clock.sleep(self._sender.due_in(target))
            # Earlier calls first: each that is found leaves fewer ids, and fewer unknown calls before it, for the next.
            async with self._line.hold(search.begun_at.timestamp()):
                finding = await self._probe_all(search)
            if finding is not None:
                return finding
            if search.unanswered:
                await self._clock.sleep(self._backoff.delay(search.unanswered))
        return LookupResult(None)

    async def _probe_all(self, search: _Search) -> LookupResult | None:
        """Probe the candidates. Return None if the search continues later: no answer, or the chat must wait."""
        await self._clock.sleep(_EVERY)
        target = search.target
        known = await self._store.around(target.chat.bot, message_box(target.chat.chat_id), search.begun_at)
        most = _PROBES if target.kind is ChatKind.PRIVATE else _PROBES_GROUP
        candidates, are_all = find_candidates(known, search.over_at, most)
        left = [number for number in candidates if number not in search.ruled_out]
        for number in left[: most - len(search.ruled_out)]:
            if self._sender.due_in(target) > 0:
                return None
            is_found = await self._probe(target, replace(search.probe, message_id=number))
            if is_found is None:
                search.unanswered += 1
                return None
            if is_found:
                return LookupResult(number, is_certain=True)
            search.ruled_out.add(number)
            search.unanswered = 0
            await self._clock.sleep(_EVERY)
        is_certain = are_all and search.ruled_out.issuperset(candidates)
        return LookupResult(None, is_certain=is_certain, is_searched=bool(search.ruled_out))

    async def _probe(self, target: Target, probe: Part) -> bool | None:
        """Return whether a message is the one that is searched for, or None if there was no answer."""
        await self._sender.wait(target)
        async with self._sender.guard(target.chat.chat_id):
            pass  # a probe changes nothing, so it need not end with the lease
        try:
            return await self._try_edit(target, probe)
        except TelegramFloodError as error:
            await self._sender.obey_flood(target, error)
        except (TelegramUnavailableError, TelegramUnansweredError, TelegramConflictError) as error:
            log.info("no answer to a probe: %s", error.detail)
        return None

    async def _try_edit(self, target: Target, probe: Part, form: SendForm = AS_IT_IS) -> bool:
        try:
            await self._sender.edit_part(target, probe, form)
        except TelegramRefusedError as error:
            refusal = classify(error)
            if refusal is Refusal.MARKUP and not form.plain:
                return await self._try_edit(target, probe, form.without(refusal))  # then it was sent like that, too
            if refusal is Refusal.CHAT:
                raise
            return refusal is Refusal.UNCHANGED
        log.warning(
            "chat %d: message %s held something else and now holds the answer", target.chat.chat_id, probe.message_id
        )
        return True

    async def _wait_for_intake(self) -> None:
        """Wait until the updates of before now are stored: the ids they bring are no candidates."""
        since, deadline = self._clock.now(), self._clock.monotonic() + _INTAKE_SECONDS
        while self._caught_up_at < since and self._clock.monotonic() < deadline:
            async with self._asking:
                if self._caught_up_at < since and not await self._ask_intake():
                    await self._clock.sleep(_INTAKE_EVERY)

    async def _ask_intake(self) -> bool:
        asked_at = self._clock.now()
        try:
            info = await self._sender.api.call("getWebhookInfo")
            pending = int(info.get("pending_update_count", 0))
        except TelegramRefusedError:
            pending = 0  # a server that does not know the method
        except TelegramError as error:
            log.info("the backlog of Telegram is not known: %s", error.detail)
            return False
        if pending == 0:
            self._caught_up_at = asked_at
        return pending == 0


def _make_probe(part: Part) -> Part | None:
    """Return the part with the content of its call, or None if an edit with it is unsafe or proves nothing.

    A probe is a text, or one file with a caption: albums answer inconsistently (tdlib/td#1463, #1648), and a message
    that brought a keyboard for the input field, or took it away, cannot be edited at all (tdlib/td#3196).
    """
    html, markup = part.as_sent()
    if markup and '"inline_keyboard"' not in markup:
        return None
    if part.media and (len(read_media(part.media)) > 1 or not html):
        return None
    return replace(part, html=html, markup=markup)


def find_candidates(known: KnownMessages, over_at: datetime, most: int) -> tuple[list[int], bool]:
    """Return at most `most` ids that the message of a call may have, likeliest first, and whether these are all.

    Candidates are not recorded. They lie between the last id known before the call and the first id of a call begun
    after `over_at`, when this one could no longer take effect. If there is no such later id, and all later ids were
    read, five ids beyond the last known one are possible as well.

    Calls mostly take effect in the order in which they began. With n unknown calls before this one, its message
    therefore likely has the candidate number n, counted from 0, or one nearby: a crash interrupts many calls, and not
    all of them were made.
    """
    taken = {message.message_id for message in known.later}
    if known.before is None and not taken:
        return [], False
    first = known.before + 1 if known.before is not None else min(taken)
    after = [item.message_id for item in known.later if item.begun_at is not None and item.begun_at > over_at]
    beyond = _BEYOND if known.is_whole else 0
    end = min(after) if after else max(taken, default=first - 1) + beyond + 1
    every = (number for number in range(first, end) if number not in taken)
    free = list(islice(every, known.unknown_earlier + most + 1))
    likely = min(known.unknown_earlier, len(free) - 1)
    ranked = sorted(range(len(free)), key=lambda place: (abs(place - likely), place))
    are_all = len(free) <= most and known.before is not None and known.is_whole
    return [free[place] for place in ranked[:most]], are_all
