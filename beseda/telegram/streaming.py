"""An answer in the making, shown as it grows: typing, then native drafts (private chats) or edits (groups).

The schedule is `StreamPlan`: pure logic, seconds in and steps out. The two classes below it call the sender.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from enum import Enum, auto

from beseda.core.chat import ChatKind
from beseda.core.errors import (
    BesedaError,
    LeaseLostError,
    StorageError,
    TelegramError,
    TelegramFloodError,
    TelegramForbiddenError,
    TelegramRefusedError,
)
from beseda.telegram.base import LiveRequest
from beseda.telegram.keyboards import inline_markup
from beseda.telegram.refusals import Refusal, classify
from beseda.telegram.sending import Sender

log = logging.getLogger(__name__)


_LAST_WORD = 3.0  # seconds that a message under way gets once the answer is whole


class LiveStep(Enum):
    """The next step of the display of an answer."""

    NOTHING = auto()
    TYPING = auto()
    THINKING = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between the steps of a display.

    An answer complete before `text_first` costs one call in all. A chat action lasts five seconds and a draft thirty
    (https://core.telegram.org/bots/api#sendchataction, #sendmessagedraft): both are renewed before that.
    """

    typing_first: float = 0.25
    typing_every: float = 4.5
    text_first: float = 0.5
    text_every: float = 1.0
    thinking_first: float | None = 1.5
    renew_every: float | None = 20.0


DRAFTS = Pace()
EDITS = Pace(thinking_first=None, renew_every=None)
# A group takes twenty messages a minute, and edits count alike.
GROUP_EDITS = Pace(text_first=1.0, text_every=3.0, thinking_first=None, renew_every=None)
_AFTER_DRAFTS = replace(EDITS, text_first=0.0)  # the draft that was refused has waited


class StreamPlan:
    """Decides the next step of the display. Times are seconds of one monotonic clock."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._typing_due = now + pace.typing_first
        self._text_due = now + pace.text_first
        self._thinking_due = now + pace.thinking_first if pace.thinking_first is not None else float("inf")
        self._text_shown = False

    def step(self, now: float, *, grown: bool) -> LiveStep:
        """Return the step that is due now. `grown` is whether there is text that has not been shown."""
        if grown and now >= self._text_due:
            return LiveStep.TEXT
        if not grown and now >= self._thinking_due:
            return LiveStep.TEXT if self._text_shown else LiveStep.THINKING
        if now >= self._typing_due:
            return LiveStep.TYPING
        return LiveStep.NOTHING

    def shown(self, step: LiveStep, now: float) -> None:
        """Take note that a step was shown, or tried in vain."""
        pace = self._pace
        if step is LiveStep.TYPING:
            self._typing_due = now + pace.typing_every
            return
        renew = now + pace.renew_every if pace.renew_every is not None else float("inf")
        self._thinking_due = renew
        if step is LiveStep.TEXT:
            self._text_shown = True
            self._text_due = now + pace.text_every
            self._typing_due = float("inf")
        else:
            self._text_due = now + pace.text_every / 2

    def put_off(self, until: float) -> None:
        """Show nothing before then, as Telegram's limits demand."""
        self._typing_due = max(self._typing_due, until)
        self._text_due = max(self._text_due, until)
        self._thinking_due = max(self._thinking_due, until)

    def text_due(self) -> float:
        """Return from when on new text may be shown."""
        return self._text_due

    def look_again(self, now: float) -> float:
        """Return when something may be due next."""
        return min(due for due in (self._typing_due, self._thinking_due, self._text_due, now + 60) if due > now)


class EditedAnswer:
    """Groups, and servers without drafts: one real message that is edited, with a stop button under it.

    One timer, at most one call under way, the newest text wins.
    """

    def __init__(self, sender: Sender, request: LiveRequest, pace: Pace | None = None) -> None:
        if pace is None:
            pace = EDITS if request.target.kind is ChatKind.PRIVATE else GROUP_EDITS
        self._sender = sender
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._plan = StreamPlan(pace, self._loop.time())
        self._text_due = self._plan.text_due()
        self._shown = ""
        self._call: asyncio.Task[None] | None = None
        self._step = LiveStep.NOTHING  # that the call under way shows
        self._timer = self._loop.call_later(pace.typing_first, self._look)

    def touch(self) -> None:
        if self._loop.time() >= self._text_due:
            self._look()

    async def settle(self) -> None:
        self._timer.cancel()
        self._text_due = float("inf")
        call, self._call = self._call, None
        if call is not None:
            if not self.is_message(self._step):
                call.cancel()
            await asyncio.wait([call], timeout=_LAST_WORD)
            call.cancel()
            await asyncio.wait([call])

    def is_message(self, step: LiveStep) -> bool:
        """Return whether the call for a step sends or edits a message.

        The rest of the answer depends on such a call, so it is not cancelled immediately.
        """
        return step is not LiveStep.TYPING

    async def show(self, step: LiveStep, text: str) -> None:
        """Make the call for one step; raises TelegramError."""
        if step is LiveStep.TYPING:
            await self._sender.show_typing(self._request.target)
        else:
            await self._sender.show_text(self._request, text, inline_markup([[self._request.stop]]))

    def _look(self) -> None:
        if self._call is not None:
            return
        now = self._loop.time()
        text = self._request.draft.text
        step = self._plan.step(now, grown=bool(text) and text != self._shown)
        if step is LiveStep.NOTHING:
            self._timer.cancel()
            self._text_due = self._plan.text_due()
            self._timer = self._loop.call_at(self._plan.look_again(now), self._look)
            return
        self._text_due = float("inf")
        self._step = step
        self._call = self._loop.create_task(self._perform(step, text))

    async def _perform(self, step: LiveStep, text: str) -> None:
        failure: BesedaError | None = None
        try:
            await self.show(step, text)
            if step is LiveStep.TEXT:
                self._shown = text
        except TelegramForbiddenError:
            return  # nobody is listening; the delivery will find that out and say so
        except (TelegramError, StorageError, LeaseLostError) as error:
            failure = error
        now = self._loop.time()
        self._plan.shown(step, now)
        if failure is not None:
            await self._take_refusal(step, failure)
        self._plan.put_off(now + self._sender.due_in(self._request.target))
        if self._call is not None:  # not settled meanwhile
            self._call = None
            self._look()

    async def _take_refusal(self, step: LiveStep, error: BesedaError) -> None:
        log.debug("%s was not shown: %s", step.name, error.detail)
        if isinstance(error, TelegramFloodError):
            await self._sender.obey_flood(self._request.target, error)


class DraftedAnswer(EditedAnswer):
    """Private chats: native drafts with a native stop button, gone when the real message comes.

    If drafts are refused, the same answer continues as a message that is edited.
    """

    def __init__(self, sender: Sender, request: LiveRequest) -> None:
        super().__init__(sender, request, DRAFTS)
        self._has_drafts = True

    def is_message(self, step: LiveStep) -> bool:
        return not self._has_drafts and super().is_message(step)

    async def show(self, step: LiveStep, text: str) -> None:
        if step is LiveStep.TYPING or not self._has_drafts:
            await super().show(step, text)
        else:
            await self._sender.show_draft(self._request.target, self._request.number, text)

    async def _take_refusal(self, step: LiveStep, error: BesedaError) -> None:
        await super()._take_refusal(step, error)
        if step is LiveStep.TYPING or not self._has_drafts or not isinstance(error, TelegramRefusedError):
            return
        refusal = classify(error)
        if refusal in {Refusal.DRAFTS_IN_CHAT, Refusal.DRAFTS_ON_SERVER}:
            everywhere = refusal is Refusal.DRAFTS_ON_SERVER
            self._sender.refuse_drafts(None if everywhere else self._request.target.chat.chat_id)
            self._has_drafts = False
            self._plan = StreamPlan(_AFTER_DRAFTS, self._loop.time())
