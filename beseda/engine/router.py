"""From an event to its handler: tables that handlers enter themselves in."""

import functools
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from beseda.core.errors import UnsupportedInputError
from beseda.core.services import Services
from beseda.engine.context import Answerer, Context, Listener, answer_plainly, refuse_recording
from beseda.engine.incoming import Event, IncomingMessage, Membership, MessageKind, Move, Notice, Press, StopRequest
from beseda.locales import Text

if TYPE_CHECKING:
    from beseda.engine.modes import Mode

# A handler's further parameters are services, which `Router.bind` fills in by the types of their annotations.
Handler = Callable[..., Awaitable[None]]
Middleware = Callable[..., Awaitable[None]]
Preparation = Callable[..., Awaitable[None]]

_OUTDATED = Text("button.outdated")


class Router:
    """Handlers of one topic, or of one bot when routers are put together."""

    def __init__(self) -> None:
        self.commands: dict[str, Handler] = {}
        self.presses: dict[str, Handler] = {}
        self.messages: dict[MessageKind, Handler] = {}
        self.events: dict[type, Handler] = {}
        self.notices: dict[str, Handler] = {}
        self.edits: list[Handler] = []
        self.corrections: list[Handler] = []
        self.answerer: Answerer = answer_plainly
        self.listener: Listener = refuse_recording
        self.preparations: list[Preparation] = []
        self.middlewares: list[Middleware] = []
        self.modes: dict[str, Mode] = {}

    def command(self, name: str, *, wordless: bool = False) -> Callable[[Handler], Handler]:
        """Register a handler for `/name`. Text behind a `wordless` command is answered after the command has run."""

        def enter(handler: Handler) -> Handler:
            self.commands[name] = _answering(handler) if wordless else handler
            return handler

        return enter

    def press(self, name: str) -> Callable[[Handler], Handler]:
        """Register a handler for buttons with data that is `name` or begins with `name:`."""
        return _entry(self.presses, name)

    def message(self, *kinds: MessageKind) -> Callable[[Handler], Handler]:
        """Enter a handler for messages of these kinds."""

        def enter(handler: Handler) -> Handler:
            for kind in kinds:
                self.messages[kind] = handler
            return handler

        return enter

    def on(self, kind: type[StopRequest] | type[Membership] | type[Move]) -> Callable[[Handler], Handler]:
        """Enter a handler for another kind of event."""

        def enter(handler: Handler) -> Handler:
            self.events[kind] = handler
            return handler

        return enter

    def edit(self, handler: Handler) -> Handler:
        """Enter the handler for messages that were edited."""
        self.edits = [handler]
        return handler

    def correct(self, handler: Handler) -> Handler:
        """Register a handler that runs after an earlier message was corrected in the conversation."""
        self.corrections.append(handler)
        return handler

    def notice(self, kind: str) -> Callable[[Handler], Handler]:
        """Enter a handler for internal updates of this kind (`beseda.engine.updates.model`)."""
        return _entry(self.notices, kind)

    def answer(self, answerer: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Register the answerer of every question: written, spoken, suggested or repeated."""
        self.answerer = answerer
        return answerer

    def listen(self, listener: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Register the listener to recordings, which has their words answered."""
        self.listener = listener
        return listener

    def prepare(self, preparation: Preparation) -> Preparation:
        """Register a function that runs once before the bot takes its first update. A SettingsError ends the start."""
        self.preparations.append(preparation)
        return preparation

    def include(self, other: "Router") -> None:
        """Add the handlers of another router; they replace existing handlers of the same name."""
        self.commands |= other.commands
        self.presses |= other.presses
        self.messages |= other.messages
        self.events |= other.events
        self.notices |= other.notices
        self.edits = other.edits or self.edits
        self.corrections += other.corrections
        self.preparations += other.preparations
        self.middlewares += other.middlewares
        self.modes |= other.modes
        if other.answerer is not answer_plainly:
            self.answerer = other.answerer

        if other.listener is not refuse_recording:
            self.listener = other.listener

    def bind(self, services: Services) -> "Router":
        """Return a router whose handlers have the services that they name. Raises LookupError for a missing one."""
        bound = Router()
        bound.commands = {name: services.bind(handler) for name, handler in self.commands.items()}
        bound.presses = {name: services.bind(handler) for name, handler in self.presses.items()}
        bound.messages = {kind: services.bind(handler) for kind, handler in self.messages.items()}
        bound.events = {kind: services.bind(handler) for kind, handler in self.events.items()}
        bound.notices = {name: services.bind(handler) for name, handler in self.notices.items()}
        bound.edits = [services.bind(handler) for handler in self.edits]
        bound.corrections = [services.bind(handler) for handler in self.corrections]
        bound.preparations = [services.bind(handler) for handler in self.preparations]
        bound.middlewares = [services.bind(middleware, first=2) for middleware in self.middlewares]
        bound.answerer = services.bind(self.answerer, first=3)
        bound.listener = services.bind(self.listener, first=2)
        bound.modes = {name: mode.bind(services) for name, mode in self.modes.items()}
        return bound

    def find(self, event: Event) -> Handler | None:
        """Return the handler of an event, or None if there is none."""
        match event:
            case IncomingMessage():
                return self._find_message(event)
            case Press():
                return self.presses.get(event.data.split(":", maxsplit=1)[0], refuse_press)
            case Notice():
                return self.notices.get(event.kind)
            case _:
                return self.events.get(type(event))

    def _find_message(self, event: IncomingMessage) -> Handler | None:
        if event.command and event.command in self.commands:
            return self.commands[event.command]
        if not event.addressed:
            return None
        if event.edited:
            return self.edits[0] if self.edits else None
        if event.kind is MessageKind.TEXT and not event.text and not event.quoted:
            return refuse_kind
        return self.messages.get(event.kind, refuse_kind)


def _entry(table: dict[str, Handler], name: str) -> Callable[[Handler], Handler]:
    def enter(handler: Handler) -> Handler:
        table[name] = handler
        return handler

    return enter


def _answering(handler: Handler) -> Handler:
    @functools.wraps(handler)  # its signature names the services to fill in
    async def run(context: Context, **services: object) -> None:
        await answer_behind(context, functools.partial(handler, **services))

    return run


async def refuse_kind(context: Context) -> None:
    """Reply with the kinds of message that the bot accepts."""
    await context.refuse(UnsupportedInputError())


async def refuse_press(context: Context) -> None:
    """Acknowledge a button that no handler knows, such as one of an earlier version."""
    await context.acknowledge(context.say(_OUTDATED))


def wrap(handler: Handler, middlewares: list[Middleware]) -> Handler:
    """Return a handler that runs inside the middlewares, the first outermost."""
    for middleware in reversed(middlewares):
        handler = _bind(middleware, handler)
    return handler


def _bind(middleware: Middleware, handler: Handler) -> Handler:
    async def run(context: Context) -> None:
        await middleware(context, handler)

    return run


# https://core.telegram.org/bots/features#deep-linking
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_payload(context: Context) -> str:
    """Return the payload of the link by which a person started the bot, or an empty string if there is none."""
    words = _words_behind(context)
    return words if _PAYLOAD.fullmatch(words) else ""


def find_question(context: Context) -> str:
    """Return the text behind a command. For `/start` it is empty if the text is the payload of a link."""
    event, words = context.event, _words_behind(context)
    is_payload = isinstance(event, IncomingMessage) and event.command == "start" and _PAYLOAD.fullmatch(words)
    return "" if is_payload else words


async def answer_behind(context: Context, handler: Callable[[Context], Awaitable[None]]) -> None:
    """Run the handler of a command, then have the model answer the words behind it.

    The replies of the command are turns beside that of the question. After a crash within that turn the command is not
    run again. A bot with modes has no model for plain words.
    """
    words = "" if context.bot.handlers.modes else find_question(context)
    if not words:
        await handler(context)
        return
    if await context.turn() is None:
        context.replies_beside = True
        await handler(context)
        context.replies_beside = False
    await context.ask(await context.words(words))


def _words_behind(context: Context) -> str:
    event = context.event
    return "".join(event.text.split(maxsplit=1)[1:]) if isinstance(event, IncomingMessage) and event.command else ""
