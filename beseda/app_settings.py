"""Settings of a layer from those of the program: apart from `app`, so that the terminal loads no database."""

from pathlib import Path
from typing import TYPE_CHECKING

from beseda.config.settings import Settings
from beseda.llm.gigachat import GigaChatSettings
from beseda.llm.registry import LLMSettings

if TYPE_CHECKING:
    from beseda.images.registry import PhotoSettings
    from beseda.speech.registry import SpeechSettings


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


def speech_settings(settings: Settings) -> "SpeechSettings":
    """Return the part of the settings that the speech recognisers need."""
    from beseda.speech.registry import SpeechSettings

    return SpeechSettings(",".join(settings.speech), settings.api_keys, settings.base_urls)


def photo_settings(settings: Settings) -> "PhotoSettings":
    """Return the part of the settings that the enhancers need."""
    from beseda.images.gfpgan_docker import DockerSettings
    from beseda.images.gfpgan_http import HttpSettings
    from beseda.images.registry import PhotoSettings

    # Docker's daemon must find the folder, too: a service's private /tmp is not there for it.
    work_dir = settings.storage_dir / "tmp"
    return PhotoSettings(
        settings.photo,
        DockerSettings(settings.gfpgan_docker_image, settings.gfpgan_script_path, work_dir=work_dir),
        HttpSettings(settings.gfpgan_url, work_dir=work_dir) if settings.gfpgan_url else None,
    )
