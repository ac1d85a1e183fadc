"""`beseda bots`: the bots there are, a new one, validation of all."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, read_settings

if TYPE_CHECKING:
    from beseda.bots.catalog import Catalog

app = typer.Typer(help="The bots: one folder each.", no_args_is_help=True)

_BOT_FILE = """title: {{ru: {title}, en: {title}}}
about:
  ru: Расскажите здесь, что умеет бот. Это увидят по команде /help.
  en: Say here what the bot can do. /help shows it.
greeting:
  ru: Здравствуйте! Напишите мне что-нибудь.
  en: Hello! Write me something.
commands: [start, help, clear, stats, stop]
window: 10
"""
_PERSONA = """You are {title}, a helpful bot in a Telegram chat.

Answer in the language of the person's last message, briefly and to the point.
Say only what you know; if you do not know, say so. Never invent facts, names, numbers or links.
"""


def _catalog(config: Path | None) -> "Catalog":
    from beseda.bots.catalog import Catalog

    return Catalog([read_settings(config).bots_dir])


@app.command("list")
def list_bots(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, config: ConfigOption = None
) -> None:
    """List the bots with their titles and folders."""
    import orjson

    catalog = _catalog(config)
    rows = [
        {"name": name, "title": catalog.load(name).title.en, "folder": str(catalog.folder(name))}
        for name in catalog.names()
    ]
    if as_json:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        typer.echo(f"{row['name']:<16} {row['title']:<24} {row['folder']}")


@app.command("new")
def make_bot(name: str, config: ConfigOption = None) -> None:
    """Make a folder for a new bot, ready to run."""
    import re

    from beseda.errors import SettingsError

    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
        raise SettingsError(f"{name!r} is no name for a bot: use small letters, digits, - and _, like shop-helper")
    folder = read_settings(config).bots_dir / name
    if folder.exists():
        raise SettingsError(f"{folder} is there already")
    title = name.replace("-", " ").replace("_", " ").title()
    folder.mkdir(parents=True)
    (folder / "bot.yaml").write_text(_BOT_FILE.format(title=title), encoding="utf-8")
    (folder / "persona_prompt.md").write_text(_PERSONA.format(title=title), encoding="utf-8")
    typer.echo(f"Made {folder}. Say in {folder / 'persona_prompt.md'} who it is, then: beseda run --bot {name}")


@app.command("check")
def check_bots(config: ConfigOption = None) -> None:
    """Read every bot's folder and say what is wrong with it; exit 1 if anything is."""
    from beseda.errors import SettingsError

    catalog = _catalog(config)
    failed = False
    for name in catalog.names():
        try:
            catalog.load(name)
            typer.echo(f"✓ {name}")
        except SettingsError as error:
            failed = True
            typer.echo(f"✗ {name}: {error.detail}", err=True)
    if failed:
        raise typer.Exit(1)
