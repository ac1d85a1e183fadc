"""The life of a chat: choose a conversation, read, answer, remember."""

import asyncio
import sys
from typing import TextIO

from beseda.cli.memory_file import MemoryFile
from beseda.cli.repl import texts
from beseda.cli.repl.budget import Budget
from beseda.cli.repl.commands import COMMANDS, EXIT, is_command, run_command
from beseda.cli.repl.interrupts import Interrupts
from beseda.cli.repl.menu import choose_session
from beseda.cli.repl.models import OpenModels
from beseda.cli.repl.prompt import CommandCompleter, PipeReader, TerminalReader
from beseda.cli.repl.screen import Screen
from beseda.cli.repl.session import USER, SessionMemory
from beseda.cli.repl.session_context import ChatOptions, SessionContext
from beseda.cli.repl.turn import ask
from beseda.cli.typing_ahead import hide_typing
from beseda.errors import SettingsError
from beseda.kit.clock import SystemClock
from beseda.llm.registry import LLMSettings
from beseda.logs import scrub

_REMEMBERED = 500  # messages to search through with Ctrl-R
_FAILED = 1
_SIGNALLED = 128  # and the signal's number, as shells have it


async def run_chat(settings: LLMSettings, file: MemoryFile, options: ChatOptions, budget: Budget) -> int:
    """Run the chat until the person leaves, and return the exit code. Raises SettingsError if it cannot start."""
    clock = SystemClock()
    shelf = OpenModels(settings, clock)
    interrupts = Interrupts()
    with interrupts.listen():
        try:
            await shelf.open()
            room = SessionContext(
                options=options,
                clock=clock,
                screen=Screen(),
                reader=_NoReader(),
                file=file,
                models=shelf,
                budget=budget,
                interrupts=interrupts,
            )
            room.load()
            room.reader = _open_reader(room)
            interrupts.wake = room.reader.interrupt
            # The line editor goes back to what it found, so that no key is echoed between two of its prompts either.
            with hide_typing():
                await _talk(room)
        except asyncio.CancelledError:
            if interrupts.ended_by is None:
                raise
            return _SIGNALLED + interrupts.ended_by
        finally:
            await shelf.close()
    return _FAILED if room.unsaved or (room.failed and not room.screen.is_terminal) else 0


async def _talk(room: SessionContext) -> None:
    model = room.models.current
    room.screen.say(room.tell(texts.GREETING, model=model.name if model else ""))
    if room.file.read_only:
        room.screen.warn(room.tell(texts.READ_ONLY))
    room.begin()
    try:
        if not room.options.begin_new:
            await choose_session(room)
        await _converse(room)
    except (EOFError, KeyboardInterrupt):  # at the choice: nothing has been said
        pass
    finally:
        if not room.leaving:
            room.save()
    room.screen.note(room.tell(texts.BYE))


async def _converse(room: SessionContext) -> None:
    interrupted = False
    while not room.leaving:
        try:
            text = await room.reader.read_message()
        except KeyboardInterrupt:
            if not interrupted:
                interrupted = True
                room.screen.note(room.tell(texts.LEAVE_AGAIN))
                continue
            text = EXIT
        except EOFError:
            text = EXIT
        interrupted = False
        if text.strip():
            await _answer(room, text)


async def _answer(room: SessionContext, text: str) -> None:
    try:
        if is_command(text):
            await run_command(room, text)
        else:
            await ask(room, text)
    except SettingsError as error:
        room.failed = True
        room.screen.complain(scrub(error.detail))


def _open_reader(room: SessionContext) -> TerminalReader | PipeReader:
    stdin: TextIO | None = sys.stdin  # None where the shell has closed it
    if stdin is None or not (stdin.isatty() and room.screen.is_terminal):
        return PipeReader()
    helps = {name: room.tell(command.help) for name, command in COMMANDS.items()}
    completer = CommandCompleter(helps, {"/model": room.models.list_specs, "/compare": room.models.list_specs})

    def describe() -> str:
        model = room.models.current
        name = model.name if model else ""
        return room.tell(texts.TOOLBAR, model=name, total=room.count_tokens(), sum=room.describe_sum())

    return TerminalReader(completer, _list_asked(room.memory), describe)


def _list_asked(memory: SessionMemory) -> list[str]:
    sessions = sorted(memory.sessions, key=lambda session: session.updated_at)
    asked = [message.content for session in sessions for message in session.messages if message.role == USER]
    return asked[-_REMEMBERED:]


class _NoReader:
    """Placeholder until the actual reader is opened."""

    async def read_message(self) -> str:
        raise EOFError

    async def read_line(self, prompt: str) -> str:
        raise EOFError

    def interrupt(self) -> None:
        pass
