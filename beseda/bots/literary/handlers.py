"""One question at three temperatures, side by side, with a line about the differences of the answers."""

from collections.abc import Sequence
from pathlib import Path

from beseda.bots.literary.comparison import compare_texts
from beseda.engine.context import Context
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn
from beseda.engine.turns.parallel_answers import ParallelAnswers, ParallelQuestion, Variant, VariantOutcome
from beseda.engine.turns.question import Footer, Question
from beseda.locales import BotTexts, Text

router = Router()

TEXTS = BotTexts(Path(__file__).parent)

# GigaChat takes 0 to 2; from about 1.5 on most models only stutter.
TEMPERATURES = {0.0: "🧊", 0.7: "🌤", 1.2: "🔥"}

_LABEL = Text("label", TEXTS)
_LENGTHS = Text("lengths", TEXTS)
_SHARED = Text("shared", TEXTS)
_SAME = Text("same", TEXTS)
_ALONE = Text("alone", TEXTS)


@router.answer
async def answer(context: Context, question: Question, turn: Turn | None, parallel: ParallelAnswers) -> None:
    """Answer with the model at each temperature."""
    language = question.language
    variants = [
        Variant(_LABEL.say(language, mark=mark, value=value), temperature=value) for value, mark in TEMPERATURES.items()
    ]

    def close(outcomes: Sequence[VariantOutcome]) -> Footer:
        said = {value: outcome.said for value, outcome in zip(TEMPERATURES, outcomes, strict=True) if outcome.said}
        return Footer(describe_difference(said, language))

    await parallel.answer(ParallelQuestion(question, variants, close), turn)


def describe_difference(said: dict[float, str], language: str) -> str:
    """Return the line under the answers, from the successful ones by temperature."""
    comparison = compare_texts(list(said.values()))
    lengths = ", ".join(f"{value} — {count}" for value, count in zip(said, comparison.lengths, strict=True))
    if len(said) == 1:
        verdict = _ALONE.say(language)
    elif len(set(said.values())) == 1:
        verdict = _SAME.say(language)
    else:
        fields = {"shared": comparison.shared, "distinct": comparison.distinct, "likeness": comparison.likeness}
        verdict = _SHARED.say(language, **fields)
    return f"{_LENGTHS.say(language, lengths=lengths)} {verdict}"
