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
from beseda.cli.repl.session import USER
from beseda.cli.repl.session_context import ChatOptions, SessionContext
from beseda.cli.repl.turn import ask
from beseda.cli.typing_ahead import hide_typing
from beseda.core.clock import SystemClock
from beseda.core.errors import SettingsError
from beseda.core.logs import scrub
from beseda.llm.registry import LLMSettings

_REMEMBERED = 500  # messages to search through with Ctrl-R
_FAILED = 1
_SIGNALLED = 128  # and the signal's number, as shells have it


async def run_chat(settings: LLMSettings, file: MemoryFile, options: ChatOptions, budget: Budget) -> int:
    """Run the chat until the person leaves, and return the exit code. Raises SettingsError if it cannot start."""
    clock = SystemClock()
    models = OpenModels(settings, clock)
    interrupts = Interrupts()
    with interrupts.listen():
        try:
            await models.open()
            context = SessionContext(
                options=options,
                clock=clock,
                screen=Screen(),
                file=file,
                models=models,
                budget=budget,
                interrupts=interrupts,
            )
            context.load()
            context.reader = _open_reader(context)
            interrupts.wake = context.reader.interrupt
            # The line editor goes back to what it found, so that no key is echoed between two of its prompts either.
            with hide_typing():
                await _talk(context)
        except asyncio.CancelledError:
            if interrupts.ended_by is None:
                raise
            return _SIGNALLED + interrupts.ended_by
        finally:
            await models.close()
    return _FAILED if context.unsaved or (context.failed and not context.screen.is_terminal) else 0


async def _talk(context: SessionContext) -> None:
    model = context.models.current
    context.screen.say(context.tell(texts.GREETING, model=model.name if model else ""))
    if context.file.read_only:
        context.screen.warn(context.tell(texts.READ_ONLY))
    context.begin()
    try:
        if not context.options.begin_new:
            await choose_session(context)
        await _converse(context)
    except (EOFError, KeyboardInterrupt):  # at the choice: nothing has been said
        pass
    finally:
        if not context.leaving:
            context.save()
    context.screen.note(context.tell(texts.BYE))


async def _converse(context: SessionContext) -> None:
    interrupted = False
    while not context.leaving:
        try:
            text = await context.reader.read_message()
        except KeyboardInterrupt:
            if not interrupted:
                interrupted = True
                context.screen.note(context.tell(texts.LEAVE_AGAIN))
                continue
            text = EXIT
        except EOFError:
            text = EXIT
        interrupted = False
        if text.strip():
            await _answer(context, text)


async def _answer(context: SessionContext, text: str) -> None:
    try:
        if is_command(text):
            await run_command(context, text)
        else:
            await ask(context, text)
    except SettingsError as error:
        context.failed = True
        context.screen.complain(scrub(error.detail))


def _open_reader(context: SessionContext) -> TerminalReader | PipeReader:
    stdin: TextIO | None = sys.stdin  # None where the shell has closed it
    if stdin is None or not (stdin.isatty() and context.screen.is_terminal):
        return PipeReader()
    helps = {name: context.tell(command.help) for name, command in COMMANDS.items()}
    completer = CommandCompleter(helps, {"/model": context.models.list_specs, "/compare": context.models.list_specs})

    def describe() -> str:
        model = context.models.current
        name = model.name if model else ""
        return context.tell(texts.TOOLBAR, model=name, total=context.count_tokens(), sum=context.describe_sum())

    sessions = sorted(context.memory.sessions, key=lambda session: session.updated_at)
    asked = [message.content for session in sessions for message in session.messages if message.role == USER]
    return TerminalReader(completer, asked[-_REMEMBERED:], describe)
