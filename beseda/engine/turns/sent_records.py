"""Records of sent messages that still have to be stored in the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from beseda.core.backoff import Backoff
from beseda.core.errors import RowRefusedError, StorageError
from beseda.core.tasks import end_tasks

log = logging.getLogger(__name__)


class SentRecords:
    """Writes such facts for as long as the database is away: a fact that is forgotten is a message sent twice."""

    def __init__(self) -> None:
        self._writing: set[asyncio.Task[None]] = set()
        self._backoff = Backoff(first=0.5, cap=5.0)

    async def keep(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write a fact and return once it is written, whenever that is.

        A caller that is cancelled stops waiting, and the fact is written all the same. Raises RowRefusedError.
        """
        try:
            await write()  # the ordinary case costs no task
        except RowRefusedError:
            raise
        except StorageError as error:
            log.warning("sent, and not stored yet: %s", error.detail)
            await asyncio.shield(self._start(self._insist(write, failed=1)))
        except asyncio.CancelledError:
            self._start(self._insist(write))  # to write it twice does no harm
            raise

    async def close(self, *, within: float) -> None:
        """Wait for pending writes for at most `within` seconds."""
        if self._writing:
            _, late = await asyncio.wait(set(self._writing), timeout=within)
            if late:
                log.warning("%d messages were sent and are not stored", len(late))
            await end_tasks(late)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a message was sent and is not stored: %s", error)

    async def _insist(self, write: Callable[[], Awaitable[None]], *, failed: int = 0) -> None:
        while True:
            if failed:
                await asyncio.sleep(self._backoff.delay(failed - 1))
            try:
                return await write()
            except RowRefusedError:
                raise
            except StorageError as error:
                log.warning("sent, and not stored yet: %s", error.detail)
                failed += 1
