"""Kill -9 at random moments under load: is every message answered, and answered once?

One window cannot be closed: the process may die after Telegram has taken a message and before that is recorded. What
falls into it is decided by evidence: after each kill, before the restart, the database says which deliveries had been
begun and not recorded. A second answer to any other message is a fault.
"""

import asyncio
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.bots import BESEDA, BotProcess, start_bot, wait_for_call
from bench.crowd import Crowd, Question, open_crowd
from bench.model_server import Tempo
from bench.report import Bar, Row, Section

_BEGUN = """
SELECT updates.update_id FROM deliveries
JOIN turns ON turns.id = deliveries.turn_id AND turns.attempt = deliveries.attempt
JOIN updates ON updates.turn_id = turns.id
WHERE deliveries.state = 'sending' AND deliveries.message_id IS NULL
"""
_GROWING = """
SELECT deliveries.message_id FROM deliveries
JOIN turns ON turns.id = deliveries.turn_id AND turns.attempt = deliveries.attempt
WHERE turns.state = 'received' AND deliveries.message_id IS NOT NULL
"""
_UNFINISHED = "SELECT update_id FROM updates WHERE finished_at IS NULL"


@dataclass(frozen=True, slots=True)
class Ordeal:
    """How hard the bot is tried. `seed` decides the moments of the kills, the bursts and the model's delays.

    A kill comes up to `latest` seconds after a process's first sign of life: some meet the recovery of the one before,
    most of them the full load. With `groups` every second user writes in a group.
    """

    users: int = 200
    kills: int = 20
    seed: int = 1
    tempo: Tempo = field(default=Tempo(least=0.02, most=0.05, chunks=4))
    latest: float = 0.8
    groups: bool = False


# Answers that take their time: typing, drafts, and in groups a message that is sent early and edited as it grows.
GROWING = Ordeal(users=400, kills=10, tempo=Tempo(least=1.2, most=2.0, chunks=12), latest=2.5, groups=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it."""

    messages: int
    kills: int
    unanswered: int
    doubled_outside: int
    doubled_inside: int
    begun: int
    """Deliveries that were begun and not recorded at a kill: the window."""
    growing: int
    """Answers that were in the chat at a kill, known and not whole: they must be edited, not sent anew."""
    disordered: int
    """Users who got answers in another order than they asked."""
    strays: int
    """Messages to users that answer nothing: notices of failure."""
    unfinished: int
    """Updates that the database does not know to be worked off at the end."""
    start_seconds: float
    """Median, from the start of a process to its first call."""

    @property
    def faults(self) -> int:
        """How many things went wrong that must not."""
        return self.unanswered + self.doubled_outside + self.disordered + self.strays + self.unfinished

    def __str__(self) -> str:
        return (
            f"{self.messages} messages, {self.kills} kills: {self.unanswered} unanswered, "
            f"{self.doubled_outside} doubled outside the window, {self.doubled_inside} doubled inside it "
            f"({self.begun} deliveries were in it), {self.growing} were growing, {self.disordered} users out of order, "
            f"{self.strays} notices of failure, {self.unfinished} updates left"
        )


async def run_ordeal(ordeal: Ordeal, folder: Path, cores: set[int]) -> Verdict:
    """Kill a Beseda under load as often as asked, let it answer what is left, and judge."""
    async with open_crowd(burst=3, seed=ordeal.seed, groups=ordeal.groups) as crowd:
        crowd.model.tempo = ordeal.tempo
        trial = _Trial(crowd, folder, cores)
        moments = random.Random(ordeal.seed)
        crowd.start(ordeal.users)
        for _ in range(ordeal.kills):
            await trial.live_and_die(moments.uniform(0.0, ordeal.latest))
        await trial.live_on(1.0)
        return trial.judge(ordeal.kills)


async def measure(ordeal: Ordeal, folder: Path, cores: set[int]) -> Section:
    """Run the ordeal and show its verdict as figures."""
    verdict = await run_ordeal(ordeal, folder, cores)
    none = Bar(most=0)
    rows = [
        Row("messages", "", verdict.messages),
        Row("unanswered", "", verdict.unanswered, bar=none),
        Row("answered twice outside the window", "", verdict.doubled_outside, bar=none),
        Row("answered twice inside the window", "", verdict.doubled_inside, bar=Bar(most=2)),
        Row("deliveries in the window at a kill", "", verdict.begun),
        Row("users answered out of order", "", verdict.disordered, bar=none),
        Row("notices of failure", "", verdict.strays, bar=none),
        Row("updates left over", "", verdict.unfinished, bar=none),
    ]
    note = f"{ordeal.users} users in a closed loop, {verdict.kills} × kill -9 at random moments"
    return Section("Kill", note, rows)


class _Trial:
    def __init__(self, crowd: Crowd, folder: Path, cores: set[int]) -> None:
        self._crowd = crowd
        self._folder = folder
        self._cores = cores
        self._begun: defaultdict[str, list[float]] = defaultdict(list)
        self._growing = 0
        self._starts: list[float] = []

    async def live_and_die(self, seconds: float) -> None:
        bot = await self._start()
        try:
            await asyncio.sleep(seconds)
        finally:
            await bot.kill()
        await self._crowd.until_alone()  # what it had sent before it died is still taken
        now = time.perf_counter()
        for update_id in query_copy(self._database, _BEGUN):
            if (question := self._crowd.find(update_id)) is not None:
                self._begun[question.mark].append(now)
        self._growing += len(query_copy(self._database, _GROWING))

    async def live_on(self, seconds: float) -> None:
        bot = await self._start()
        try:
            await asyncio.sleep(seconds)
            # Five probes a second search for sends without an outcome: two hundred of them take minutes.
            await self._crowd.stop(within=600.0)
        finally:
            await bot.stop()

    def judge(self, kills: int) -> Verdict:
        crowd = self._crowd
        repeats = [count_repeats(item, self._begun.get(item.mark, [])) for item in crowd.questions.values()]
        return Verdict(
            messages=len(crowd.questions),
            kills=kills,
            unanswered=len(crowd.unanswered),
            doubled_outside=sum(outside for _, outside in repeats),
            doubled_inside=sum(inside for inside, _ in repeats),
            begun=sum(map(len, self._begun.values())),
            growing=self._growing,
            disordered=sum(heard != sorted(heard) for heard in crowd.orders()),
            strays=len(crowd.strays),
            unfinished=len(query_copy(self._database, _UNFINISHED)),
            start_seconds=statistics.median(self._starts),
        )

    @property
    def _database(self) -> Path:
        return self._folder / "data" / "beseda.db"

    async def _start(self) -> BotProcess:
        self._crowd.telegram.forget_calls()
        bot = await start_bot(BESEDA, self._crowd, self._folder, self._cores)
        try:
            self._starts.append(await wait_for_call(bot, self._crowd, "getMe"))
        except BaseException:
            await bot.kill()
            raise
        return bot


def count_repeats(question: Question, begun: list[float]) -> tuple[int, int]:
    """Return how many repeated answers fall into the window and how many do not.

    A repeat is in the window if between the answer before it and itself there was a kill at which the delivery had
    been begun and not recorded; `begun` are the moments of those kills.
    """
    pairs = list(zip(question.answers, question.answers[1:], strict=False))
    inside = sum(any(before <= moment <= after for moment in begun) for before, after in pairs)
    return inside, len(pairs) - inside


def query_copy(database: Path, query: str) -> list[int]:
    """Return the first column of a query on a copy of a SQLite file: looking must not change what is looked at."""
    if not database.exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        for suffix in ("", "-wal"):
            source = database.with_name(database.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(source.name))
        with closing(sqlite3.connect(copy)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").fetchone():
                return []  # killed before the first start had made the tables
            return [int(row[0]) for row in connection.execute(query)]
