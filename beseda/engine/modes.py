"""Modes of a bot and the kinds of job that they enqueue.

Their functions take what they need as typed parameters, which `Services.bind` fills in when the bot opens: after the
parameters named here come the services of the bot or of the process.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from beseda.core.services import Services
from beseda.engine.incoming import Attachment, IncomingMessage, MessageKind
from beseda.engine.jobs.model import Job
from beseda.locales import Text
from beseda.telegram.part import Part


@dataclass(frozen=True, slots=True)
class ModeInput:
    """Input of a mode: a text, or a file with a caption."""

    kind: MessageKind
    text: str = ""
    attachment: Attachment | None = None

    @classmethod
    def of(cls, event: IncomingMessage) -> "ModeInput":
        """Return the input that a message carries."""
        return cls(event.kind, event.text, event.attachment)

    def write(self) -> dict[str, object]:
        """Return it as JSON, for the state store."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> "ModeInput":
        """Return the input from the JSON that `write` returned."""
        fields = stored["attachment"]
        attachment = Attachment(**{**fields, "kind": MessageKind(fields["kind"])}) if isinstance(fields, dict) else None
        return cls(MessageKind(str(stored["kind"])), str(stored["text"]), attachment)


@dataclass(frozen=True, slots=True)
class Action:
    """A button that a mode offers beside its main one, such as a summary of a transcript."""

    label: Text
    run: Callable[..., Awaitable[None]]

    def bind(self, services: Services) -> "Action":
        """Return this action with the services that its function names."""
        return replace(self, run=services.bind(self.run))


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job: the work, how its outcome is shown (words first, files behind), and its progress in words.

    `work` may be cancelled, and is called again after its process died: it is idempotent by the job's number.
    """

    work: Callable[..., Awaitable[Mapping[str, object]]]
    view: Callable[..., Awaitable[list[Part]]]
    describe: Callable[[Job, str], str] | None = None

    def bind(self, services: Services) -> "JobKind":
        """Return this kind with the services that its functions name; `work` takes three parameters before them."""
        return replace(self, work=services.bind(self.work, first=3), view=services.bind(self.view, first=2))


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode. `invitation` is the text that asks for its input; `about` is its line in /help.

    `takes` are kinds of message. Documents are accepted only if their MIME type begins with one of `documents`.
    `defaults` are the mode's settings, which a bot's folder may change. `jobs` are the kinds of job that the mode
    enqueues. `presses` are the handlers of inline buttons that only this mode has, by the name that their data begins
    with.
    """

    button: Text
    about: Text
    invitation: Text
    run: Callable[..., Awaitable[None]]
    takes: frozenset[MessageKind] = frozenset()
    documents: tuple[str, ...] = ()
    defaults: Mapping[str, object] = field(default_factory=dict)
    actions: Sequence[Action] = ()
    jobs: Mapping[str, JobKind] = field(default_factory=dict)
    presses: Mapping[str, Callable[..., Awaitable[None]]] = field(default_factory=dict)

    def suits(self, material: ModeInput, *, entered: bool = False) -> bool:
        """Return whether the mode accepts this input. A document of unknown type is accepted only once the mode is
        `entered`.
        """
        if material.kind is MessageKind.DOCUMENT:
            mime = material.attachment.mime if material.attachment else ""
            return bool(self.documents) and (mime.startswith(self.documents) if mime else entered)
        return material.kind in self.takes

    def bind(self, services: Services) -> "Mode":
        """Return this mode with the services that its functions name; `run` takes two parameters before them."""
        return replace(
            self,
            run=services.bind(self.run, first=2),
            actions=[action.bind(services) for action in self.actions],
            jobs={name: kind.bind(services) for name, kind in self.jobs.items()},
            presses={name: services.bind(press) for name, press in self.presses.items()},
        )
