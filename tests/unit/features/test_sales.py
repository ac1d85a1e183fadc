"""The funnel as pure logic: points, stages that only go forward, what to ask and confirm next."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.bots.catalog import BUNDLED
from beseda.bots.sales.funnel_file import read_funnel
from beseda.features.sales.model import (
    ACCEPTED,
    SIGNALS,
    TO_ASK,
    TO_CONFIRM,
    FunnelStage,
    choose_confirmation,
    choose_length,
    choose_questions,
    next_stage,
    plan_answer,
    score_fit,
)

FUNNEL = read_funnel(BUNDLED / "sales" / "funnel.yaml")
STAGES = [stage.name for stage in FUNNEL.stages]


@dataclass(frozen=True)
class Slot:
    value: str
    state: str


known_slots = st.dictionaries(
    st.sampled_from(sorted(FUNNEL.slots)),
    st.builds(Slot, st.text(max_size=5), st.sampled_from([ACCEPTED, TO_CONFIRM, TO_ASK])),
)
signals = st.sets(st.sampled_from(SIGNALS))


def know(*names: str, state: str = ACCEPTED) -> dict[str, Slot]:
    return {name: Slot("x", state) for name in names}


@given(known_slots)
def test_score_is_within_its_bounds_and_never_falls_by_learning(known: dict[str, Slot]) -> None:
    score = score_fit(FUNNEL, known)
    assert 0 <= score <= 100
    for name in FUNNEL.slots:
        assert score_fit(FUNNEL, {**known, name: Slot("x", ACCEPTED)}) >= score


@given(known_slots, signals, st.sampled_from(STAGES), st.integers(0, 100))
def test_stages_go_forward_only(known: dict[str, Slot], said: set[str], current: str, score: int) -> None:
    stage = next_stage(FUNNEL, current, score, known, said)
    assert STAGES.index(stage.name) >= STAGES.index(current)
    again = next_stage(FUNNEL, stage.name, score, known, said)
    assert again == stage, "asked twice it goes no further"


@given(known_slots, st.sampled_from(FUNNEL.stages))
def test_nothing_known_well_enough_is_asked_for(known: dict[str, Slot], stage: FunnelStage) -> None:
    questions = choose_questions(FUNNEL, stage, known)
    assert all(slot.name not in known or known[slot.name].state == TO_ASK for slot in questions)
    assert len(questions) <= 3
    assert len({slot.name for slot in questions}) == len(questions)


@pytest.mark.parametrize(
    ("names", "score"),
    [
        ((), 0),
        (("problems",), 20),
        (("problems", "time_consuming_tasks"), 20),
        (("error_rate",), 20),
        (("name",), 7),
        (("name", "company"), 15),
        (("data_access", "budget", "deadline"), 45),
        (tuple(FUNNEL.slots), 100),
    ],
)
def test_score_of_the_facts(names: tuple[str, ...], score: int) -> None:
    assert score_fit(FUNNEL, know(*names)) == score


def test_unconfirmed_value_counts_for_half() -> None:
    assert score_fit(FUNNEL, know("problems", state=TO_CONFIRM)) == 10
    assert score_fit(FUNNEL, know("problems", state=TO_ASK)) == 0


@pytest.mark.parametrize(
    ("current", "names", "said", "stage"),
    [
        ("greeting", (), (), "greeting"),
        ("greeting", (), ("on_topic",), "discovery"),
        ("greeting", ("problems",), (), "discovery"),
        ("discovery", ("problems", "volume"), (), "presentation"),
        ("presentation", (), ("objects",), "objections"),
        ("discovery", (), ("wants_consultation",), "consultation"),
        ("discovery", ("problems", "volume", "budget"), (), "consultation"),
        ("consultation", (), ("picks_time",), "scheduling"),
        ("scheduling", (), ("objects",), "scheduling"),
        ("scheduling", (), ("confirmed",), "summary"),
        ("a stage of last year", (), ("on_topic",), "discovery"),
    ],
)
def test_stage_that_follows(current: str, names: tuple[str, ...], said: tuple[str, ...], stage: str) -> None:
    known = know(*names)
    assert next_stage(FUNNEL, current, score_fit(FUNNEL, known), known, said).name == stage


def test_consultation_is_offered_from_sixty_or_on_request_and_not_after_a_refusal() -> None:
    few, many, stage = know("problems"), know("problems", "volume", "budget"), FUNNEL.stage("discovery")
    assert not plan_answer(FUNNEL, stage, few).offer
    assert plan_answer(FUNNEL, stage, few, {"wants_consultation"}).offer
    assert plan_answer(FUNNEL, stage, many).offer
    assert not plan_answer(FUNNEL, stage, many, {"declines"}).offer
    assert not plan_answer(replace(FUNNEL, consultation=False), stage, many).offer


def test_soft_confirmation_has_the_value() -> None:
    slot, value = choose_confirmation(FUNNEL, {"budget": Slot("500 тысяч", TO_CONFIRM)}) or (None, "")
    assert slot is FUNNEL.slots["budget"]
    assert value == "500 тысяч"
    assert choose_confirmation(FUNNEL, know("budget")) is None


@pytest.mark.parametrize(
    ("words", "rule"), [(1, "phrase"), (8, "phrase"), (9, "bullets"), (40, "bullets"), (41, "two or three")]
)
def test_length_follows_the_persons(words: int, rule: str) -> None:
    assert rule in choose_length(FUNNEL, "слово " * words)
