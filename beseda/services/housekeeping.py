"""What has to be tidied up now and then."""

import logging
from datetime import timedelta

from beseda.errors import StorageError
from beseda.kit.clock import Clock
from beseda.storage.base import UpdateStore

log = logging.getLogger(__name__)

_KEPT = timedelta(hours=48)  # Telegram hands an update out for 24 hours; twice that is enough to know a repetition
_EVERY = 3600.0


class Housekeeping:
    """Forgets the numbers of updates that cannot come again."""

    def __init__(self, updates: UpdateStore, clock: Clock) -> None:
        self._updates = updates
        self._clock = clock

    async def tidy(self) -> int:
        """Tidy up once and return how many updates were forgotten."""
        return await self._updates.purge(self._clock.now() - _KEPT)

    async def run(self) -> None:
        """Tidy up every hour until cancelled; a database that is away is tried again the next time."""
        while True:
            try:
                if count := await self.tidy():
                    log.info("forgot %d finished updates", count)
            except StorageError as error:
                log.warning("could not tidy up: %s", error.detail)
            await self._clock.sleep(_EVERY)
