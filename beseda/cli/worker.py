"""`beseda worker` and `beseda beat`: background jobs, which no message waits for, and their schedule."""

from typing import TYPE_CHECKING, Annotated

import typer

from beseda.cli.settings import ConfigOption, HostOption, open_storage, read_settings, serve_until_signal
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from beseda.config import Settings

_END_WITHIN = 25.0  # seconds: jobs have ten to end and fifteen to tidy up; supervisors are set to allow thirty

MonitoringPortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65535,
        help="Port of /health, /ready and /metrics [default: 8091, or a free one where that is taken].",
        show_default=False,
    ),
]


def worker(
    slots: Annotated[
        str, typer.Option("--slots", help="Kinds of work to take, with commas [default: all].", show_default=False)
    ] = "",
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=64, help="Jobs of each kind at once [default: as jobs.slots has it]."),
    ] = None,
    with_beat: Annotated[bool, typer.Option("--beat", help="Ask for what is due by the clock, too.")] = False,
    host: HostOption = None,
    port: MonitoringPortOption = None,
    config: ConfigOption = None,
) -> None:
    """Do the jobs of all bots that have a token here, beside others: from a broker, or straight from the database."""
    settings = _choose_slots(read_settings(config, quiet=False, host=host), slots, concurrency)
    from beseda.cli.worker_process import work

    serve_until_signal(work(settings, with_beat=with_beat, port=port), within=_END_WITHIN)


def beat(host: HostOption = None, port: MonitoringPortOption = None, config: ConfigOption = None) -> None:
    """Enqueue scheduled jobs when they are due; workers execute them. Several of these enqueue each job once."""
    serve_until_signal(_beat(read_settings(config, quiet=False, host=host), port))


def _choose_slots(settings: "Settings", names: str, width: int | None) -> "Settings":
    """Return settings with the slots of the command line. Raises SettingsError for one that there is not."""
    from beseda.engine.jobs.model import SLOTS

    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(SLOTS)
    if unknown := [name for name in wanted if name not in SLOTS]:
        raise SettingsError(f"--slots: there is no {unknown[0]!r}: there are {', '.join(SLOTS)}")
    usual = settings.slots()
    widths = {name: (width or usual[name]) if name in wanted else 0 for name in SLOTS}
    return settings.model_copy(update={"job_slots": tuple(f"{name}={count}" for name, count in widths.items())})


async def _beat(settings: "Settings", port: int | None) -> None:
    from beseda.app import open_app
    from beseda.app_tasks import keep_schedule
    from beseda.cli.output import print_start_line
    from beseda.cli.process import serve_monitoring

    open_storage(settings)
    async with open_app(settings) as app, serve_monitoring(app, port) as address:
        app.join("beat", keeps_schedule=True)
        print_start_line(settings, f"Beseda's clock is up; metrics at {address}/metrics")
        await keep_schedule(app)
