"""A bot as its folder describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from beseda.engine.calendar import Calendar
from beseda.engine.usage.budget import BudgetChange
from beseda.locales import Text


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages of one person with one bot in a minute and an hour, of one bot and of all in a minute; 0: no limit."""

    user_minute: int = 15
    user_hour: int = 80
    bot_minute: int = 1500
    total_minute: int = 0


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One button. It has exactly one of: `items` (a menu below it), a `mode`, a `command`; a mode brings its label."""

    label: Text | None = None
    items: Sequence["MenuItem"] = ()
    mode: str = ""
    command: str = ""


class Access(StrEnum):
    """The people a bot answers: those of `ADMIN_IDS` if that is set, or everyone."""

    EVERYONE = "everyone"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True)
class BotProfile:
    """The settings of one bot. Everything else is the same for all bots.

    `window` is the number of messages that the model is shown, the new one included. `model` overrides the program's
    choice. `access` ADMINS, the default, restricts the bot to `ADMIN_IDS` if that setting is not empty. `apology`
    replaces the general sentence when the model fails.

    `modes` are the modes that the bot can be switched to, each with its settings, and `menu` holds the buttons that
    lead to them. `budgets` are its differences from the program's budgets. `time_zone` is the zone of its day, empty
    for the program's. `calendar` holds the times of its appointments, or None if it makes none.

    Messages that fall out of the window are summed up when they are more than `summary_after`; 0 for never. `stages`
    are the stages of its funnel, in order, and `slot_titles` the names of the facts that the funnel asks for; both are
    empty for a bot without a funnel.
    """

    name: str
    title: Text
    about: Text
    greeting: Text
    persona: str
    commands: Sequence[str] = ("start", "help", "clear", "stats")
    examples: Sequence[Text] = ()
    apology: Text | None = None
    window: int = 10
    temperature: float | None = None
    max_tokens: int | None = None
    model: str = ""
    voice: bool = True
    access: Access = Access.ADMINS
    texts: Mapping[str, Text] = field(default_factory=dict)
    modes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    menu: Sequence[MenuItem] = ()
    budgets: BudgetChange = field(default_factory=BudgetChange)
    time_zone: str = ""
    calendar: Calendar | None = None
    summary_after: int = 15
    stages: Sequence[str] = ()
    slot_titles: Mapping[str, Text] = field(default_factory=dict)
