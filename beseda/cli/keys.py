"""`beseda keys`: keys to the REST API."""

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from beseda.cli.settings import ConfigOption, JsonOption, name_database, open_storage, read_settings, run_async
from beseda.core.errors import NotFoundError, SettingsError
from beseda.web.api_key import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from beseda.config import Settings
    from beseda.features.api_keys.service import ApiKeyService
    from beseda.web.api_key import ApiKey

T = TypeVar("T")

app = typer.Typer(help="Keys to the REST API.", no_args_is_help=True)

_LONGEST_NAME = 200  # characters: a name is one cell of `beseda keys list`
ScopeOption = Annotated[
    Scope, typer.Option("--scope", help="`read`; `write`, which may read too; `admin`, which may do everything.")
]


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who will use it, like crm.", show_default=False)],
    scope: ScopeOption = Scope.READ,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make a key and show it, this once: only a hash of it is kept."""

    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise SettingsError(f"a key's name has 1 to {_LONGEST_NAME} visible characters")
    settings = read_settings(config)
    key, text = run_async(_use(settings, lambda keys: keys.create(name, scope)))
    typer.echo(f"Key {key.id} ({key.scope.value}) for {key.name}, in the database {name_database(settings)}", err=True)
    if as_json:
        _print_json({**_describe(key), "key": text})
        return
    typer.echo(text)
    typer.echo("It is shown this once: keep it safe.", err=True)


@app.command("list")
def list_keys(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the keys, newest first; the keys themselves are shown nowhere."""

    async def list_all(keys: "ApiKeyService") -> "list[ApiKey]":
        return await keys.page(limit=await keys.count() or 1)

    settings = read_settings(config)
    keys = run_async(_use(settings, list_all))
    typer.echo(f"Keys in the database {name_database(settings)}", err=True)
    if as_json:
        _print_json([_describe(key) for key in keys])
        return
    for key in keys:
        state = f"revoked {_show_time(key.revoked_at)}" if key.revoked_at else f"used {_show_time(key.last_used_at)}"
        typer.echo(f"{key.id:>4}  {key.scope.value:<6} {key.name:<24} {state}")


@app.command("revoke")
def revoke_key(
    number: Annotated[int, typer.Argument(help="The key's number in `beseda keys list`.", min=1, max=2**63 - 1)],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a key: within two seconds it opens nothing, on any machine."""
    settings = read_settings(config)
    place = name_database(settings)
    try:
        key = run_async(_use(settings, lambda keys: keys.revoke(number)))
    except NotFoundError as error:
        raise SettingsError(f"{place} has no key {number}: `beseda keys list` shows them") from error
    typer.echo(f"In the database {place}", err=True)
    if as_json:
        _print_json(_describe(key))
        return
    typer.echo(f"Key {key.id} for {key.name} is revoked.")


async def _use(settings: "Settings", work: "Callable[[ApiKeyService], Awaitable[T]]") -> T:
    """Return the result of `work` on the keys in the database of the settings."""
    from contextlib import AsyncExitStack

    from beseda.app_database import open_database
    from beseda.core.clock import SystemClock
    from beseda.features.api_keys.repository import ApiKeyRepository
    from beseda.features.api_keys.service import ApiKeyService

    open_storage(settings)
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        return await work(ApiKeyService(ApiKeyRepository(await open_database(settings, stack), clock), clock))


def _describe(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope.value,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _show_time(moment: Any) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment is not None else "never"


def _print_json(content: object) -> None:
    import orjson

    from beseda.cli.output import print_json

    print_json(content, options=orjson.OPT_UTC_Z)
