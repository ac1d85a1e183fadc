"""Conversion of settings for photo enhancers."""

from beseda.config.settings import Settings
from beseda.images.gfpgan_docker import DockerSettings
from beseda.images.gfpgan_http import HttpSettings
from beseda.images.registry import PhotoSettings


def photo_settings(settings: Settings) -> PhotoSettings:
    """Return the part of the settings that the enhancers need."""
    # Docker's daemon must find the folder, too: a service's private /tmp is not there for it.
    work_dir = settings.storage_dir / "tmp"
    return PhotoSettings(
        settings.photo,
        DockerSettings(settings.gfpgan_docker_image, settings.gfpgan_script_path, work_dir=work_dir),
        HttpSettings(settings.gfpgan_url, work_dir=work_dir) if settings.gfpgan_url else None,
    )
