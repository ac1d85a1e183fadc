"""Conversion of settings for models, apart from `bootstrap`, so that the terminal's commands load no database."""

from pathlib import Path

from beseda.config.settings import Settings
from beseda.llm.gigachat import GigaChatSettings
from beseda.llm.registry import LLMSettings


def llm_settings(settings: Settings) -> LLMSettings:
    """Return the part of the settings that the models need."""
    return LLMSettings(
        model=",".join(settings.model),
        api_keys=settings.api_keys,
        base_urls=settings.base_urls,
        model_names=settings.model_names,
        prices=settings.prices,
        aliases=settings.hf_aliases,
        gigachat=GigaChatSettings(
            auth_url=settings.giga_auth_url,
            scope=settings.giga_scope,
            verify_ssl=settings.giga_verify_ssl,
            ca_bundle=settings.giga_ca_bundle,
            streams=settings.giga_streams,
        ),
        llama_context=settings.llama_context,
        language=settings.language,
        models_folder=models_folder(settings),
    )


def models_folder(settings: Settings) -> Path:
    """Return the folder of model files, with the record of the server that was started for one."""
    return settings.storage_dir / "models"
