"""Long polling: a batch is stored before the offset moves past it.

An update counts as taken once getUpdates is called with a higher offset (https://core.telegram.org/bots/api#getupdates):
that call is made only after the batch is in the database. Of several replicas one polls at a time.
"""

import logging

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import (
    BesedaError,
    StorageError,
    TelegramConflictError,
    TelegramError,
    TelegramUnauthorizedError,
    TelegramUnavailableError,
)
from beseda.engine.incoming import WANTED
from beseda.engine.runner import BotRunner
from beseda.telegram.refusals import Refusal, classify

log = logging.getLogger(__name__)

_POLL = 50  # seconds that Telegram holds a call open: its limit
_BATCH = 100  # updates in one call: its limit
_UNAUTHORIZED_WAIT = 60.0
_CONFLICT_WAIT = 5.0
_STORAGE_WAIT = 5.0  # at most: the database has no limit of calls, and the chats wait
_TURN_WAIT = 0.25  # between two looks whether it is this replica's turn to poll


class Poller:
    """Fetches one bot's updates for as long as it runs."""

    def __init__(self, runner: BotRunner, clock: Clock) -> None:
        self._runner = runner
        self._api = runner.bot.api
        self._clock = clock
        self._backoff = Backoff(first=0.5, cap=30.0)
        self._offset: int | None = None

    async def run(self) -> None:
        """Poll until cancelled; nothing that Telegram or the database do ends it."""
        failures = 0
        while True:
            try:
                await self._poll()
                failures = 0
            except BesedaError as error:
                if isinstance(error, TelegramConflictError) and classify(error) is Refusal.WEBHOOK:
                    await self._delete_webhook()
                wait = self._wait_after(error, failures)
                log.warning("polling pauses for %.1f s: %s: %s", wait, type(error).__name__, error.detail)
                failures += 1
                await self._clock.sleep(wait)

    async def _poll(self) -> None:
        while not self._runner.may_poll:
            self._offset = None  # whoever polls meanwhile moves it
            await self._clock.sleep(_TURN_WAIT)
        updates = await self._api.call(
            "getUpdates",
            offset=self._offset,
            timeout=_POLL,
            limit=_BATCH,
            allowed_updates=WANTED,
            patience=_POLL + 10.0,
        )
        if not isinstance(updates, list) or not all(_is_update(update) for update in updates):
            raise TelegramUnavailableError("getUpdates", description="what came are no updates")
        if updates:
            await self._runner.take_in(updates)
            self._offset = int(updates[-1]["update_id"]) + 1

    async def _delete_webhook(self) -> None:
        """Delete a webhook that keeps this bot from polling: one of an earlier run, or one set by another program."""
        log.warning("%s: a webhook is set, it is deleted so that the bot can poll", self._runner.bot.profile.name)
        try:
            await self._api.call("deleteWebhook", drop_pending_updates=False)
        except TelegramError as error:
            log.warning("deleteWebhook: %s", error.detail)

    def _wait_after(self, error: BesedaError, failures: int) -> float:
        match error:
            case TelegramUnauthorizedError():
                return _UNAUTHORIZED_WAIT
            case TelegramConflictError():
                return _CONFLICT_WAIT
            case TelegramError():
                return error.retry_after or self._backoff.delay(failures)
            case StorageError():
                return min(error.retry_after or self._backoff.delay(failures), _STORAGE_WAIT)
            case _:
                return self._backoff.delay(failures)


def _is_update(update: object) -> bool:
    # Numbers below zero are our own (`beseda.engine.updates.model`).
    return isinstance(update, dict) and type(number := update.get("update_id")) is int and number >= 0
