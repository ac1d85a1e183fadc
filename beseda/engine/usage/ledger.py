"""Ledger of model calls made outside answers: their tokens and costs count like those of answers."""

import logging
from functools import partial

from beseda.core.clock import Clock
from beseda.core.errors import RemoteError, StorageError
from beseda.core.usage import CallPurpose, ModelCall
from beseda.engine.turns.answer_stream import CallRecord
from beseda.engine.usage.model_calls import ModelCallRepository
from beseda.llm.base import ChatModel, Finished, ModelEvent, ObservedCall, ObservedModel, StreamObserver

log = logging.getLogger(__name__)


class UsageLedger:
    """Has models keep their calls on record."""

    def __init__(self, store: ModelCallRepository, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(self, model: ChatModel, purpose: CallPurpose) -> ChatModel:
        """Return the model with a record of each of its calls; a record that is away breaks none of them."""
        return ObservedModel(model, partial(_CallObserver, ledger=self, purpose=purpose))

    def open(self, model_name: str) -> CallRecord:
        """Begin to time a call."""
        return CallRecord(model_name, self._clock)

    async def add(self, call: ModelCall, purpose: CallPurpose) -> None:
        """Put a call on record."""
        try:
            await self._store.add(call, purpose)
        except StorageError as error:
            log.warning("a call of %s is not stored: %s", call.model, error.detail)


class _CallObserver(StreamObserver):
    """Times a call and puts it on record when it ends. A call that the consumer left or cancelled is not recorded."""

    def __init__(self, call: ObservedCall, *, ledger: UsageLedger, purpose: CallPurpose) -> None:
        super().__init__(call)
        self._ledger = ledger
        self._purpose = purpose
        self._record = ledger.open(call.model.name)
        self._ended: ModelCall | None = None

    def on_event(self, event: ModelEvent) -> ModelEvent:
        self._record.token_came()
        if type(event) is Finished:
            self._ended = self._record.finished(event)
        return event

    async def on_end(self) -> None:
        error = self._call.error
        ended = self._record.failed(error) if isinstance(error, RemoteError) else self._ended
        if ended is not None:
            await self._ledger.add(ended, self._purpose)
