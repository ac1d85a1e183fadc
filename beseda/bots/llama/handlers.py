"""Bot of a local model: shows the size of the context under each answer and a button that clears it."""

from dataclasses import replace
from pathlib import Path

from beseda.core.usage import ModelCall
from beseda.engine.context import Context
from beseda.engine.handlers.start import send_greeting
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn
from beseda.engine.turns.question import Answered, Footer, Question
from beseda.http.endpoints import find_endpoint
from beseda.locales import BotTexts, Text
from beseda.telegram.keyboards import Button, Keyboard
from beseda.telegram.markdown.escape import literal

router = Router()

TEXTS = BotTexts(Path(__file__).parent)

_RESET = Text("reset", TEXTS)
_COUNTER = Text("counter", TEXTS)
_ELSEWHERE = Text("elsewhere", TEXTS)
_DONE = Text("done", TEXTS)


@router.answer
async def answer(context: Context, question: Question, turn: Turn | None) -> None:
    """Answer with the model and show the size of the context under the answer."""

    def write_footer(answered: Answered) -> Footer:
        notes = [_note_elsewhere(answered.call, question.language), _count(context, answered.context)]
        return Footer("\n\n".join(filter(None, notes)), _keyboard(context))

    await context.bot.chat.answer(replace(question, footer=write_footer), turn)


@router.command("start", wordless=True)
async def start_afresh(context: Context) -> None:
    """Clear the context and greet."""
    await context.bot.memory.wipe(await context.conversation())
    await send_greeting(context, _keyboard(context))


@router.press("reset_context")
async def reset_context(context: Context) -> None:
    """Clear the context and confirm it."""
    await context.bot.memory.wipe(await context.conversation())
    await context.acknowledge()
    await context.reply(context.say(_DONE, counter=_count(context, 0)))


def _note_elsewhere(call: ModelCall, language: str) -> str:
    """Return a note if a remote service answered in place of the local server, else an empty string."""
    row = find_endpoint(call.endpoint)
    if row is None or row.is_local:
        return ""
    return _ELSEWHERE.say(language, model=literal(f"{call.endpoint}:{call.model}"))


def _count(context: Context, count: int) -> str:
    return context.say(_COUNTER, count=count, window=context.bot.profile.window)


def _keyboard(context: Context) -> Keyboard:
    return [[Button(context.say(_RESET), "reset_context")]]
