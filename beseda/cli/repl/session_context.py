"""State shared by the parts of a chat: the current conversation, its memory, the screen, the models."""

from dataclasses import dataclass, field

from beseda.cli.answer import Answer, format_cost
from beseda.cli.memory_file import LARGEST, MemoryFile, SetAside
from beseda.cli.repl import texts
from beseda.cli.repl.budget import Budget
from beseda.cli.repl.conversation import SessionConversation
from beseda.cli.repl.interrupts import Interrupts
from beseda.cli.repl.models import OpenModels
from beseda.cli.repl.prompt import Reader
from beseda.cli.repl.screen import Screen
from beseda.cli.repl.session import ChatSession, SessionMemory, start_session
from beseda.core.clock import Clock
from beseda.locales import Text

_MEGABYTE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """Options of a chat from the command line."""

    language: str = "ru"
    list_limit: int = 5
    system: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    context_tokens: int | None = None
    begin_new: bool = False


@dataclass(slots=True)
class SessionContext:
    """One chat while it runs. `failed` makes the exit code, `unsaved` is why the last saving failed."""

    options: ChatOptions
    clock: Clock
    screen: Screen
    file: MemoryFile
    models: OpenModels
    budget: Budget
    interrupts: Interrupts
    memory: SessionMemory = field(default_factory=SessionMemory)
    last: Answer | None = None
    unanswered: str = ""
    failed: bool = False
    unsaved: str = ""
    leaving: bool = False
    leaving_unsaved: bool = False
    reader: Reader = field(init=False)  # opened after the memory is read: it offers the questions of it again
    conversation: SessionConversation = field(init=False)

    def __post_init__(self) -> None:
        self.conversation = SessionConversation(start_session(self.clock.now()), self.clock)

    def tell(self, text: Text, /, **fields: object) -> str:
        """Return a text of ours in the person's language."""
        return text.say(self.options.language, **fields)

    def load(self) -> None:
        """Read the memory, and report a file that could not be read and its new path. Raises SettingsError."""
        loaded = self.file.load(self.clock.now())
        self.memory = loaded.memory
        if loaded.aside is not None:
            self._report_aside(texts.UNREADABLE[loaded.aside.kind], loaded.aside)
        if loaded.from_backup:
            self.screen.warn(self.tell(texts.FROM_BACKUP))

    def enter(self, session: ChatSession) -> None:
        """Go on with `session`."""
        self.conversation = SessionConversation(session, self.clock)
        self.last, self.unanswered = None, ""
        self.budget.tokens = session.total_input_tokens + session.total_output_tokens
        self.budget.cost = session.total_cost
        if self.options.system:
            self.conversation.set_system(self.options.system)
        self.memory.activate(session)

    def begin(self) -> None:
        """Continue with a new session. It is written after its first message."""
        self.enter(start_session(self.clock.now()))

    def save(self, *, even_empty: bool = False) -> bool:
        """Write the memory. A failure is reported on the screen. Return whether the write succeeded."""
        session = self.conversation.session
        if even_empty or not session.is_empty:
            self.memory.keep(session)
            self.memory.activate(session)
        elif not self.memory.sessions and not self.file.path.exists():
            return True  # nothing to remember yet
        try:
            aside = self.file.save(self.memory, self.clock.now())
        except OSError as error:
            self.unsaved = error.strerror or str(error)
            self.screen.complain(self.tell(texts.SAVE_FAILED, reason=self.unsaved))
            return False
        self.unsaved, self.leaving_unsaved = "", False
        if aside is not None:
            self._report_aside(texts.CHANGED, aside)
        if not self.file.read_only and (size := self.file.path.stat().st_size) > LARGEST * 0.8:
            largest = LARGEST // _MEGABYTE
            self.screen.warn(self.tell(texts.MEMORY_BIG, size=size // _MEGABYTE, largest=largest))
        return True

    def describe_sum(self) -> str:
        """Return the cost of this session, or – if it is unknown."""
        free = self.last.usage.cost if self.last else None  # nothing, or nobody knows
        return format_cost(self.conversation.session.total_cost or free)

    def count_tokens(self) -> int:
        """Return the total input and output tokens of this session."""
        session = self.conversation.session
        return session.total_input_tokens + session.total_output_tokens

    def _report_aside(self, text: Text, aside: SetAside) -> None:
        self.screen.warn(self.tell(text, path=aside.path))
