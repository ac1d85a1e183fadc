"""The commands of the chat: one row each."""

import contextlib
import difflib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from beseda.cli.answer import format_cost
from beseda.cli.compare import compare_models, open_board, print_table
from beseda.cli.repl import texts
from beseda.cli.repl.clipboard import copy_text
from beseda.cli.repl.menu import choose_session
from beseda.cli.repl.session import ASSISTANT
from beseda.cli.repl.session_context import SessionContext
from beseda.cli.repl.turn import ask, compress, estimate_request, may_spend
from beseda.llm.base import ModelRequest
from beseda.locales import Text


class Command(NamedTuple):
    """A command: its handler, which receives the text after the name, and its line of help."""

    run: Callable[[SessionContext, str], Awaitable[None]]
    help: Text


def is_command(text: str) -> bool:
    """Whether a message is meant for us: a slash and one word; `/usr/bin` is a text like any other."""
    name = text.split(maxsplit=1)[0] if text.split() else ""
    return name.startswith("/") and name[1:].isalpha() and name.isascii() and "\n" not in text.strip()


async def run_command(room: SessionContext, text: str) -> None:
    """Execute a command, and save the memory if the command may have changed it."""
    name, _, rest = text.strip().partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        near = difflib.get_close_matches(name.lower(), COMMANDS, n=1)
        missing = texts.DID_YOU_MEAN if near else texts.NO_COMMAND
        room.screen.complain(room.tell(missing, name=name, near="".join(near)))
        return
    await command.run(room, rest.strip())
    if command.run not in _SAVED_ALREADY and not room.leaving:
        room.save()


async def _exit(room: SessionContext, _: str) -> None:
    room.leaving = room.save() or room.leaving_unsaved or not room.screen.is_terminal
    if not room.leaving:
        room.leaving_unsaved = True
        room.screen.warn(room.tell(texts.LEAVE_UNSAVED))


async def _show_stats(room: SessionContext, _: str) -> None:
    session = room.conversation.session
    if room.last is not None:
        usage = room.last.usage
        mark = "~" if usage.estimated else ""
        line = room.tell(
            texts.LAST_USAGE,
            prompt=f"{mark}{usage.prompt_tokens}",
            completion=f"{mark}{usage.completion_tokens}",
            cost=format_cost(usage.cost),
        )
        room.screen.say(line)
    line = room.tell(
        texts.SESSION_USAGE,
        prompt=session.total_input_tokens,
        completion=session.total_output_tokens,
        total=room.count_tokens(),
        cost=room.describe_sum(),
    )
    room.screen.say(line)


async def _clear(room: SessionContext, _: str) -> None:
    room.conversation.clear()
    room.last, room.unanswered = None, ""
    room.save(even_empty=True)
    room.screen.say(room.tell(texts.CLEARED))


async def _show_history(room: SessionContext, _: str) -> None:
    conversation = room.conversation
    if conversation.system:
        room.screen.note(room.tell(texts.SYSTEM_NOW, text=conversation.system))
    if conversation.summary:
        room.screen.note(room.tell(texts.SUMMARY_LINE, text=conversation.summary))
    window = conversation.list_window()
    if not window:
        room.screen.say(room.tell(texts.EMPTY_HISTORY))
    for message in window:
        mark = f" {room.tell(texts.STOPPED)}" if message.stopped else ""
        room.screen.say(f"{message.role}: {message.content}{mark}", "dim" if message.role == ASSISTANT else "")


async def _save(room: SessionContext, _: str) -> None:
    if room.file.read_only:
        room.screen.warn(room.tell(texts.READ_ONLY))
    elif room.save(even_empty=True):
        room.screen.say(room.tell(texts.SAVED, path=room.file.path))


async def _show_memory(room: SessionContext, _: str) -> None:
    session = room.conversation.session
    lines = room.tell(
        texts.MEMORY_LINES,
        path=room.file.path,
        id=session.session_id,
        updated=session.updated_at,
        summary=len(room.conversation.summary),
        turns=session.user_turns,
    )
    room.screen.say(lines)


async def _forget(room: SessionContext, _: str) -> None:
    room.memory.forget(room.conversation.session)
    room.begin()
    room.save()
    room.screen.say(room.tell(texts.FORGOTTEN))


async def _load(room: SessionContext, _: str) -> None:
    if room.unsaved and not room.save():
        return  # what is only here would be lost
    room.load()
    here = room.conversation.session.session_id
    same = next((session for session in room.memory.sessions if session.session_id == here), None)
    if same is not None:
        room.enter(same)
    if not room.memory.list_recent(1):
        room.screen.say(room.tell(texts.NOTHING_TO_LOAD))
        return
    with contextlib.suppress(EOFError, KeyboardInterrupt):  # then this conversation goes on
        await choose_session(room)


async def _compress(room: SessionContext, _: str) -> None:
    await compress(room, asked=True)


async def _switch_model(room: SessionContext, spec: str) -> None:
    if spec:
        room.models.switch(spec)
        room.screen.say(room.tell(texts.MODEL_SET, model=_name_model(room)))
    else:
        room.screen.say(room.tell(texts.MODEL_NOW, model=_name_model(room)))


def _name_model(room: SessionContext) -> str:
    return room.models.current.name if room.models.current else ""


async def _compare(room: SessionContext, rest: str) -> None:
    specs, _, question = rest.partition(" ")
    turn = room.conversation.find_last_turn()
    asked = question.strip() or (turn[0].content if turn else "")
    names = [name for name in specs.split(",") if name]
    if len(names) < 2 or not asked:
        room.screen.say(room.tell(texts.COMPARE_USAGE))
        return
    models = room.models.build_contenders(names)
    again = not question.strip()
    messages = room.conversation.build_messages(asked, instead_of_last=again)
    if not await may_spend(room, estimate_request(messages) * len(models)):
        return
    request = ModelRequest(messages, room.options.temperature, room.options.max_tokens)
    with room.interrupts.guard() as guard:
        compared = await compare_models(models, request, room.clock, open_board)
        for answer in compared.answers:
            room.conversation.add_usage(answer.usage)
            room.budget.spend(answer.usage)
        print_table(compared, room.options.language)
    if guard.pressed:
        room.screen.note(room.tell(texts.STOPPED))


async def _retry(room: SessionContext, _: str) -> None:
    if room.unanswered:
        await ask(room, room.unanswered)
    elif turn := room.conversation.find_last_turn():
        await ask(room, turn[0].content, instead_of_last=True)
    else:
        room.screen.say(room.tell(texts.NOTHING_TO_RETRY))


async def _copy(room: SessionContext, _: str) -> None:
    answer = room.conversation.find_last_answer()
    if not answer:
        room.screen.say(room.tell(texts.NOTHING_TO_COPY))
        return
    sure = await copy_text(answer, room.screen.console.file)
    room.screen.say(room.tell(texts.COPIED if sure else texts.COPY_ASKED))


async def _set_system(room: SessionContext, text: str) -> None:
    if text:
        room.conversation.set_system("" if text == "-" else text)
    system = room.conversation.system
    room.screen.say(room.tell(texts.SYSTEM_NOW, text=system) if system else room.tell(texts.SYSTEM_NONE))


async def _help(room: SessionContext, _: str) -> None:
    width = max(map(len, COMMANDS))
    for name, command in COMMANDS.items():
        room.screen.say(f"{name:<{width}}  {room.tell(command.help)}")
    room.screen.note(room.tell(texts.HELP_KEYS))


EXIT = "/exit"
COMMANDS = {
    EXIT: Command(_exit, texts.HELP_EXIT),
    "/stats": Command(_show_stats, texts.HELP_STATS),
    "/clear": Command(_clear, texts.HELP_CLEAR),
    "/history": Command(_show_history, texts.HELP_HISTORY),
    "/save": Command(_save, texts.HELP_SAVE),
    "/memory": Command(_show_memory, texts.HELP_MEMORY),
    "/forget": Command(_forget, texts.HELP_FORGET),
    "/load": Command(_load, texts.HELP_LOAD),
    "/compress": Command(_compress, texts.HELP_COMPRESS),
    "/model": Command(_switch_model, texts.HELP_MODEL),
    "/compare": Command(_compare, texts.HELP_COMPARE),
    "/retry": Command(_retry, texts.HELP_RETRY),
    "/copy": Command(_copy, texts.HELP_COPY),
    "/system": Command(_set_system, texts.HELP_SYSTEM),
    "/help": Command(_help, texts.HELP_HELP),
}
# These write themselves, or have nothing to write.
_SAVED_ALREADY = {_exit, _clear, _save, _forget, _retry, _help, _show_stats, _show_history, _show_memory}
