"""Catalog of bots: one folder each, with `bot.yaml`, `persona_prompt.md` and, optionally, `handlers.py`.

A folder with a `funnel.yaml` is a sales bot (`beseda.bots.sales`): another trade needs another file and no code.

Bundled bots are beside this file. The owner's bots are in another folder and take precedence over bundled bots of the
same name.
"""

import importlib
import importlib.util
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from beseda.bots.calendar import CalendarEntry
from beseda.bots.common_router import common_router, mode_router
from beseda.bots.sales.funnel_file import FILE_NAME as FUNNEL_FILE
from beseda.bots.sales.funnel_file import read_funnel
from beseda.bots.sales.sales_conversation import build_router as build_sales_router
from beseda.core.errors import SettingsError
from beseda.core.time_zones import is_zone
from beseda.engine.bot import Access, BotProfile, MenuItem
from beseda.engine.handlers.start import COMMANDS, KNOWN
from beseda.engine.modes import Mode
from beseda.engine.router import Router
from beseda.engine.usage.budget import BudgetChange, read_limits
from beseda.features.meetings.model import Diary
from beseda.features.sales.model import Funnel
from beseda.locales import BotTexts, Text
from beseda.locales.catalogue import CatalogueError
from beseda.locales.check import check_bot
from beseda.modes.registry import find_mode

log = logging.getLogger(__name__)

BUNDLED = Path(__file__).parent
_FILES = ("bot.yaml", "bot.yml", "persona_prompt.md", FUNNEL_FILE)
_REASONS = {"missing": "is missing", "extra_forbidden": "there is no such key"}
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_LONGEST_PERSONA = 64 * 1024  # bytes: far beyond any prompt that helps


_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_ModeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
# Telegram's alphabet and length: https://core.telegram.org/bots/api#botcommand
_Command = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]


class TextEntry(BaseModel):
    """A text in Russian and English. Other languages are in files of the bot's folder `locales`."""

    model_config = ConfigDict(extra="forbid")
    ru: _Words
    en: _Words

    def to_text(self, key: str, bot: BotTexts) -> Text:
        """Return the entry as a `Text`. `key` is its place in the bot's files of other languages."""
        return Text(key, bot, ru=self.ru, en=self.en)


class MenuEntry(BaseModel):
    """A button of the menu, with modes below it or with a command."""

    model_config = ConfigDict(extra="forbid")
    label: TextEntry
    items: list[_ModeName] = []
    command: str = ""

    @model_validator(mode="after")
    def lead_somewhere(self) -> Self:
        """Reject a button without a target, or with two."""
        if bool(self.items) == bool(self.command):
            raise ValueError("a button has either items or a command")
        return self


def _menu_item(number: int, entry: str | MenuEntry, bot: BotTexts) -> MenuItem:
    if isinstance(entry, str):
        return MenuItem(mode=entry)
    items = tuple(MenuItem(mode=name) for name in entry.items)
    return MenuItem(label=entry.label.to_text(f"bot.menu.{number}", bot), items=items, command=entry.command)


_Limit = Annotated[int, Field(strict=True, ge=0, le=10**12)] | None  # strict: "yes" is not one token


class BudgetEntry(BaseModel):
    """Daily limits that differ from the settings; 0 is no limit."""

    model_config = ConfigDict(extra="forbid")
    user_tokens: _Limit = Field(None, description="Tokens a day for each person.")
    user_speech_minutes: _Limit = Field(None, description="Minutes of speech a day for each person.")
    user_pictures: _Limit = Field(None, description="Pictures a day for each person.")
    group_tokens: _Limit = Field(None, description="Tokens a day for each group.")
    group_speech_minutes: _Limit = Field(None, description="Minutes of speech a day for each group.")
    group_pictures: _Limit = Field(None, description="Pictures a day for each group.")
    bot_tokens: _Limit = Field(None, description="Tokens a day for the bot.")
    bot_speech_minutes: _Limit = Field(None, description="Minutes of speech a day for the bot.")
    bot_pictures: _Limit = Field(None, description="Pictures a day for the bot.")
    cheaper_model: str | None = Field(
        None, description="Model that answers from 80 % of a budget on.", examples=["groq:openai/gpt-oss-20b"]
    )

    def to_change(self) -> BudgetChange:
        """Return the entry as a `BudgetChange`."""
        given = {name: value for name, value in self if isinstance(value, int)}
        return BudgetChange(read_limits(given), self.cheaper_model)


def _check_zone(value: str) -> str:
    if value and not is_zone(value):
        raise ValueError("is no name of a time zone, like Europe/Moscow")
    return value


class BotFile(BaseModel):
    """Schema of `bot.yaml`. The descriptions are printed in docs/reference/bot-yaml.md."""

    model_config = ConfigDict(extra="forbid")
    title: TextEntry = Field(description="Name of the bot.", examples=["{ru: Переводчик, en: Translator}"])
    about: TextEntry = Field(description="Text of `/help` and of the bot's profile.")
    greeting: TextEntry = Field(description="Answer to `/start`.")
    apology: TextEntry | None = Field(
        None, description="Answer when the model fails. Without it, a general sentence names the kind of failure."
    )
    commands: list[_Command] = Field(
        ["start", "help", "clear", "stats", "stop"],
        description="Commands in Telegram's menu, in this order. A command of your own needs a handler and a text.",
        examples=["[start, help, clear]"],
    )
    examples: list[TextEntry] = Field([], description="Questions offered as buttons under the greeting.")
    window: int = Field(
        10,
        ge=1,
        le=200,
        description="Messages that the model reads at most, the new one included. The first of them is a person's.",
    )
    summary_after: int = Field(
        15, ge=0, le=1000, description="Older messages are summarized when there are more than this; 0 for never."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="Temperature of the model. Without it, the provider's default."
    )
    max_tokens: int | None = Field(None, ge=1, description="Limit of tokens in an answer.")
    model: str = Field(
        "",
        description="Model of this bot, written like `BESEDA_MODEL`. Without it, or without its key, that setting's.",
        examples=["hf:llama3"],
    )
    voice: bool = Field(default=True, description="Whether voice messages are transcribed and answered.")
    access: Access = Field(
        Access.ADMINS,
        description="`admins`: where `ADMIN_IDS` is set, only those people are answered. `everyone`: open to all.",
        examples=["everyone"],
    )
    texts: dict[str, TextEntry] = Field(
        {},
        description="Description of a command in Telegram's menu, by the command's name.",
        examples=["{to: {ru: язык, en: language}}"],
    )
    modes: list[_ModeName | Annotated[dict[_ModeName, dict[str, object]], Field(min_length=1, max_length=1)]] = Field(
        [],
        description="Modes that a chat can be switched to, each with changed settings if any.",
        examples=["[audio, {photo: {scale: 4}}]"],
    )
    menu: list[_ModeName | MenuEntry] = Field(
        [],
        description="Keyboard below the input field: a mode, or `label` with `items` (modes) or with a `command`.",
        examples=["[audio, {label: {ru: Помощь, en: Help}, command: help}]"],
    )
    budgets: BudgetEntry = Field(
        BudgetEntry(),
        description="Daily limits of this bot, in place of the settings' `BESEDA_BUDGET_…`; 0 is no limit.",
        examples=["{user_tokens: 50000, cheaper_model: 'groq:openai/gpt-oss-20b'}"],
    )
    time_zone: Annotated[str, AfterValidator(_check_zone)] = Field(
        "",
        description="Time zone in which the bot's day begins. Without it, `BESEDA_TIME_ZONE`.",
        examples=["Europe/Moscow"],
    )
    calendar: CalendarEntry | None = Field(None, description="Hours at which meetings can be booked.")

    def mode_settings(self) -> dict[str, dict[str, object]]:
        """Return the modes with the settings that differ from the mode's defaults."""
        return {
            name: settings
            for entry in self.modes
            for name, settings in ({entry: {}} if isinstance(entry, str) else entry).items()
        }

    def menu_modes(self) -> list[str]:
        """Return the modes of the menu, including those below other buttons."""
        return [mode for entry in self.menu for mode in ([entry] if isinstance(entry, str) else entry.items)]

    def menu_commands(self) -> list[str]:
        """Return the commands of the menu."""
        return [entry.command for entry in self.menu if isinstance(entry, MenuEntry) and entry.command]


class Catalog:
    """Finds bots by name in several folders; earlier folders take precedence."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [*folders, BUNDLED]

    def names(self) -> list[str]:
        """Return the names of all bots, the bundled ones included."""
        found = {path.parent.name for folder in self._folders for path in folder.glob("*/bot.yaml")}
        return sorted(name for name in found if _NAME.fullmatch(name))

    def strays(self) -> dict[Path, str]:
        """Return the folders that look like a bot but are not one, with the reason."""
        found = {}
        folders = {path.parent for folder in self._folders for file in _FILES for path in folder.glob(f"*/{file}")}
        for folder in sorted(folders):
            if not _NAME.fullmatch(folder.name):
                found[folder] = "is no name for a bot: use small letters, digits, - and _"
            elif not (folder / "bot.yaml").is_file():
                found[folder] = "bot.yaml is missing, so that it is no bot"
        return found

    def folder(self, name: str) -> Path:
        """Return a bot's folder. Raises SettingsError with the names of all bots if there is none."""
        for folder in self._folders:
            if _NAME.fullmatch(name) and (folder / name / "bot.yaml").is_file():
                return folder / name
        raise SettingsError(f"there is no bot {name!r}: the bots are {', '.join(self.names())}")

    def load(self, name: str) -> BotProfile:
        """Read a bot's folder. Raises SettingsError with the file and the fault in it."""
        folder = self.folder(name)
        entry = _read(folder / "bot.yaml")
        own = [command for command in (*entry.commands, *entry.menu_commands()) if command not in COMMANDS]
        handled = self.router(name).commands
        for command in own:
            if command not in handled:
                raise SettingsError(f"{folder / 'bot.yaml'}: commands: nobody handles /{command}; handlers.py must")
            if command not in entry.texts and command not in KNOWN:
                raise SettingsError(
                    f"{folder / 'bot.yaml'}: texts: /{command} is missing; say what it does in ru and en"
                )
        funnel = read_funnel(folder / FUNNEL_FILE) if (folder / FUNNEL_FILE).is_file() else None
        bot = _read_texts(folder)
        title = entry.title.to_text("bot.title", bot)
        return BotProfile(
            name=name,
            title=title,
            about=entry.about.to_text("bot.about", bot),
            greeting=entry.greeting.to_text("bot.greeting", bot),
            apology=entry.apology.to_text("bot.apology", bot) if entry.apology else None,
            persona=_read_persona(folder / "persona_prompt.md"),
            commands=tuple(entry.commands),
            examples=tuple(one.to_text(f"bot.examples.{number}", bot) for number, one in enumerate(entry.examples)),
            window=entry.window,
            summary_after=entry.summary_after,
            temperature=entry.temperature,
            max_tokens=entry.max_tokens,
            model=entry.model,
            voice=entry.voice,
            access=entry.access,
            texts={key: text.to_text(f"bot.texts.{key}", bot) for key, text in entry.texts.items()},
            modes=entry.mode_settings(),
            menu=tuple(_menu_item(number, item, bot) for number, item in enumerate(entry.menu)),
            budgets=entry.budgets.to_change(),
            time_zone=entry.time_zone,
            calendar=entry.calendar.to_calendar(title) if entry.calendar else None,
            stages=tuple(stage.name for stage in funnel.stages) if funnel else (),
            slot_titles=_list_titles(funnel) if funnel else {},
        )

    def slot_titles(self) -> dict[str, Text]:
        """Return the titles of the slots of all funnels. An invalid funnel is skipped and logged."""
        found: dict[str, Text] = {}
        for name in self.names():
            path = self.folder(name) / FUNNEL_FILE
            try:
                found |= _list_titles(read_funnel(path)) if path.is_file() else {}
            except SettingsError as error:
                log.warning("%s", error.detail)
        return found

    def diaries(self) -> dict[str, Diary]:
        """Return the diaries of all bots with a calendar, for processes that run no bot.

        Only `bot.yaml` is read. A bot with an invalid file is skipped and logged; it would not run either.
        """
        found = {}
        for name in self.names():
            try:
                folder = self.folder(name)
                entry = _read(folder / "bot.yaml")
            except SettingsError as error:
                log.warning("%s", error.detail)
                continue
            if entry.calendar is not None:
                title = entry.title.to_text("bot.title", BotTexts(folder))
                found[name] = Diary(entry.calendar.to_calendar(title), entry.model)
        return found

    def _modes(self, name: str, entry: BotFile) -> dict[str, Mode]:
        folder = self.folder(name)
        modes = {mode: find_mode(mode, folder) for mode in entry.mode_settings()}
        for mode, settings in entry.mode_settings().items():
            _check_mode_settings(folder / "bot.yaml", mode, settings, modes[mode].defaults)
        for mode in entry.menu_modes():
            if mode not in modes:
                raise SettingsError(f"{folder / 'bot.yaml'}: menu: {mode!r} is none of the modes named above it")
        return modes

    def router(self, name: str) -> Router:
        """Return the handlers of a bot: the common ones, with the bot's own handlers on top."""
        router = common_router()
        entry = _read(self.folder(name) / "bot.yaml")
        if entry.modes:
            router.include(mode_router(self._modes(name, entry)))
        funnel = self.folder(name) / FUNNEL_FILE
        if funnel.is_file():
            router.include(build_sales_router(read_funnel(funnel)))
        path = self.folder(name) / "handlers.py"
        if path.is_file():
            router.include(_load_handlers(name, path))
        return router


def _read_texts(folder: Path) -> BotTexts:
    bot = BotTexts(folder)
    try:
        problems = check_bot(bot)
    except CatalogueError as error:
        problems = [str(error)]
    if problems:
        raise SettingsError("\n".join(problems))
    return bot


def _list_titles(funnel: Funnel) -> dict[str, Text]:
    return {name: slot.title for name, slot in funnel.slots.items()}


def _check_mode_settings(path: Path, mode: str, settings: Mapping[str, object], defaults: Mapping[str, object]) -> None:
    for key, value in settings.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise SettingsError(f"{path}: modes: {mode}: there is no setting {key!r}: there are {known}")
        if type(value) is not type(defaults[key]):
            kind = type(defaults[key]).__name__
            raise SettingsError(f"{path}: modes: {mode}: {key} must be a {kind}, like {defaults[key]!r}")


def _read(path: Path) -> BotFile:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: it must hold `key: value` lines; `beseda bots new` shows which")
        return BotFile.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {type(error).__name__}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, problem) for problem in error.errors())) from error


def _explain(path: Path, problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"]) or "the file"
    reason = _REASONS.get(problem["type"], problem["msg"])
    return f"{path}: {place}: {reason}"


def _read_persona(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST_PERSONA:
            raise SettingsError(f"{path} is over 64 KB: no model reads that before each answer")
        persona = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: a bot needs its persona there, as UTF-8 text") from error
    if not persona:
        raise SettingsError(f"{path} is empty: say there who the bot is")
    return persona


def _load_handlers(name: str, path: Path) -> Router:
    module = _import(f"beseda_bot_{name.replace('-', '_')}", path)
    router = getattr(module, "router", None)
    if not isinstance(router, Router):
        raise SettingsError(f"{path}: must define `router = Router()` (beseda.engine.router)")
    return router


def _import(module_name: str, path: Path) -> ModuleType:
    known = sys.modules.get(module_name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path} cannot be imported")
    module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise SettingsError(f"{path} cannot be imported: {error!r}") from error
    return module
