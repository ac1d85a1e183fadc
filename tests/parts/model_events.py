"""Reading a model's answer to its end."""

from contextlib import aclosing
from dataclasses import dataclass, field

from beseda.core.message import Message, Role
from beseda.llm.base import ChatModel, Finished, ModelEvent, ModelRequest, ReasoningDelta, Retracted, TextDelta
from beseda.llm.prompt import is_note


@dataclass
class Heard:
    """What came, in order; `end` is None when the answer broke off."""

    events: list[ModelEvent] = field(default_factory=list)

    @property
    def text(self) -> str:
        text = ""
        for event in self.events:
            if isinstance(event, Retracted):
                text = ""
            elif isinstance(event, TextDelta):
                text += event.text
        return text

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    @property
    def end(self) -> Finished:
        last = self.events[-1]
        assert isinstance(last, Finished), "the answer has no end"
        assert sum(isinstance(event, Finished) for event in self.events) == 1
        return last


def ask(text: str = "Привет", *, system: str = "") -> ModelRequest:
    """Return a request with one message, after the instructions where there are any."""
    instructions = [Message(Role.SYSTEM, system)] if system else []
    return ModelRequest([*instructions, Message(Role.USER, text)])


async def listen(model: ChatModel, request: ModelRequest | None = None, heard: Heard | None = None) -> Heard:
    """Return the whole answer. Give `heard` to keep what came before an error."""
    heard = Heard() if heard is None else heard
    async with aclosing(model.stream(request or ask())) as events:
        async for event in events:
            heard.events.append(event)
    return heard


def said_in(request: ModelRequest) -> list[str]:
    """Return what was said in a conversation as a request shows it: without the system message and notes of ours."""
    return [one.content for one in request.messages if one.role is not Role.SYSTEM and not is_note(one)]


def told_in(request: ModelRequest) -> str:
    """Return what the program itself tells the model: the system message and the notes."""
    return "\n\n".join(one.content for one in request.messages if one.role is Role.SYSTEM or is_note(one))
