"""The section `telegram` of the settings."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from beseda.config.setting import Section, Setting, Switch, Url

TELEGRAM_API = "https://api.telegram.org"
BOT_TOKEN_VARIABLES: Mapping[str, str] = {"HF_BOT_TOKEN": "hf_demo"}  # as its document has it

_Token = Annotated[str, Field(pattern=r"^[0-9]+:[A-Za-z0-9_-]+$")]
_TOKEN = "a token from @BotFather, like 123456789:AAF…"  # noqa: S105 - what a token looks like


class TelegramSection(Section):
    """How Telegram is reached."""

    default_token: Annotated[
        _Token | None,
        Setting(
            "telegram.token",
            "Token of the first bot of `bots.run` (else of `assistant`).",
            _TOKEN,
            variables=("BOT_TOKEN", "TELEGRAM_TOKEN"),
            secret=True,
            default="none: the bots live in the sandbox",
            example="${BOT_TOKEN}",
        ),
    ] = Field(None, repr=False)
    bot_tokens: Annotated[
        dict[str, _Token],
        Setting(
            "telegram.tokens",
            "Token of one bot, by its name; stands above `BOT_TOKEN`. `HF_BOT_TOKEN` is that of `hf_demo`.",
            _TOKEN,
            pattern="<BOT>_BOT_TOKEN",
            special=BOT_TOKEN_VARIABLES,
            secret=True,
            default="none",
            example='{assistant: "${ASSISTANT_BOT_TOKEN}"}',
        ),
    ] = Field({}, repr=False)
    telegram_api_url: Annotated[
        Url,
        Setting(
            "telegram.api_url",
            "Another Bot API server: a local one, or a sandbox.",
            "an address like http://127.0.0.1:8081",
            variables=("TELEGRAM_API_URL",),
        ),
    ] = TELEGRAM_API
    lookup: Annotated[
        Switch,
        Setting(
            "telegram.lookup",
            "Search the chat for a message whose send was not answered before it is sent again. "
            "Turn it off where another program sends messages with the same token: the search could overwrite them.",
            "`on` or `off`",
            variables=("BESEDA_LOOKUP",),
            default="on",
        ),
    ] = True
