"""The section `budgets` of the settings."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from beseda.config.setting import Section, Setting, split_list

_Amount = Annotated[int, Field(ge=0, le=10**12)]
_WHOSE = {
    "user": "one person may use with one bot",
    "group": "one group may use with one bot",
    "bot": "one bot may use",
    "total": "all bots together may use",
}
_WHAT = {
    "tokens": "Tokens, read and written,",
    "speech_minutes": "Minutes of speech",
    "pictures": "Pictures",
}


def _limit(whose: str, what: str) -> Setting:
    return Setting(
        f"budgets.{whose}_{what}",
        f"{_WHAT[what]} that {_WHOSE[whose]} in a day.",
        "a whole number, 0 for no limit",
        variables=(f"BESEDA_BUDGET_{whose.upper()}_{what.upper()}",),
        default="no limit",
        example={"tokens": "100000", "speech_minutes": "60", "pictures": "20"}[what],
    )


class BudgetsSection(Section):
    """Daily limits; a bot's folder may override them."""

    budget_user_tokens: Annotated[_Amount, _limit("user", "tokens")] = 0
    budget_user_speech_minutes: Annotated[_Amount, _limit("user", "speech_minutes")] = 0
    budget_user_pictures: Annotated[_Amount, _limit("user", "pictures")] = 0
    budget_group_tokens: Annotated[_Amount, _limit("group", "tokens")] = 0
    budget_group_speech_minutes: Annotated[_Amount, _limit("group", "speech_minutes")] = 0
    budget_group_pictures: Annotated[_Amount, _limit("group", "pictures")] = 0
    budget_bot_tokens: Annotated[_Amount, _limit("bot", "tokens")] = 0
    budget_bot_speech_minutes: Annotated[_Amount, _limit("bot", "speech_minutes")] = 0
    budget_bot_pictures: Annotated[_Amount, _limit("bot", "pictures")] = 0
    budget_total_tokens: Annotated[_Amount, _limit("total", "tokens")] = 0
    budget_total_speech_minutes: Annotated[_Amount, _limit("total", "speech_minutes")] = 0
    budget_total_pictures: Annotated[_Amount, _limit("total", "pictures")] = 0
    budget_cheaper_model: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*(:\S+)?$")], ...],
        BeforeValidator(split_list),
        Setting(
            "budgets.cheaper_model",
            "The model that answers once 80 % of a budget of tokens is used, written like models.chat.",
            "`endpoint:model`, or several with commas between",
            variables=("BESEDA_BUDGET_CHEAPER_MODEL",),
            default="the same model until the end",
            example="openrouter:google/gemma-3-4b-it",
        ),
    ] = ()
