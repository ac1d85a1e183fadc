"""The Telegram accounts of bots, as services see them."""

from typing import Protocol


class BotAccountStore(Protocol):
    """Mapping from a bot's name to its Telegram account. Identifiers issued by Telegram belong to the account."""

    async def claim(self, bot: str, telegram_id: int) -> int | None:
        """Record the account of a bot and return the id of the previous account if it was another one, else None.

        Updates, message ids, jobs and broadcasts of the previous account are set aside; those of an account that
        returns are restored. Raises StorageError.
        """
        ...
