"""The section `limits` of the settings."""

from typing import Annotated

from pydantic import Field

from beseda.config.setting import Section, Setting

_Count = Annotated[int, Field(ge=0, le=10**9)]
_COUNT = "a whole number, 0 for no limit"


class LimitsSection(Section):
    """How fast people may write; `bots.limits` turns all of it off."""

    limit_user_minute: Annotated[
        _Count,
        Setting(
            "limits.user_minute",
            "Messages of one person that one bot works on in a minute; further ones wait.",
            _COUNT,
            variables=("BESEDA_LIMIT_USER_MINUTE",),
        ),
    ] = 15
    limit_user_hour: Annotated[
        _Count,
        Setting(
            "limits.user_hour",
            "Messages of one person that one bot works on in an hour; further ones wait.",
            _COUNT,
            variables=("BESEDA_LIMIT_USER_HOUR",),
        ),
    ] = 80
    limit_bot_minute: Annotated[
        _Count,
        Setting(
            "limits.bot_minute",
            "Messages that one bot works on in a minute; further ones wait. Telegram lets it answer 1800.",
            _COUNT,
            variables=("BESEDA_LIMIT_BOT_MINUTE",),
        ),
    ] = 1500
    limit_total_minute: Annotated[
        _Count,
        Setting(
            "limits.total_minute",
            "Messages that all bots together work on in a minute; further ones wait.",
            _COUNT,
            variables=("BESEDA_LIMIT_TOTAL_MINUTE",),
            default="no limit",
            example="5000",
        ),
    ] = 0
