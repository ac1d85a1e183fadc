"""`beseda status`: the running system as its database shows it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from beseda.cli.settings import ConfigOption, JsonOption, read_settings, run_async
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from beseda.config import Settings

_FLOOD_HOURS = 1  # a longer look back would show waits that are over


def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the running system: processes, chats by process, queues and how far they lag behind.

    `beseda doctor` checks settings and services, this command the running system. Exit 1 if no process is alive.
    """
    import orjson

    found = run_async(_read(read_settings(config)))
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
    else:
        for line in _write(found):
            typer.echo(line)
    if not found["processes"]:
        raise typer.Exit(1)


async def _read(settings: "Settings") -> dict[str, Any]:
    from contextlib import AsyncExitStack
    from datetime import timedelta

    from beseda.core.clock import SystemClock
    from beseda.core.disk import read_free_bytes
    from beseda.db.database import Database
    from beseda.db.migrate import check
    from beseda.engine.flood_waits.repository import FloodWaitRepository
    from beseda.engine.processes.model import ALIVE_WITHIN
    from beseda.engine.processes.repository import ProcessRepository
    from beseda.engine.shards.repository import ShardLeaseRepository
    from beseda.features.analytics.repository import AnalyticsRepository

    if problems := await check(settings.database()):
        raise SettingsError(problems[0])
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        database = await Database.open(settings.database())
        stack.push_async_callback(database.close)
        now = clock.now()
        backlog = await AnalyticsRepository(database, clock).read_backlog()
        processes = await ProcessRepository(database).list(now - ALIVE_WITHIN)
        shards = await ShardLeaseRepository(database, clock).count_shards()
        floods = await FloodWaitRepository(database, clock).count(now - timedelta(hours=_FLOOD_HOURS))
    return {
        "processes": [
            {
                "role": process.role,
                "host": process.host,
                "pid": process.pid,
                "version": process.version,
                "slots": process.slots,
                "keeps_schedule": process.keeps_schedule,
                "started_at": process.started_at,
                "seen_at": process.seen_at,
            }
            for process in processes
        ],
        "bots": [
            {
                "bot": bot,
                "shards": dict(shards.get(bot, {})),
                "unfinished_updates": count,
                "lag_seconds": _age(backlog.oldest_update.get(bot), now),
            }
            for bot, count in sorted(backlog.updates.items())
        ],
        "jobs": [
            {"slot": slot, "state": state, "count": count, "lag_seconds": _age(backlog.oldest_job.get(slot), now)}
            for (slot, state), count in sorted(backlog.jobs.items())
        ],
        "webhooks": {"unsent": backlog.webhooks, "lag_seconds": _age(backlog.oldest_webhook, now)},
        "flood_waits_last_hour": floods,
        "disk_free_bytes": read_free_bytes(settings.storage_dir),
    }


def _age(moment: datetime | None, now: datetime) -> float:
    return round(max(0.0, (now - moment).total_seconds()), 1) if moment is not None else 0.0


def _write(found: dict[str, Any]) -> list[str]:
    lines = ["Processes" if found["processes"] else "Processes: none is alive"]
    for process in found["processes"]:
        work = ", ".join([*process["slots"], *(["schedule"] if process["keeps_schedule"] else [])])
        since = process["started_at"].astimezone(UTC)
        lines.append(
            f"  {process['role']:<7} {process['host']} pid {process['pid']}, {process['version']}, "
            f"since {since:%Y-%m-%d %H:%M} UTC" + (f"; jobs: {work}" if work else "")
        )
    lines.append("Bots")
    for bot in found["bots"]:
        shards = ", ".join(f"{count} of {owner.rpartition(':')[0]}" for owner, count in bot["shards"].items())
        lines.append(
            f"  {bot['bot']:<16} {_queue(bot['unfinished_updates'], bot['lag_seconds'])}; shards: {shards or '-'}"
        )
    lines.append("Jobs")
    for job in found["jobs"]:
        if job["count"]:
            lag = job["lag_seconds"] if job["state"] == "queued" else 0.0
            lines.append(f"  {job['slot']:<7} {job['state']:<8} {_queue(job['count'], lag)}")
    if not any(job["count"] for job in found["jobs"]):
        lines.append("  none queued, none running")
    webhooks = found["webhooks"]
    lines.append(f"Webhooks: {_queue(webhooks['unsent'], webhooks['lag_seconds'])}")
    lines.append(f"Flood waits in the last hour: {found['flood_waits_last_hour']}")
    lines.append(f"Free disk: {found['disk_free_bytes'] // 1024**2} MiB")
    return lines


def _queue(count: int, lag: float) -> str:
    return f"{count} waiting, the oldest for {lag:.0f} s" if count and lag else f"{count} waiting"
