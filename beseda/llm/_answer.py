"""One streamed answer on its way: the response, its deadlines, and what each read brought."""

import asyncio

import aiohttp

from beseda.domain.usage import Usage
from beseda.errors import BrokenStreamError, ProtocolError, RemoteError, TimedOutError
from beseda.llm._chunks import AnswerReader, InnerFaultError
from beseda.llm._faults import FaultReader
from beseda.llm._watchdog import Watchdog
from beseda.llm.base import FinishReason, ModelEvent, ReasoningDelta, TextDelta
from beseda.llm.http import MAX_BODY_BYTES, Timeouts, read_bounded

# After the last event a server only has to end the body; the connection is kept if it does so at once.
_DRAIN_SECONDS = 0.25


class StreamedAnswer:
    """Reads the answer that `response` brings. `started` is when the request left, in the loop's time."""

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
        self._said: list[str] = []
        self._spoken = False
        self._ended = False

    @property
    def text(self) -> str:
        """Everything that was said."""
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
        """Return what came next, all that one read brought; an empty list at the end of a whole answer.

        Raises BrokenStreamError when the answer has no end, TimedOutError, ProtocolError, or what the server reported.
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
        kind = self._response.content_type
        if kind == "application/json":
            self._parse(await self._read_in_time(whole=True), whole=True)
        elif kind == "text/html":
            raise self._faults.read_refusal(self._response.status, b"<", self._response.headers)
        else:
            data = await self._read_in_time()
            self._parse(data)
            if not data:
                self._check_end()
            self._ended = self._reader.done or not data
        if self._reader.done:
            await self._drain()
            self._ended = True

    async def _read_in_time(self, *, whole: bool = False) -> bytes:
        deadline = self._loop.time() + self._timeouts.idle if self._spoken else self._first_deadline
        self._watchdog.start(min(deadline, self._total_deadline))
        try:
            if whole:
                return await read_bounded(self._response, MAX_BODY_BYTES)
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._describe_break(error) from error
        finally:
            self._watchdog.pause()

    def _parse(self, data: bytes, *, whole: bool = False) -> None:
        try:
            if whole:
                self._reader.read_body(data)
            elif data:
                self._reader.feed(data)
            else:
                self._reader.finish()
        except InnerFaultError as fault:
            raise self._faults.read_inner(fault.error, self._response.headers) from None
        except ProtocolError as error:
            raise ProtocolError(f"{self._faults.name}: {error.detail}") from None

    def _take_events(self) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        if thought := self._reader.take_thought():
            events.append(ReasoningDelta(thought))
        if text := self._reader.take_text():
            self._said.append(text)
            events.append(TextDelta(text))
        if events:
            self._spoken = True
        return events

    def _check_end(self) -> None:
        reader, name = self._reader, self._faults.name
        if not reader.started and not reader.done:
            raise ProtocolError(f"{name}: not a stream of events but {self._response.content_type}; a wrong base URL?")
        if not reader.done and reader.reason is None:
            raise BrokenStreamError(f"{name}: the stream ended without an end")

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
            return BrokenStreamError(f"{name}: the connection broke: {type(error).__name__}")
        if self._loop.time() >= self._total_deadline:
            return TimedOutError(f"{name}: the answer took longer than {timeouts.total:g} s")
        if self._spoken:
            return TimedOutError(f"{name}: silence for {timeouts.idle:g} s in the middle of the answer")
        return TimedOutError(f"{name}: no first token in {timeouts.first_token:g} s")
