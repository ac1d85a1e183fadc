"""The section `log` of the settings."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

from beseda.config.setting import Section, Setting, fold_case


class LogSection(Section):
    """Level and format of the log."""

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(fold_case),
        Setting(
            "log.level",
            "How much the log tells.",
            "`debug`, `info`, `warning` or `error`",
            variables=("BESEDA_LOG_LEVEL", "LOG_LEVEL"),
        ),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        BeforeValidator(fold_case),
        Setting(
            "log.format",
            "Lines for people, or one JSON object a line for a log collector.",
            "`text` or `json`",
            variables=("BESEDA_LOG_FORMAT",),
        ),
    ] = "text"
