"""Two replicas of a bot and two workers under load, and every part of them killed in turn.

PostgreSQL, Redis and the workers are real. Each victim dies by `kill -9` (the servers by the plug) and comes back after
a moment, while people go on writing and sending photos. What may be doubled is decided by evidence, as in `bench.kill`:
the deliveries that the dead replica had begun and not recorded.
"""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.bots import BESEDA, MeasuringError, running_bot
from bench.closed_loop import percentile
from bench.cluster import BOT, SECRET, Cluster
from bench.crowd import Question, open_crowd
from bench.http_server import serve
from bench.kill import count_repeats
from bench.media import make_photo
from bench.media_servers import MediaCrowd
from bench.model_server import Tempo
from bench.report import Bar, Row, Section
from bench.webhook_telegram import WebhookTelegram
from beseda.engine.updates.model import partition_of

_PHOTO_MODE = "✨ Enhance a photo"
_FIRST_PHOTOGRAPHER = 30_000
_ENHANCED = frozenset({"sendMediaGroup of .jpg", "sendDocument of .jpg"})


@dataclass(frozen=True, slots=True)
class Ordeal:
    """How hard the parts are tried: `calm` seconds around each death, `gone` seconds until the part is back.

    People think for `pause` seconds before they write again: the load is one that the machine can bear.
    """

    users: int = 450
    photographers: int = 50
    calm: float = 8.0
    gone: float = 1.5
    pause: tuple[float, float] = (2.0, 8.0)
    victims: Sequence[str] = ("bot-1", "worker-1", "redis", "postgres", "bot-2", "worker-2")
    seed: int = 1
    tempo: Tempo = field(default=Tempo(least=1.0, most=2.0, chunks=6))


@dataclass(frozen=True, slots=True)
class _Death:
    """What died when, with how many deliveries in the window; `parts` of the chats had no owner from then on."""

    victim: str
    moment: float
    begun: int = 0
    parts: frozenset[int] = frozenset()


class Trial:
    """One run: people write, parts die, and everything that was said is kept."""

    def __init__(self, ordeal: Ordeal, crowd: MediaCrowd, cluster: Cluster) -> None:
        self._ordeal = ordeal
        self._crowd = crowd
        self._cluster = cluster
        self._begun: defaultdict[str, list[float]] = defaultdict(list)
        self._begun_chats: set[int] = set()
        self._sent: defaultdict[int, int] = defaultdict(int)
        self.deaths: list[_Death] = []
        self.rate = 0.0
        self.cpu = 0.0

    async def run(self) -> None:
        """Let people write, kill every part, and let all be answered."""
        cluster = self._cluster
        await asyncio.gather(*(cluster.start(name) for name in ("bot-1", "bot-2", "worker-1", "worker-2")))
        await self._choose_mode()
        self._crowd.start(self._ordeal.users, pause=self._ordeal.pause)
        await self._measure_calm()
        photographs = asyncio.create_task(self._photograph())
        try:
            for victim in self._ordeal.victims:
                await asyncio.sleep(self._ordeal.calm)
                await self._lose(victim)
            await asyncio.sleep(self._ordeal.calm)
        finally:
            photographs.cancel()
            await asyncio.wait([photographs])
        if not await self._crowd.stop(within=90):
            raise MeasuringError(f"{len(self._crowd.unanswered)} texts stay unanswered")
        await self._until(lambda: not self.photos_missing, 90)

    async def _measure_calm(self) -> None:
        """Take the rate of texts, and the milliseconds of CPU for one, while there is nothing else."""
        await asyncio.sleep(self._ordeal.pause[1])
        start, cpu = time.perf_counter(), self._cluster.cpu()
        await asyncio.sleep(self._ordeal.calm)
        end, cpu = time.perf_counter(), self._cluster.cpu() - cpu
        count = len(self._crowd.answered_between(start, end))
        self.rate, self.cpu = count / (end - start), cpu / max(1, count) * 1000

    @property
    def photos_missing(self) -> int:
        """How many results of photos have not come."""
        return sum(max(0, sent - self._received(chat)) for chat, sent in self._sent.items())

    @property
    def photos_doubled(self) -> int:
        """How many results came twice, but for those whose delivery was in a window."""
        return sum(
            max(0, self._received(chat) - sent) for chat, sent in self._sent.items() if chat not in self._begun_chats
        )

    def count_repeats(self) -> tuple[int, int]:
        """Return how many texts were answered twice inside the window and outside it."""
        counts = [count_repeats(item, self._begun.get(item.mark, [])) for item in self._crowd.questions.values()]
        return sum(inside for inside, _ in counts), sum(outside for _, outside in counts)

    def waits(self, *, near_death: bool) -> list[float]:
        """Return the seconds that people waited beyond the model, of what was asked up to 5 s after a death or else."""

        def is_near(item: Question) -> bool:
            return any(-2.0 < item.asked - death.moment < 5.0 for death in self.deaths)

        return [item.waited for item in self._crowd.questions.values() if is_near(item) is near_death]

    def orphaned(self) -> list[float]:
        """Return the seconds from a replica's death to the answer, for all that waited then in the chats it had."""
        return [
            item.done - death.moment
            for death in self.deaths
            for item in self._crowd.questions.values()
            if item.asked < death.moment < item.done and partition_of(item.chat) in death.parts
        ]

    def explain(self) -> str:
        """Return what is known of each person who was answered out of order."""
        lines = [f"{death.victim} died at {death.moment:.2f}" for death in self.deaths]
        for heard in self._crowd.orders():
            if heard != sorted(heard):
                found = filter(None, map(self._crowd.find, dict.fromkeys(heard)))
                lines += [f"{item.update_id} {item.mark}: {item.asked:.2f} {item.answers}" for item in found]
        return "\n".join(lines)

    async def _lose(self, victim: str) -> None:
        cluster, servers = self._cluster, self._cluster.servers
        if victim in servers:
            await asyncio.to_thread(servers[victim].stop)
            self.deaths.append(_Death(victim, time.perf_counter()))
            await asyncio.sleep(self._ordeal.gone)
            await asyncio.to_thread(servers[victim].start)
            return
        parts = await cluster.kill(victim)
        begun = await cluster.begun(parts)
        now = time.perf_counter()
        for update_id, chat in begun:
            self._begun_chats.add(chat)
            if (question := self._crowd.find(update_id)) is not None:
                self._begun[question.mark].append(now)
        self.deaths.append(_Death(victim, now, len(begun), parts))
        await asyncio.sleep(self._ordeal.gone)
        await cluster.start(victim)

    async def _choose_mode(self) -> None:
        chats = range(_FIRST_PHOTOGRAPHER, _FIRST_PHOTOGRAPHER + self._ordeal.photographers)
        for chat in chats:
            self._crowd.write_as(chat, {"text": _PHOTO_MODE})
        await self._until(lambda: all(self._crowd.senders[chat].said for chat in chats), 60)

    async def _photograph(self) -> None:
        """Have everybody send a photo, and another one once its result is there."""
        while True:
            for chat in range(_FIRST_PHOTOGRAPHER, _FIRST_PHOTOGRAPHER + self._ordeal.photographers):
                if self._received(chat) >= self._sent[chat]:
                    self._sent[chat] += 1
                    file_id = f"photo-{chat}-{self._sent[chat]}"
                    photo = {"file_id": file_id, "file_unique_id": file_id, "width": 160, "height": 120}
                    self._crowd.write_as(chat, {"photo": [photo]})
            await asyncio.sleep(1.0)

    def _received(self, chat: int) -> int:
        kinds = [upload.kind for upload in self._crowd.senders[chat].uploads]
        return min(kinds.count(kind) for kind in _ENHANCED)

    async def _until(self, is_so: Callable[[], bool], within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not is_so():
                    self._crowd.heard.clear()
                    await self._crowd.heard.wait()
        except TimeoutError:
            raise MeasuringError("what was asked for did not come") from None


async def measure(ordeal: Ordeal, folder: Path, cores: set[int]) -> Section:
    """Run the ordeal and show its verdict as figures. Raises MeasuringError where anything stays unanswered."""
    alone = await _measure_alone(ordeal, folder / "alone", cores)
    trial, rows = await run_ordeal(ordeal, folder, cores)
    calm, near = ([wait * 1000 for wait in trial.waits(near_death=near)] for near in (False, True))
    told = "a text's wait p95, from 2 s before to 5 s after a death"
    figures = [
        Row(told, "ms", percentile(near, 0.95), percentile(calm, 0.95)),
        Row("a text's wait at most", "ms", max(near), max(calm)),
        Row("texts answered per second", "", trial.rate),
        Row("CPU of the replicas per text", "ms", trial.cpu, alone),
        Row("from a replica's death to the answer, for who waited, p50", "s", percentile(trial.orphaned(), 0.5)),
        Row("from a replica's death to the answer, for who waited, at most", "s", max(trial.orphaned())),
    ]
    return Section("Replicas", _note(ordeal, trial), [*rows, *figures])


async def run_ordeal(ordeal: Ordeal, folder: Path, cores: set[int]) -> tuple[Trial, list[Row]]:
    """Run the ordeal and judge what was lost, doubled or out of order. Raises MeasuringError."""
    async with _open_cluster(ordeal, folder, cores) as (crowd, cluster):
        trial = Trial(ordeal, crowd, cluster)
        await trial.run()
        await cluster.until_idle(within=60)  # people have their answers: summaries of long talks may still be due
        await cluster.stop()
        unfinished = await cluster.list_unfinished()
    if any(heard != sorted(heard) for heard in crowd.orders()):
        print(trial.explain(), file=sys.stderr)
    if unfinished:
        print("left over:", *unfinished, sep="\n", file=sys.stderr)
    return trial, _judge(crowd, trial, len(unfinished))


async def _measure_alone(ordeal: Ordeal, folder: Path, cores: set[int]) -> float:
    """Return the milliseconds of CPU for a text of one process on SQLite, under the same load."""
    async with open_crowd(seed=ordeal.seed) as crowd, running_bot(BESEDA, crowd, folder, cores) as bot:
        crowd.model.tempo = ordeal.tempo
        crowd.start(ordeal.users, pause=ordeal.pause)
        await asyncio.sleep(ordeal.pause[1])
        start, cpu = time.perf_counter(), bot.cpu()
        await asyncio.sleep(ordeal.calm)
        count = len(crowd.answered_between(start, time.perf_counter()))
        return (bot.cpu() - cpu) / max(1, count) * 1000


def _judge(crowd: MediaCrowd, trial: Trial, unfinished: int) -> list[Row]:
    none = Bar(most=0)
    inside, outside = trial.count_repeats()
    return [
        Row("texts", "", len(crowd.questions)),
        Row("photos", "", sum(len(sender.uploads) for sender in crowd.senders.values()) // len(_ENHANCED)),
        Row("texts unanswered", "", len(crowd.unanswered), bar=none),
        Row("texts answered twice outside the window", "", outside, bar=none),
        Row("texts answered twice inside the window", "", inside),
        Row("deliveries in the window at a death", "", sum(death.begun for death in trial.deaths)),
        Row("users answered out of order", "", sum(heard != sorted(heard) for heard in crowd.orders()), bar=none),
        Row("photos without a result", "", trial.photos_missing, bar=none),
        Row("results of photos that came twice", "", trial.photos_doubled, bar=none),
        Row("notices of failure", "", len(crowd.strays), bar=none),
        Row("updates and jobs left over", "", unfinished, bar=none),
    ]


def _note(ordeal: Ordeal, trial: Trial) -> str:
    victims = ", ".join(death.victim for death in trial.deaths)
    return (
        f"2 replicas behind webhooks, 2 Celery workers, PostgreSQL, Redis; {ordeal.users} people write, think for "
        f"{ordeal.pause[0]:g}-{ordeal.pause[1]:g} s and write again, {ordeal.photographers} send photos; killed in "
        f"turn and back after {ordeal.gone:g} s: {victims}; "
        "reference: waits while nothing dies, CPU of one process on SQLite"
    )


@asynccontextmanager
async def _open_cluster(ordeal: Ordeal, folder: Path, cores: set[int]) -> AsyncIterator[tuple[MediaCrowd, Cluster]]:
    crowd = MediaCrowd(WebhookTelegram, seed=ordeal.seed)
    telegram = crowd.telegram
    assert isinstance(telegram, WebhookTelegram)
    crowd.model.tempo = ordeal.tempo
    telegram.files = {"photo": await asyncio.to_thread(make_photo, folder / "photo.jpg", "160x120")}
    async with serve(telegram.handle) as api, serve(crowd.model.handle) as model:
        crowd.servers = api, model
        telegram.open(f"/telegram/{BOT}", SECRET)
        cluster = await asyncio.to_thread(Cluster, crowd, telegram, folder, cores)
        try:
            yield crowd, cluster
        finally:
            await cluster.stop()
            await telegram.close()
            cluster.close()
