"""Settings of a sandbox: its bots, users and groups, its limits and delays."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEBIBYTE = 1024 * 1024
_TOKEN = re.compile(r"(\d{1,16}):[A-Za-z0-9_-]{3,100}")


@dataclass(frozen=True, slots=True)
class BotAccount:
    """A bot the sandbox knows, as BotFather would have made it."""

    token: str
    username: str
    name: str
    # False is Telegram's privacy mode, its default: in a group the bot sees commands, mentions and replies only.
    reads_all_group_messages: bool = False
    # Topics in the bot's private chats, one for each conversation (#user, has_topics_enabled).
    has_topics_enabled: bool = False
    # Names by language, as setMyName with a language_code sets them.
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> int:
        """The number before the token's colon; raises ValueError when the token is not of Telegram's form."""
        match = _TOKEN.fullmatch(self.token)
        if match is None:
            raise ValueError(f"The token of bot {self.username} is not of the form <digits>:<secret>")
        return int(match[1])


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """A user of the sandbox. Ids are above 32 bits, as today's Telegram ids are."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


@dataclass(frozen=True, slots=True)
class ForumTopicSettings:
    """One topic of a forum; its id is the `message_thread_id` of its messages."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Supergroup:
    """A group; the first person is its owner, bots are plain members but for those in `administrators`."""

    id: int
    title: str
    topics: tuple[ForumTopicSettings, ...] = ()
    # Bots that are administrators of this group from the beginning, by their usernames.
    administrators: tuple[str, ...] = ()
    # Titles by language, for the chat page: who speaks another one need not read a foreign title.
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_forum(self) -> bool:
        """Whether messages live in topics."""
        return bool(self.topics)


def read_accounts(options: Iterable[str]) -> tuple[BotAccount, ...]:
    """Return the bots of the options `--token NAME=TOKEN` of a command line. Raises ValueError for a bad one.

    A bot's username is its name with `_bot` at its end, as every bot's at Telegram has.
    """
    accounts: dict[str, BotAccount] = {}
    for option in options:
        # Telegram's own form: a number, a colon, a secret.
        match = re.fullmatch(rf"([A-Za-z][\w-]*)=({_TOKEN.pattern})", option, re.ASCII)
        if match is None:
            raise ValueError("--token is written NAME=TOKEN, like --token assistant=123456:any-secret")
        username = match[1].replace("-", "_").removesuffix("_bot") + "_bot"
        account = BotAccount(match[2], username, match[1].title())
        if account.id in {other.id for other in accounts.values()} or username in accounts:
            raise ValueError(f"--token: {match[1]} has the name or the number of another bot; give it its own")
        accounts[username] = account
    return tuple(accounts.values())


DEFAULT_USERS = (
    SandboxPerson(7000000001, "Анна", "Иванова", "anna_sandbox", "ru"),
    SandboxPerson(7000000002, "Chris", "Miller", "chris_sandbox", "en"),
    SandboxPerson(7000000003, "Борис", None, None, "ru"),
)
DEFAULT_GROUPS = (
    Supergroup(-1002000000001, "Команда", names={"en": "Team"}),
    Supergroup(
        -1002000000002,
        "Проекты",
        (ForumTopicSettings(2, "Объявления"), ForumTopicSettings(3, "Вопросы")),
        names={"en": "Projects"},
    ),
)


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Bots, users and groups of a sandbox, with its limits and delays."""

    bots: tuple[BotAccount, ...]
    folder: Path
    users: tuple[SandboxPerson, ...] = DEFAULT_USERS
    groups: tuple[Supergroup, ...] = DEFAULT_GROUPS
    page_folder: Path = Path(__file__).parent / "page"
    # The name on the page.
    title: str = "Bot API"
    # Address, below this origin, of a script with the host's panel for the page; empty: there is none.
    panel: str = ""
    # Telegram refuses a bot that writes first; off, a user has to write (or be sent /start) before.
    users_have_started: bool = True
    messages_per_dialog: int = 300
    # Whether the next run shows the chats of this one, and how many bytes of them are kept.
    keeps_chats: bool = False
    max_chat_bytes: int = 32 * MEBIBYTE
    updates_kept: int = 100_000
    calls_kept: int = 5_000
    events_kept: int = 5_000
    max_user_file_bytes: int = 100 * MEBIBYTE
    max_stored_bytes: int = 2048 * MEBIBYTE
    # Half the wait before a webhook is tried for the third time; doubles up to 60 s.
    webhook_retry_seconds: float = 1.0
    # How long polls that ask for the same again are held, and conflicts that follow each other are put off; 0: never.
    poll_hold_seconds: float = 3.0
    # How long a webhook may take to answer.
    webhook_timeout_seconds: float = 60.0
