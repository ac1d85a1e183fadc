"""Ledger of model calls made outside answers: their tokens and costs count like those of answers."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from beseda.domain.usage import CallPurpose, ModelCall
from beseda.errors import RemoteError, StorageError
from beseda.kit.clock import Clock
from beseda.llm.base import (
    ChatModel,
    Finished,
    ModelEvent,
    ModelRequest,
    ModelWrapper,
)
from beseda.services.answer_stream import CallRecord
from beseda.storage.base.model_call import ModelCallStore

log = logging.getLogger(__name__)


class UsageLedger:
    """Has models keep their calls on record."""

    def __init__(self, store: ModelCallStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(self, model: ChatModel, errand: CallPurpose) -> ChatModel:
        """Return the model with a record of each of its calls; a record that is away breaks none of them."""
        return _RecordedModel(model, self, errand)

    def open(self, model_name: str) -> CallRecord:
        """Begin to time a call."""
        return CallRecord(model_name, self._clock)

    async def add(self, call: ModelCall, errand: CallPurpose) -> None:
        """Put a call on record."""
        try:
            await self._store.add(call, errand)
        except StorageError as error:
            log.warning("a call of %s is not stored: %s", call.model, error.detail)


class _RecordedModel(ModelWrapper):
    def __init__(self, model: ChatModel, book: UsageLedger, errand: CallPurpose) -> None:
        super().__init__(model)
        self._book = book
        self._errand = errand

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer. Raises the errors of the model."""
        record = self._book.open(self.name)
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    record.token_came()
                    if type(event) is Finished:
                        await self._book.add(record.finished(event), self._errand)
                    yield event
        except RemoteError as error:
            await self._book.add(record.failed(error), self._errand)
            raise
