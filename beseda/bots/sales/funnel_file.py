"""Parser of `funnel.yaml`. A mistake is reported with its place, before the bot answers anyone."""

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from beseda.core.errors import SettingsError
from beseda.features.leads.model import CONTACT_SLOTS, Thresholds
from beseda.features.sales.model import (
    FULL_SCORE,
    SIGNALS,
    Entrance,
    FitRule,
    Funnel,
    FunnelSlot,
    FunnelStage,
    LengthRule,
)
from beseda.locales import BotTexts, Text

FILE_NAME = "funnel.yaml"

_LARGEST = 256 * 1024  # bytes
_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "model_type": "should be a list of `name: value`",
}
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _TextEntry(_Entry):
    ru: _Words
    en: _Words

    def to_text(self, key: str, bot: BotTexts) -> Text:
        return Text(f"funnel.{key}", bot, ru=self.ru, en=self.en)


class _EntranceEntry(_Entry):
    score: int | None = Field(None, ge=0, le=FULL_SCORE)
    known: list[_Name] = []
    signals: list[str] = []


class _StageEntry(_Entry):
    name: _Name
    instructions: _Words
    temperature: float = Field(0.5, ge=0, le=2)
    enter: _EntranceEntry = _EntranceEntry()
    asks: list[_Name] = []


class _SlotEntry(_Entry):
    about: _Words
    title: _TextEntry
    question: _TextEntry
    contact: bool = False


class _FitEntry(_Entry):
    weight: int = Field(ge=0, le=FULL_SCORE)
    any: list[_Name] = []
    all: list[_Name] = []

    @model_validator(mode="after")
    def weigh_something(self) -> Self:
        if bool(self.any) == bool(self.all):
            raise ValueError("points are for either `any` or `all` of some slots")
        return self


class _LengthEntry(_Entry):
    words: int | None = Field(None, ge=1)
    rule: _Words


class _FunnelFile(_Entry):
    stages: list[_StageEntry] = Field(min_length=1)
    slots: dict[_Name, _SlotEntry] = Field(min_length=1, max_length=64)
    fit: list[_FitEntry] = Field(min_length=1)
    lengths: list[_LengthEntry] = []
    confirm_from: float = Field(0.6, ge=0, le=1)
    accept_from: float = Field(0.8, ge=0, le=1)
    offer_from: int = Field(60, ge=0, le=FULL_SCORE)
    wait: float = Field(1.5, ge=0, le=30)
    patience: float = Field(15.0, gt=0, le=120)
    consultation: bool = True
    offer: _TextEntry | None = None
    pick: _TextEntry | None = None

    @model_validator(mode="after")
    def fit_together(self) -> Self:
        """Reject unknown names, weights that do not add up to a hundred, and other contradictions."""
        if self.confirm_from > self.accept_from:
            raise ValueError("confirm_from is above accept_from")
        if (points := sum(rule.weight for rule in self.fit)) != FULL_SCORE:
            raise ValueError(f"the weights of fit make {points}, not {FULL_SCORE}")
        names = [stage.name for stage in self.stages]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"there are two stages {min(twice)}")
        for place, named in self._list_references():
            if named not in self.slots:
                raise ValueError(f"{place} names the slot {named!r}, which is not among slots")
        for name in CONTACT_SLOTS:
            if name in self.slots and not self.slots[name].contact:
                raise ValueError(f"slots.{name}: needs `contact: true`, it is kept with the person's consent only")
        if any(rule.words is None for rule in self.lengths[:-1]):
            raise ValueError("lengths: a rule without `words` is for all longer messages and stands last")
        for stage in self.stages:
            if unknown := set(stage.enter.signals) - set(SIGNALS):
                known = ", ".join(SIGNALS)
                raise ValueError(f"stage {stage.name}: there is no signal {min(unknown)!r}: there are {known}")
        return self

    def _list_references(self) -> list[tuple[str, str]]:
        found = [(f"stage {stage.name}", name) for stage in self.stages for name in (*stage.asks, *stage.enter.known)]
        return found + [("fit", name) for rule in self.fit for name in (*rule.any, *rule.all)]


def read_funnel(path: Path) -> Funnel:
    """Return the funnel of a file. Raises SettingsError with the file, the place and the fault."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"{path} is over 256 KB")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entry = _FunnelFile.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {type(error).__name__}") from error
    except RecursionError as error:
        raise SettingsError(f"{path} is nested too deeply") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, problem) for problem in error.errors())) from error
    return _build(entry, BotTexts(path.parent))


def _explain(path: Path, problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    reason = _REASONS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{path}: {place}: {reason}" if place else f"{path}: {reason}"


def _build(entry: _FunnelFile, bot: BotTexts) -> Funnel:
    said = {"offer": entry.offer, "pick": entry.pick}
    return Funnel(
        stages=tuple(map(_build_stage, entry.stages)),
        slots={name: _build_slot(name, slot, bot) for name, slot in entry.slots.items()},
        fit=tuple(FitRule(rule.weight, tuple(rule.any), tuple(rule.all)) for rule in entry.fit),
        lengths=tuple(LengthRule(rule.words, rule.rule) for rule in entry.lengths),
        thresholds=Thresholds(entry.confirm_from, entry.accept_from),
        offer_from=entry.offer_from,
        wait=entry.wait,
        patience=entry.patience,
        consultation=entry.consultation,
        **{name: text.to_text(name, bot) for name, text in said.items() if text is not None},
    )


def _build_stage(entry: _StageEntry) -> FunnelStage:
    enter = Entrance(entry.enter.score, tuple(entry.enter.known), tuple(entry.enter.signals))
    return FunnelStage(entry.name, entry.instructions.strip(), entry.temperature, enter, tuple(entry.asks))


def _build_slot(name: str, entry: _SlotEntry, bot: BotTexts) -> FunnelSlot:
    title = entry.title.to_text(f"slots.{name}.title", bot)
    question = entry.question.to_text(f"slots.{name}.question", bot)
    return FunnelSlot(name, title, question, entry.about, entry.contact)
