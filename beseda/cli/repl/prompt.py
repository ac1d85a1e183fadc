"""Input of the person: keys, several lines, completion and search in a terminal; plain lines from a pipe."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from beseda.cli.text_input import decode_line

FENCE = '"""'
_LONGEST = 4 * 1024 * 1024  # characters of a line from a pipe
_MARK = "> "


class Reader(Protocol):
    """Source of messages. Reading raises EOFError at the end, and KeyboardInterrupt for Ctrl-C on empty input."""

    async def read_message(self) -> str:
        """Return the next message, its lines joined."""
        ...

    async def read_line(self, prompt: str) -> str:
        """Return the answer to a question of ours."""
        ...

    def interrupt(self) -> None:
        """Interrupt the current read, or the next one if none is under way."""
        ...


def is_open(text: str) -> bool:
    """Whether `text` goes on in the next line: a backslash at its end, or an open block of triple quotes."""
    stripped = text.strip()
    in_block = stripped.startswith(FENCE) and not (len(stripped) >= 2 * len(FENCE) and stripped.endswith(FENCE))
    return in_block or text.endswith("\\")


def join_lines(text: str) -> str:
    """Return the message that was written with `is_open`'s marks; bytes that are no text become question marks."""
    text = text.encode("utf-8", "replace").decode()
    stripped = text.strip()
    if stripped.startswith(FENCE) and stripped.endswith(FENCE) and len(stripped) >= 2 * len(FENCE):
        return stripped[len(FENCE) : -len(FENCE)].strip("\n")
    return text.replace("\\\n", "\n").strip()


class CommandCompleter(Completer):
    """Completes commands, and the arguments of some of them."""

    def __init__(self, commands: Mapping[str, str], arguments: Mapping[str, Callable[[], Iterable[str]]]) -> None:
        self._commands = commands
        self._arguments = arguments

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield the possible completions; `complete_event` belongs to the library's signature."""
        text = document.text_before_cursor
        if not text.startswith("/") or "\n" in text:
            return
        command, space, rest = text.partition(" ")
        if not space:
            for name, help_text in self._commands.items():
                if name.startswith(text):
                    yield Completion(name, -len(text), display_meta=help_text)
            return
        word = rest.rpartition(",")[2].lstrip()
        for choice in self._arguments.get(command, lambda: ())():
            if choice.startswith(word):
                yield Completion(choice, -len(word))


class TerminalReader:
    """Reads at a terminal. Enter sends; Alt-Enter, a backslash or triple quotes begin another line."""

    def __init__(self, completer: Completer, history: Sequence[str], toolbar: Callable[[], str]) -> None:
        self._session: PromptSession[str] = PromptSession(
            completer=completer,
            complete_while_typing=True,
            history=InMemoryHistory(history),  # in memory: the sessions of the memory file hold the questions
            key_bindings=_bind_keys(),
            multiline=True,
            prompt_continuation="… ",
            bottom_toolbar=toolbar,
            enable_history_search=False,
            reserve_space_for_menu=4,  # lines; the default of 8 scrolls the answer away in a low window
        )
        self._questions: PromptSession[str] = PromptSession()
        self._interrupted = False

    async def read_message(self) -> str:
        return join_lines(await self._read(self._session, _MARK))

    async def read_line(self, prompt: str) -> str:
        return (await self._read(self._questions, prompt)).strip()

    def interrupt(self) -> None:
        for session in (self._session, self._questions):
            app = session.app
            if app.is_running and app.future is not None and not app.future.done():
                app.exit(exception=KeyboardInterrupt())
                return
        self._interrupted = True

    async def _read(self, session: "PromptSession[str]", prompt: str) -> str:
        if self._interrupted:  # between two prompts, where Ctrl-C is no key yet
            self._interrupted = False
            raise KeyboardInterrupt
        # Signals are the program's own business: at the prompt Ctrl-C is a key.
        return await session.prompt_async(prompt, handle_sigint=False)


def _bind_keys() -> KeyBindings:
    keys = KeyBindings()
    writing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=writing)
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None  # the choice is taken, the message goes with the next Enter
        elif is_open(buffer.text) and not buffer.document.text_after_cursor:
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=writing)
    def _begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c", filter=writing)
    def _drop(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            get_app().exit(exception=KeyboardInterrupt())

    return keys


class PipeReader:
    """Reads lines that another program or a file brings."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        # A thread of ours, not the loop's: nobody has to wait for it when the program ends.
        threading.Thread(target=self._read, daemon=True).start()

    async def read_message(self) -> str:
        text = await self._next()
        while is_open(text):
            try:
                text += "\n" + await self._next()
            except EOFError:
                break
        return join_lines(text)

    async def read_line(self, prompt: str) -> str:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        return (await self._next()).strip()

    def interrupt(self) -> None:
        self._lines.put_nowait(None)  # nobody is asked twice whether to leave

    async def _next(self) -> str:
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            raise EOFError
        return line

    def _read(self) -> None:
        stdin: TextIO | None = sys.stdin
        try:
            while stdin is not None and (line := stdin.buffer.readline(_LONGEST)):
                text = decode_line(line.rstrip(b"\r\n"))
                self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
            self._loop.call_soon_threadsafe(self._lines.put_nowait, None)
        except (OSError, RuntimeError):  # the program has ended meanwhile
            return
