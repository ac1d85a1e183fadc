"""All settings, put together from their sections.

A setting is a field in `sections/`: its type, its default and, as a `Setting` beside it, its sources and the text of
its error. The reference page, the example files and the tests are made from these rows.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from beseda.config.sections.bots import BotsSection
from beseda.config.sections.broadcasts import BroadcastsSection
from beseda.config.sections.budgets import BudgetsSection
from beseda.config.sections.chat import ChatSection
from beseda.config.sections.gigachat import GigaChatSection
from beseda.config.sections.jobs import JobsSection
from beseda.config.sections.leads import LeadsSection
from beseda.config.sections.limits import LimitsSection
from beseda.config.sections.log import LogSection
from beseda.config.sections.models import ModelsSection
from beseda.config.sections.photo import PhotoSection
from beseda.config.sections.storage import StorageSection
from beseda.config.sections.telegram import TelegramSection
from beseda.config.sections.web import WebSection
from beseda.config.sections.webhooks import WebhooksSection
from beseda.config.setting import Setting

DEFAULT_BOT = "assistant"


# pydantic collects fields from the last base to the first: read upwards, this is the order of the reference page.
class Settings(
    LogSection,
    WebSection,
    ChatSection,
    JobsSection,
    StorageSection,
    PhotoSection,
    GigaChatSection,
    ModelsSection,
    BroadcastsSection,
    BudgetsSection,
    LimitsSection,
    WebhooksSection,
    LeadsSection,
    BotsSection,
    TelegramSection,
):
    """Everything that can be set, checked. Secrets are left out of its repr; `secrets` lists them for the log."""

    def bot_token(self, name: str) -> str | None:
        """Return the token of the bot `name`: its own, else `BOT_TOKEN` if `name` is the first bot, or None."""
        own = self.bot_tokens.get(name.replace("-", "_"), self.bot_tokens.get(name))
        first = self.bots[0] if self.bots else DEFAULT_BOT
        return own or (self.default_token if name == first else None)

    def database(self) -> str:
        """Return the address of the database, the default filled in."""
        return self.database_url or f"sqlite:///{self.storage_dir / 'beseda.db'}"

    def list_hosts(self) -> list[str]:
        """Return the public names of this server: those that are set, and that of the public address."""
        public = urlsplit(self.public_url or "").hostname
        return [*self.hosts, *([public] if public else [])]

    @property
    def forgotten_list(self) -> Path:
        """The file that lists the people with erased data, for restoring older backups."""
        return self.storage_dir / "forgotten.jsonl"

    def slots(self) -> dict[str, int]:
        """Return how wide each slot for jobs is, the defaults filled in."""
        given = (entry.partition("=") for entry in self.job_slots)
        return {"heavy": 1, "speech": 2, "text": 4, "light": 4} | {name: int(width) for name, _, width in given}

    def secrets(self) -> frozenset[str]:
        """Return every value that must never reach a log."""
        found: set[str | None] = set()
        for name, row in list_settings().items():
            if row.secret:
                found.update(_list_texts(getattr(self, name)))
            elif row.address:
                found.update(urlsplit(text).password for text in _list_texts(getattr(self, name)))
        return frozenset(filter(None, found))


def _list_texts(value: object) -> list[str]:
    """Return the texts that a secret or an address consists of: itself, or every entry of a mapping."""
    return [item for item in (value.values() if isinstance(value, dict) else [value]) if isinstance(item, str)]


def list_settings() -> Mapping[str, Setting]:
    """Return every setting by the name of its field, in the order of the reference page."""
    return {
        name: next(item for item in info.metadata if isinstance(item, Setting))
        for name, info in Settings.model_fields.items()
    }
