"""`make bench`: every promised figure beside its reference, in one run.

The bot has one core to itself, the servers and users that load it have the other. Exits with 1 if a bar is missed, with
2 if a bot did not do what was to be measured.
"""

import argparse
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import orjson
import uvloop

from bench import (
    analytics,
    background,
    beside,
    closed_loop,
    first_token,
    kill,
    leads,
    lost,
    media,
    peers,
    replicas,
    startup,
    storage,
    transcode,
    wave,
)
from bench.bots import MeasuringError, on_cores, split_cores
from bench.report import Section, format_section, to_plain

Measure = Callable[[Path, set[int]], Awaitable[Section]]


def main() -> None:
    """Measure what is asked for, print it, and judge."""
    options = _read_arguments()
    measures = _plan(options)
    # Other bots are installed from a package registry: only where that is asked for.
    wanted = options.only.split(",") if options.only else [name for name in measures if name != "peers"]
    _allow_many_connections()
    try:
        sections = uvloop.run(_measure({name: measures[name] for name in wanted}, quiet=options.json))
    except MeasuringError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    if options.json:
        print(orjson.dumps([to_plain(section) for section in sections], option=orjson.OPT_INDENT_2).decode())
    missed = [f"{section.title}: {row.name}" for section in sections for row in section.rows if not row.is_kept]
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    sys.exit(1 if missed and not options.no_bars else 0)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        default="",
        help="some of: loop,wave,first,start,storage,lost,kill,beside,background,transcode,media,replicas,analytics,"
        "leads,peers",
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of a round of the closed loop")
    parser.add_argument("--rounds", type=int, default=3, help="of the closed loop, for each bot")
    parser.add_argument("--users", type=int, default=1000, help="who all write at once")
    parser.add_argument("--waves", type=int, default=3, help="how often they do")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument(
        "--encoded", type=int, default=4, help="of the 20 recordings are MP3; with all it takes minutes"
    )
    parser.add_argument("--no-bars", action="store_true", help="exit with 0 whatever is missed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Mapping[str, Measure]:
    loop = closed_loop.Plan(rounds=options.rounds, seconds=options.seconds)
    crowd = wave.Plan(users=options.users, waves=options.waves)
    ordeal = kill.Ordeal(kills=options.kills)
    work = media.Plan(encoded=options.encoded)
    return {
        "loop": lambda folder, cores: closed_loop.measure(loop, folder, cores),
        "wave": lambda folder, cores: wave.measure(crowd, folder, cores),
        "first": first_token.measure,
        "start": startup.measure,
        "storage": lambda folder, _: storage.measure_section(f"sqlite:///{folder / 'bench.db'}"),
        "lost": lambda folder, cores: lost.measure(lost.Plan(), folder, cores),
        "kill": lambda folder, cores: kill.measure(ordeal, folder, cores),
        "transcode": transcode.measure,
        "beside": lambda folder, cores: beside.measure(beside.Plan(), folder, cores),
        "background": lambda folder, cores: background.measure(background.Plan(), folder, cores),
        "media": lambda folder, cores: media.measure(work, folder, cores),
        "analytics": lambda folder, cores: analytics.measure(analytics.Plan(), folder, cores),
        "leads": lambda folder, cores: leads.measure(leads.Plan(), folder, cores),
        "peers": lambda folder, cores: peers.measure(peers.Plan(), folder, cores),
        "replicas": lambda folder, cores: replicas.measure(replicas.Ordeal(), folder, cores),
    }


async def _measure(measures: Mapping[str, Measure], *, quiet: bool) -> list[Section]:
    bots, load = split_cores()
    sections: list[Section] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="beseda-bench-") as folder, on_cores(load):
        for name, measure in measures.items():
            place = Path(folder) / name
            place.mkdir()
            sections.append(await measure(place, bots))
            if not quiet:
                print(f"\n{format_section(sections[-1])}", flush=True)
    if not quiet:
        shared = (
            "one core for all: figures are worth little" if bots == load else "a core for the bot, one for the load"
        )
        seconds = time.perf_counter() - started
        print(f"\nPython {platform.python_version()}, {shared}, {seconds:.0f} s")
    return sections


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as one may: a thousand users need two connections each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
