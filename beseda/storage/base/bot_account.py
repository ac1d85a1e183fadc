"""The Telegram accounts of bots, as services see them."""

from typing import Protocol


class BotAccountStore(Protocol):
    """Which Telegram account a bot's name stands for. What Telegram numbers belongs to the account."""

    async def claim(self, bot: str, telegram_id: int) -> int | None:
        """Record the account of a bot, and return the one before where it was another.

        Updates, message ids, jobs and broadcasts of the account before are set aside; those of an account that comes
        back are restored. Raises StorageError.
        """
        ...
