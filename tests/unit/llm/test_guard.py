from collections.abc import AsyncGenerator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.core.errors import EmptyAnswerError, RefusedAnswerError, RepeatingAnswerError, ThoughtsOnlyError
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.llm.base import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    ObservedModel,
    OpenObserver,
    ReasoningDelta,
    Retracted,
    TextDelta,
)
from beseda.llm.guard import AnswerGuard, GuardLimits, RepeatDetector, asks_to_repeat
from beseda.llm.token_estimate import estimate_tokens
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.model_events import Heard, listen

LIMITS = GuardLimits(max_characters=1000, max_reasoning_characters=500)
LIMITED = partial(AnswerGuard, limits=LIMITS)
STRICT = GuardLimits(circling_characters=1000, circling_short_characters=2000)


def guard(answer: ScriptedAnswer, observer: OpenObserver = LIMITED) -> ObservedModel:
    return ObservedModel(ScriptedModel([answer]), observer)


def repeats(text: str, size: int = 7, limits: GuardLimits = STRICT) -> bool:
    detector = RepeatDetector(limits)
    return any(detector.feed(text[start : start + size]) for start in range(0, len(text), size))


async def test_ordinary_answer_passes() -> None:
    heard = await listen(guard(ScriptedAnswer(pieces=("Hel", "lo"))))

    assert (heard.text, heard.end.reason) == ("Hello", FinishReason.STOP)


async def test_long_answer_is_cut() -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=tuple(f"{number:9} " for number in range(500)))])
    heard = await listen(ObservedModel(model, LIMITED))

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
        await listen(guard(ScriptedAnswer(pieces=("So be it, my friend. ",) * 900), AnswerGuard), heard=heard)

    assert 1000 <= len(heard.text) < 1400


@pytest.mark.parametrize("phrase", ["I'm sorry. ", "0", "The capital is Paris. The capital is Paris. It is so. "])
async def test_an_answer_that_circles_is_stopped_within_seconds(phrase: str) -> None:
    heard, model = Heard(), ScriptedModel([ScriptedAnswer(pieces=("Well: ", *(phrase,) * 5000))])
    request = ModelRequest([Message(Role.USER, "Is it 2026 already?")])
    with pytest.raises(RepeatingAnswerError):
        await listen(ObservedModel(model, AnswerGuard), request, heard=heard)

    # A model of 135 million parameters on one core writes about a hundred characters a second, of digits a third.
    assert len(heard.text) < (520 if len(phrase) < 12 else 1400)


@pytest.mark.parametrize(
    "question",
    ["Write a hundred hearts", "напиши «слово» 300 раз", "repeat after me, endlessly", "Нарисуй 150 сердечек"],
)
async def test_a_repetition_that_was_asked_for_is_an_answer(question: str) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("слово ",) * 600)])
    heard = await listen(ObservedModel(model, AnswerGuard), ModelRequest([Message(Role.USER, question)]))

    assert len(heard.text) == 3600


async def test_a_form_that_circles_is_stopped_whatever_its_page_asks_for() -> None:
    request = ModelRequest([Message(Role.USER, "#17 person: a hundred times")], schema={"type": "object"})
    with pytest.raises(RepeatingAnswerError):
        await listen(guard(ScriptedAnswer(pieces=('{"name": 0},',) * 900), AnswerGuard), request)


async def test_reasoning_that_circles_is_stopped() -> None:
    model = ScriptedModel([ScriptedAnswer(reasoning="Wait, let me think again. " * 900, pieces=("Yes",))])
    with pytest.raises(RepeatingAnswerError):
        await listen(ObservedModel(model, AnswerGuard))


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


def _unlike(first: str, number: int) -> str:
    """Return a phrase of so many characters, no two of them the same."""
    return "".join(chr(ord(first) + index) for index in range(number))


def _noticed_after(phrase: str, limits: GuardLimits | None = None, *, asked: bool = False) -> int | None:
    """Return after how many characters of nothing but `phrase` the circle is noticed."""
    detector = RepeatDetector(limits or GuardLimits(), asked=asked)
    text = phrase * (13_000 // len(phrase) + 1)
    return next((number for number, character in enumerate(text, 1) if detector.feed(character)), None)


@pytest.mark.parametrize(
    ("phrase", "asked", "characters"),
    [
        ("а", False, 384),  # a look every 128 characters, the first that sees 300 of them
        ("ха-", False, 512),  # 129 of 256 are copies
        (_unlike("一", 11), False, 512),  # the longest short phrase
        (_unlike("一", 12), False, 1152),
        (_unlike("一", 77), False, 1152),  # 999 at 1,024
        (_unlike("一", 120), False, 1024),  # 1,000 at 1,024
        (_unlike("一", 300), False, 1408),  # four copies of a long phrase
        (_unlike("一", 400), False, 1792),
        (_unlike("一", 401), False, None),
        (_unlike("\u2190", 69), False, 2176),  # marks: 1,999 at 2,048
        (_unlike("\u2190", 112), False, 2048),  # 2,000 at 2,048
        ("а", True, 12_032),  # forty times 300
    ],
)
def test_circle_is_noticed_at_the_limit_of_its_kind(phrase: str, asked: bool, characters: int | None) -> None:
    assert _noticed_after(phrase, asked=asked) == characters


@pytest.mark.parametrize(("limit", "characters"), [(984, 1024), (985, 1152)])
def test_limit_of_a_circle_is_exact(limit: int, characters: int) -> None:
    assert _noticed_after(_unlike("一", 200), GuardLimits(circling_characters=limit)) == characters


@pytest.mark.parametrize(("run", "characters"), [(25, 1152), (26, None)])
def test_phrase_is_measured_by_its_last_24_characters(run: int, characters: int | None) -> None:
    phrase = _unlike("一", 64 - run) + ("ab" * 13)[-run:]
    assert _noticed_after(phrase) == characters


def test_circling_counts_the_copies_at_the_end() -> None:
    detector = RepeatDetector(GuardLimits())
    counts = []
    text = _unlike("一", 200) * 4
    for start in range(0, 768, 128):
        detector.feed(text[start : start + 128])
        counts.append(detector.circling)
    assert counts == [0, 0, 0, 0, 600, 728]
    detector.feed(_unlike("\u0430", 128))
    assert detector.circling == 0
    detector.feed(_unlike("一", 64) * 2)
    assert detector.circling == 0


def test_usual_limits_are_those_that_are_documented() -> None:
    limits = GuardLimits()
    assert (limits.max_characters, limits.max_reasoning_characters) == (60_000, 400_000)
    assert (limits.circling_characters, limits.circling_short_characters) == (1_000, 300)
    assert (limits.circling_mark_characters, limits.asked_factor) == (2_000, 40)


def _numbers(size: int) -> str:
    return " ".join(map(str, range(size)))[:size]


@pytest.mark.parametrize(
    ("size", "reason", "length"),
    [(1000, FinishReason.STOP, 1000), (1001, FinishReason.LENGTH, 1000)],
)
async def test_answer_is_cut_at_the_limit_and_not_before(size: int, reason: FinishReason, length: int) -> None:
    heard = await listen(guard(ScriptedAnswer(pieces=(_numbers(size)[:600], _numbers(size)[600:]))))
    assert (heard.text, heard.end.reason) == (_numbers(size)[:length], reason)


async def test_piece_behind_a_full_answer_is_not_shown() -> None:
    pieces = (_numbers(1000), "x", "y")
    heard = await listen(guard(ScriptedAnswer(pieces=pieces)))
    assert heard.text == _numbers(1000)
    assert heard.end == Finished(
        FinishReason.LENGTH, Usage(3, estimate_tokens(_numbers(1000)), estimated=True), "scripted", "model"
    )


async def test_prompt_of_a_cut_answer_is_all_its_messages() -> None:
    messages = [Message(Role.SYSTEM, "one two"), Message(Role.USER, "three")]
    heard = await listen(guard(ScriptedAnswer(pieces=(_numbers(1001),))), ModelRequest(messages))
    assert heard.end.usage.prompt_tokens == 3


@pytest.mark.parametrize(("size", "cut"), [(500, False), (501, True)])
async def test_reasoning_is_ended_at_its_limit(size: int, cut: bool) -> None:
    model = guard(ScriptedAnswer(reasoning=_numbers(size), pieces=("Yes",)))
    if not cut:
        assert (await listen(model)).text == "Yes"
        return
    with pytest.raises(ThoughtsOnlyError, match="scripted:model: 501 characters of reasoning and no answer"):
        await listen(model)


async def test_reasoning_behind_words_only_cuts_the_answer() -> None:
    heard = await listen(
        ObservedModel(
            _Events(TextDelta("Yes"), ReasoningDelta(_numbers(501)), TextDelta("no")),
            LIMITED,
        )
    )
    assert (heard.text, heard.end.reason) == ("Yes", FinishReason.LENGTH)


@pytest.mark.parametrize(
    ("reasoning", "kind"), [("Hmm", ThoughtsOnlyError), (" \n", EmptyAnswerError), ("", EmptyAnswerError)]
)
async def test_reasoning_without_an_answer_is_distinguished_from_silence(
    reasoning: str, kind: type[EmptyAnswerError]
) -> None:
    with pytest.raises(EmptyAnswerError) as caught:
        await listen(guard(ScriptedAnswer(reasoning=reasoning, pieces=(" ",))))
    assert type(caught.value) is kind


class _Events(ScriptedModel):
    """A model that sends these events, and the end."""

    def __init__(self, *events: ModelEvent) -> None:
        super().__init__()
        self._events = events

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        for event in self._events:
            yield event
        yield Finished(FinishReason.STOP, Usage(1, 1), "scripted", "model")


async def test_retracted_text_is_reasoning_and_the_answer_begins_again() -> None:
    heard = await listen(
        ObservedModel(
            _Events(TextDelta(_numbers(900)), Retracted(), TextDelta(_numbers(1000))),
            LIMITED,
        )
    )
    assert (heard.text, heard.end.reason) == (_numbers(1000), FinishReason.STOP)


async def test_answer_after_a_retraction_is_cut_at_the_same_length() -> None:
    heard = await listen(ObservedModel(_Events(TextDelta("Hello"), Retracted(), TextDelta(_numbers(1001))), LIMITED))
    assert (heard.end.reason, heard.text) == (FinishReason.LENGTH, _numbers(1000))


@pytest.mark.parametrize(("thought", "cut"), [(100, False), (101, True)])
async def test_retracted_text_counts_as_reasoning(thought: int, cut: bool) -> None:
    events = (TextDelta(_numbers(400)), Retracted(), ReasoningDelta(_numbers(thought)), TextDelta("Yes"))
    model = ObservedModel(_Events(*events), LIMITED)
    if not cut:
        assert (await listen(model)).text == "Yes"
        return
    with pytest.raises(ThoughtsOnlyError, match="501 characters"):
        await listen(model)


async def test_answer_of_retracted_text_alone_is_thoughts_only() -> None:
    with pytest.raises(ThoughtsOnlyError, match="5 characters of reasoning"):
        await listen(ObservedModel(_Events(TextDelta("Hello"), Retracted()), LIMITED))


async def test_circle_is_not_counted_across_a_retraction() -> None:
    events = (TextDelta("а" * 256), Retracted(), TextDelta("а" * 256))
    heard = await listen(ObservedModel(_Events(*events), AnswerGuard))
    assert heard.text == "а" * 256
    asked = ModelRequest([Message(Role.USER, "write а 900 times")])
    heard = await listen(ObservedModel(_Events(Retracted(), TextDelta("а" * 900)), AnswerGuard), asked)
    assert heard.text == "а" * 900
    heard = await listen(ObservedModel(_Events(ReasoningDelta("а" * 900), TextDelta("Yes")), AnswerGuard), asked)
    assert heard.text == "Yes"


@pytest.mark.parametrize(("before", "kept", "length"), [("", 0, 384), ("Well: ", 128, 512)])
async def test_words_before_a_circle_are_kept(before: str, kept: int, length: int) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=(*before, *("а" * 900)))])
    with pytest.raises(RepeatingAnswerError, match=f"again and again after {length} characters") as caught:
        await listen(ObservedModel(model, AnswerGuard))
    assert caught.value.kept == kept


@pytest.mark.parametrize(
    ("messages", "asks"),
    [
        ([(Role.USER, "a hundred hearts")], True),
        ([(Role.USER, "one heart"), (Role.ASSISTANT, "a hundred times?"), (Role.SYSTEM, "repeat")], False),
        ([(Role.USER, "a hundred hearts"), (Role.ASSISTANT, "no")], True),
        ([(Role.USER, "a hundred hearts"), (Role.USER, "one heart")], False),
        ([(Role.SYSTEM, "repeat")], False),
    ],
)
def test_last_words_of_the_person_ask_for_a_repetition(messages: list[tuple[Role, str]], asks: bool) -> None:
    assert asks_to_repeat(ModelRequest([Message(role, text) for role, text in messages])) is asks


def test_text_of_a_few_characters_is_no_circle() -> None:
    detector = RepeatDetector(GuardLimits())
    assert detector.circling == 0
    assert detector.feed("а" * 127) is False
    assert (detector.feed("а"), detector.circling) == (False, 128)
    form = ModelRequest([Message(Role.USER, "repeat")], schema={})
    assert asks_to_repeat(form) is False
