"""The messages that a session sends to the model, and the growth of the session."""

from collections.abc import Sequence

from beseda.cli.answer import Answer
from beseda.cli.repl.session import ASSISTANT, SUMMARY, SYSTEM, USER, ChatSession, SessionMessage, make_title
from beseda.core.clock import Clock
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.llm.token_estimate import estimate_tokens

SUMMARY_EVERY = 5  # user messages between two summaries
KEPT_TURNS = 2  # user messages that a summary leaves word for word
_SUMMARY_HEAD = "Summary of the conversation so far:"
_SPOKEN = (USER, ASSISTANT)


class SessionConversation:
    """A session that goes on. Nothing is taken out of its messages but by `clear`."""

    def __init__(self, session: ChatSession, clock: Clock) -> None:
        self.session = session
        self._clock = clock

    @property
    def system(self) -> str:
        """The instructions in force: the last that were given."""
        return next((m.content for m in reversed(self.session.messages) if m.role == SYSTEM), "")

    def set_system(self, text: str) -> None:
        """Give other instructions; an empty text takes them back."""
        if text != self.system:
            self.session.messages.append(SessionMessage(SYSTEM, text, estimate_tokens(text)))
            self._touch()

    def build_messages(self, question: str, *, instead_of_last: bool = False) -> list[Message]:
        """Return the messages of a request: one system message with the summary in it, recent messages, and the
        question.
        """
        window = self.list_window()
        if instead_of_last and (turn := self.find_last_turn()):
            window = window[: next(i for i, message in enumerate(window) if message is turn[0])]
        parts = [self.system, f"{_SUMMARY_HEAD}\n{self.summary}" if self.summary else ""]
        head = "\n\n".join(filter(None, parts))
        messages = [Message(Role.SYSTEM, head)] if head else []
        messages += [Message(Role(message.role), message.content) for message in window]
        return [*messages, Message(Role.USER, question)]

    @property
    def summary(self) -> str:
        """Short version of the messages before the window; empty if nothing was summed up."""
        stored = self.session.messages
        return self.session.summary or next((m.content for m in reversed(stored) if m.role == SUMMARY), "")

    def list_window(self) -> list[SessionMessage]:
        """Return the messages that the model reads word for word."""
        start = self._find_window()
        return [m for m in self.session.messages[start:] if m.role in _SPOKEN and not m.replaced]

    def find_last_turn(self) -> tuple[SessionMessage, SessionMessage] | None:
        """Return the last question with its answer, or None."""
        window = self.list_window()
        if len(window) < 2 or window[-1].role != ASSISTANT or window[-2].role != USER:
            return None
        return window[-2], window[-1]

    def find_last_answer(self) -> str:
        """Return the model's last answer; empty if there is none."""
        spoken = [m for m in self.session.messages if m.role == ASSISTANT and not m.replaced]
        return spoken[-1].content if spoken else ""

    def add_turn(self, question: str, answer: Answer, *, stopped: bool, instead_of_last: bool = False) -> None:
        """Keep a question with its answer; `instead_of_last` keeps the answer before it, but the model forgets it."""
        session = self.session
        turn = self.find_last_turn() if instead_of_last else None
        if turn is None:
            session.first_user_message = session.first_user_message or question
            session.title = session.title or make_title(question)
            session.user_turns += 1
            session.messages.append(SessionMessage(USER, question, estimate_tokens(question)))
        else:
            turn[1].extra["replaced"] = True
        tokens = answer.usage.completion_tokens if answer.end else estimate_tokens(answer.text)
        extra = {"stopped": True} if stopped else {}
        session.messages.append(SessionMessage(ASSISTANT, answer.text, tokens, extra))
        session.model_name = answer.model
        self._touch()

    def add_usage(self, usage: Usage) -> None:
        """Add the usage of a request to the session's totals."""
        session = self.session
        session.total_input_tokens += usage.prompt_tokens
        session.total_output_tokens += usage.completion_tokens
        if usage.cost:
            session.extra["total_cost"] = session.total_cost + usage.cost

    def clear(self) -> None:
        """Remove all messages except the instructions."""
        self.session.clear()
        self._touch()

    def is_summary_due(self) -> bool:
        """Whether five more user messages have come since the last summary; one that failed stays due."""
        asked = sum(message.role == USER for message in self.list_window())
        summed = any(message.role == SUMMARY for message in self.session.messages)
        return asked >= SUMMARY_EVERY + (KEPT_TURNS if summed else 0)

    def list_foldable(self, *, kept_turns: int = KEPT_TURNS) -> Sequence[SessionMessage]:
        """Return the messages of the window that a summary would stand for."""
        end = self._find_end(kept_turns)
        return [m for m in self.session.messages[self._find_window() : end] if m.role in _SPOKEN and not m.replaced]

    def fold(self, summary: str, *, tokens: int, kept_turns: int = KEPT_TURNS) -> None:
        """Have `summary` stand for everything before the last turns; the messages themselves stay."""
        self.session.messages.insert(self._find_end(kept_turns), SessionMessage(SUMMARY, summary, tokens))
        self.session.summary = summary
        self._touch()

    def _find_window(self) -> int:
        stored = self.session.messages
        return next((i + 1 for i in range(len(stored) - 1, -1, -1) if stored[i].role == SUMMARY), 0)

    def _find_end(self, kept_turns: int) -> int:
        stored = self.session.messages
        asked = [i for i in range(self._find_window(), len(stored)) if stored[i].role == USER]
        if not kept_turns or not asked:
            return len(stored)
        return asked[-min(kept_turns, len(asked))]

    def _touch(self) -> None:
        self.session.touch(self._clock.now())
