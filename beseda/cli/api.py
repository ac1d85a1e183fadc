"""`beseda api`: the REST API alone, for several machines."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import typer

from beseda.cli.settings import ConfigOption, HostOption, PortOption, open_storage, read_settings, serve_until_signal
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from beseda.config import Settings


def api(host: HostOption = None, port: PortOption = None, config: ConfigOption = None) -> None:
    """Serve the REST API without bots: they run elsewhere, on the same database."""
    serve_until_signal(_serve(read_settings(config, quiet=False, host=host, port=port)))


async def _serve(settings: "Settings") -> None:
    import asyncio

    from beseda.api.app import api_app
    from beseda.app import open_app
    from beseda.asgi import build_api_services
    from beseda.bots.catalog import Catalog
    from beseda.cli.process import listen, working_slots
    from beseda.core.serving import serve_app
    from beseda.web.dependencies import BotList

    open_storage(settings)
    catalog, profiles = Catalog([settings.bots_dir]), []
    for name in catalog.names():
        try:
            profiles.append(catalog.load(name))
        except SettingsError as error:
            typer.echo(f"beseda: the bot {name} is left out: {error.detail}", err=True)
    async with AsyncExitStack() as stack:
        listener = listen(settings, stack)
        app = await stack.enter_async_context(open_app(settings))
        slots = () if settings.celery_broker_url else working_slots(settings)
        app.join("api", slots=slots)
        services = build_api_services(app, app.list_checks(), BotList(profiles))
        await stack.enter_async_context(serve_app(api_app(services), listener))
        typer.echo(f"Beseda's API is up: {listener.address}/docs")
        await asyncio.Event().wait()
