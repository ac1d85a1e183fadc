"""Reads `config.yaml`, the environment and flags; nothing else in Beseda reads any of them."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from beseda.config.dotenv_file import find_slip, read_dotenv
from beseda.config.sections.telegram import TELEGRAM_API
from beseda.config.setting import FaultError, Setting
from beseda.config.settings import Settings, list_settings
from beseda.core.errors import SettingsError
from beseda.locales.catalogue import use_folder
from beseda.locales.check import check_folder

DEFAULT_CONFIG = Path("config.yaml")
DEFAULT_DOTENV = Path(".env")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
_LONGEST_LINE = 400  # characters: a file pasted into a value must not fill the screen
_SERVER = "telegram_api_url"

# `${NAME}`, or `${NAME:default}` for a variable that may be missing.
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<default>[^}]*))?\}")


def read_environment(dotenv: Path = DEFAULT_DOTENV) -> dict[str, str]:
    """Return the process's environment, completed with the values in `dotenv`; empty values count as not set.

    Raises SettingsError for lines of `dotenv` that cannot be read.
    """
    stored, problems = read_dotenv(dotenv, _list_variables())
    if problems:
        raise SettingsError("\n".join(problems))
    return _lay_over(stored)


def _list_variables() -> set[str]:
    return {variable for row in list_settings().values() for variable in (*row.variables, *row.special)}


def _lay_over(stored: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**stored, **os.environ}.items() if value}


def load_settings(
    config_path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read and check all settings: `overrides` (flags, by field; None is not given) > `environ` > the file > defaults.

    Without `config_path`, `config.yaml` in the working directory is read if it exists. Without `environ`, the process's
    environment with `.env` is used. Raises SettingsError with every problem, one line each.
    """
    problems: list[str] = []
    if environ is None:
        stored, problems = read_dotenv(DEFAULT_DOTENV, _list_variables())
        environ = _lay_over(stored)
        _export_proxies(environ)
    reader = _Reader({name: value for name, value in environ.items() if value})
    reader.problems += problems
    reader.read_file(config_path)
    reader.read_environment()
    reader.read_overrides(overrides or {})
    return reader.finish()


def _export_proxies(environ: Mapping[str, str]) -> None:
    """Give the process the proxies of `.env`: HTTP libraries and child processes read them from there alone."""
    present = {name.lower() for name in os.environ}
    for name, value in environ.items():
        if name.lower() in _PROXIES - present:
            os.environ[name] = value


class _Reader:
    """Collects values with their origins, and collects problems instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.rows = list_settings()
        self.values: dict[str, object] = {}
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []

    def take(self, name: str, value: object, origin: str, *, entry: str = "") -> None:
        """Set a field, or one entry of a mapping field."""
        if entry:
            mapping = self.values.setdefault(name, {})
            if isinstance(mapping, dict):
                mapping[entry] = value
        else:
            self.values[name] = value
        self.origins[f"{name}.{entry}" if entry else name] = origin

    def read_file(self, config_path: Path | None) -> None:
        path = config_path or DEFAULT_CONFIG
        if not path.exists():
            if config_path is not None:
                self.problems.append(f"{path}: there is no such file; copy config.example.yaml, or leave --config out")
            return
        try:
            keys = list(_flatten(self._parse(path)))
        except RecursionError:  # an anchor that contains itself
            self.problems.append(f"{path}: it refers to itself without end; take the & and * out")
            return
        for key, value in keys:
            self._take_key(path.name, key, value)

    def _take_key(self, file: str, key: str, value: object) -> None:
        known = {row.path: name for name, row in self.rows.items()}
        place, entry = key, ""
        if key not in known:
            place, _, entry = key.rpartition(".")
        name = known.get(place)
        if value is None and (name or any(path.startswith(f"{key}.") for path in known)):
            return  # a section, or a setting, with everything below it commented out
        if name is None or (entry and not self.rows[name].pattern):
            self.problems.append(f"{file}: {key}: {_suggest(key, list(known))}")
        elif filled := self._fill(f"{file}: {key}", value, self.rows[name]):
            self.take(name, filled[0], f"{file}: {key}", entry=entry)

    def _parse(self, path: Path) -> Mapping[object, object]:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{path}: cannot be read ({type(error).__name__}); it must be a UTF-8 text file")
            return {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            self.problems.append(f"{path}{where}: this is not YAML; compare it with config.example.yaml")
            return {}
        if content is None or isinstance(content, dict):
            return content or {}
        self.problems.append(f"{path}: it must hold `section:` and, below it, `key: value`; see config.example.yaml")
        return {}

    def _fill(self, origin: str, value: object, row: Setting) -> tuple[object] | None:
        """Return the value in a tuple, with its `${VAR}` filled in, or None (and a problem, or nothing set) if it has
        no value.
        """
        texts = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
        literal = [_REFERENCE.sub(lambda match: match["default"] or "", text) for text in texts]
        numbers = row.secret and not isinstance(value, str | list)
        if numbers or (row.secret and any(literal)) or (row.address and any(_has_password(text) for text in literal)):
            self.problems.append(f"{origin}: a secret does not belong here; write ${{NAME}} and put NAME=… into .env")
            return None
        wanted = [match["name"] for text in texts for match in _REFERENCE.finditer(text) if match["default"] is None]
        if missing := [name for name in wanted if name not in self.environ]:
            self.problems.append(f"{origin}: {missing[0]} is not set; put {missing[0]}=… into .env")
            return None
        if isinstance(value, list):
            return ([self._substitute(item) for item in value],)
        filled = self._substitute(value)
        return None if filled == "" else (filled,)

    def _substitute(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        return _REFERENCE.sub(lambda match: self.environ.get(match["name"]) or match["default"] or "", value)

    def read_environment(self) -> None:
        for name, row in self.rows.items():
            for variable in row.variables:
                if variable in self.environ:
                    self._take_variable(name, variable)
                    break
            for variable in self.environ if row.pattern else ():
                if entry := row.entry(variable):
                    self._take_variable(name, variable, entry=entry)
        # A misspelt name of ours would be ignored in silence; names of others are none of our business.
        ours = [variable for row in self.rows.values() for variable in row.variables]
        for variable in sorted(self.environ):
            if variable.startswith("BESEDA_") and variable not in ours and not variable.endswith("_BOT_TOKEN"):
                self.problems.append(f"{variable}: {_suggest(variable, ours)}")

    def _take_variable(self, name: str, variable: str, *, entry: str = "") -> None:
        value = self.environ[variable]
        if slip := find_slip(value, secret=self.rows[name].secret):
            self.problems.append(f"{variable}: {slip}")
        self.take(name, value, variable, entry=entry)

    def read_overrides(self, overrides: Mapping[str, object]) -> None:
        for name, value in overrides.items():
            row = self.rows[name]
            outranked = row.outranks_flag and any(variable in self.environ for variable in row.variables)
            # Typer hands over None, or an empty list, for an option that was not given.
            if value is not None and value not in ((), []) and not outranked:
                self.take(name, value, row.flag or f"--{name.replace('_', '-')}")

    def finish(self) -> Settings:
        """Check everything and return the settings. Raises SettingsError."""
        folder = Path(str(self.values.get("locales_dir") or Settings.model_fields["locales_dir"].default))
        use_folder(folder)  # the setting `language` is one of the languages there are
        self.problems += check_folder(folder)
        settings = None
        try:
            settings = Settings.model_validate(self.values)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                cause = problem.get("ctx", {}).get("error")
                self._complain(problem["loc"], str(cause) if isinstance(cause, FaultError) else "")
        self.problems += _check_together(settings, self.values)
        if self.problems or settings is None:
            lines = ["".join(letter if letter.isprintable() else " " for letter in text) for text in self.problems]
            short = (line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…" for line in lines)
            raise SettingsError("\n".join(dict.fromkeys(short)))
        return settings

    def _complain(self, place: tuple[int | str, ...], fault: str) -> None:
        name = str(place[0])
        row, entry = self.rows[name], f"{name}.{place[1]}" if len(place) > 1 else name
        value = self.values.get(name)
        if isinstance(value, dict) and len(place) > 1:
            value = value.get(str(place[1]))
        shown = "this" if row.secret or row.address else repr(value)[:80]
        expected = row.expected_entries.get(str(place[1]), row.expects) if len(place) > 1 else row.expects
        origin = self.origins.get(entry) or self.origins.get(name, row.variable)
        if isinstance(value, str) and find_slip(value, secret=row.secret):
            return  # which has been said
        self.problems.append(f"{origin}: {fault or f'{shown} will not do; give {expected}'}")


def _check_together(settings: Settings | None, given: Mapping[str, object]) -> Iterator[str]:
    """Yield a problem for each setting that another setting requires; `given` is checked if some of the values are
    invalid.
    """
    values = given if settings is None else settings.model_dump(include={"public_url", "webhook_secret", _SERVER})
    public_url = str(values.get("public_url") or "")
    if public_url and not values.get("webhook_secret"):
        row = list_settings()["webhook_secret"]
        yield f"{row.variable}: missing, and BESEDA_PUBLIC_URL needs it; give {row.expects}"
    elsewhere = values.get(_SERVER, TELEGRAM_API) != TELEGRAM_API
    if public_url.startswith("http://") and not elsewhere:
        yield "BESEDA_PUBLIC_URL: Telegram sends webhooks to https addresses only; give one that begins with https://"


def _has_password(address: str) -> bool:
    try:
        return bool(urlsplit(address).password)
    except ValueError:  # no address at all: its own check says so
        return False


def _suggest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"there is no such setting; did you mean {near[0]}?" if near else "there is no such setting; take it out"


def _flatten(tree: Mapping[object, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
