"""A sale as a funnel: its stages, the facts to learn about a person, and the conclusions from known facts.

Pure logic over a file of the bot (`funnel.yaml`): another trade is another file.

    known facts ──► score_fit() ──► next_stage() ──► plan_answer(): questions, a confirmation, an offer
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from beseda.features.leads.model import Thresholds
from beseda.locales import Text

ACCEPTED, TO_CONFIRM, TO_ASK = "accepted", "to_confirm", "to_ask"

# What a person may want or do, beside what they tell of themselves. The last three come from buttons and the calendar.
WANTS_CONSULTATION, DECLINES, OBJECTS, ON_TOPIC = "wants_consultation", "declines", "objects", "on_topic"
PICKS_TIME, BOOKED, CONFIRMED = "picks_time", "booked", "confirmed"
SIGNALS = (WANTS_CONSULTATION, DECLINES, OBJECTS, ON_TOPIC, PICKS_TIME, BOOKED, CONFIRMED)
FULL_SCORE = 100
_OFFER = Text("sales.offer")
_PICK = Text("sales.pick")


class Known(Protocol):
    """The known value of a slot; `state` is one of accepted, to_confirm, to_ask."""

    @property
    def value(self) -> str:
        """The value, as the person gave it."""
        ...

    @property
    def state(self) -> str:
        """How sure we are."""
        ...


KnownSlots = Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class FunnelSlot:
    """A fact to learn. `about` describes it to the model.

    A slot with `contact` is stored only with the person's consent.
    """

    name: str
    title: Text
    question: Text
    about: str
    contact: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """When a stage begins: from a score on, or when all these slots are known, or at one of these signals."""

    score: int | None = None
    known: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """A stretch of the way. `instructions` are for the model; `asks` are the slots it asks for first."""

    name: str
    instructions: str
    temperature: float
    enter: Entrance = field(default_factory=Entrance)
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FitRule:
    """Points for knowing something: all of them at the first of `any`, or a share of them for each of `all`."""

    weight: int
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LengthRule:
    """How long an answer may be for a message of up to so many words; None for every longer one."""

    words: int | None
    rule: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """All of a bot's file. From the score `offer_from` on a consultation is offered: `offer` in words, `pick` a button.

    The extraction is waited for `wait` seconds before the answer begins, and given up after `patience` seconds.
    """

    stages: Sequence[FunnelStage]
    slots: Mapping[str, FunnelSlot]
    fit: Sequence[FitRule]
    lengths: Sequence[LengthRule]
    thresholds: Thresholds = field(default_factory=Thresholds)
    offer_from: int = 60
    wait: float = 1.5
    patience: float = 15.0
    consultation: bool = True
    offer: Text = _OFFER
    pick: Text = _PICK

    def stage(self, name: str) -> FunnelStage:
        """Return a stage by its name, or the first stage if the name does not exist (any more)."""
        return next((stage for stage in self.stages if stage.name == name), self.stages[0])

    def position(self, name: str) -> int:
        """Return how far a stage is; a name that is unknown stands at the beginning."""
        return next((number for number, stage in enumerate(self.stages) if stage.name == name), 0)


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """The plan of the next answer. `ask` begins with the most important slot; `confirm` is a slot and its value."""

    stage: FunnelStage
    score: int
    ask: tuple[FunnelSlot, ...] = ()
    confirm: tuple[FunnelSlot, str] | None = None
    offer: bool = False


def score_fit(funnel: Funnel, known: KnownSlots) -> int:
    """Return how well a person fits, from 0 to 100. A slot that still has to be confirmed counts for half."""
    return min(FULL_SCORE, int(sum(_count(rule, known) for rule in funnel.fit)))


def next_stage(
    funnel: Funnel, current: str, score: int, known: KnownSlots, signals: Collection[str] = ()
) -> FunnelStage:
    """Return the furthest stage that may begin now; never one before the current."""
    here = funnel.position(current)
    open_stages = [
        number
        for number, stage in enumerate(funnel.stages)
        if number > here and _may_enter(stage, score, known, signals)
    ]
    return funnel.stages[max(open_stages, default=here)]


def plan_answer(funnel: Funnel, stage: FunnelStage, known: KnownSlots, signals: Collection[str] = ()) -> AnswerPlan:
    """Return the questions, the confirmation and the offer of the next answer."""
    score = score_fit(funnel, known)
    asked_for = WANTS_CONSULTATION in signals
    due = score >= funnel.offer_from and not _is_arranged(funnel, stage)
    offer = funnel.consultation and DECLINES not in signals and (asked_for or due)
    return AnswerPlan(stage, score, choose_questions(funnel, stage, known), choose_confirmation(funnel, known), offer)


def choose_questions(funnel: Funnel, stage: FunnelStage, known: KnownSlots, limit: int = 3) -> tuple[FunnelSlot, ...]:
    """Return the slots to ask next, without those that are known well enough: those of the stage, then others.

    Others are asked only in a stage that asks, and while too little is known for a consultation. Contacts are asked
    only if a stage asks for them.
    """
    goes_on = stage.asks and score_fit(funnel, known) < funnel.offer_from
    others = [name for name, slot in funnel.slots.items() if goes_on and name not in stage.asks and not slot.contact]
    missing = [name for name in (*stage.asks, *others) if name not in known or known[name].state == TO_ASK]
    return tuple(funnel.slots[name] for name in missing[:limit])


def choose_confirmation(funnel: Funnel, known: KnownSlots) -> tuple[FunnelSlot, str] | None:
    """Return the first slot that wants a soft confirmation, with its value."""
    for name, slot in funnel.slots.items():
        if name in known and known[name].state == TO_CONFIRM:
            return slot, known[name].value
    return None


def choose_length(funnel: Funnel, text: str) -> str:
    """Return the rule for the length of an answer to `text`."""
    words = len(text.split())
    return next((rule.rule for rule in funnel.lengths if rule.words is None or words <= rule.words), "")


def _count(rule: FitRule, known: KnownSlots) -> float:
    if rule.any:
        return rule.weight * max(_worth(known.get(name)) for name in rule.any)
    return rule.weight * sum(_worth(known.get(name)) for name in rule.all) / len(rule.all)


def _worth(slot: Known | None) -> float:
    if slot is None or slot.state == TO_ASK:
        return 0.0
    return 1.0 if slot.state == ACCEPTED else 0.5


def _is_arranged(funnel: Funnel, stage: FunnelStage) -> bool:
    """Return whether the stage lies behind the booking of a consultation."""
    passed = funnel.stages[: funnel.position(stage.name) + 1]
    return any({BOOKED, CONFIRMED} & {*one.enter.signals} for one in passed)


def _may_enter(stage: FunnelStage, score: int, known: KnownSlots, signals: Collection[str]) -> bool:
    enter = stage.enter
    if enter.score is not None and score >= enter.score:
        return True
    if enter.known and all(_worth(known.get(name)) for name in enter.known):
        return True
    return any(signal in signals for signal in enter.signals)
