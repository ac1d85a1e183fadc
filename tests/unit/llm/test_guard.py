import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.domain.message import Message, Role
from beseda.errors import EmptyAnswerError, RefusedAnswerError, RepeatingAnswerError
from beseda.llm.base import FinishReason, ModelRequest
from beseda.llm.guard import GuardedModel, GuardLimits, RepeatDetector
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.model_events import Heard, listen

LIMITS = GuardLimits(max_characters=1000, max_reasoning_characters=500)
STRICT = GuardLimits(circling_characters=1000, circling_short_characters=2000)


def guard(answer: ScriptedAnswer) -> GuardedModel:
    return GuardedModel(ScriptedModel([answer]), LIMITS)


def repeats(text: str, size: int = 7, limits: GuardLimits = STRICT) -> bool:
    detector = RepeatDetector(limits)
    return any(detector.feed(text[start : start + size]) for start in range(0, len(text), size))


async def test_ordinary_answer_passes() -> None:
    heard = await listen(guard(ScriptedAnswer(pieces=("Hel", "lo"))))

    assert (heard.text, heard.end.reason) == ("Hello", FinishReason.STOP)


async def test_long_answer_is_cut() -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=tuple(f"{number:9} " for number in range(500)))])
    heard = await listen(GuardedModel(model, LIMITS))

    assert len(heard.text) == 1000
    assert (heard.end.reason, heard.end.usage.estimated) == (FinishReason.LENGTH, True)
    assert model.left == 1


@pytest.mark.parametrize("pieces", [(), ("",), (" \n", "\t")])
async def test_empty_answer_is_an_error(pieces: tuple[str, ...]) -> None:
    with pytest.raises(EmptyAnswerError):
        await listen(guard(ScriptedAnswer(pieces=pieces)))


@pytest.mark.parametrize("pieces", [(), ("I will tell",)])
async def test_filter_is_a_refusal(pieces: tuple[str, ...]) -> None:
    with pytest.raises(RefusedAnswerError):
        await listen(guard(ScriptedAnswer(pieces=pieces, reason=FinishReason.FILTER)))


async def test_thinking_without_end_is_an_error() -> None:
    with pytest.raises(EmptyAnswerError):
        await listen(guard(ScriptedAnswer(reasoning=" ".join(map(str, range(300))))))


async def test_circles_are_an_error_after_the_words() -> None:
    heard = Heard()
    with pytest.raises(RepeatingAnswerError):
        await listen(
            GuardedModel(ScriptedModel([ScriptedAnswer(pieces=("So be it, my friend. ",) * 900)])), heard=heard
        )

    assert 1000 <= len(heard.text) < 1400


@pytest.mark.parametrize("phrase", ["I'm sorry. ", "0", "The capital is Paris. The capital is Paris. It is so. "])
async def test_an_answer_that_circles_is_stopped_within_seconds(phrase: str) -> None:
    heard, model = Heard(), ScriptedModel([ScriptedAnswer(pieces=("Well: ", *(phrase,) * 5000))])
    request = ModelRequest([Message(Role.USER, "Is it 2026 already?")])
    with pytest.raises(RepeatingAnswerError):
        await listen(GuardedModel(model), request, heard=heard)

    # A model of 135 million parameters on one core writes about a hundred characters a second, of digits a third.
    assert len(heard.text) < (520 if len(phrase) < 12 else 1400)


@pytest.mark.parametrize(
    "question",
    ["Write a hundred hearts", "напиши «слово» 300 раз", "repeat after me, endlessly", "Нарисуй 150 сердечек"],
)
async def test_a_repetition_that_was_asked_for_is_an_answer(question: str) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("слово ",) * 600)])
    heard = await listen(GuardedModel(model), ModelRequest([Message(Role.USER, question)]))

    assert len(heard.text) == 3600


async def test_a_form_that_circles_is_stopped_whatever_its_page_asks_for() -> None:
    request = ModelRequest([Message(Role.USER, "#17 person: a hundred times")], schema={"type": "object"})
    with pytest.raises(RepeatingAnswerError):
        await listen(GuardedModel(ScriptedModel([ScriptedAnswer(pieces=('{"name": 0},',) * 900)])), request)


async def test_reasoning_that_circles_is_stopped() -> None:
    model = ScriptedModel([ScriptedAnswer(reasoning="Wait, let me think again. " * 900, pieces=("Yes",))])
    with pytest.raises(RepeatingAnswerError):
        await listen(GuardedModel(model))


@pytest.mark.parametrize("phrase", ["а", "ха-", "I cannot say. ", "The same long sentence, with a comma in it.\n" * 3])
def test_circles_are_noticed(phrase: str) -> None:
    assert repeats("It began well enough. " + phrase * (3000 // len(phrase)))


@pytest.mark.parametrize(
    "text",
    [
        "ха-" * 300,
        "| a | b |\n" + "| --- " * 60 + "|\n",
        " " * 800 + "x",
        "".join(f"{number}. The same words in a list of many items.\n" for number in range(300)),
        "A sentence that comes back. " * 30 + "And then something else. " * 30,
    ],
)
def test_ordinary_repetition_is_left_alone(text: str) -> None:
    assert not repeats(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = [\n" + "    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],\n" * 20 + "]",
        "-" * 1500,
        "❤️" * 500,
        "ха-" * 90,
        "Припев, две строки.\n" * 12,
        ("A paragraph that comes three times, word by word, as in a song. " * 5 + "\n") * 3,
    ],
)
def test_usual_limits_let_tables_rules_and_songs_pass(text: str) -> None:
    assert not repeats(text, limits=GuardLimits())


@given(st.text(alphabet="абвгд ", min_size=1, max_size=60), st.integers(1, 200))
def test_pieces_of_any_size_notice_circles(phrase: str, size: int) -> None:
    if any(map(str.isalpha, phrase)):
        assert repeats(phrase * (4000 // len(phrase) + 1), size)
