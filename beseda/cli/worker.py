"""`beseda worker`: the work that no message waits for."""

import typer

from beseda.cli.settings import ConfigOption, read_settings, run_async


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("worker")(worker)


def worker(config: ConfigOption = None) -> None:
    """Tidy up the database in a process of its own, until stopped. `beseda run` does the same inside."""
    from beseda.bootstrap import open_container
    from beseda.services.housekeeping import Housekeeping

    settings = read_settings(config)

    async def work() -> None:
        async with open_container(settings) as container:
            typer.echo("Beseda's worker is up")
            await Housekeeping(container.record.updates, container.clock).run()

    run_async(work())
