"""A person's data, as services see it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from beseda.domain.conversation import Conversation
from beseda.domain.file import FileOwner
from beseda.domain.lead import LeadRecord
from beseda.domain.personal_data import Forgotten, Invitations, Profile, Said


class PersonalDataStore(Protocol):
    """Everything that belongs to one person in one bot; in groups that is their own turns, not what others said."""

    async def profile(self, user_id: int) -> Profile | None:
        """Return the person's row, or None."""
        ...

    async def conversations(self, owner: FileOwner) -> list[Conversation]:
        """Return the private chats of the person with the bot, and the groups in which they spoke to it."""
        ...

    async def said(
        self, conversation: Conversation, owner: FileOwner, *, after: Said | None = None, limit: int = 500
    ) -> list[Said]:
        """Return what the person said there and what was answered, in order, from behind `after` on."""
        ...

    async def leads(self, owner: FileOwner) -> Sequence[LeadRecord]:
        """Return the person's leads with all that is theirs in them, and nothing that somebody else has said."""
        ...

    async def traces(self, owner: FileOwner) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Return what else there is of the person, by the name of what it is: meetings, summaries, budgets…"""
        ...

    async def invitations(self, owner: FileOwner) -> Invitations:
        """Return by what the person's meetings are known, and the files of others in which they may stand."""
        ...

    async def unfinished_jobs(self, owner: FileOwner) -> list[int]:
        """Return the person's jobs that are not over."""
        ...

    async def forget(self, owner: FileOwner) -> Forgotten:
        """Delete turns with all that hangs on them, leads, and jobs that are over; blank what has to stay.

        Turns under way stay until they are through; the person's id stays, as something new may hang on it at once.
        They get no broadcasts from then on. Files are not touched.
        """
        ...
