"""One streamed answer of a model: reading its response, its deadlines and its events."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from beseda.core.errors import BrokenStreamError, ProtocolError, RemoteError, TimedOutError
from beseda.core.usage import Usage
from beseda.http.faults import FaultReader
from beseda.llm._chunks import AnswerReader, InnerFaultError
from beseda.llm.base import FinishReason, ModelEvent, ReasoningDelta, Retracted, TextDelta, Timeouts

logger = logging.getLogger(__name__)

# After the last event a server only has to end the body; the connection is kept if it does so at once.
_DRAIN_SECONDS = 0.25
# After the reason for its end an answer is whole; the count of tokens follows immediately where there is one.
_TAIL_SECONDS = 2.0


class Watchdog:
    """Calls `expire` when one wait goes beyond its deadline.

    One timer per answer: it looks at the deadline of the wait under way when it fires, and re-arms itself when there is
    time left. So the time between two reads, which is the consumer's, never counts, and a read costs two assignments.
    """

    __slots__ = ("_deadline", "_expire", "_loop", "_timer", "expired")

    def __init__(self, expire: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._expire = expire
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def start(self, deadline: float) -> None:
        """Begin a wait that must end by `deadline`, in the loop's time."""
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._arm(deadline)

    def pause(self) -> None:
        """End the wait: it was in time."""
        self._deadline = None

    def stop(self) -> None:
        """Free the timer."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return  # nobody waits; the next wait arms it again
        if self._loop.time() < self._deadline:
            self._arm(self._deadline)
            return
        self.expired = True
        self._expire()


class StreamedAnswer:
    """Reads an answer from `response`. `started` is the loop's time at which the request was sent."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        reader: AnswerReader,
        *,
        faults: FaultReader,
        timeouts: Timeouts,
        started: float,
    ) -> None:
        self._response = response
        self._content = response.content
        self._faults = faults
        self._timeouts = timeouts
        self._reader = reader
        self._watchdog = Watchdog(self._expire)
        self._loop = asyncio.get_running_loop()
        self._first_deadline = started + timeouts.first_token
        self._total_deadline = started + timeouts.total
        self._tail_deadline: float | None = None
        self._break: RemoteError | None = None
        self._said: list[str] = []
        self._spoken = False
        self._ended = False

    @property
    def text(self) -> str:
        """All text and reasoning received so far, used to estimate the usage if the server reports none."""
        return "".join(self._said)

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage

    @property
    def reason(self) -> FinishReason | None:
        return self._reader.reason

    @property
    def model(self) -> str:
        return self._reader.model

    async def read_events(self) -> list[ModelEvent]:
        """Return the events of the next read, or an empty list at the end of a complete answer.

        Raises BrokenStreamError if the stream ends before the answer does, TimedOutError, ProtocolError, or the error
        that the server reported.
        """
        events: list[ModelEvent] = []
        while not events and not self._ended:
            await self._read_once()
            events = self._take_events()
        return events

    def close(self) -> None:
        """Keep the connection if the answer came to its end, else close it, which frees the server's slot."""
        self._watchdog.stop()
        if self._ended and self._content.at_eof():
            self._response.release()
        else:
            self._response.close()

    async def _read_once(self) -> None:
        reader = self._reader
        try:
            data = await self._read_in_time()
            self._parse(data)
        except RemoteError as error:
            if not self._is_whole(error):
                raise
            self._ended = True
            return
        if reader.is_page:
            raise self._faults.read_refusal(self._response.status, b"<", self._response.headers)
        if not data:
            self._check_end()
            self._ended = True
        elif reader.done:
            await self._drain()
            self._ended = True
        elif reader.reason is not None and self._tail_deadline is None:
            self._tail_deadline = self._loop.time() + _TAIL_SECONDS

    async def _read_in_time(self) -> bytes:
        if self._break is not None:
            raise self._break
        self._watchdog.start(self._find_deadline())
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            self._break = self._describe_break(error)
            self._content.set_exception(None)  # type: ignore[arg-type] # its only way to be read again
            # The bytes that arrived before the connection broke: aiohttp's reader raises before it returns them.
            if rest := self._content.read_nowait():
                return rest
            raise self._break from error
        finally:
            self._watchdog.pause()

    def _find_deadline(self) -> float:
        if self._tail_deadline is not None:
            return min(self._tail_deadline, self._total_deadline)
        deadline = self._loop.time() + self._timeouts.idle if self._spoken else self._first_deadline
        return min(deadline, self._total_deadline)

    def _is_whole(self, error: RemoteError) -> bool:
        """Return whether the answer was complete before `error`, so that a broken connection does not affect it."""
        ended = self._reader.reason is not None and bool(self._said)
        try:
            self._reader.finish()  # the end may be in what no line end followed
        except (InnerFaultError, ProtocolError):
            return ended
        lost = isinstance(error, BrokenStreamError | TimedOutError)
        whole = ended or (lost and (self._reader.done or self._reader.reason is not None))
        if whole:
            logger.info("the answer was whole when this happened: %s", error.detail)
        return whole

    def _parse(self, data: bytes) -> None:
        try:
            if data:
                self._reader.feed(data)
            if not data or self._reader.done:
                self._reader.finish()
        except InnerFaultError as fault:
            raise self._faults.read_inner(fault.error, self._response.headers) from None
        except ProtocolError as error:
            raise ProtocolError(error.message, endpoint=self._faults.name) from None

    def _take_events(self) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if self._reader.take_withdrawal():
            events.append(Retracted())
        if thought := self._reader.take_thought():
            self._said.append(thought)
            events.append(ReasoningDelta(thought))
        if text := self._reader.take_text():
            self._said.append(text)
            events.append(TextDelta(text))
        if events:
            self._spoken = True
        return events

    def _check_end(self) -> None:
        reader, name = self._reader, self._faults.name
        if reader.strange:
            logger.warning("%s: a line that is no event: %s", name, reader.strange.decode("utf-8", "replace"))
        if not reader.started and not reader.done:
            kind = self._response.content_type
            raise ProtocolError(f"not a stream of events but {kind}; a wrong base URL?", endpoint=name)
        if not reader.done and reader.reason is None:
            raise BrokenStreamError("the stream ended without an end", endpoint=name)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._content.at_eof():
                    await self._content.readany()
        except (aiohttp.ClientError, OSError):
            return  # the answer is whole; the connection will be closed instead of kept

    def _expire(self) -> None:
        self._content.set_exception(TimeoutError())

    def _describe_break(self, error: BaseException) -> RemoteError:
        name, timeouts = self._faults.name, self._timeouts
        if not self._watchdog.expired:
            return BrokenStreamError(f"the connection broke: {type(error).__name__}", endpoint=name)
        if self._loop.time() >= self._total_deadline:
            return TimedOutError(f"the answer took longer than {timeouts.total:g} s", endpoint=name)
        if self._spoken:
            return TimedOutError(f"silence for {timeouts.idle:g} s in the middle of the answer", endpoint=name)
        return TimedOutError(f"no first token in {timeouts.first_token:g} s", endpoint=name)
