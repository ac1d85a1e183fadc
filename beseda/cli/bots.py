"""`beseda bots`: the bots there are, a new one, validation of all."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from beseda.bots.catalog import Catalog

app = typer.Typer(help="The bots: one folder each.", no_args_is_help=True)

_NEW_BOT = Path(__file__).parent / "new_bot"


def _catalog(config: Path | None) -> "Catalog":
    from beseda.bots.catalog import Catalog

    return Catalog([read_settings(config).bots_dir])


@app.command("list")
def list_bots(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the bots with their titles and folders."""
    from beseda.cli.output import print_json

    catalog = _catalog(config)
    rows = [
        {"name": name, "title": _read_title(catalog, name), "folder": str(catalog.folder(name))}
        for name in catalog.names()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']:<16} {row['title'] or '(see: beseda bots check)':<24} {row['folder']}")


def _read_title(catalog: "Catalog", name: str) -> str | None:
    """Return a bot's title, or None if its folder has a mistake, so that the other bots are still listed."""

    try:
        return catalog.load(name).title.say("en")
    except SettingsError:
        return None


@app.command("new")
def make_bot(
    name: Annotated[str, typer.Argument(help="Small letters, digits, - and _, like shop-helper.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Make it although it hides a bundled bot.")] = False,
    config: ConfigOption = None,
) -> None:
    """Make a folder for a new bot, ready to run."""
    import re

    from beseda.bots.catalog import BUNDLED

    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
        raise SettingsError(f"{name!r} is no name for a bot: use small letters, digits, - and _, like shop-helper")
    folder = read_settings(config).bots_dir / name
    if folder.exists():
        raise SettingsError(f"{folder} is there already")
    if (BUNDLED / name).is_dir() and not replace:
        raise SettingsError(
            f"there is a bundled bot {name!r}, which a folder would hide: take another name, or --replace"
        )
    title = name.replace("-", " ").replace("_", " ").title()
    folder.mkdir(parents=True)
    for template in _NEW_BOT.iterdir():
        text = template.read_text(encoding="utf-8").replace("{title}", title)
        (folder / template.name).write_text(text, encoding="utf-8")
    typer.echo(f"Made {folder}. Say in {folder / 'persona_prompt.md'} who it is, then: beseda run --bot {name}")
    if (BUNDLED / name).is_dir():
        typer.echo(f"It stands above the bundled {name}: delete the folder to have that one back.")


@app.command("check")
def check_bots(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Read every bot's folder and report its mistakes; exit 1 if there are any."""
    from beseda.cli.output import print_json

    catalog = _catalog(config)
    found = {name: _find_problems(catalog, name) for name in catalog.names()}
    found |= {str(folder): [problem] for folder, problem in catalog.strays().items()}
    if as_json:
        print_json(found)
    else:
        for name, problems in found.items():
            for problem in problems:
                typer.echo(f"✗ {name}: {problem}", err=True)
            if not problems:
                typer.echo(f"✓ {name}")
    if any(found.values()):
        raise typer.Exit(1)


def _find_problems(catalog: "Catalog", name: str) -> list[str]:
    try:
        catalog.load(name)
    except SettingsError as error:
        return error.detail.splitlines()
    return []
