"""The parts of a running sandbox that its bot side and its user side share."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from botapi_sandbox.call_log import CallLog
from botapi_sandbox.entity_parser import load_parser
from botapi_sandbox.event_log import EventLog
from botapi_sandbox.faults import FaultPlan
from botapi_sandbox.files import SandboxFiles
from botapi_sandbox.flood import FloodControl, FloodLimits
from botapi_sandbox.id_sequence import IdLedger
from botapi_sandbox.settings import SandboxPerson
from botapi_sandbox.state import SandboxState

if TYPE_CHECKING:
    from pathlib import Path

    from botapi_sandbox.chats import Bot, Dialog, Json
    from botapi_sandbox.params import Params
    from botapi_sandbox.settings import SandboxSettings
    from botapi_sandbox.webhook import WebhookDelivery, WebhookReplyHandler

_MAX_CALLBACKS = 10_000


@dataclass(frozen=True, slots=True)
class PendingCallback:
    """A pressed button the bot has not answered yet."""

    bot: Bot
    dialog: Dialog
    born: float


class AddedUsers:
    """Users added besides those of the settings. They are stored for the next run, since bots remember them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "people.jsonl"

    def read(self) -> list[SandboxPerson]:
        """Return the users added in earlier runs. Lines cut off by a crash are skipped."""
        if not self._path.is_file():
            return []
        people = []
        for line in self._path.read_bytes().splitlines():
            with suppress(ValueError, TypeError):
                people.append(SandboxPerson(**orjson.loads(line)))
        return people

    def add(self, person: SandboxPerson) -> None:
        """Append one user to the file."""
        with self._path.open("ab") as file:
            # The line break stands first: what a crash cut off before must not swallow this one.
            file.write(b"\n" + orjson.dumps(asdict(person)))


class SandboxServices:
    """Everything a running sandbox shares between its bot side and its user side."""

    def __init__(self, settings: SandboxSettings) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self.events = EventLog(settings.events_kept)
        self.calls = CallLog(settings.calls_kept)
        self.faults = FaultPlan()
        self.flood = FloodControl(time.monotonic)
        self.files = SandboxFiles(settings.folder, settings.max_stored_bytes)
        self.state = SandboxState(settings, IdLedger(settings.folder), self.events)
        self._added_users = AddedUsers(settings.folder)
        for person in self._added_users.read():
            self.state.add_user(person)
        self.parser = load_parser(self.state.find_user)
        self._callbacks: OrderedDict[str, PendingCallback] = OrderedDict()
        self.webhooks: dict[Bot, WebhookDelivery] = {}
        # Set by the server: methods that set a webhook cannot import the table that they stand in.
        self.make_webhook_replies: Callable[[Bot], WebhookReplyHandler]

    def add_user(self, person: SandboxPerson) -> Json:
        """Introduce someone for this run and the next ones; raises ValueError."""
        is_new = person.id not in self.state.users
        user = self.state.add_user(person)
        if is_new:
            self._added_users.add(person)
            self.events.publish(None, "user", user=user)
        return user

    def publish_topics(self, dialog: Dialog) -> None:
        """Show the topics of a chat anew."""
        self.events.publish(dialog.key, "topics", topics=[topic.to_view() for topic in dialog.topics.values()])

    def add_callback(self, callback_id: str, callback: PendingCallback) -> None:
        """Remember a pressed button until it is answered."""
        self._callbacks[callback_id] = callback
        while len(self._callbacks) > _MAX_CALLBACKS:
            self._callbacks.popitem(last=False)

    def take_callback(self, callback_id: str, bot: Bot) -> PendingCallback | None:
        """The pressed button with this id, once, if it is this bot's."""
        callback = self._callbacks.get(callback_id)
        if callback is None or callback.bot is not bot:
            return None
        return self._callbacks.pop(callback_id)

    def reset(self) -> None:
        """Empty chats, faults and flood control."""
        self.state.clear()
        self.faults.clear()
        self.flood.configure(enabled=False, limits=FloodLimits())
        self._callbacks.clear()
        self.events.publish(None, "reset")

    async def close(self) -> None:
        """End long polls, streams and webhook deliveries."""
        self.events.close()
        for bot in self.state.bots.values():
            bot.queue.close()
        for webhook in list(self.webhooks.values()):
            await webhook.close()


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One Bot API call on its way through a method."""

    services: SandboxServices
    bot: Bot
    params: Params

    def find_chat(self, parameter: str = "chat_id") -> Dialog:
        """Return the chat that a parameter names; raises ApiRefusalError in Telegram's words."""
        return self.services.state.find_chat(self.bot, self.params.text(parameter))


@dataclass(frozen=True, slots=True)
class Described:
    """A result with the words that Telegram's server adds to it."""

    description: str
    value: Any = True


Handler = Callable[[MethodCall], Awaitable[Any]]
