from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.core.message import Message, Role
from beseda.llm.fitting import MESSAGE_TOKENS, alternate, cut_window, find_room, fits_surely

SYSTEM = Message(Role.SYSTEM, "s")
TALK = [SYSTEM, *(Message(role, f"{role}{turn}") for turn in range(3) for role in (Role.USER, Role.ASSISTANT))]
TALK.append(Message(Role.USER, "last"))


def cut(room: int, count: int = 10) -> list[str]:
    return [message.content for message in cut_window(TALK, [count] * len(TALK), room)]


def test_window_that_fits_stays_whole() -> None:
    assert cut(len(TALK) * (10 + MESSAGE_TOKENS)) == [message.content for message in TALK]


def test_oldest_go_first() -> None:
    assert cut(6 * (10 + MESSAGE_TOKENS)) == ["s", "user1", "assistant1", "user2", "assistant2", "last"]


def test_answer_without_its_question_goes_too() -> None:
    assert cut(5 * (10 + MESSAGE_TOKENS)) == ["s", "user2", "assistant2", "last"]


@pytest.mark.parametrize("room", [0, -5, 3 * (10 + MESSAGE_TOKENS) - 1])
def test_system_and_question_always_stay(room: int) -> None:
    assert cut(room) == ["s", "last"]


def test_start_that_may_belong_to_a_mark_is_held_back() -> None:
    assert cut_window([SYSTEM], [1], 0) == [SYSTEM]
    assert cut_window([], [], 10) == []


@pytest.mark.parametrize(
    ("context", "max_tokens", "room"),
    [(8192, None, 7168), (512, None, 384), (8192, 2000, 6192), (512, 4000, 256), (0, None, 0)],
)
def test_answer_has_its_room(context: int, max_tokens: int | None, room: int) -> None:
    assert find_room(context, max_tokens) == room


def test_bytes_are_the_most_that_tokens_can_be() -> None:
    assert fits_surely([Message(Role.USER, "ж")], 2 + MESSAGE_TOKENS)
    assert not fits_surely([Message(Role.USER, "ж")], 1 + MESSAGE_TOKENS)


messages = st.builds(Message, st.sampled_from(Role), st.text(max_size=5))


@given(st.lists(st.tuples(messages, st.integers(0, 50)), min_size=1, max_size=12), st.integers(0, 400))
def test_shown_text_fits_and_is_in_order(talk: list[tuple[Message, int]], room: int) -> None:
    said, counts = [each for each, _ in talk], [count for _, count in talk]
    shown = cut_window(said, counts, room)
    must = [each for each in said[:-1] if each.role is Role.SYSTEM] + said[-1:]

    places = [next(place for place, each in enumerate(said) if each is one) for one in shown]
    cost = sum(counts[place] + MESSAGE_TOKENS for place in places)
    assert places == sorted(places)
    assert all(any(one is each for one in shown) for each in must)
    assert cost <= room or len(shown) <= len(must)


def roles(text: str) -> list[Message]:
    """Return messages of these roles (s, u, a), numbered."""
    kinds = {"s": Role.SYSTEM, "u": Role.USER, "a": Role.ASSISTANT}
    return [Message(kinds[letter], f"{letter}{number}") for number, letter in enumerate(text)]


def spell(messages: list[Message]) -> list[str]:
    return [message.content for message in messages]


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        ("suau", ["s0", "u1", "a2", "u3"]),
        ("sauau", ["s0", "u2", "a3", "u4"]),
        ("saauau", ["s0", "u3", "a4", "u5"]),
        ("uuuaau", ["u0\n\nu1\n\nu2", "a3\n\na4", "u5"]),
        ("suasu", ["s0\n\ns3", "u1", "a2", "u4"]),
        ("ssu", ["s0\n\ns1", "u2"]),
        ("sa", ["s0", "a1"]),
        ("", []),
    ],
)
def test_messages_alternate_and_begin_with_a_user(letters: str, shown: list[str]) -> None:
    assert spell(alternate(roles(letters))) == shown


def test_message_without_words_is_left_out() -> None:
    said = [Message(Role.USER, "a"), Message(Role.ASSISTANT, " "), Message(Role.USER, "b")]

    assert spell(alternate(said)) == ["a\n\nb"]


@given(st.text("sua", max_size=12))
def test_any_conversation_alternates(letters: str) -> None:
    shown = [message.role for message in alternate(roles(letters))]
    said = [role for role in shown if role is not Role.SYSTEM]

    assert shown[: len(shown) - len(said)] in ([], [Role.SYSTEM])
    assert all(one is not other for one, other in pairwise(said)) or "u" not in letters
    assert not said or said[0] is Role.USER or "u" not in letters
