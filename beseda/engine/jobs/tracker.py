"""Heavy work for a chat, from the request to the answer: a turn that stays open while a job runs.

    start()    opens the turn, enqueues a job of the same number, shows the progress in the turn's first part
    hear()     called after every change of a job: edits that message, at most once in three seconds
    _finish()  stores the outcome of the job as the turn's answer and delivers it, the progress message its first part

The turn's updates stay unfinished until then, so a start after a crash, and every sweep, brings the same message here
again (`resume`): its job is found by the turn's number and followed, or its outcome delivered. No other state has to be
stored.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from beseda.core.errors import BesedaError, TelegramForbiddenError, TelegramRefusedError, ToolError
from beseda.engine.context import BotServices, Context
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import DEFAULT_SLOT, Job, JobRequest, JobState
from beseda.engine.modes import JobKind
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.locales import Text
from beseda.locales.errors import error_text, explain
from beseda.telegram.base import Target
from beseda.telegram.keyboards import Button
from beseda.telegram.part import Part, PartState

log = logging.getLogger(__name__)

EDIT_EVERY = 3.0  # seconds between two edits of one progress message
CANCEL = Text("jobs.cancel")
AGAIN = Text("jobs.again")
HOME = Text("jobs.home")
_NEXT = Text("jobs.next")
_IN_LINE = Text("jobs.in_line")
_AT_WORK = Text("jobs.at_work")
_CANCELLED = Text("jobs.cancelled")
_CANCELLED_REASON = "cancelled by the user"


@dataclass(slots=True)
class _ProgressMessage:
    """A job with its progress message: the turn, the part that shows the progress, and the edit that is due."""

    turn: Turn
    job: Job
    part: Part
    edited_at: float = float("-inf")
    due: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def target(self) -> Target:
        conversation = self.turn.conversation
        return Target(conversation.key, conversation.kind, self.turn.reply_to)


class JobTracker:
    """The jobs of one bot that people wait for. `queue` is the queue that they run in."""

    def __init__(self, kinds: Mapping[str, JobKind], queue: JobQueue) -> None:
        self.kinds = kinds
        self.queue = queue
        self._shown: dict[int, _ProgressMessage] = {}

    async def start(
        self, context: Context, kind: str, payload: Mapping[str, object], *, slot: str = DEFAULT_SLOT
    ) -> None:
        """Hand work to the queue and show how it goes; the event is settled when its outcome is delivered."""
        bot = context.bot
        turn = await context.turn()
        if turn is None:
            turn = (await context.question("", TurnKind.COMMAND)).open_turn()
            await bot.turns.open(turn, None)
        request = JobRequest(
            id=turn.id,
            kind=kind,
            payload={**payload, "language": context.language, "thread": turn.conversation.key.thread_id},
            bot=bot.profile.name,
            chat_id=turn.conversation.key.chat_id,
            user_id=turn.user_id,
            slot=slot,
        )
        job = await self.queue.enqueue(request)
        context.hand_over()
        await self._follow(bot, turn, job)

    async def resume(self, context: Context) -> bool:
        """Follow the job of the event's turn again after a crash or a sweep. Return whether the turn has a job."""
        turn = await context.turn()
        job = await self.queue.find(turn.id) if turn is not None else None
        if turn is None or job is None:
            return False
        context.hand_over()
        await self._follow(context.bot, turn, job)
        return True

    async def hear(self, bot: BotServices, job: Job) -> None:
        """Handle a change of a job: update its progress message, or deliver its outcome."""
        shown = self._shown.get(job.id)
        if shown is None:
            return  # its message has not come back here yet after a start: then it is followed
        shown.job = job
        if job.state.is_over:
            await self._finish(bot, shown)
            self._refresh_line(bot)
        else:
            self._plan(bot, shown)

    async def cancel_all(self, context: Context) -> bool:
        """Cancel all work of the person in the event's chat and return whether there was anything."""
        where = (context.event.place.chat, context.person.id)
        running = [
            number
            for number, shown in self._shown.items()
            if (shown.turn.conversation.key, shown.turn.user_id) == where
        ]
        # The newest first: one that waits must not begin because another has ended.
        return any([await self.queue.cancel(number) for number in sorted(running, reverse=True)])

    async def leave(self, wanted: Callable[[int], bool], *, lost: bool = False) -> None:
        """Stop showing progress in the chats for which `wanted` returns true.

        Wait for updates of progress messages that are under way, unless the chats are already `lost`.
        """
        gone = [shown for shown in self._shown.values() if wanted(shown.turn.conversation.key.chat_id)]
        for shown in gone:
            self._shown.pop(shown.job.id, None)
            if shown.due is not None:
                shown.due.cancel()
        for shown in () if lost else gone:
            async with shown.lock:
                pass

    async def close(self) -> None:
        """Show nothing more."""
        due = [shown.due for shown in self._shown.values() if shown.due is not None]
        for task in due:
            task.cancel()
        await asyncio.gather(*due, return_exceptions=True)

    def _plan(self, bot: BotServices, shown: _ProgressMessage) -> None:
        """Have the progress shown as soon as three seconds have gone by since the last time."""
        if shown.due is None or shown.due.done():
            shown.due = asyncio.create_task(self._show_later(bot, shown))

    async def _show_later(self, bot: BotServices, shown: _ProgressMessage) -> None:
        wait = shown.edited_at + EDIT_EVERY - bot.clock.monotonic()
        if wait > 0:
            await bot.clock.sleep(wait)
        try:
            await self._show(bot, shown)
        except BesedaError as error:
            log.warning("progress of job %d is not shown: %s", shown.job.id, error.detail)

    async def _follow(self, bot: BotServices, turn: Turn, job: Job) -> None:
        shown = self._shown.get(job.id)
        if shown is None:
            shown = self._shown[job.id] = _ProgressMessage(turn, job, turn.parts[0] if turn.parts else Part(0, ""))
        shown.job = job
        if turn.state is not TurnState.RECEIVED or job.state.is_over:
            await self._finish(bot, shown)
        elif shown.part.message_id is None or not shown.part.html:
            await self._show(bot, shown)
            self._plan(bot, shown)  # work that begins at once is not announced as waiting

    async def _show(self, bot: BotServices, shown: _ProgressMessage) -> None:
        """Show the progress: sent the first time, recorded before and after, then edited."""
        async with shown.lock:
            if shown.job.state.is_over or self._shown.get(shown.job.id) is not shown:
                return
            shown.edited_at = bot.clock.monotonic()
            text = await self._describe(bot, shown)
            cancel = Button(CANCEL.say(_language(shown.job)), f"job:cancel:{shown.job.id}")
            composed = (await bot.messenger.compose(text, [[cancel]]))[0]
            part = shown.part
            if (composed.html, composed.markup) == (part.html, part.markup) and part.message_id is not None:
                return
            if part.state is PartState.UNKNOWN:
                part.sent_as = part.sent_as or part.content()
            part.html, part.markup = composed.html, composed.markup
            await self._put(bot, shown)

    async def _put(self, bot: BotServices, shown: _ProgressMessage) -> None:
        try:
            await bot.delivery.show(shown.turn, shown.part, shown.target)
        except (TelegramForbiddenError, TelegramRefusedError) as error:
            log.info("progress of job %d is not shown: %s", shown.job.id, error.detail)

    async def _describe(self, bot: BotServices, shown: _ProgressMessage) -> str:
        job = shown.job
        language = _language(job)
        if job.state is JobState.QUEUED and not job.reason:
            ahead = await self.queue.position(job.id)
            if ahead or shown.part.message_id is not None:
                return _IN_LINE.say(language, ahead=ahead) if ahead else _NEXT.say(language)
        kind = self.kinds.get(job.request.kind)
        return (kind.describe(job, language) if kind and kind.describe else "") or _AT_WORK.say(language)

    async def _finish(self, bot: BotServices, shown: _ProgressMessage) -> None:
        """Store the outcome of a job as the answer of its turn and deliver it. Later calls for the job do nothing."""
        async with shown.lock:
            if self._shown.get(shown.job.id) is not shown:
                return
            if shown.turn.state is TurnState.RECEIVED:
                answered = await self._answer(bot, shown)
                await bot.turns.answer(answered, None, None)
                shown.turn = answered  # only now: what is not stored is not sent
            await bot.delivery.deliver(shown.turn, shown.target)
            self._shown.pop(shown.job.id, None)
            if shown.due is not None:
                shown.due.cancel()

    async def _answer(self, bot: BotServices, shown: _ProgressMessage) -> Turn:
        """Return the turn of a job that is over as it is to be stored."""
        parts = await self._compose_outcome(bot, shown)
        done, reason = shown.job.state is JobState.DONE, shown.job.reason
        if shown.job.state is JobState.CANCELLED:
            reason = _CANCELLED_REASON
        return replace(
            shown.turn,
            parts=parts,
            state=TurnState.ANSWERED if done else TurnState.FAILED,
            reason="" if done else reason,
        )

    async def _compose_outcome(self, bot: BotServices, shown: _ProgressMessage) -> list[Part]:
        job, kind = shown.job, self.kinds.get(shown.job.request.kind)
        parts: list[Part] = []
        if job.state is JobState.DONE and kind is not None:
            try:
                parts = await kind.view(bot, job)
            except BesedaError as error:
                log.warning("job %d cannot be shown: %s", job.id, error.detail)
                parts = await bot.messenger.compose(explain(error, _language(job)))
        elif job.state is JobState.CANCELLED:
            parts = await bot.messenger.compose(_CANCELLED.say(_language(job)))
        if not parts:
            parts = await self._compose_failure(bot, job)
        for number, part in enumerate(parts):
            part.number = number
        if not parts[0].media:
            parts[0].continue_from(shown.part)
        return parts

    async def _compose_failure(self, bot: BotServices, job: Job) -> list[Part]:
        error, language = find_error(job.reason), _language(job)
        again = [Button(AGAIN.say(language), f"job:again:{job.id}")] if error.retryable else []
        home = [Button(HOME.say(language), "menu:")] if bot.handlers.modes else []
        row = [*again, *home]
        return await bot.messenger.compose(error_text(error).say(language), [row] if row else ())

    def _refresh_line(self, bot: BotServices) -> None:
        """Update the queue position in the progress messages of queued jobs."""
        for shown in self._shown.values():
            if shown.job.state is JobState.QUEUED:
                self._plan(bot, shown)


def find_error(name: str) -> type[BesedaError]:
    """Return the class of errors that a job's reason names, or ToolError if there is none of that name."""
    waiting: list[type[BesedaError]] = [BesedaError]
    while waiting:
        kind = waiting.pop()
        if kind.__name__ == name:
            return kind
        waiting += kind.__subclasses__()
    return ToolError


def _language(job: Job) -> str:
    return str(job.request.payload.get("language", "ru"))
