"""The sections of `config.yaml`, a file for each: a field there is the whole of a setting."""
