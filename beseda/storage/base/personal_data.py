"""A person's data, as services see it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from beseda.domain.conversation import Conversation
from beseda.domain.file import FileOwner
from beseda.domain.lead import LeadRecord
from beseda.domain.personal_data import Forgotten, Invitations, Profile, Said


class PersonalDataStore(Protocol):
    """Personal data of one person in one bot. In groups that is the person's own turns, not the messages of others."""

    async def profile(self, user_id: int) -> Profile | None:
        """Return the person's row, or None."""
        ...

    async def conversations(self, owner: FileOwner) -> list[Conversation]:
        """Return the person's private chats with the bot, and the groups in which the person wrote to it."""
        ...

    async def said(
        self, conversation: Conversation, owner: FileOwner, *, after: Said | None = None, limit: int = 500
    ) -> list[Said]:
        """Return the person's messages in a conversation and the answers to them, in order, behind `after` if given."""
        ...

    async def leads(self, owner: FileOwner) -> Sequence[LeadRecord]:
        """Return the person's leads with all their own data, without statements of other people."""
        ...

    async def traces(self, owner: FileOwner) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Return the person's other data by category: meetings, summaries, budgets…"""
        ...

    async def invitations(self, owner: FileOwner) -> Invitations:
        """Return the calendar UIDs of the person's meetings, and the files of others that may contain them."""
        ...

    async def unfinished_jobs(self, owner: FileOwner) -> list[int]:
        """Return the ids of the person's unfinished jobs."""
        ...

    async def forget(self, owner: FileOwner) -> Forgotten:
        """Delete the person's turns with all dependent rows, leads and finished jobs; blank the data that must stay.

        Turns in progress stay until they are finished. The person's id stays, because new data may refer to it
        immediately. The person receives no broadcasts from then on. Files are not deleted.
        """
        ...
