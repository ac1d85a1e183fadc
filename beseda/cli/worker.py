"""`beseda worker`: the work that no message waits for."""

from typing import TYPE_CHECKING

import typer

from beseda.cli.settings import ConfigOption, open_storage, read_settings, serve_until_signal

if TYPE_CHECKING:
    from beseda.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("worker")(worker)


def worker(config: ConfigOption = None) -> None:
    """Do the work of the schedule in a process of its own, until stopped. `beseda run` does the same inside."""
    serve_until_signal(_work(read_settings(config, quiet=False)))


async def _work(settings: "Settings") -> None:
    from beseda.bootstrap import open_container
    from beseda.bots.catalog import Catalog
    from beseda.worker import load_schedule, register_tasks
    from beseda.worker.schedule import Scheduler

    open_storage(settings)
    async with open_container(settings) as container:
        container.meetings.adopt(Catalog([settings.bots_dir]).diaries())
        register_tasks(container.jobs, container)
        typer.echo("Beseda's worker is up")
        await Scheduler(container.jobs, load_schedule(), container.clock).run()
