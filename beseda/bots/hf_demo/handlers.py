"""Open models over Hugging Face: one chosen by button or command, or all of them side by side.

A comparison is stored as the text `/compare …`, so that “Try again” and a restart after a crash repeat it unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orjson import Fragment

from beseda.core.usage import ModelCall
from beseda.engine.context import Context, argument
from beseda.engine.handlers.start import send_greeting
from beseda.engine.incoming import IncomingMessage, Press
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn
from beseda.engine.turns.parallel_answers import ParallelAnswers, ParallelQuestion, Variant, VariantOutcome
from beseda.engine.turns.question import Answered, Footer, Question
from beseda.llm.base import FinishReason
from beseda.locales import BotTexts, Text
from beseda.telegram.keyboards import Button, Keyboard, inline_markup
from beseda.telegram.markdown.escape import literal

router = Router()

TEXTS = BotTexts(Path(__file__).parent)

ENDPOINT = "hf"
ALIASES = ("deepseek", "llama3", "qwen2")
DEFAULT = "llama3"
COMPARE = "/compare"
_WAITING, _WAITING_SECONDS = "compare", 600.0
_READABLE_SUM, _SMALLEST_SUM = 0.01, 0.000001  # dollars: a short answer costs some millionths, which are not nothing

_CHOICE = Text("choice", TEXTS)
_UNKNOWN = Text("unknown", TEXTS)
_ASK_WHAT = Text("ask_what", TEXTS)
_FIGURES = Text("figures", TEXTS)
_STAND_IN = Text("stand_in", TEXTS)
_HEAD = Text("head", TEXTS)
_FAILED = Text("failed", TEXTS)
_FASTEST = Text("fastest", TEXTS)
_CHEAPEST = Text("cheapest", TEXTS)


@router.answer
async def answer(context: Context, question: Question, turn: Turn | None, parallel: ParallelAnswers) -> None:
    """Answer with the chosen model, or with all models if the question is a comparison."""
    command, _, rest = question.text.partition(" ")
    if command == COMPARE and rest.strip():
        await _compare(replace(question, text=rest.strip(), command=COMPARE), turn, parallel)
        return
    if await _takes_comparison(context):
        await _compare(replace(question, command=COMPARE), turn, parallel)
        return
    alias = await _chosen(context)

    def write_footer(answered: Answered) -> Footer:
        return Footer(_describe(alias, answered.call, question.language), _keyboard(alias))

    await context.bot.chat.answer(replace(question, model=_spec(alias), footer=write_footer), turn)


@router.command("start", wordless=True)
async def start(context: Context) -> None:
    """Go back to the default model and greet."""
    await context.bot.state.delete(context.state_key("model"))
    await send_greeting(context, _keyboard(DEFAULT))


@router.command("model")
async def choose(context: Context) -> None:
    """Show the models, or choose the one that the command names."""
    assert isinstance(context.event, IncomingMessage)  # noqa: S101 - the router's promise, for the type checker
    name = context.event.text.partition(" ")[2].strip().lower()
    if name and name not in ALIASES:
        await context.reply(context.say(_UNKNOWN, name=literal(name), known=", ".join(ALIASES)), _keyboard(""))
        return
    alias = name or await _chosen(context)
    await _remember(context, alias)
    await context.reply(context.say(_CHOICE, alias=alias), _keyboard(alias))


@router.press("model")
async def choose_by_button(context: Context) -> None:
    """Choose the model of the button. Choosing the current model again is no error."""
    alias = "".join(argument(context.event.data)) if isinstance(context.event, Press) else ""
    await context.acknowledge(f"✅ {alias}" if alias in ALIASES else "")
    if alias in ALIASES:
        await _remember(context, alias)
        await _show_choice(context, alias)


@router.command("compare")
async def compare(context: Context) -> None:
    """Send the text after the command, or the quoted message, to all models.

    Without either, wait for the next message.
    """
    assert isinstance(context.event, IncomingMessage)  # noqa: S101
    words = "".join(context.event.text.split(maxsplit=1)[1:])
    if words or context.event.quoted:
        await context.ask(f"{COMPARE} {await context.words(words)}")
    else:
        await context.bot.state.set(context.state_key(_WAITING), {}, ttl=_WAITING_SECONDS)
        await context.reply(context.say(_ASK_WHAT))


async def _takes_comparison(context: Context) -> bool:
    """Return whether `/compare` is waiting for this message, and stop waiting."""
    key = context.state_key(_WAITING)
    if await context.bot.state.get(key) is None:
        return False
    await context.bot.state.delete(key)
    return True


async def _compare(question: Question, turn: Turn | None, parallel: ParallelAnswers) -> None:
    variants = [Variant(f"🤖 **{alias}**", model=_spec(alias)) for alias in ALIASES]

    def close(outcomes: Sequence[VariantOutcome]) -> Footer:
        return Footer(describe_race(outcomes, question.language))

    await parallel.answer(ParallelQuestion(question, variants, close), turn)


def describe_race(outcomes: Sequence[VariantOutcome], language: str) -> str:
    """Return the table under a comparison, with the fastest and the cheapest model."""
    rows = dict(zip(ALIASES, outcomes, strict=True))
    lines = [_HEAD.say(language), "| --- | --- | --- | --- |"]
    lines += [_write_row(alias, outcome, language) for alias, outcome in rows.items()]
    blocks = ["\n".join(lines)]
    came = {alias: outcome.call for alias, outcome in rows.items() if outcome.said}
    notes = dict.fromkeys(_note_stand_in(call, language) for call in came.values())
    return "\n\n".join([*blocks, *filter(None, [_name_best(came, language), *notes])])


def _name_best(came: Mapping[str, ModelCall], language: str) -> str:
    """Return the fastest and the cheapest of the models that answered themselves, if they differ."""
    whole = {alias: call for alias, call in came.items() if call.finish_reason != FinishReason.STOPPED}
    own = {alias: call for alias, call in whole.items() if call.endpoint == ENDPOINT}
    priced = {alias: call.usage.cost for alias, call in own.items() if call.usage.cost is not None}
    verdicts = []
    if len(own) > 1:
        verdicts.append(_FASTEST.say(language, alias=min(own, key=lambda alias: own[alias].total_ms)))
    if len(set(priced.values())) > 1:
        verdicts.append(_CHEAPEST.say(language, alias=min(priced, key=lambda alias: priced[alias])))
    return " ".join(verdicts)


def _write_row(alias: str, outcome: VariantOutcome, language: str) -> str:
    call = outcome.call
    if not outcome.said:
        return f"| {alias} | {_FAILED.say(language)} | — | — |"
    return f"| {alias} | {call.total_ms / 1000:.1f} | {_tokens(call)} | {_cost(call)} |"


def _describe(alias: str, call: ModelCall, language: str) -> str:
    figures = _FIGURES.say(
        language,
        alias=alias,
        model=literal(call.model),
        seconds=call.total_ms / 1000,
        tokens=_tokens(call),
        cost=_cost(call),
    )
    return "\n\n".join(filter(None, [figures, _note_stand_in(call, language)]))


def _note_stand_in(call: ModelCall, language: str) -> str:
    return "" if call.endpoint == ENDPOINT else _STAND_IN.say(language, model=literal(f"{call.endpoint}:{call.model}"))


def _tokens(call: ModelCall) -> str:
    mark = "≈" if call.usage.estimated else ""
    return f"{mark}{call.usage.prompt_tokens}+{call.usage.completion_tokens}"


def _cost(call: ModelCall) -> str:
    cost = call.usage.cost
    if cost is None:
        return "—"
    return f"${cost:.4f}" if cost == 0 or cost >= _READABLE_SUM else f"${max(cost, _SMALLEST_SUM):.6f}"


def _spec(alias: str) -> str:
    return f"{ENDPOINT}:{alias}"


async def _chosen(context: Context) -> str:
    state = await context.bot.state.get(context.state_key("model"))
    alias = str(state["alias"]) if state else DEFAULT
    return alias if alias in ALIASES else DEFAULT


async def _remember(context: Context, alias: str) -> None:
    await context.bot.state.set(context.state_key("model"), {"alias": alias})


async def _show_choice(context: Context, alias: str) -> None:
    """Mark the chosen button in the message that was clicked. The text of the message is not changed."""
    if isinstance(context.event, Press):
        await context.try_call(
            "editMessageReplyMarkup",
            chat_id=context.event.place.chat.chat_id,
            message_id=context.event.message_id,
            reply_markup=Fragment(inline_markup(_keyboard(alias))),
        )


def _keyboard(chosen: str) -> Keyboard:
    return [[Button(f"✅ {alias}" if alias == chosen else alias, f"model:{alias}") for alias in ALIASES]]
