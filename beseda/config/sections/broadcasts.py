"""The section `broadcasts` of the settings."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from beseda.config.setting import Section, Setting
from beseda.core.time_zones import read_quiet_hours


def _spell_none(value: object) -> object:
    return "" if value is False or (isinstance(value, str) and value.strip().lower() in {"off", "none"}) else value


def _check_quiet(value: str) -> str:
    read_quiet_hours(value)
    return value


class BroadcastsSection(Section):
    """How messages to many people go out."""

    broadcast_rate: Annotated[
        # Telegram allows about 30 messages a second: https://core.telegram.org/bots/faq. Answers need the rest.
        Annotated[float, Field(gt=0, le=25)],
        Setting(
            "broadcasts.rate",
            "How many messages of a broadcast a bot sends in a second at most; 30 are all that Telegram lets it send.",
            "a number up to 25",
            variables=("BESEDA_BROADCAST_RATE",),
        ),
    ] = 25.0
    broadcast_quiet: Annotated[
        str,
        BeforeValidator(_spell_none),
        AfterValidator(_check_quiet),
        Setting(
            "broadcasts.quiet_hours",
            "When broadcasts rest, by the clock of the bot's time zone, unless one says otherwise; `off` for never.",
            "two times of day like 22:00-09:00, or `off`",
            variables=("BESEDA_QUIET_HOURS",),
            example="21:00-10:00",
        ),
    ] = "22:00-09:00"
    broadcast_blocks: Annotated[
        Annotated[float, Field(gt=0, le=100)],
        Setting(
            "broadcasts.stop_percent",
            "A broadcast stops when so many percent of the last 200 people have blocked the bot, and at least 20 have.",
            "a number from 0 to 100",
            variables=("BESEDA_BROADCAST_STOP_PERCENT",),
        ),
    ] = 5.0
