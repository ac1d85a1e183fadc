"""Settings: flags over environment over `config.yaml` over defaults, checked once at the start."""

from beseda.config.reader import load_settings, read_environment
from beseda.config.setting import Setting
from beseda.config.settings import Settings, list_settings

__all__ = ["Setting", "Settings", "list_settings", "load_settings", "read_environment"]
