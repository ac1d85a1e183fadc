"""The section `bots` of the settings."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from beseda.config.setting import Section, Setting, Switch, TimeZone, fold_case, split_list
from beseda.core.chat import SHARED_IDS
from beseda.locales import languages


def _refuse_shared(value: frozenset[int]) -> frozenset[int]:
    if shared := sorted(value & SHARED_IDS):
        raise ValueError(f"{shared[0]} stands for every anonymous administrator, writer as a channel or for Telegram")
    return value


def _check_language(value: str) -> str:
    if value not in languages():
        raise ValueError("there are no texts in that language")
    return value


_BotName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class BotsSection(Section):
    """Which bots run and how they meet people."""

    bots: Annotated[
        tuple[_BotName, ...],
        BeforeValidator(split_list),
        Setting(
            "bots.run",
            "Which bots to run.",
            "names of bots with commas between (`beseda bots list` shows them)",
            variables=("BESEDA_BOTS",),
            flag="--bot",
            default="every bot that has a token; in the sandbox every bot",
            example="[assistant]",
        ),
    ] = ()
    bots_dir: Annotated[
        Path,
        Setting("bots.dir", "Folder with bots of your own.", "a folder", variables=("BESEDA_BOTS_DIR",)),
    ] = Path("bots")
    admin_ids: Annotated[
        frozenset[int],
        BeforeValidator(split_list),
        AfterValidator(_refuse_shared),
        Setting(
            "bots.admin_ids",
            "Telegram ids of the owners. Where set, a bot answers them only, unless its `bot.yaml` has "
            "`access: everyone`.",
            "whole numbers with commas between (@userinfobot tells yours)",
            variables=("ADMIN_IDS",),
            default="everybody may write",
            example="[123456789]",
        ),
    ] = frozenset()
    locales_dir: Annotated[
        Path,
        Setting(
            "bots.locales_dir",
            "Folder with languages of your own, a file each, like `de.toml`.",
            "a folder",
            variables=("BESEDA_LOCALES_DIR",),
        ),
    ] = Path("locales")
    language: Annotated[
        str,
        BeforeValidator(fold_case),
        AfterValidator(_check_language),
        Setting(
            "bots.language",
            "Language of a user whose own is unknown.",
            "`ru` or `en`, or a language in `BESEDA_LOCALES_DIR`",
            variables=("BESEDA_LANG",),
        ),
    ] = "ru"
    time_zone: Annotated[
        TimeZone,
        Setting(
            "bots.time_zone",
            "Where a bot's day begins and its night is, unless its folder says otherwise.",
            "a name of the IANA database, like `Europe/Moscow`",
            variables=("BESEDA_TIME_ZONE",),
            example="Europe/Moscow",
        ),
    ] = "UTC"
    limits: Annotated[
        Switch,
        Setting(
            "bots.limits",
            "Limits on how fast one user may write; `off` is for load tests.",
            "`on` or `off`",
            variables=("BESEDA_LIMITS",),
            default="on",
        ),
    ] = True
