"""From settings to what models need: apart from `bootstrap`, so that the terminal's commands load no database."""

from beseda.config.settings import Settings
from beseda.llm.registry import LLMSettings


def llm_settings(settings: Settings) -> LLMSettings:
    """Return what the models need to know of the settings."""
    return LLMSettings(
        model=",".join(settings.model),
        api_keys=settings.api_keys,
        base_urls=settings.base_urls,
        language=settings.language,
    )
