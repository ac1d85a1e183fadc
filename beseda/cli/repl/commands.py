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

    run: Callable[[SessionContext, str], Awaitable[object]]
    help: Text


def is_command(text: str) -> bool:
    """Whether a message is meant for us: a slash and one word; `/usr/bin` is a text like any other."""
    name = text.split(maxsplit=1)[0] if text.split() else ""
    return name.startswith("/") and name[1:].isalpha() and name.isascii() and "\n" not in text.strip()


async def run_command(context: SessionContext, text: str) -> None:
    """Execute a command, and save the memory if the command may have changed it."""
    name, _, rest = text.strip().partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        near = difflib.get_close_matches(name.lower(), COMMANDS, n=1)
        missing = texts.DID_YOU_MEAN if near else texts.NO_COMMAND
        context.screen.complain(context.tell(missing, name=name, near="".join(near)))
        return
    await command.run(context, rest.strip())
    if command.run not in _SAVED_ALREADY and not context.leaving:
        context.save()


async def _exit(context: SessionContext, _: str) -> None:
    context.leaving = context.save() or context.leaving_unsaved or not context.screen.is_terminal
    if not context.leaving:
        context.leaving_unsaved = True
        context.screen.warn(context.tell(texts.LEAVE_UNSAVED))


async def _show_stats(context: SessionContext, _: str) -> None:
    session = context.conversation.session
    if context.last is not None:
        usage = context.last.usage
        mark = "~" if usage.estimated else ""
        line = context.tell(
            texts.LAST_USAGE,
            prompt=f"{mark}{usage.prompt_tokens}",
            completion=f"{mark}{usage.completion_tokens}",
            cost=format_cost(usage.cost),
        )
        context.screen.say(line)
    line = context.tell(
        texts.SESSION_USAGE,
        prompt=session.total_input_tokens,
        completion=session.total_output_tokens,
        total=context.count_tokens(),
        cost=context.describe_sum(),
    )
    context.screen.say(line)


async def _clear(context: SessionContext, _: str) -> None:
    context.conversation.clear()
    context.last, context.unanswered = None, ""
    context.save(even_empty=True)
    context.screen.say(context.tell(texts.CLEARED))


async def _show_history(context: SessionContext, _: str) -> None:
    conversation = context.conversation
    if conversation.system:
        context.screen.note(context.tell(texts.SYSTEM_NOW, text=conversation.system))
    if conversation.summary:
        context.screen.note(context.tell(texts.SUMMARY_LINE, text=conversation.summary))
    window = conversation.list_window()
    if not window:
        context.screen.say(context.tell(texts.EMPTY_HISTORY))
    for message in window:
        mark = f" {context.tell(texts.STOPPED)}" if message.stopped else ""
        context.screen.say(f"{message.role}: {message.content}{mark}", "dim" if message.role == ASSISTANT else "")


async def _save(context: SessionContext, _: str) -> None:
    if context.file.read_only:
        context.screen.warn(context.tell(texts.READ_ONLY))
    elif context.save(even_empty=True):
        context.screen.say(context.tell(texts.SAVED, path=context.file.path))


async def _show_memory(context: SessionContext, _: str) -> None:
    session = context.conversation.session
    lines = context.tell(
        texts.MEMORY_LINES,
        path=context.file.path,
        id=session.session_id,
        updated=session.updated_at,
        summary=len(context.conversation.summary),
        turns=session.user_turns,
    )
    context.screen.say(lines)


async def _forget(context: SessionContext, _: str) -> None:
    context.memory.forget(context.conversation.session)
    context.begin()
    context.save()
    context.screen.say(context.tell(texts.FORGOTTEN))


async def _load(context: SessionContext, _: str) -> None:
    if context.unsaved and not context.save():
        return  # what is only here would be lost
    context.load()
    here = context.conversation.session.session_id
    same = next((session for session in context.memory.sessions if session.session_id == here), None)
    if same is not None:
        context.enter(same)
    if not context.memory.list_recent(1):
        context.screen.say(context.tell(texts.NOTHING_TO_LOAD))
        return
    with contextlib.suppress(EOFError, KeyboardInterrupt):  # then this conversation goes on
        await choose_session(context)


async def _switch_model(context: SessionContext, spec: str) -> None:
    if spec:
        context.models.switch(spec)
    name = context.models.current.name if context.models.current else ""
    context.screen.say(context.tell(texts.MODEL_SET if spec else texts.MODEL_NOW, model=name))


async def _compare(context: SessionContext, rest: str) -> None:
    specs, _, question = rest.partition(" ")
    turn = context.conversation.find_last_turn()
    asked = question.strip() or (turn[0].content if turn else "")
    names = [name for name in specs.split(",") if name]
    if len(names) < 2 or not asked:
        context.screen.say(context.tell(texts.COMPARE_USAGE))
        return
    models = context.models.build_contenders(names)
    again = not question.strip()
    messages = context.conversation.build_messages(asked, instead_of_last=again)
    if not await may_spend(context, estimate_request(messages) * len(models)):
        return
    request = ModelRequest(messages, context.options.temperature, context.options.max_tokens)
    with context.interrupts.guard() as guard:
        compared = await compare_models(models, request, context.clock, open_board)
        for answer in compared.answers:
            context.conversation.add_usage(answer.usage)
            context.budget.spend(answer.usage)
        print_table(compared, context.options.language)
    if guard.pressed:
        context.screen.note(context.tell(texts.STOPPED))


async def _retry(context: SessionContext, _: str) -> None:
    if context.unanswered:
        await ask(context, context.unanswered)
    elif turn := context.conversation.find_last_turn():
        await ask(context, turn[0].content, instead_of_last=True)
    else:
        context.screen.say(context.tell(texts.NOTHING_TO_RETRY))


async def _copy(context: SessionContext, _: str) -> None:
    answer = context.conversation.find_last_answer()
    if not answer:
        context.screen.say(context.tell(texts.NOTHING_TO_COPY))
        return
    sure = await copy_text(answer, context.screen.console.file)
    context.screen.say(context.tell(texts.COPIED if sure else texts.COPY_ASKED))


async def _set_system(context: SessionContext, text: str) -> None:
    if text:
        context.conversation.set_system("" if text == "-" else text)
    system = context.conversation.system
    context.screen.say(context.tell(texts.SYSTEM_NOW, text=system) if system else context.tell(texts.SYSTEM_NONE))


async def _help(context: SessionContext, _: str) -> None:
    width = max(map(len, COMMANDS))
    for name, command in COMMANDS.items():
        context.screen.say(f"{name:<{width}}  {context.tell(command.help)}")
    context.screen.note(context.tell(texts.HELP_KEYS))


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
    "/compress": Command(lambda context, _: compress(context, asked=True), texts.HELP_COMPRESS),
    "/model": Command(_switch_model, texts.HELP_MODEL),
    "/compare": Command(_compare, texts.HELP_COMPARE),
    "/retry": Command(_retry, texts.HELP_RETRY),
    "/copy": Command(_copy, texts.HELP_COPY),
    "/system": Command(_set_system, texts.HELP_SYSTEM),
    "/help": Command(_help, texts.HELP_HELP),
}
# These write themselves, or have nothing to write.
_SAVED_ALREADY = {_exit, _clear, _save, _forget, _retry, _help, _show_stats, _show_history, _show_memory}
