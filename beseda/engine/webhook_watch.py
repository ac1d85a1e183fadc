"""A look at the webhook that Telegram holds for a bot, every few seconds while the bot runs."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from beseda.core import metrics
from beseda.core.clock import Clock
from beseda.core.errors import TelegramError
from beseda.telegram.client import BotApi

log = logging.getLogger(__name__)

_RECENT = timedelta(hours=1)  # Telegram tries again at least that often
_EVERY = 15.0  # seconds: a webhook that leads nowhere is seen within 30 s


class WebhookWatch:
    """Sets the webhook again if another program has changed it, and logs a warning if deliveries to it fail.

    A copy of the program that polls deletes it at its start, and no update would arrive here any more.
    """

    def __init__(self, api: BotApi, bot: str, wanted: Mapping[str, Any], clock: Clock) -> None:
        """`wanted` are the parameters of setWebhook."""
        self._api = api
        self._bot = bot
        self._wanted = wanted
        self._clock = clock
        self._failure = ""

    async def run(self) -> None:
        """Look until cancelled."""
        with metrics.watch_telegram_webhook(self._bot, lambda: float(not self._failure)):
            while True:
                await self._clock.sleep(_EVERY)
                try:
                    await self._look()
                except TelegramError as error:
                    log.warning("%s: %s", self._bot, error.detail)

    async def _look(self) -> None:
        found = await self._api.call("getWebhookInfo")
        if found.get("url") != self._wanted["url"]:
            log.warning("%s: the webhook was changed by another program, it is set again", self._bot)
            await self._api.call("setWebhook", **self._wanted)
            return
        failure = find_failure(found, self._clock.now())
        if failure and not self._failure:
            log.warning("%s: %s; BESEDA_PUBLIC_URL must lead to this port", self._bot, failure)
        elif self._failure and not failure:
            log.info("%s: Telegram delivers to the webhook again", self._bot)
        self._failure = failure


def find_failure(info: Mapping[str, Any], now: datetime) -> str:
    """Return the reason why Telegram cannot deliver waiting updates, or an empty string if it can.

    `info` is a WebhookInfo (https://core.telegram.org/bots/api#webhookinfo). Its `last_error_date` is never reset by
    Telegram: once no update waits, the error is over.
    """
    waiting = info.get("pending_update_count", 0)
    failed_at = datetime.fromtimestamp(info.get("last_error_date", 0), UTC)
    if not waiting or now - failed_at > _RECENT:
        return ""
    reason = info.get("last_error_message", "unknown reason")
    return f"Telegram could not deliver at {failed_at:%H:%M} UTC: {reason}; {waiting} updates wait"
