"""Building blocks of the settings' sections: the row of a setting, and the types that several sections share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from beseda.core.time_zones import is_zone
from beseda.http.proxies import is_near

_HOST = re.compile(r"[a-z0-9._:-]+")


@dataclass(frozen=True, slots=True)
class Setting:
    """Sources of a setting, and its description for people.

    `path` is its place in config.yaml. `variables` are tried in order. A setting with a `pattern` maps a name to a
    value: `<NAME>_API_KEY` fills the entry `name`; `special` variables fill the entry they are tied to. `outranks_flag`
    reverses the usual order: the variable overrides the command's flag. `default` describes in words the value that
    applies if nothing is set, `example` is a value in YAML; both are given if the field's own default does not show it.
    `expected_entries` replaces `expects` for entries by name. A `secret` is never shown and never written literally
    into config.yaml; for an `address` this applies to its password.
    """

    path: str
    description: str
    expects: str
    variables: tuple[str, ...] = ()
    pattern: str = ""
    special: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False
    address: bool = False
    flag: str = ""
    outranks_flag: bool = False
    default: str = ""
    example: str = ""
    expected_entries: Mapping[str, str] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The variable's name for messages to people."""
        return self.variables[0] if self.variables else self.pattern

    def entry(self, variable: str) -> str | None:
        """Return the name of the entry that `variable` fills, or None."""
        if variable in self.special:
            return self.special[variable]
        suffix = self.pattern.partition(">")[2]
        matches = suffix and variable.endswith(suffix) and re.fullmatch(r"[A-Z][A-Z0-9_]*", variable)
        return variable.removesuffix(suffix).lower() if matches and variable != suffix else None


class Section(BaseModel):
    """One section of `config.yaml`. A field is the whole of a setting: its type, its default and its `Setting` row."""

    # An error must not repeat its input, which may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FaultError(ValueError):
    """A value is wrong in a way that has a sentence of its own."""


def refuse_fault(value: str, fault: str) -> str:
    """Return `value`. Raises FaultError with the sentence `fault` if there is one."""
    if fault:
        raise FaultError(fault)
    return value


def split_list(value: object) -> object:
    """Return the parts of a text with commas between, or a lone number as a list; anything else as it is."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


def fold_case(value: object) -> object:
    """Return a word as its setting spells it, however it was typed; anything else as it is."""
    return value.strip().lower() if isinstance(value, str) else value


def _read_switch(value: object) -> object:
    words = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _check_url(value: str) -> str:
    if "://" not in value:
        value = _add_scheme(value)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:  # .port raises beyond 65535
        raise ValueError("not an http address")
    return value.rstrip("/")


def _add_scheme(value: str) -> str:
    """Return `host:port` as an address: in the clear on this machine and its network, encrypted elsewhere."""
    host = urlsplit(f"//{value}").hostname or ""
    # One bare word is more likely a mistake than a host.
    if not _HOST.fullmatch(host) or (host.isalpha() and host == value and host != "localhost"):
        raise ValueError("not an address")
    return f"{'http' if is_near(host) else 'https'}://{value}"


def _check_zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError("not a time zone")
    return value


Url = Annotated[str, AfterValidator(_check_url)]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
TimeZone = Annotated[str, AfterValidator(_check_zone)]
