from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.llm.thoughts import ThoughtFilter, begins_with_thought, strip_thoughts

WHOLE = {
    "plain": ("\n<think>x</think>\n\nПривет!", "Привет!", "x"),
    "thinking": ("<thinking>x</thinking>Привет!", "Привет!", "x"),
    "reasoning": ("<reasoning>\nx\n</reasoning>\nПривет!", "Привет!", "\nx\n"),
    "capitals": ("<THINK>x</Think> Привет!", "Привет!", "x"),
    "magistral": ("[THINK]x[/THINK]Привет!", "Привет!", "x"),
    "kimi": ("◁think▷x◁/think▷Привет!", "Привет!", "x"),
    "gpt-oss": (
        "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>Привет!<|return|>",
        "Привет!",
        "x",
    ),
    "gpt-oss without an end": ("<|channel|>analysis<|message|>x<|channel|>final<|message|>Привет!", "Привет!", "x"),
    "gemma": ("<|channel>thought\nx<channel|>Привет!", "Привет!", "\nx"),
    "command": ("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>Привет!<|END_RESPONSE|>", "Привет!", "x"),
    "answer in marks": ("<think>x</think>\n<answer>Привет!</answer>", "Привет!", "x"),
    "unopened": ("Думаю…\n</think>\n\nПривет!", "Привет!", "Думаю…\n"),
    "unclosed": ("<think>Долго думаю и не успеваю", "", "Долго думаю и не успеваю"),
    "in the middle": ("Привет!\n\n<think>x</think>\n\nИ пока.", "Привет!\n\nИ пока.", "x"),
    "in the line": ("Привет! <think>x</think> И пока.", "Привет! И пока.", "x"),
    "twice": ("<think>x</think>Привет!\n<think>y</think>\nИ пока.", "Привет!\nИ пока.", "xy"),
    "code in a thought": ("<think>```\nx</think>Привет!", "Привет!", "```\nx"),
    "call": ('Смотрю.\n<tool_call>\n{"name": "f"}\n</tool_call>', "Смотрю.\n", '\n{"name": "f"}\n'),
    "call without an end": ('[TOOL_CALLS][{"name": "f"}]', "", '[{"name": "f"}]'),
    "call of Llama": ("<function=f>{}</function>\nГотово.", "Готово.", "f>{}"),
}
TEXTS = {
    "inline code": "Мысли пишут в `<think>` и `</think>`, вот так.",
    "block of code": "Вот:\n\n```xml\n<think>x</think>\n<tool_call>\n```\n\nГотово.",
    "tildes": "~~~\n</think>\n~~~\nГотово.",
    "other marks": "a < b, [ссылка](https://example.org) и <b>x</b> ~~нет~~ ◁ да",
    "mention": "Тег <think> открывает рассуждение.",
    "white space in front": "\n\n  Привет!",
    "white space alone": " \n ",
    "beginning of a mark": "x <thin",
    "answer": "<answer>42</answer>",
}


def sort_pieces(pieces: list[str]) -> tuple[str, str]:
    """Return answer and thoughts as a consumer of the pieces has them at the end."""
    sorting = ThoughtFilter()
    text = thought = ""
    for piece in [*pieces, None]:
        sorting.finish() if piece is None else sorting.feed(piece)
        if sorting.take_withdrawal():
            text, thought = "", thought + text
        thought += sorting.take_thought()
        text += sorting.take_text()
    return text, thought


@pytest.mark.parametrize(("said", "text", "thought"), WHOLE.values(), ids=WHOLE)
def test_thought_is_distinguished_from_the_answer(said: str, text: str, thought: str) -> None:
    assert sort_pieces([said]) == (text, thought)
    assert sort_pieces(list(said)) == (text, thought)
    assert strip_thoughts(said) == text


@pytest.mark.parametrize("said", TEXTS.values(), ids=TEXTS)
def test_text_that_holds_no_thought_stays_as_it_is(said: str) -> None:
    assert sort_pieces([said])[0] == said
    assert sort_pieces(list(said))[0] == said


@given(st.sampled_from([*(said for said, *_ in WHOLE.values()), *TEXTS.values()]), st.lists(st.integers(0, 90)))
def test_cuts_change_nothing(said: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]

    assert sort_pieces([said[start:end] for start, end in pairwise(edges)]) == sort_pieces([said])


@given(st.lists(st.sampled_from([*"`~<>[]/ \n", "think", "<think>", "</think>", "``", "x", "\n\n"]), max_size=25))
def test_nothing_is_lost_and_pieces_are_read_like_the_whole(parts: list[str]) -> None:
    whole = sort_pieces(["".join(parts)])

    assert sort_pieces(parts)[0] == whole[0]
    assert sort_pieces(list("".join(parts)))[0] == whole[0]


def test_thought_that_is_expected_needs_no_opening_mark() -> None:
    sorting = ThoughtFilter(opened=True)
    sorting.feed("Думаю")
    assert (sorting.take_text(), sorting.take_thought()) == ("", "Думаю")
    sorting.feed("</think>Привет!")
    sorting.finish()

    assert (sorting.take_text(), sorting.take_withdrawal(), sorting.unopened) == ("Привет!", False, True)


def test_answer_without_the_thought_that_was_expected_is_given_at_its_end() -> None:
    sorting = ThoughtFilter(opened=True)
    sorting.feed("Привет!")
    sorting.finish()

    assert (sorting.take_text(), sorting.unopened) == ("Привет!", False)


def test_text_that_was_taken_before_an_unopened_end_is_withdrawn() -> None:
    sorting = ThoughtFilter()
    sorting.feed("Думаю… ")
    assert sorting.take_text() == "Думаю… "
    sorting.feed("</think>\nПривет!")

    assert sorting.take_withdrawal()
    assert (sorting.take_text(), sorting.take_withdrawal()) == ("Привет!", False)


@pytest.mark.parametrize(
    "model",
    [
        "deepseek-ai/DeepSeek-R1",
        "deepseek-r1:14b",
        "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf",
        "Qwen/QwQ-32B",
        "Qwen/Qwen3-30B-A3B-Thinking-2507",
    ],
)
def test_models_with_an_opened_thought_in_the_template_are_known_by_name(model: str) -> None:
    assert begins_with_thought(model)


@pytest.mark.parametrize("model", ["", "deepseek-chat", "Qwen/Qwen3-32B", "gpt-oss-120b", "rethinking-7b", "qwqx"])
def test_other_models_are_shown_as_they_write(model: str) -> None:
    assert not begins_with_thought(model)


def test_thought_that_the_server_keeps_apart_is_expected_no_longer() -> None:
    sorting = ThoughtFilter(opened=True)
    sorting.expect_none()
    sorting.feed("Привет")
    assert sorting.take_text() == "Привет"
