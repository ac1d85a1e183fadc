"""Recorded message ids, as the search for a lost message sees them."""

from datetime import datetime
from typing import Protocol

from beseda.domain.sent_message import KnownMessages


class SentMessageStore(Protocol):
    """The ids of the messages that a bot sent or received, from all tables."""

    async def around(self, bot: str, box: int, begun_at: datetime) -> KnownMessages:
        """Return the ids of counter `box` around a call that began then, and the number of unknown calls before it.

        A call is unknown if it has no recorded outcome. Raises StorageError.
        """
        ...
