"""Context of a handler: the event and the services of one bot."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from beseda.core.chat import ChatKey, Conversation, Person
from beseda.core.clock import Clock
from beseda.core.errors import (
    BesedaError,
    TelegramError,
    TelegramForbiddenError,
    TelegramRefusedError,
    UnsupportedInputError,
)
from beseda.core.message import Message, Role
from beseda.engine.bot import BotProfile, Limits
from beseda.engine.conversations.memory import ConversationMemory
from beseda.engine.files.service import FileService
from beseda.engine.incoming import Event, Identity, IncomingMessage, Membership, Notice, Press
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import DEFAULT_SLOT, Job
from beseda.engine.menu import MenuBook
from beseda.engine.modes import JobKind, Mode
from beseda.engine.turns.delivery import Delivery
from beseda.engine.turns.model import Turn, TurnKind
from beseda.engine.turns.question import Question
from beseda.engine.turns.repository import TurnRepository
from beseda.engine.turns.service import ChatService, PreparedReply
from beseda.engine.updates.repository import UpdateRepository
from beseda.ephemeral.base import Bus, Cache, StateStore
from beseda.locales import Text
from beseda.locales.errors import explain
from beseda.locales.text import language_of
from beseda.telegram.base import Messenger, Target
from beseda.telegram.client import BotApi
from beseda.telegram.keyboards import Keyboard, Markup
from beseda.telegram.part import Media

log = logging.getLogger(__name__)

_TYPING_EVERY = 4.5  # seconds: a chat action lasts five


# What a bot does with a question, which has a turn already where it is taken up again.
Answerer = Callable[["Context", Question, Turn | None], Awaitable[None]]


async def answer_plainly(context: "Context", question: Question, turn: Turn | None) -> None:
    """Have the model answer a question by the settings of the bot's folder: the default for bots without their own
    answerer.
    """
    await context.bot.chat.answer(question, turn)


# Hears a recording and has its words answered. With a turn it is a retry: the recording is the one that failed.
Listener = Callable[["Context", Turn | None], Awaitable[None]]


async def refuse_recording(context: "Context", _turn: Turn | None) -> None:
    """Refuse a recording: the default for bots without a listener."""
    await context.refuse(UnsupportedInputError())


class JobTracking(Protocol):
    """The work of one bot that people wait for: `beseda.engine.jobs.tracker`, which is built over this module."""

    kinds: Mapping[str, JobKind]
    queue: JobQueue

    async def start(
        self, context: "Context", kind: str, payload: Mapping[str, object], *, slot: str = DEFAULT_SLOT
    ) -> None:
        """Hand work to the queue and show how it goes; the event is settled when its outcome is delivered."""
        ...

    async def resume(self, context: "Context") -> bool:
        """Go on with the job of the event's turn, if it has one, and return whether it has."""
        ...

    async def cancel_all(self, context: "Context") -> bool:
        """Cancel all work of the person in the event's chat and return whether there was anything."""
        ...

    async def hear(self, bot: "BotServices", job: Job) -> None:
        """Handle a change of a job: update its progress message, or deliver its outcome."""
        ...

    async def leave(self, wanted: Callable[[int], bool], *, lost: bool = False) -> None:
        """Stop showing progress in the chats for which `wanted` returns true: another replica shows it from now on.

        Wait for updates of progress messages that are under way, unless the chats are already `lost`.
        """
        ...

    async def close(self) -> None:
        """Show nothing more."""
        ...


@dataclass(frozen=True, slots=True)
class BotOptions:
    """Settings of one bot that are not in its folder.

    `downloads` is emptied at each start; `storage` is the owner's folder, in which a bot may look for its own files.
    """

    downloads: Path
    storage: Path
    admin_ids: frozenset[int] = frozenset()
    language: str = "ru"
    limited: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class BotHandlers:
    """Handlers of one bot that other handlers call. `listener` answers a recording, `answerer` a question."""

    answerer: Answerer = answer_plainly
    listener: Listener = refuse_recording
    menus: MenuBook = field(default_factory=lambda: MenuBook((), {}))
    modes: Mapping[str, Mode] = field(default_factory=dict)
    commands: Mapping[str, Callable[["Context"], Awaitable[None]]] = field(default_factory=dict)
    corrections: Sequence[Callable[["Context"], Awaitable[None]]] = ()


@dataclass(frozen=True, slots=True)
class BotServices:
    """Services of one bot that most handlers use. A handler names any other service as a typed parameter."""

    profile: BotProfile
    me: Identity
    api: BotApi
    messenger: Messenger
    delivery: Delivery
    chat: ChatService
    memory: ConversationMemory
    updates: UpdateRepository
    turns: TurnRepository
    state: StateStore
    cache: Cache
    bus: Bus
    files: FileService
    jobs: JobTracking
    clock: Clock
    options: BotOptions
    handlers: BotHandlers = field(default_factory=BotHandlers)

    def settings(self, mode: str) -> Mapping[str, object]:
        """Return the settings of a mode: its defaults, overridden by those of the bot's folder."""
        return {**self.handlers.modes[mode].defaults, **self.profile.modes.get(mode, {})}


@dataclass(slots=True)
class Context:
    """One event on its way through the handlers."""

    bot: BotServices
    event: Event
    _conversation: Conversation | None = None
    _turned: bool = field(default=False)
    handed_over: bool = False  # to a turn that stays open, such as that of a job
    admitted: bool = False  # by the limits
    held: bool = False  # by an operator, who answers in place of the bot
    replies_beside: bool = False  # the event's own turn is still to come
    acknowledged: bool = False  # the spinner of the pressed button has ended

    @property
    def person(self) -> Person:
        """The person that caused the event. A stop request names only a chat, so its person has id 0 and no name."""
        event = self.event
        return event.person if isinstance(event, IncomingMessage | Press | Membership | Notice) else Person(0, "")

    @property
    def language(self) -> str:
        """The language to answer in."""
        return language_of(self.person.language, self.bot.options.language)

    @property
    def is_settled(self) -> bool:
        """Whether a turn has taken over the event's updates and will finish them."""
        return self._turned

    @property
    def target(self) -> Target:
        """The chat, and for a message the message to reply to, that an answer to the event is sent to."""
        place = self.event.place
        reply_to = self.event.message_id if isinstance(self.event, IncomingMessage) else None
        return Target(place.chat, place.kind, reply_to)

    def say(self, text: Text, **fields: object) -> str:
        """Return a text in the language of the person."""
        return text.say(self.language, **fields)

    async def conversation(self) -> Conversation:
        """Return the conversation of the event's chat, made if new."""
        if self._conversation is None:
            place = self.event.place
            self._conversation = await self.bot.memory.conversations.open(
                place.chat, place.kind, place.title, self.person
            )
        return self._conversation

    async def question(self, text: str, kind: TurnKind = TurnKind.CHAT) -> Question:
        """Return the event as a question with these words."""
        return Question(
            conversation=await self.conversation(),
            person=self.person,
            text=text,
            language=self.language,
            update_ids=self.event.place.update_ids,
            message_id=self.target.reply_to,
            kind=kind,
        )

    async def turn(self) -> Turn | None:
        """Return the turn that was opened for the event before a crash, or None."""
        turn_id = self.event.place.turn_id
        return await self.bot.turns.find(turn_id) if turn_id is not None else None

    async def words(self, heard: str | None = None) -> str:
        """Return the words of the event's message as the model reads them, behind the words that they reply to.

        `heard` takes the place of the written words: words out of the message's recording, marked like them.
        """
        event = self.event
        if not isinstance(event, IncomingMessage):
            return heard or ""
        said = event.words if heard is None else heard
        quoted = [one.write() for one in event.quoted if not (one.by_bot and await self._is_last_answer(one.text))]
        return "\n".join(filter(None, [*quoted, said]))

    async def _is_last_answer(self, text: str) -> bool:
        """Return whether `text` is the bot's last answer, which the model reads in its window anyway."""
        window = await self.bot.memory.window(await self.conversation(), 2) if self.bot.profile.window > 1 else []
        return bool(window) and window[-1].role is Role.ASSISTANT and _letters(text) in _letters(window[-1].content)

    async def ask(self, text: str) -> None:
        """Have the model answer these words."""
        await self._answer(await self.question(text), await self.turn())

    async def ask_spoken(self, text: str, turn: Turn | None) -> None:
        """Have the model answer spoken words. `turn` is the turn that exists already, if there is one."""
        await self._answer(await self.question(text, TurnKind.VOICE), turn)

    async def ask_again(self, turn: Turn) -> None:
        """Have the model answer a turn that was put back to its beginning."""
        await self._answer(await self.question(turn.input, turn.kind), turn)

    async def ask_anew(self, text: str, turn: Turn) -> None:
        """Have the model answer a turn that was put back to its beginning, with other words."""
        await self._answer(await self.question(text, turn.kind), turn)

    async def _answer(self, question: Question, turn: Turn | None) -> None:
        self._turned = True
        await self.bot.handlers.answerer(self, question, turn)

    def state_key(self, name: str, chat: ChatKey | None = None) -> str:
        """Return the key under which the state store keeps `name` for this bot in a chat and topic, the event's own."""
        chat = chat or self.event.place.chat
        return f"{name}:{self.bot.me.id}:{chat.chat_id}:{chat.thread_id}"

    async def fail(self, question: Question, error: BesedaError, turn: Turn, *, crash: str = "") -> None:
        """Report that a turn failed before the model was called. `crash` is the reason if a handler crashed."""
        self._turned = True
        await self.bot.chat.fail(question, error, turn, crash=crash)

    def hand_over(self) -> None:
        """Leave the event's updates to a turn that stays open: it will finish them."""
        self._turned = self.handed_over = True

    async def reply(
        self, markdown: str, keyboard: Markup = (), media: Sequence[Media] = (), *, said: Message | None = None
    ) -> None:
        """Reply with a fixed text and optional files; with files, the text is their caption.

        `said` is the message that is added to the conversation, if any.
        """
        answer = PreparedReply(markdown, keyboard, media, said)
        if self.replies_beside:
            await self.bot.chat.say(replace(await self.question("", TurnKind.COMMAND), update_ids=()), answer)
            return
        self._turned = True
        await self.bot.chat.say(await self.question("", TurnKind.COMMAND), answer, await self.turn())

    async def post(self, markdown: str, media: Sequence[Media] = (), *, quotes: bool = False) -> None:
        """Send words of our own, and files, in a turn of their own: the event is not settled by it.

        With `quotes` they are a reply to its message in a private chat as well.
        """
        question = replace(await self.question("", TurnKind.COMMAND), update_ids=(), quotes=quotes)
        await self.bot.chat.say(question, PreparedReply(markdown, (), media))

    async def refuse(self, error: BesedaError) -> None:
        """Reply with the user message of an error."""
        await self.reply(explain(error, self.language))

    async def acknowledge(self, text: str = "", *, alert: bool = False) -> None:
        """Stop the spinner of a pressed button, with a notification if `text` is given. Ignore Telegram's errors."""
        if isinstance(self.event, Press):
            self.acknowledged = True
            await self.try_call(
                "answerCallbackQuery", callback_query_id=self.event.query_id, text=text, show_alert=alert
            )

    async def replace_text(self, markdown: str, keyboard: Keyboard = ()) -> None:
        """Replace the text of the pressed button's message. If Telegram refuses the edit, send a new message.

        Only log it if the bot may not write to the chat.
        """
        if not isinstance(self.event, Press) or self.event.message_id is None:
            return
        part = (await self.bot.messenger.compose(markdown, keyboard))[0]
        part.message_id = self.event.message_id
        try:
            await self.bot.messenger.edit(self.target, part)
        except TelegramForbiddenError as error:
            log.info("chat %d is not answered: %s", self.target.chat.chat_id, error.detail)
        except TelegramRefusedError as error:
            log.info("a message is not edited: %s", error.detail)
            await self.reply(markdown, keyboard)

    async def try_call(self, method: str, **params: Any) -> None:
        """Call a method of the Bot API and ignore its errors."""
        with contextlib.suppress(TelegramError):
            await self.bot.api.call(method, **params)

    @contextlib.asynccontextmanager
    async def typing(self) -> AsyncIterator[None]:
        """Show “typing…” for as long as the block runs."""
        task = asyncio.get_running_loop().create_task(self._keep_typing())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep_typing(self) -> None:
        chat = self.event.place.chat
        while True:
            await self.try_call(
                "sendChatAction", chat_id=chat.chat_id, message_thread_id=chat.thread_id or None, action="typing"
            )
            await asyncio.sleep(_TYPING_EVERY)


def _letters(markdown: str) -> str:
    """Return the letters and digits of a text, which its formatting leaves alone."""
    return "".join(filter(str.isalnum, markdown))


def argument(data: str) -> Sequence[str]:
    """Return the parts of a button's data behind its name: "retry:12" gives ["12"]."""
    return data.split(":")[1:]
