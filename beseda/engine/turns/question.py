"""A user's question and the turn that it opens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beseda.core.chat import ChatKind, Conversation, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.core.usage import DEMO, ModelCall
from beseda.engine.turns.model import Turn, TurnKind
from beseda.llm.prompt import spoken
from beseda.llm.quotation import explain_unseen, own_words, quoted_words
from beseda.telegram.base import Target
from beseda.telegram.keyboards import Keyboard
from beseda.telegram.markdown.escape import italic


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete answer, passed to the writer of the footer. `context` counts the messages of the window with it."""

    said: str
    call: ModelCall
    context: int


@dataclass(frozen=True, slots=True)
class Footer:
    """A note in Markdown and buttons, shown below an answer but not part of it."""

    note: str = ""
    keyboard: Keyboard = ()


FooterWriter = Callable[[Answered], Footer]


@dataclass(frozen=True, slots=True)
class Question:
    """The text of a question, its author and chat, and its updates. `language` is the language of replies.

    A bot may add to a single question: `command` precedes the text when it is asked again, `instructions` follow the
    persona, `preface` (Markdown) is shown above the answer, and `footer` writes the note below it. `model` (a spec) and
    `temperature` replace the bot's own. All of these are computed again after a crash.
    """

    conversation: Conversation
    person: Person
    text: str
    language: str
    update_ids: Sequence[int] = ()
    message_id: int | None = None
    kind: TurnKind = TurnKind.CHAT
    command: str = ""
    instructions: str = ""
    preface: str = ""
    model: str = ""
    temperature: float | None = None
    footer: FooterWriter | None = None
    quotes: bool = False

    @property
    def target(self) -> Target:
        """The destination of the answer."""
        return Target(self.conversation.key, self.conversation.kind, self.message_id, self.quotes)

    def as_message(self) -> Message:
        """Return the question as the model reads it: in a group with its speaker's name."""
        group = self.conversation.kind is not ChatKind.PRIVATE
        return Message(Role.USER, spoken(self.text, self.person.name, group=group))

    def exchange(self, reply: Message, call: ModelCall) -> list[Message]:
        """Return the messages that later prompts show: the question and its answer, unless the demo gave it."""
        return [self.as_message()] if (call.endpoint, call.model) == (DEMO, DEMO) else [self.as_message(), reply]

    def echo(self) -> str:
        """Return the Markdown above the answer: the recognised text of a voice message."""
        heard = own_words(self.text) or quoted_words(self.text)
        return f"🎤 {italic(heard)}\n\n" if self.kind is TurnKind.VOICE and heard else ""

    def closing(self) -> str:
        """Return the Markdown that stands under an answer: the note of a file that was not looked at."""
        note = explain_unseen(self.text)
        return note.say(self.language) if note is not None else ""

    def opening(self) -> str:
        """Return the Markdown that stands above an answer: the echo and the preface."""
        return self.echo() + (f"{self.preface}\n\n" if self.preface else "")

    def open_turn(self) -> Turn:
        """Return a new turn for this question."""
        return Turn(
            id=new_id(),
            conversation=self.conversation,
            user_id=self.person.id,
            kind=self.kind,
            update_ids=self.update_ids,
            reply_to=self.message_id,
            input=f"{self.command} {self.text}".strip() if self.command else self.text,
        )
