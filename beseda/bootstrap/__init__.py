"""The one place that builds objects: settings in, a container out, closed in reverse order."""

from beseda.bootstrap.container import Container, open_container
from beseda.bootstrap.media import speech_settings
from beseda.bootstrap.models import ModelShelf, choose_configured
from beseda.config.model import llm_settings

__all__ = ["Container", "ModelShelf", "choose_configured", "llm_settings", "open_container", "speech_settings"]
