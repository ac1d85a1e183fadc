"""Telegram's account of a bot's webhook. Source: https://core.telegram.org/bots/api#webhookinfo."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_RECENT = timedelta(hours=1)  # Telegram tries again at least that often


def find_failure(info: Mapping[str, Any], now: datetime) -> str:
    """Return the reason why Telegram cannot deliver waiting updates, or an empty string if it can.

    `last_error_date` is never reset by Telegram: once no update waits, the error is over.
    """
    waiting = info.get("pending_update_count", 0)
    failed_at = datetime.fromtimestamp(info.get("last_error_date", 0), UTC)
    if not waiting or now - failed_at > _RECENT:
        return ""
    reason = info.get("last_error_message", "unknown reason")
    return f"Telegram could not deliver at {failed_at:%H:%M} UTC: {reason}; {waiting} updates wait"
