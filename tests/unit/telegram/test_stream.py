"""When an answer in the making is shown: seconds in, steps out."""

from itertools import pairwise

from beseda.telegram.stream import DRAFTS, GROUP_EDITS, Pace, Step, StreamPlan


def _play(pace: Pace, text_from: float, until: float, *, tick: float = 0.05) -> list[tuple[float, Step]]:
    """Return what is shown when, of an answer that grows at every tick from `text_from` on."""
    plan = StreamPlan(pace, 0.0)
    shown: list[tuple[float, Step]] = []
    for number in range(round(until / tick)):
        now = number * tick
        step = plan.step(now, grown=now >= text_from)
        if step is not Step.NOTHING:
            shown.append((round(now, 2), step))
            plan.shown(step, now)
    return shown


def test_nothing_is_shown_of_an_answer_that_comes_at_once() -> None:
    assert _play(DRAFTS, text_from=0.0, until=0.25) == []


def test_typing_comes_first_then_text_at_most_once_a_second() -> None:
    shown = _play(DRAFTS, text_from=0.3, until=4.0)
    assert shown[0] == (0.25, Step.TYPING)
    texts = [at for at, step in shown if step is Step.TEXT]
    assert texts[0] == 0.5
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(texts))


def test_typing_is_kept_alive_and_a_thinking_draft_offers_to_stop() -> None:
    shown = _play(DRAFTS, text_from=60.0, until=30.0)
    typing = [at for at, step in shown if step is Step.TYPING]
    thinking = [at for at, step in shown if step is Step.THINKING]
    assert all(later - earlier < 5 for earlier, later in pairwise(typing))
    assert thinking == [1.5, 21.5]


def test_draft_that_does_not_grow_is_renewed_before_it_vanishes() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.shown(Step.TEXT, 1.0)
    assert plan.step(20.0, grown=False) is Step.NOTHING
    assert plan.step(21.0, grown=False) is Step.TEXT


def test_group_is_edited_every_three_seconds() -> None:
    texts = [at for at, step in _play(GROUP_EDITS, text_from=0.0, until=10.0) if step is Step.TEXT]
    assert texts == [1.0, 4.0, 7.0]


def test_flood_control_puts_everything_off() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.put_off(30.0)
    assert plan.step(29.0, grown=True) is Step.NOTHING
    assert plan.step(30.0, grown=True) is Step.TEXT


def test_without_drafts_typing_goes_on() -> None:
    plan = StreamPlan(DRAFTS, 0.0)
    plan.show_typing_only()
    assert plan.step(10.0, grown=True) is Step.TYPING
    assert plan.look_again(10.0) > 10.0
